//! The page on a phone: what is on its first screen, and the main things that users do there.

use anyhow::{Result, ensure};
use e2e::{Page, Phone, Scenario, met, wait_until, with_scenario};
use serde_json::Value;

/// So slow that a file of some mebibytes stays in flight.
const SLOW_BYTES_PER_SECOND: u64 = 256 << 10;

/// Sent in parts.
const LARGE: usize = 20 << 20;

/// Some more than the 44 CSS pixels that a finger needs (WCAG 2.2, "Target Size (Enhanced)").
const ONE_LINE: f64 = 56.0;

/// What a user sees: how far the page is scrolled and how tall the screen is, where the first row ends, whether the page
/// is wider than the screen, from where to where the buttons for new files and for all files reach, and all words.
const LOOK: &str = "
    const isSeen = (element) => element.checkVisibility({ visibilityProperty: true })
        && element.getBoundingClientRect().width > 1;
    const row = document.querySelector('[data-file-id]').getBoundingClientRect();
    const regions = ['Add files', 'All files'].map((name) => document.querySelector(`section[aria-label=\"${name}\"]`));
    const buttons = regions.flatMap((region) => [...region.querySelectorAll('button, label, summary')]).filter(isSeen);
    const boxes = buttons.map((button) => button.getBoundingClientRect());
    return {
        height: innerHeight,
        scrolled: scrollY,
        row_bottom: row.bottom,
        overflow: document.documentElement.scrollWidth - innerWidth,
        buttons: buttons.map((button) => button.textContent.trim() || button.getAttribute('aria-label')),
        bar: Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top)),
        words: document.body.innerText,
    };";

async fn look(scenario: &Scenario) -> Result<Value> {
    Ok(scenario.client().execute(LOOK, Vec::new()).await?)
}

/// Runs a test on the page on each phone.
async fn on_each_phone(test: impl AsyncFn(&Scenario, &Page, Phone) -> Result<()>) -> Result<()> {
    for phone in [Phone::ANDROID, Phone::IPHONE] {
        with_scenario(async |scenario| {
            scenario.expect_console_errors("beforeunload");
            phone.emulate(scenario.client()).await?;
            let page = scenario.open_page().await?;
            test(scenario, &page, phone).await
        })
        .await?;
    }
    Ok(())
}

/// Checks what the first screen has while a file is being sent.
fn check_first_screen(look: &Value) -> Result<()> {
    let number = |name: &str| look[name].as_f64().unwrap_or(f64::NAN);
    ensure!(number("scrolled") == 0.0, "it is not the first screen: {look:#}");
    ensure!(
        number("row_bottom") <= number("height"),
        "the list begins below the screen: {look:#}"
    );
    ensure!(
        number("overflow") <= 0.0,
        "the page is wider than the screen: {look:#}"
    );
    ensure!(
        number("bar") <= ONE_LINE,
        "the buttons are more than one bar: {look:#}"
    );
    Ok(())
}

fn check_words(look: &Value) -> Result<()> {
    let words = look["words"].as_str().unwrap_or_default().to_lowercase();
    ensure!(!words.contains("drop"), "a phone has nothing to drop: {words}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_picks_pauses_resumes_cancels_and_uploads() -> Result<()> {
    on_each_phone(async |scenario, page, phone| {
        let words = "return { words: document.body.innerText };";
        check_words(&scenario.client().execute(words, Vec::new()).await?)?;
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        let file = scenario.files.add("film.mov", LARGE)?;
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_for("bytes to be sent", |rows| {
            let row = rows.first()?;
            (row.state == "sending" && row.progress > Some(0.0)).then_some(())
        })
        .await?;
        scenario.save_screenshot(&format!("phone-{}", phone.name)).await?;
        let look = look(scenario).await?;
        check_words(&look)?;
        check_first_screen(&look)?;
        page.press("pause").await?;
        page.wait_for_state("paused").await?;
        page.press("resume").await?;
        page.wait_for_state("sending").await?;
        page.press("cancel").await?;
        page.wait_for_state("cancelled").await?;
        page.press("remove").await?;
        scenario.set_bytes_per_second(None);
        let file = scenario.files.add("picture.jpg", 3 << 20)?;
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_for_state("stored").await?;
        scenario.check_only_object(&file.path)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_sends_requests_of_at_most_8_mib() -> Result<()> {
    on_each_phone(async |scenario, page, _| {
        // After the first file the page knows that the network is fast, and would send the second as one request.
        for (number, name) in ["first.mov", "second.mov"].into_iter().enumerate() {
            let file = scenario.files.add(name, LARGE)?;
            page.pick(std::slice::from_ref(&file)).await?;
            page.wait_until_stored(number + 1).await?;
        }
        let requests = scenario.controls().s3_requests();
        let largest = requests.iter().map(|request| request.body_bytes).max();
        ensure!(largest <= Some(8 << 20), "a request has {largest:?} bytes");
        Ok(())
    })
    .await
}

/// The row of the batch: whether all of its sentence is seen, and the sentence.
const RECEIPT: &str = "
    const row = document.querySelector('.batch-row');
    const sentence = row.querySelector('.file-error');
    const bottom = row.querySelector('.file-body').getBoundingClientRect().bottom;
    return {
        isWhole: sentence.scrollHeight <= sentence.clientHeight + 1
            && bottom <= row.getBoundingClientRect().bottom
            && row.querySelector('.file-actions').scrollWidth <= row.querySelector('.file-actions').clientWidth + 1,
        words: row.innerText,
    };";

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_shows_all_of_a_receipt_in_every_language() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.expect_console_errors("403");
        Phone::ANDROID.emulate(scenario.client()).await?;
        let page = scenario.open_page().await?;
        scenario
            .controls()
            .fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        let add = |number| scenario.files.add(&format!("{number}.txt"), 1000);
        let files: Vec<_> = (0..3).map(add).collect::<Result<_>>()?;
        page.pick(&files).await?;
        page.wait_for("one file to fail", |rows| {
            let mut states: Vec<&str> = rows.iter().map(|row| row.state.as_str()).collect();
            states.sort_unstable();
            (states == ["failed", "stored", "stored"]).then_some(())
        })
        .await?;
        for language in ["en", "fr", "de", "es", "pt", "ja", "ar"] {
            let choose = "
                const choice = document.querySelector('.language');
                choice.value = arguments[0];
                choice.dispatchEvent(new Event('change', { bubbles: true }));";
            scenario.client().execute(choose, vec![language.into()]).await?;
            let read = "return document.documentElement.lang;";
            wait_until("the language", async || {
                let now = scenario.client().execute(read, Vec::new()).await?;
                met(now == language, now)
            })
            .await?;
            scenario
                .save_screenshot(&format!("phone-receipt-{language}"))
                .await?;
            let receipt = scenario.client().execute(RECEIPT, Vec::new()).await?;
            ensure!(receipt["isWhole"] == true, "{language}: {receipt:#}");
        }
        Ok(())
    })
    .await
}
