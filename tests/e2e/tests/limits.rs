//! What a browser cannot do is listed in `limits.toml`; the list is true.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::with_page;
use serde::Deserialize;

#[derive(Deserialize)]
struct Limits {
    limit: Vec<Limit>,
}

#[derive(Deserialize)]
struct Limit {
    within: Vec<String>,
    tests: Vec<String>,
    /// An expression in the page's script that is true as long as the browser has the limit, where a script
    /// can tell.
    probe: Option<String>,
}

fn limits() -> Result<Vec<Limit>> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/limits.toml"))?;
    let limits: Limits = toml::from_str(&text).context("limits.toml")?;
    Ok(limits.limit)
}

#[test]
fn every_test_that_is_left_out_somewhere_is_there() -> Result<()> {
    let mut source = String::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"))? {
        source.push_str(&fs::read_to_string(entry?.path())?);
    }
    for test in limits()?.iter().flat_map(|limit| &limit.tests) {
        ensure!(source.contains(&format!("fn {test}(")), "there is no test {test}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_still_has_its_limits() -> Result<()> {
    with_page(async |scenario, _| {
        let browser = scenario.browser();
        let here = [browser.kind().name().to_owned()];
        for limit in limits()?.iter().filter(|limit| limit.within == here) {
            let Some(probe) = &limit.probe else { continue };
            let holds = browser
                .client()
                .execute(&format!("return {probe};"), Vec::new())
                .await?;
            ensure!(
                holds == true,
                "{probe} is {holds}: these tests may run now: {:?}",
                limit.tests
            );
        }
        Ok(())
    })
    .await
}
