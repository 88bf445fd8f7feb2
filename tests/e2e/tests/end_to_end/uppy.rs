//! Uppy, somebody else's uploader, uploads by the Lambda's URLs: the pages in `examples/uppy`.

use anyhow::{Result, ensure};
use e2e::{Scenario, met, wait_until, with_uppy};
use fantoccini::{Client, Locator};
use serde_json::json;

/// The result of each finished file: `stored`, or what the page says.
const OUTCOMES: &str = "
    return Array.from(document.querySelectorAll('#files li'), row =>
        row.dataset.state === 'stored' ? 'stored' : row.textContent);";

/// Picks files of these sizes and checks that they arrive.
async fn check(scenario: &Scenario, client: &Client, files: &[(&str, usize)]) -> Result<()> {
    let files = files
        .iter()
        .map(|(name, size)| scenario.files.add(name, *size))
        .collect::<Result<Vec<_>>>()?;
    let paths: Vec<_> = files.iter().map(|file| file.path.display().to_string()).collect();
    let picker = client.find(Locator::Id("picker")).await?;
    picker.send_keys(&paths.join("\n")).await?;
    let outcomes = wait_until("Uppy to finish the files", async || {
        let outcomes = client.execute(OUTCOMES, Vec::new()).await?;
        let has_finished = outcomes
            .as_array()
            .is_some_and(|outcomes| outcomes.len() == files.len());
        met(has_finished, outcomes)
    })
    .await?;
    ensure!(outcomes == json!(vec!["stored"; files.len()]), "{outcomes}");
    let mut sent: Vec<_> = files.into_iter().map(|file| file.bytes).collect();
    sent.sort();
    ensure!(
        scenario.stored_files()? == sent,
        "S3 has other bytes than were sent"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn uppy_6_uploads_by_signed_requests() -> Result<()> {
    with_uppy("6", async |scenario, client| {
        let files = [("empty", 0), ("small 😀.txt", 70_000), ("in parts.bin", 20 << 20)];
        check(scenario, client, &files).await?;
        let parts = scenario.stored_parts()?;
        ensure!(parts.len() == 3, "one file has three parts: {parts:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn uppy_5_uploads_by_plain_presigned_urls() -> Result<()> {
    with_uppy("5", async |scenario, client| {
        let files = [("empty", 0), ("small 😀.txt", 70_000), ("large.bin", 20 << 20)];
        check(scenario, client, &files).await
    })
    .await
}
