//! What only a store of several servers can show.

use anyhow::{Result, ensure};
use e2e::{with_page, write_large_file};

const SIZE: u64 = 64 << 20;

/// Of 8 MiB each.
const PARTS: usize = 8;

/// Slow enough to lose a server in the middle of a file of eight parts.
const SLOW_BYTES_PER_SECOND: u64 = 8 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_server_that_is_lost_in_the_middle_of_an_upload_costs_nothing() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND)).await?;
        let path = scenario.files.path("large.bin");
        write_large_file(&path, SIZE)?;
        page.pick_paths(&[&path]).await?;
        let finished = scenario.wait_for_parts(2).await?;
        ensure!(finished.len() < PARTS, "the upload is through already");
        scenario.kill_an_object_server().await?;
        scenario.set_bytes_per_second(None).await?;
        page.wait_for_state("stored").await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}
