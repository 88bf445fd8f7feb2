//! Every state of the page is accessible, as far as axe-core can check: by WCAG 2.2 AA and
//! its best practices, in light and dark, on a phone and a wide screen, from left to right and from
//! right to left.

use anyhow::Result;
use e2e::{
    Page, Scenario, check_accessibility, met, set_offline, wait_until, with_page, with_sign_in,
    write_large_file,
};
use fantoccini::{Locator, error::CmdError};
use oidc_provider::ProviderOptions;
use serde_json::{Value, json};

use crate::{
    links, setup_check,
    sign_in::{press, sign_in},
};

/// So slow that a file of some mebibytes stays in flight.
const SLOW_BYTES_PER_SECOND: u64 = 64 << 10;

/// Stops a worker when it hashes.
const NO_DIGEST: &str = "crypto.subtle.digest = () => new Promise(() => {});";

/// The picker's own event, with more small files than anybody would want to create on a disk.
const PICK_MANY: &str = "
    const transfer = new DataTransfer();
    for (let number = 0; number < arguments[0]; number += 1) {
        transfer.items.add(new File(['small'], `measurement ${number}.csv`, { type: 'text/csv' }));
    }
    const picker = document.getElementById('file-picker');
    picker.files = transfer.files;
    picker.dispatchEvent(new Event('change'));";

/// Hides the files of every batch.
const HIDE_ALL: &str = "
    for (const toggle of document.querySelectorAll('.batch-row [aria-expanded=true]')) toggle.click();";

/// Goes through the states in one language.
struct Check<'a> {
    scenario: &'a Scenario,
    language: &'static str,
}

