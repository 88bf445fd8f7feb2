//! Large files whose upload is disturbed: no finished part is sent again, and no mixture of two files is stored.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use e2e::{Page, Row, Scenario, StoredParts, set_offline, with_page, write_large_file};

const SIZE: u64 = 128 << 20;

/// As planned, with 8 MiB each; they grow when the network gets fast.
const PARTS: usize = 16;

/// Slow enough to stop a file of these parts in the middle of one.
const SLOW_BYTES_PER_SECOND: u64 = 2 << 20;

/// Picks a large file on a slow stack and waits until S3 has some of its parts but not all.
async fn pick_and_wait_for_parts(scenario: &Scenario, page: &Page) -> Result<PathBuf> {
    scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let path = scenario.files.path("large.bin");
    write_large_file(&path, SIZE)?;
    page.pick_paths(&[&path]).await?;
    scenario.wait_for_parts(1).await?;
    page.wait_for("bytes of the next parts to be sent", |rows| {
        rows.first()
            .and_then(|row| row.progress)
            .filter(|progress| *progress > 0.2)
    })
    .await?;
    Ok(path)
}

/// Checks that the file arrives and that no part that is finished now is sent again.
async fn arrives(scenario: &Scenario, page: &Page, path: &Path, finished: &StoredParts) -> Result<()> {
    scenario.set_bytes_per_second(None);
    page.wait_for_state("stored").await?;
    scenario.check_arrived(path, PARTS, finished)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_cut_in_the_middle_of_a_part_costs_no_finished_part() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.expect_console_errors("net::ERR_INTERNET_DISCONNECTED");
        let path = pick_and_wait_for_parts(scenario, page).await?;
        let finished = scenario.stored_parts()?;
        set_offline(scenario.browser(), true).await?;
        page.wait_for_state("offline").await?;
        set_offline(scenario.browser(), false).await?;
        arrives(scenario, page, &path, &finished).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_costs_no_finished_part_and_no_progress() -> Result<()> {
    with_page(async |scenario, page| {
        let path = pick_and_wait_for_parts(scenario, page).await?;
        let finished = scenario.stored_parts()?;
        page.press("pause").await?;
        let paused = page.wait_for_state("paused").await?;
        // So slow that the file is still being sent when the test checks.
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND / 16));
        page.press("resume").await?;
        let resumed: Row = page.wait_for_state("sending").await?;
        ensure!(resumed.progress >= paused.progress, "{paused:?} {resumed:?}");
        arrives(scenario, page, &path, &finished).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_large_file_leaves_nothing_in_the_bucket() -> Result<()> {
    with_page(async |scenario, page| {
        pick_and_wait_for_parts(scenario, page).await?;
        page.press("cancel").await?;
        page.wait_for_state("cancelled").await?;
        scenario.wait_for_answer("DELETE", 204).await?;
        ensure!(scenario.stored_files()?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_during_its_upload_is_not_stored() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.expect_console_errors("net::ERR_UPLOAD_FILE_CHANGED");
        let path = pick_and_wait_for_parts(scenario, page).await?;
        fs::OpenOptions::new()
            .write(true)
            .open(&path)?
            .write_all(b"changed")?;
        scenario.set_bytes_per_second(None);
        // Chromium refuses to read a file that was written to; other browsers read its new bytes.
        let row = page
            .wait_for("the file to be given up or waited for", |rows| {
                let row = rows.first()?;
                ["failed", "unreadable"]
                    .contains(&row.state.as_str())
                    .then(|| row.clone())
            })
            .await?;
        ensure!(
            row.state == "unreadable" || row.error.contains("changed since you picked it"),
            "{row:?}"
        );
        ensure!(scenario.stored_files()?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_answered_with_200_and_an_error_is_sent_again() -> Result<()> {
    with_page(async |scenario, page| {
        let path = scenario.files.path("large.bin");
        write_large_file(&path, SIZE)?;
        // The first POST creates the upload; the second completes it.
        scenario
            .controls()
            .fail_next_s3_requests(1, "POST", 503, "SlowDown");
        scenario.expect_console_errors("Failed to load resource");
        page.pick_paths(&[&path]).await?;
        let finished = scenario.wait_for_parts(1).await?;
        scenario
            .controls()
            .fail_next_s3_requests(1, "POST", 200, "InternalError");
        arrives(scenario, page, &path, &finished).await?;
        let parts = scenario.stored_parts()?;
        ensure!(
            parts.values().all(|times| *times == 1),
            "a part was sent again: {parts:?}"
        );
        let failed = scenario
            .s3_requests()?
            .iter()
            .filter(|request| request.method == "POST" && request.query.contains("uploadId="))
            .count();
        ensure!(failed == 2, "Complete was sent {failed} times");
        Ok(())
    })
    .await
}
