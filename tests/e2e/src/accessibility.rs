//! Whether anything keeps somebody from using the page, as far as axe-core can find it.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{Look, Scenario, environment::path_of};

/// How the page is shown for each check. Widths change what is where, and darkness changes colours, so that each pair has
/// all of both.
const LOOKS: [(&str, Look); 2] = [("wide", Look::WIDE), ("narrow-dark", Look::NARROW_AND_DARK)];

/// How it is shown in languages that are written from right to left, so that all four are seen.
const RIGHT_TO_LEFT_LOOKS: [(&str, Look); 2] = [("wide-dark", Look::WIDE_AND_DARK), ("narrow", Look::NARROW)];

/// Runs axe-core, and returns each violation as a line to read.
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const describe = ({ id, help, nodes }) =>
        `${id} (${help}): ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`;
    // Colours in transition are not the page's.
    const frame = () => new Promise(requestAnimationFrame);
    const settled = () => Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
    frame().then(frame).then(settled).then(() => axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }))
        .then(({ violations, passes }) => done({ found: violations.map(describe), passes: passes.length }))
        .catch((error) => done({ found: [String(error)], passes: 0 }));";

/// Checks the page as it is now by WCAG 2.2 AA and axe-core's best practices, once in light and once in dark, on a phone
/// and on a wide screen, and saves a picture of each look under this name. The browser must be Chromium.
pub async fn check_accessibility(scenario: &Scenario, name: &str) -> Result<()> {
    let axe = fs::read_to_string(path_of("SLIPWAY_AXE")?).context("axe-core is missing")?;
    let client = scenario.client();
    client.execute(&axe, Vec::new()).await?;
    let direction = client.execute("return document.documentElement.dir;", Vec::new());
    let looks = match direction.await?.as_str() {
        Some("rtl") => RIGHT_TO_LEFT_LOOKS,
        _ => LOOKS,
    };
    for (look_name, look) in &looks {
        look.show(client).await?;
        let report = client.execute_async(RUN_AXE, Vec::new()).await?;
        let picture = format!("{name}-{look_name}");
        scenario.save_screenshot(&picture).await?;
        ensure!(report["found"] == json!([]), "{picture}: {:#}", report["found"]);
        ensure!(
            report["passes"].as_u64() > Some(5),
            "{picture}: axe-core checked nothing"
        );
    }
    Look::WIDE.show(client).await?;
    Ok(())
}
