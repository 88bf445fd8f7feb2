//! Large files through troubles: nothing finished is sent again, and nothing mixed is stored.

use std::{collections::HashMap, fs, io::Write};

use anyhow::{Result, ensure};
use e2e::{
    Page, Row, Scenario, set_offline, sha256_of, stored_paths, wait_until, with_page, write_large_file,
};
use local::BUCKET;

const SIZE: u64 = 64 << 20;

/// Slow enough to stop a file of eight parts in the middle of one.
const SLOW_BYTES_PER_SECOND: u64 = 4 << 20;

/// Picks a large file on a slow stack and waits until S3 has some of its parts but not all.
async fn pick_and_wait_for_parts(scenario: &Scenario, page: &Page) -> Result<std::path::PathBuf> {
    scenario
        .controls()
        .set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let path = scenario.files.path("large.bin");
    write_large_file(&path, SIZE)?;
    page.pick_paths(&[&path]).await?;
    wait_until("a part to be stored", async || {
        let stored = stored_parts(scenario).len();
        Ok(if stored > 0 {
            Ok(())
        } else {
            Err(format!("{stored} parts"))
        })
    })
    .await?;
    page.wait_for("bytes of the next parts to be sent", |rows| {
        rows.first()
            .and_then(|row| row.progress)
            .filter(|progress| *progress > 0.2)
    })
    .await?;
    Ok(path)
}

/// How often S3 stored each part.
fn stored_parts(scenario: &Scenario) -> HashMap<String, usize> {
    let mut parts = HashMap::new();
    for request in scenario.controls().s3_requests() {
        let number = request
            .query
            .split('&')
            .find_map(|field| field.strip_prefix("partNumber="));
        if let (Some(number), "PUT", 200) = (number, request.method.as_str(), request.status) {
            *parts.entry(number.to_owned()).or_default() += 1;
        }
    }
    parts
}

async fn arrives(scenario: &Scenario, page: &Page, path: &std::path::Path) -> Result<()> {
    scenario.controls().set_s3_bytes_per_second(None);
    page.wait_for_state("stored").await?;
    let stored = stored_paths(&scenario.data().join(BUCKET));
    ensure!(stored.len() == 1, "{stored:?}");
    ensure!(sha256_of(&stored[0])? == sha256_of(path)?, "other bytes arrived");
    Ok(())
}

/// Checks that every part was sent, and none that S3 had answered by `finished` a second time. A part
/// whose answer was lost may have been, since S3 can take it after it was asked.
fn no_part_was_sent_again(scenario: &Scenario, finished: &HashMap<String, usize>) -> Result<()> {
    let parts = stored_parts(scenario);
    ensure!(parts.len() == 8, "{parts:?}");
    let again = parts
        .iter()
        .filter(|(number, times)| finished.contains_key(*number) && **times > 1)
        .count();
    ensure!(again == 0, "finished: {finished:?}, in the end: {parts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_cut_in_mid_part_and_restored_costs_no_finished_part() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .browser()
            .expect_console_errors("net::ERR_INTERNET_DISCONNECTED");
        let path = pick_and_wait_for_parts(scenario, page).await?;
        let finished = stored_parts(scenario);
        set_offline(scenario.browser().client(), true).await?;
        page.wait_for_state("offline").await?;
        set_offline(scenario.browser().client(), false).await?;
        arrives(scenario, page, &path).await?;
        no_part_was_sent_again(scenario, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_costs_no_finished_part_and_progress_does_not_go_back() -> Result<()> {
    with_page(async |scenario, page| {
        let path = pick_and_wait_for_parts(scenario, page).await?;
        let finished = stored_parts(scenario);
        page.press("pause").await?;
        let paused = page.wait_for_state("paused").await?;
        page.press("resume").await?;
        let resumed: Row = page.wait_for_state("sending").await?;
        ensure!(resumed.progress >= paused.progress, "{paused:?} {resumed:?}");
        arrives(scenario, page, &path).await?;
        no_part_was_sent_again(scenario, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_large_file_leaves_no_object_and_no_unfinished_upload() -> Result<()> {
    with_page(async |scenario, page| {
        pick_and_wait_for_parts(scenario, page).await?;
        page.press("cancel").await?;
        page.wait_for_state("cancelled").await?;
        wait_until("S3 to be asked to abort the upload", async || {
            let requests = scenario.controls().s3_requests();
            let aborted = requests
                .iter()
                .any(|request| request.method == "DELETE" && request.status == 204);
            Ok(if aborted {
                Ok(())
            } else {
                Err(format!("{} requests", requests.len()))
            })
        })
        .await?;
        ensure!(stored_paths(&scenario.data().join(BUCKET)).is_empty());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_on_its_way_is_named_and_nothing_mixed_is_stored() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .browser()
            .expect_console_errors("net::ERR_UPLOAD_FILE_CHANGED");
        let path = pick_and_wait_for_parts(scenario, page).await?;
        fs::OpenOptions::new()
            .write(true)
            .open(&path)?
            .write_all(b"changed")?;
        scenario.controls().set_s3_bytes_per_second(None);
        let row = page.wait_for_state("failed").await?;
        ensure!(row.error.contains("changed since you picked it"), "{row:?}");
        ensure!(stored_paths(&scenario.data().join(BUCKET)).is_empty());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_that_s3_answers_with_200_and_an_error_is_sent_again() -> Result<()> {
    with_page(async |scenario, page| {
        let path = scenario.files.path("large.bin");
        write_large_file(&path, SIZE)?;
        // The first POST creates the upload; the second completes it.
        scenario
            .controls()
            .fail_next_s3_requests(1, "POST", 503, "SlowDown");
        scenario
            .browser()
            .expect_console_errors("Failed to load resource");
        page.pick_paths(&[&path]).await?;
        wait_until("the upload to be created", async || {
            let parts = stored_parts(scenario).len();
            Ok(if parts > 0 {
                Ok(())
            } else {
                Err("no part yet".to_owned())
            })
        })
        .await?;
        scenario
            .controls()
            .fail_next_s3_requests(1, "POST", 200, "InternalError");
        arrives(scenario, page, &path).await?;
        no_part_was_sent_again(scenario, &stored_parts(scenario))?;
        let failed = scenario
            .controls()
            .s3_requests()
            .iter()
            .filter(|request| request.method == "POST" && request.query.contains("uploadId="))
            .count();
        ensure!(failed == 2, "Complete was sent {failed} times");
        Ok(())
    })
    .await
}