impl Check<'_> {
    /// Checks the page as it is now, in every look.
    async fn look(&self, state: &str) -> Result<()> {
        check_accessibility(self.scenario, &format!("{}-{state}", self.language)).await
    }

    /// Opens the page with these settings, in the language.
    async fn open(&self, settings: Value) -> Result<Page> {
        let page = self.scenario.open_page_with(settings).await?;
        let client = self.scenario.client();
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

    /// A list with a file in every state in which a file can stay.
    async fn working(&self) -> Result<()> {
        let settings = json!({ "backoffMilliseconds": 60_000, "maxAttempts": 100 });
        let page = self.open(settings).await?;
        self.look("empty").await?;
        let (files, controls) = (&self.scenario.files, self.scenario.controls());
        page.pick(&[files.add("a picture of the harbour at low tide.png", 30_000)?])
            .await?;
        page.wait_for_states(&["stored"]).await?;
        self.press_filter(3).await?;
        self.wait_for_element(".none-shown:not([hidden])").await?;
        self.look("nothing-to-show").await?;
        self.press_filter(0).await?;

        self.scenario.expect_console_errors("403");
        controls.fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        page.pick(&[files.add("refused.pdf", 4_000)?]).await?;
        page.wait_for_states(&["stored", "failed"]).await?;
        self.look("failed").await?;

        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick(&[files.add("interview with the harbour master, first part.mp3", 12 << 20)?])
            .await?;
        page.wait_for_states(&["stored", "failed", "sending"]).await?;
        page.pick(&[files.add("stopped.mov", 9 << 20)?]).await?;
        self.press_in_row("stopped.mov", "pause").await?;
        page.pick(&[files.add("unwanted.zip", 9 << 20)?]).await?;
        self.press_in_row("unwanted.zip", "cancel").await?;
        self.scenario.expect_console_errors("503");
        controls.fail_next_s3_requests(1000, "PUT", 503, "SlowDown");
        page.pick(&[files.add("later.xlsx", 2_000)?]).await?;
        let all = ["stored", "failed", "sending", "paused", "cancelled", "waiting"];
        page.wait_for_states(&all).await?;
        self.look("every-state").await
    }

    async fn interrupted(&self) -> Result<()> {
        self.scenario.expect_console_errors("beforeunload");
        let path = self.scenario.files.path("survey of the sea bed.tar");
        write_large_file(&path, 40 << 20)?;
        let page = self.open(json!({})).await?;
        let forget = ".file-row:not([hidden]) [data-action=forget]:not([hidden])";
        self.scenario.controls().set_s3_bytes_per_second(Some(1 << 20));
        page.pick_paths(&[&path]).await?;
        self.scenario.wait_for_parts(1).await?;
        self.scenario.run_before_workers(NO_DIGEST);
        let page = self.open(json!({})).await?;
        self.wait_for_element(forget).await?;
        self.look("interrupted").await?;
        // What was stored is compared with the file that is picked again.
        page.pick_paths(&[&path]).await?;
        page.wait_for_state("comparing").await?;
        self.look("comparing").await
    }

    /// A state that is over too soon to be checked unless the worker stops in it.
    async fn stopped_in(&self, state: &str, hold: &str) -> Result<()> {
        self.scenario.expect_console_errors("beforeunload");
        self.scenario.run_before_workers(hold);
        let page = self.open(json!({})).await?;
        let file = self.scenario.files.add(&format!("{state}.txt"), 9 << 20)?;
        page.pick(&[file]).await?;
        page.wait_for_state(state).await?;
        self.look(state).await
    }

    /// An upload that belongs to another tab, and one without a network.
    async fn elsewhere(&self) -> Result<()> {
        let browser = self.scenario.browser();
        browser.expect_console_errors("beforeunload");
        browser.expect_console_errors("ERR_INTERNET_DISCONNECTED");
        let path = self.scenario.files.path("the whole harbour.tar");
        write_large_file(&path, 40 << 20)?;
        let page = self.open(json!({})).await?;
        let controls = self.scenario.controls();
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick_paths(&[&path]).await?;
        page.wait_for_state("sending").await?;
        let tab = browser.client().new_window(true).await?.handle;
        browser.client().switch_to_window(tab).await?;
        let page = self.scenario.open_page().await?;
        page.wait_for_state("elsewhere").await?;
        self.look("elsewhere").await?;
        set_offline(browser, true).await?;
        page.pick(&[self.scenario.files.add("offline.txt", 10)?]).await?;
        page.wait_for_states(&["elsewhere", "offline"]).await?;
        self.look("offline").await
    }

    async fn set_up(&self) -> Result<()> {
        self.open(json!({})).await?;
        setup_check::open(self.scenario).await?;
        self.look("set-up-unchecked").await?;
        setup_check::check(self.scenario).await?;
        self.look("set-up-right").await?;
        self.scenario.controls().set_bucket_cors(r#"{"CORSRules": []}"#);
        setup_check::check(self.scenario).await?;
        self.look("set-up-wrong").await
    }

    async fn verdicts(&self) -> Result<()> {
        let page = self.open(json!({ "verdicts": true })).await?;
        let file = self.scenario.files.add("no picture.png", 3_000)?;
        page.pick(&[file]).await?;
        page.wait_until_stored(1).await?;
        let says = "return document.querySelector('.file-state').textContent;";
        let client = self.scenario.client();
        wait_until("the file's verdict", async || {
            let text = client.execute(says, Vec::new()).await?;
            let text = text.as_str().unwrap_or_default();
            Ok(text.contains(':').then_some(()).ok_or_else(|| text.to_owned()))
        })
        .await?;
        self.look("verdict").await
    }

    async fn ten_thousand(&self) -> Result<()> {
        self.scenario
            .controls()
            .set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        self.open(json!({})).await?;
        let client = self.scenario.client();
        client.execute(PICK_MANY, vec![json!(10_000)]).await?;
        let closed = ".batch-row [aria-expanded=false]";
        self.wait_for_element(closed).await?;
        self.look("ten-thousand-hidden").await?;
        // In one script: between two commands the row may be drawn anew, as when more texts arrive.
        let open = "document.querySelector(arguments[0]).click();";
        client.execute(open, vec![json!(closed)]).await?;
        // And the row of the batch.
        self.wait_for_element("[aria-setsize='10001']").await?;
        self.look("ten-thousand").await
    }

    async fn by_link(&self) -> Result<()> {
        self.open(json!({})).await?;
        let client = self.scenario.client();
        self.scenario.expect_console_errors("Failed to load resource");
        let (_, token) = links::link_with(|link| link.note = Some("Until Friday,\nplease.".to_owned()))?;
        client.goto(&links::address(self.scenario, &token)).await?;
        self.wait_for_element(".link-terms:not(:empty)").await?;
        self.look("by-link").await?;
        client.goto(&links::address(self.scenario, "a.b.c")).await?;
        self.wait_for_element(".page-error").await?;
        self.look("by-wrong-link").await
    }

    /// Batches that are on their way, stored, and stored in part.
    async fn batches(&self) -> Result<()> {
        let page = self.open(json!({})).await?;
        let (files, controls) = (&self.scenario.files, self.scenario.controls());
        let names = ["harbour.png", "low tide.png", "interview.mp3"];
        let add = |name| files.add(name, 3_000);
        page.pick(&names.map(add).into_iter().collect::<Result<Vec<_>>>()?)
            .await?;
        self.wait_for_element(".batch-row[data-state=stored]").await?;
        self.scenario.expect_console_errors("403");
        controls.fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        let names = ["refused.pdf", "letter.txt"];
        page.pick(&names.map(add).into_iter().collect::<Result<Vec<_>>>()?)
            .await?;
        self.wait_for_element(".batch-row[data-state=failed] .file-error:not([hidden])")
            .await?;
        self.scenario.client().execute(HIDE_ALL, Vec::new()).await?;
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        let large = |name| files.add(name, 9 << 20);
        page.pick(
            &["one.mov", "two.mov"]
                .map(large)
                .into_iter()
                .collect::<Result<Vec<_>>>()?,
        )
        .await?;
        self.wait_for_element(".batch-row[data-state=sending]").await?;
        self.look("batches").await
    }

    /// Questions of every kind, and what is wrong with the answers.
    async fn fields(&self) -> Result<()> {
        let page = self
            .open(json!({ "fields": [
                { "name": "order", "label": { "en": "Order number", "ar": "رقم الطلب" }, "required": true },
                { "name": "mail", "label": "Your email", "kind": "email" },
                { "name": "topic", "label": "Topic", "kind": "choice", "options": ["Invoice", "Other"] },
                { "name": "note", "label": "Note", "kind": "longText" },
            ] }))
            .await?;
        self.wait_for_element(".fields [name=note]").await?;
        self.look("fields").await?;
        page.pick(&[self.scenario.files.add("letter.txt", 10)?]).await?;
        self.wait_for_element(".fields [aria-invalid=true]").await?;
        self.look("fields-missing").await
    }

    async fn page_errors(&self) -> Result<()> {
        let client = self.scenario.client();
        self.scenario.set_settings(json!({ "parallelRequests": 0 }));
        client.refresh().await?;
        self.wait_for_element(".page-error").await?;
        self.look("bad-settings").await?;
        self.scenario.set_settings(json!({}));
        self.scenario.expect_console_errors("no worker today");
        self.scenario
            .run_before_workers("throw new Error('no worker today');");
        client.refresh().await?;
        self.wait_for_element(".page-error").await?;
        self.look("no-worker").await
    }

    async fn wait_for_element(&self, selector: &str) -> Result<()> {
        let client = self.scenario.client();
        wait_until(selector, async || {
            let found = client.find(Locator::Css(selector)).await;
            Ok(found.map(|_| ()).map_err(|error| error.to_string()))
        })
        .await
    }

    async fn press_filter(&self, index: usize) -> Result<(), CmdError> {
        let filters = self.scenario.client();
        filters.find_all(Locator::Css(".filter")).await?[index]
            .click()
            .await
    }

    /// Presses a button in the row of this file once it is there.
    async fn press_in_row(&self, name: &str, action: &str) -> Result<()> {
        const PRESS: &str = "
            const rows = Array.from(document.querySelectorAll('[data-file-id]'));
            const row = rows.find((row) => row.querySelector('.file-name').textContent === arguments[0]);
            const button = row?.querySelector(`[data-action=${arguments[1]}]:not([hidden])`);
            button?.click();
            return Boolean(button);";
        let client = self.scenario.client();
        wait_until("a button", async || {
            let pressed = client.execute(PRESS, vec![json!(name), json!(action)]).await?;
            met(pressed == true, format!("{name} has no {action}"))
        })
        .await
        .map(drop)
    }
}

async fn check(language: &'static str, visit: impl AsyncFnOnce(&Check<'_>) -> Result<()>) -> Result<()> {
    with_page(async |scenario, _| {
        let check = Check { scenario, language };
        visit(&check).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn picking_and_rejections_are_accessible() -> Result<()> {
    check("en", async |check| check.choosing().await).await?;
    check("ar", async |check| check.choosing().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_before_an_upload_is_accessible() -> Result<()> {
    check("en", async |check| check.fields().await).await?;
    check("ar", async |check| check.fields().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_of_a_file_is_accessible() -> Result<()> {
    check("en", async |check| check.working().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_of_a_file_is_accessible_right_to_left() -> Result<()> {
    check("ar", async |check| check.working().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_is_accessible() -> Result<()> {
    check("en", async |check| check.interrupted().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_is_accessible_right_to_left() -> Result<()> {
    check("ar", async |check| check.interrupted().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_hashed_is_accessible() -> Result<()> {
    check("en", async |check| check.stopped_in("hashing", NO_DIGEST).await).await?;
    check("ar", async |check| check.stopped_in("hashing", NO_DIGEST).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_planned_is_accessible() -> Result<()> {
    const HOLD: &str = "
        const plain = self.fetch;
        const isPlan = (request) => String(request.url ?? request).endsWith('/uploads');
        self.fetch = (request, ...more) =>
            isPlan(request) ? new Promise(() => {}) : plain(request, ...more);";
    check("en", async |check| check.stopped_in("preparing", HOLD).await).await?;
    check("ar", async |check| check.stopped_in("preparing", HOLD).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_another_tab_and_a_lost_network_are_accessible() -> Result<()> {
    check("en", async |check| check.elsewhere().await).await?;
    check("ar", async |check| check.elsewhere().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_set_up_check_is_accessible() -> Result<()> {
    check("en", async |check| check.set_up().await).await?;
    check("ar", async |check| check.set_up().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_is_accessible() -> Result<()> {
    check("en", async |check| check.verdicts().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_accessible() -> Result<()> {
    let options = ProviderOptions {
        refresh_tokens: false,
        access_token_seconds: 8,
        ..Default::default()
    };
    with_sign_in(options, async |scenario, _| {
        let client = scenario.client();
        client.goto(scenario.url()).await?;
        let button = Locator::Css("[data-action=signIn]");
        client.wait().for_element(button).await?;
        check_accessibility(scenario, "en-sign-in").await?;
        client.find(button).await?.click().await?;
        let deny = client.wait().for_element(Locator::Id("deny")).await?;
        deny.click().await?;
        client.wait().for_element(Locator::Css("[role=alert]")).await?;
        check_accessibility(scenario, "en-sign-in-denied").await?;
        sign_in(scenario, "alice").await?;
        check_accessibility(scenario, "en-signed-in").await?;
        let ended = Locator::Css(".sign-in-ended:not([hidden])");
        client.wait().for_element(ended).await?;
        check_accessibility(scenario, "en-sign-in-ended").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_by_an_upload_link_is_accessible() -> Result<()> {
    for language in ["en", "ar"] {
        check(language, async |check| check.by_link().await).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn making_an_upload_link_is_accessible() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        scenario.set_settings(links::settings_of(provider));
        scenario.expect_console_errors("Failed to load resource");
        sign_in(scenario, "alice").await?;
        links::ask_for_link(scenario.client(), "acme").await?;
        let client = scenario.client();
        client
            .wait()
            .for_element(Locator::Css(".link-maker .page-error"))
            .await?;
        check_accessibility(scenario, "en-link-refused").await?;
        let makers = vec![("LINK_MAKERS".to_owned(), "*".to_owned())];
        scenario.stack().set_lambda_variables(makers).await?;
        press(scenario.client(), ".link-maker [data-action=submit]").await?;
        let client = scenario.client();
        client
            .wait()
            .for_element(Locator::Css(".link-maker-code"))
            .await?;
        check_accessibility(scenario, "en-link-made").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_accessible() -> Result<()> {
    check("en", async |check| check.batches().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_accessible_right_to_left() -> Result<()> {
    check("ar", async |check| check.batches().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files_are_accessible() -> Result<()> {
    check("en", async |check| check.ten_thousand().await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_work_is_accessible() -> Result<()> {
    check("en", async |check| check.page_errors().await).await
}
