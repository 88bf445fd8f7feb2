//! Large files through troubles: nothing finished is sent again, and nothing mixed is stored.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use e2e::{Page, Row, Scenario, StoredParts, set_offline, with_page, write_large_file};

const SIZE: u64 = 128 << 20;

/// Planned, of 8 MiB each; where the network gets fast, they grow.
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

/// The file arrives, and no part that was finished by then is sent again.
async fn arrives(scenario: &Scenario, page: &Page, path: &Path, finished: &StoredParts) -> Result<()> {
    scenario.set_bytes_per_second(None);
    page.wait_for_state("stored").await?;
    scenario.check_arrived(path, PARTS, finished)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_cut_in_mid_part_and_restored_costs_no_finished_part() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .browser()
            .expect_console_errors("net::ERR_INTERNET_DISCONNECTED");
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
async fn a_pause_costs_no_finished_part_and_progress_does_not_go_back() -> Result<()> {
    with_page(async |scenario, page| {
        let path = pick_and_wait_for_parts(scenario, page).await?;
        let finished = scenario.stored_parts()?;
        page.press("pause").await?;
        let paused = page.wait_for_state("paused").await?;
        // So that it is seen to be sent, however late that is looked at.
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND / 16));
        page.press("resume").await?;
        let resumed: Row = page.wait_for_state("sending").await?;
        ensure!(resumed.progress >= paused.progress, "{paused:?} {resumed:?}");
        arrives(scenario, page, &path, &finished).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_large_file_leaves_no_object_and_no_unfinished_upload() -> Result<()> {
    with_page(async |scenario, page| {
        pick_and_wait_for_parts(scenario, page).await?;
        page.press("cancel").await?;
        page.wait_for_state("cancelled").await?;
        scenario.wait_for_abort().await?;
        ensure!(scenario.stored_files()?.is_empty());
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
        scenario.set_bytes_per_second(None);
        let row = page.wait_for_state("failed").await?;
        ensure!(row.error.contains("changed since you picked it"), "{row:?}");
        ensure!(scenario.stored_files()?.is_empty());
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
