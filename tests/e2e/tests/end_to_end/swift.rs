//! What only applies to Swift: it has several servers that can fail, and its ListParts has no checksums, so that
//! another page knows a part by its ETag.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use e2e::{Page, Scenario, StoredParts, with_page, write_large_file};

const SIZE: u64 = 64 << 20;

/// As planned, with 8 MiB each; they grow when the network gets fast.
const PARTS: usize = 8;

/// Slow enough to lose a server in the middle of a file of eight parts.
const SLOW_BYTES_PER_SECOND: u64 = 8 << 20;

/// Picks a large file whose bytes travel slowly, and waits until S3 has some of its parts but not all.
async fn pick_and_wait_for_parts(scenario: &Scenario, page: &Page) -> Result<(PathBuf, StoredParts)> {
    scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let path = scenario.files.path("large.bin");
    write_large_file(&path, SIZE)?;
    page.pick_paths(&[&path]).await?;
    let finished = scenario.hold_after_parts(2).await?;
    ensure!(finished.len() < PARTS, "the upload has finished already");
    Ok((path, finished))
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_an_object_server_during_an_upload_costs_nothing() -> Result<()> {
    with_page(async |scenario, page| {
        let (path, finished) = pick_and_wait_for_parts(scenario, page).await?;
        scenario.kill_an_object_server().await?;
        scenario.set_bytes_per_second(None);
        page.wait_for_state("stored").await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_knows_its_parts_by_their_etags() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.expect_console_errors("beforeunload");
        let (path, finished) = pick_and_wait_for_parts(scenario, page).await?;
        page.wait_until_as_many_are_kept("parts", finished.len()).await?;
        let page = scenario.open_page().await?;
        page.wait_for_state("interrupted").await?;
        scenario.set_bytes_per_second(None);
        page.pick_paths(&[&path]).await?;
        page.wait_for_state("stored").await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}
