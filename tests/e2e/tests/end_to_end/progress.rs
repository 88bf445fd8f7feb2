//! What a user sees while a file is being uploaded, and what is left when they cancel it.

use anyhow::{Result, ensure};
use e2e::{met, wait_until, with_page};

/// Slow enough to watch a file of some mebibytes for seconds.
const SLOW_BYTES_PER_SECOND: u64 = 2 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn progress_moves_and_never_goes_back() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        let file = scenario.files.add("watched.bin", 10 << 20)?;
        page.pick(&[file]).await?;

        let mut seen = vec![0.0];
        page.wait_for("the file to be stored", |rows| {
            let row = rows.first()?;
            if let Some(progress) = row.progress
                && seen.last() != Some(&progress)
            {
                seen.push(progress);
            }
            (row.state == "stored").then_some(())
        })
        .await?;
        ensure!(seen.is_sorted(), "progress went back: {seen:?}");
        let between = seen.iter().filter(|value| **value > 0.0 && **value < 1.0).count();
        ensure!(between >= 2, "progress did not move: {seen:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cancelled_during_its_upload_leaves_no_object() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        let file = scenario.files.add("unwanted.bin", 15 << 20)?;
        page.pick(&[file]).await?;
        page.wait_for("bytes to be sent", |rows| {
            let row = rows.first()?;
            (row.state == "sending" && row.progress > Some(0.0)).then_some(())
        })
        .await?;
        page.press("cancel").await?;
        page.wait_for_state("cancelled").await?;

        // The stack's own folder for what is being received is empty once S3 has given up.
        let staging = scenario.data().join(".state/staging");
        wait_until("S3 to give the upload up", async || {
            let received = std::fs::read_dir(&staging)?.count();
            met(received == 0, format!("{received} files"))
        })
        .await?;
        ensure!(scenario.stored_files()?.is_empty(), "an object was stored");
        Ok(())
    })
    .await
}
