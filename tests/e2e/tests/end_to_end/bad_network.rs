//! Networks that take bytes and hold them back, and networks that lead nowhere.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{Fault, Phase, Rate, Row, with_faulty_page};
use serde_json::json;

/// How long one of these tests may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(240);

/// Sent in one part of 8 MiB and one of 4 MiB.
const LARGE: usize = 12 << 20;

/// What a middlebox passes on, so that a part takes longer than the page's limit for silence.
const BYTES_PER_SECOND: u64 = 500_000;

/// Has the worker's requests with a file-backed body get no answer, as in Safari 26: the body goes out, and S3's answer
/// never arrives. A slice of a file is file-backed; what a script made of bytes is not.
const NO_ANSWER_TO_FILES: &str = "
    const fileBacked = new WeakSet();
    const { slice } = Blob.prototype;
    Blob.prototype.slice = function (...bounds) {
        const part = slice.apply(this, bounds);
        if (this instanceof File || fileBacked.has(this)) fileBacked.add(part);
        return part;
    };
    const { open, send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.open = function (...request) {
        const withhold = (event) => { if (this.isSilent) event.stopImmediatePropagation(); };
        for (const type of ['readystatechange', 'load', 'loadend', 'progress']) this.addEventListener(type, withhold);
        return open.apply(this, request);
    };
    XMLHttpRequest.prototype.send = function (body) {
        this.isSilent = body instanceof File || fileBacked.has(body);
        return send.call(this, body);
    };";

#[tokio::test(flavor = "multi_thread")]
async fn a_swallowed_body_is_waited_for_and_sent_once() -> Result<()> {
    let settings = json!({ "stallSeconds": 10 });
    with_faulty_page(settings, DEADLINE, async |scenario| {
        let page = scenario.open_recorded_page().await?;
        let slow = Fault::Swallow(Rate::of_wire(BYTES_PER_SECOND));
        scenario.faults().play([slow.at(&[Phase::Put, Phase::Part])]);
        let file = scenario.files.add("swallowed.bin", LARGE)?;
        page.pick(std::slice::from_ref(&file)).await?;
        scenario
            .wait_for_look(&file.name, "the row to wait for the confirmation", |row| {
                row.state == "confirming"
            })
            .await?;
        page.wait_for_state("stored").await?;
        scenario.check_stored(&file)?;
        let puts = scenario.faults().requests(Phase::Part) + scenario.faults().requests(Phase::Put);
        ensure!(puts == 1, "{puts} bodies were sent");
        let looks = scenario.looks(&file.name).await?;
        let said: Vec<&Row> = looks.iter().filter(|row| !row.error.is_empty()).collect();
        ensure!(said.is_empty(), "the page said something: {said:#?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_whose_answer_is_withheld_is_not_sent_again() -> Result<()> {
    let settings = json!({ "stallSeconds": 2, "backoffMilliseconds": 100 });
    with_faulty_page(settings, DEADLINE, async |scenario| {
        let page = scenario.open_recorded_page().await?;
        scenario
            .faults()
            .play([Fault::WithholdAnswer.at(&[Phase::Part, Phase::Put]).once()]);
        let file = scenario.files.add("unanswered.bin", LARGE)?;
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_for_state("stored").await?;
        scenario.check_stored(&file)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_sent_where_files_get_no_answer() -> Result<()> {
    let settings = json!({ "stallSeconds": 2, "backoffMilliseconds": 100 });
    with_faulty_page(settings, DEADLINE, async |scenario| {
        scenario.run_before_workers(NO_ANSWER_TO_FILES);
        for size in [3 << 20, LARGE] {
            let page = scenario.open_recorded_page().await?;
            let file = scenario.files.add(&format!("{size}.bin"), size)?;
            page.pick(std::slice::from_ref(&file)).await?;
            page.wait_for_state("stored").await?;
            scenario.check_stored(&file)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_storage_is_named() -> Result<()> {
    let settings = json!({ "maxAttempts": 3, "backoffMilliseconds": 100 });
    with_faulty_page(settings, DEADLINE, async |scenario| {
        let page = scenario.open_recorded_page().await?;
        // An extension or a filter lets no request to that host out.
        scenario
            .faults()
            .play([Fault::Reset { after: 0 }.at(&[Phase::Preflight, Phase::Put])]);
        let file = scenario.files.add("blocked.txt", 5_000)?;
        page.pick(std::slice::from_ref(&file)).await?;
        let row = page.wait_for_state("failed").await?;
        let host = scenario.s3().replace("http://", "");
        ensure!(row.error.contains(&host), "{host} is not named: {row:?}");
        scenario.faults().end();
        page.press("retry").await?;
        page.wait_for_state("stored").await?;
        scenario.check_stored(&file)
    })
    .await
}
