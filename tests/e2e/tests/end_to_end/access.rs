//! No state of the page keeps anybody from using it, as far as axe-core can tell: by WCAG 2.2 AA and
//! its best practices, in light and dark, on a phone and a wide screen, from left to right and from
//! right to left.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::{Look, Page, Scenario, axe_script, wait_until, with_page, write_large_file};
use fantoccini::{Locator, error::CmdError};
use serde_json::{Value, json};

/// The looks that every state is checked in.
const LOOKS: [(&str, Look); 4] = [
    ("wide", Look::WIDE),
    ("wide-dark", Look::WIDE_AND_DARK),
    ("narrow", Look::NARROW),
    ("narrow-dark", Look::NARROW_AND_DARK),
];

/// So slow that a file of some mebibytes stays on its way.
const SLOW_BYTES_PER_SECOND: u64 = 64 << 10;

/// What axe-core finds in the page, each as a line for a person.
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const tell = ({ id, help, nodes }) =>
        `${id} (${help}): ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`;
    // Colours that are still changing are not the page's.
    const frame = () => new Promise(requestAnimationFrame);
    const still = () => Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
    frame().then(frame).then(still).then(() => axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }))
        .then(({ violations, passes }) => done({ found: violations.map(tell), passes: passes.length }))
        .catch((error) => done({ found: [String(error)], passes: 0 }));";

/// A picker's own event, with as many small files as no person would want to make on a disk.
const PICK_MANY: &str = "
    const transfer = new DataTransfer();
    for (let number = 0; number < arguments[0]; number += 1) {
        transfer.items.add(new File(['small'], `measurement ${number}.csv`, { type: 'text/csv' }));
    }
    const picker = document.getElementById('file-picker');
    picker.files = transfer.files;
    picker.dispatchEvent(new Event('change'));";

/// One language's way through all states.
struct Check<'a> {
    scenario: &'a Scenario,
    language: &'static str,
    /// axe-core's source.
    axe: String,
}

impl Check<'_> {
    /// Looks at the page as it is now, in every look.
    async fn look(&self, state: &str) -> Result<()> {
        let client = self.scenario.browser().client();
        client.execute(&self.axe, Vec::new()).await?;
        for (name, look) in &LOOKS {
            look.show(client).await?;
            let report = client.execute_async(RUN_AXE, Vec::new()).await?;
            let picture = format!("{}-{state}-{name}", self.language);
            self.scenario.save_screenshot(&picture).await?;
            ensure!(report["found"] == json!([]), "{picture}: {:#}", report["found"]);
            ensure!(
                report["passes"].as_u64() > Some(5),
                "{picture}: axe-core looked at nothing"
            );
        }
        Look::WIDE.show(client).await?;
        Ok(())
    }

    /// Opens the page with these settings, in the language.
    async fn open(&self, settings: Value) -> Result<Page> {
        let page = self.scenario.open_page_with(settings).await?;
        let client = self.scenario.browser().client();
        let keep = "localStorage.setItem('slipway-language', arguments[0]);";
        client.execute(keep, vec![json!(self.language)]).await?;
        client.refresh().await?;
        client.wait().for_element(Locator::Id("file-picker")).await?;
        Ok(page)
    }

    async fn choosing(&self) -> Result<()> {
        let settings = json!({ "accept": "image/*,.txt", "maxFileBytes": 100_000, "maxFiles": 20 });
        let page = self.open(settings).await?;
        self.look("empty-with-limits").await?;
        let files = &self.scenario.files;
        let mut chosen = vec![files.add("large.txt", 200_000)?];
        for number in 0..9 {
            chosen.push(files.add(&format!("program {number}.exe"), 10)?);
        }
        page.pick(&chosen).await?;
        self.wait_for_element(".rejections:not([hidden])").await?;
        self.look("rejections").await
    }

    /// A list with a file in every state that a file can stay in.
    async fn working(&self) -> Result<()> {
        let settings = json!({ "backoffMilliseconds": 60_000, "maxAttempts": 100 });
        let page = self.open(settings).await?;
        self.look("empty").await?;
        let (files, controls) = (&self.scenario.files, self.scenario.controls());
        page.pick(&[files.add("a picture of the harbour at low tide.png", 30_000)?])
            .await?;
        wait_for_states(&page, &["stored"]).await?;
        self.press_filter(3).await?;
        self.wait_for_element(".none-shown:not([hidden])").await?;
        self.look("nothing-to-show").await?;
        self.press_filter(0).await?;

        self.scenario.browser().expect_console_errors("403");
        controls.fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        page.pick(&[files.add("refused.pdf", 4_000)?]).await?;
        wait_for_states(&page, &["stored", "failed"]).await?;
        self.look("failed").await?;

        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick(&[files.add("interview with the harbour master, first part.mp3", 12 << 20)?])
            .await?;
        wait_for_states(&page, &["stored", "failed", "sending"]).await?;
        page.pick(&[files.add("stopped.mov", 9 << 20)?]).await?;
        self.press_in_row("stopped.mov", "pause").await?;
        page.pick(&[files.add("unwanted.zip", 9 << 20)?]).await?;
        self.press_in_row("unwanted.zip", "cancel").await?;
        self.scenario.browser().expect_console_errors("503");
        controls.fail_next_s3_requests(1000, "PUT", 503, "SlowDown");
        page.pick(&[files.add("later.xlsx", 2_000)?]).await?;
        let all = ["stored", "failed", "sending", "paused", "cancelled", "waiting"];
        wait_for_states(&page, &all).await?;
        self.look("every-state").await
    }

    async fn interrupted(&self) -> Result<()> {
        self.scenario.browser().expect_console_errors("beforeunload");
        let path = self.scenario.files.path("survey of the sea bed.tar");
        write_large_file(&path, 40 << 20)?;
        let page = self.open(json!({})).await?;
        let forget = ".file-row:not([hidden]) [data-action=forget]:not([hidden])";
        self.scenario.controls().set_s3_bytes_per_second(Some(1 << 20));
        page.pick_paths(&[&path]).await?;
        self.scenario.wait_for_parts(1).await?;
        self.open(json!({})).await?;
        self.wait_for_element(forget).await?;
        self.look("interrupted").await
    }

    async fn ten_thousand(&self) -> Result<()> {
        self.scenario
            .controls()
            .set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        self.open(json!({})).await?;
        let client = self.scenario.browser().client();
        client.execute(PICK_MANY, vec![json!(10_000)]).await?;
        self.wait_for_element("[aria-setsize='10000']").await?;
        self.look("ten-thousand").await
    }

    async fn page_errors(&self) -> Result<()> {
        let client = self.scenario.browser().client();
        self.scenario.set_settings(json!({ "parallelRequests": 0 }));
        client.refresh().await?;
        self.wait_for_element(".page-error").await?;
        self.look("bad-settings").await?;
        self.scenario.set_settings(json!({}));
        self.scenario.browser().expect_console_errors("no worker today");
        self.scenario
            .run_before_workers("throw new Error('no worker today');");
        client.refresh().await?;
        self.wait_for_element(".page-error").await?;
        self.look("no-worker").await
    }

    async fn wait_for_element(&self, selector: &str) -> Result<()> {
        let client = self.scenario.browser().client();
        wait_until(selector, async || {
            let found = client.find(Locator::Css(selector)).await;
            Ok(found.map(|_| ()).map_err(|error| error.to_string()))
        })
        .await
    }

    async fn press_filter(&self, index: usize) -> Result<(), CmdError> {
        let filters = self.scenario.browser().client();
        filters.find_all(Locator::Css(".filter")).await?[index]
            .click()
            .await
    }

    /// Presses a button of the row of this file, once it is there.
    async fn press_in_row(&self, name: &str, action: &str) -> Result<()> {
        const PRESS: &str = "
            const rows = Array.from(document.querySelectorAll('[data-file-id]'));
            const row = rows.find((row) => row.querySelector('.file-name').textContent === arguments[0]);
            const button = row?.querySelector(`[data-action=${arguments[1]}]:not([hidden])`);
            button?.click();
            return Boolean(button);";
        let client = self.scenario.browser().client();
        wait_until("a button", async || {
            let pressed = client.execute(PRESS, vec![json!(name), json!(action)]).await?;
            Ok(if pressed == true {
                Ok(())
            } else {
                Err(format!("{name} has no {action}"))
            })
        })
        .await
    }
}

/// Waits until the files are in these states, in the order in which they were added.
async fn wait_for_states(page: &Page, states: &[&str]) -> Result<()> {
    page.wait_for(&format!("files that are {states:?}"), |rows| {
        let are: Vec<&str> = rows.iter().map(|row| row.state.as_str()).collect();
        (are == states).then_some(())
    })
    .await
}

async fn check(language: &'static str, visit: impl AsyncFnOnce(&Check<'_>) -> Result<()>) -> Result<()> {
    with_page(async |scenario, _| {
        let axe = fs::read_to_string(axe_script()?).context("axe-core is missing")?;
        let check = Check {
            scenario,
            language,
            axe,
        };
        visit(&check).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn choosing_files_and_having_some_left_out_keeps_nobody_out() -> Result<()> {
    check("en", async |check| check.choosing().await).await?;
    check("ar", async |check| check.choosing().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_every_state_keep_nobody_out() -> Result<()> {
    check("en", async |check| check.working().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_every_state_from_right_to_left_keep_nobody_out() -> Result<()> {
    check("ar", async |check| check.working().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_keeps_nobody_out() -> Result<()> {
    check("en", async |check| check.interrupted().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files_keep_nobody_out() -> Result<()> {
    check("en", async |check| check.ten_thousand().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_work_keeps_nobody_out() -> Result<()> {
    check("en", async |check| check.page_errors().await).await
}
