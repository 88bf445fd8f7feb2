//! What the page says when something is wrong, and that the file continues once it is right again.

use anyhow::{Result, ensure};
use e2e::{Page, Row, Scenario, with_page};

/// Longer than a presigned URL is valid.
const LONG_AGO_SECONDS: i64 = -8 * 24 * 60 * 60;

/// Picks a file while something is wrong, and waits for the row to be in the state that follows.
async fn pick_into(scenario: &Scenario, page: &Page, state: &str) -> Result<Row> {
    scenario.expect_console_errors("Failed to load resource");
    let file = scenario.files.add("unlucky.txt", 5_000)?;
    page.pick(&[file]).await?;
    let row = page.wait_for_state(state).await?;
    ensure!(!row.error.is_empty(), "no message is shown: {row:?}");
    ensure!(
        scenario.stored_files()?.is_empty(),
        "an object was stored nonetheless"
    );
    Ok(row)
}

async fn retry_works(scenario: &Scenario, page: &Page) -> Result<()> {
    page.press("retry").await?;
    page.wait_for("the file to be tried again", |rows| {
        rows.first().filter(|row| row.state != "failed").map(|_| ())
    })
    .await?;
    continues_by_itself(scenario, page).await
}

async fn continues_by_itself(scenario: &Scenario, page: &Page) -> Result<()> {
    page.wait_until_stored(1).await?;
    ensure!(scenario.stored_files()?.len() == 1, "nothing is on the disk");
    let row = &page.rows().await?[0];
    ensure!(
        row.error.is_empty() && row.error_details.is_empty(),
        "the message is still there: {row:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_url_is_explained_and_retry_works() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .controls()
            .set_lambda_clock_offset_seconds(LONG_AGO_SECONDS);
        let row = pick_into(scenario, page, "failed").await?;
        ensure!(row.error_details.contains("AccessDenied"), "{row:?}");
        scenario.controls().set_lambda_clock_offset_seconds(0);
        retry_works(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_signature_is_explained_and_retry_works() -> Result<()> {
    with_page(async |scenario, page| {
        let wrong = Some("not-the-secret".to_owned());
        scenario.controls().set_lambda_secret_access_key(wrong);
        let row = pick_into(scenario, page, "failed").await?;
        ensure!(row.error_details.contains("SignatureDoesNotMatch"), "{row:?}");
        scenario.controls().set_lambda_secret_access_key(None);
        retry_works(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_denied_by_s3_is_explained_and_retry_works() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .controls()
            .fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        let row = pick_into(scenario, page, "failed").await?;
        ensure!(row.error_details.contains("AccessDenied"), "{row:?}");
        retry_works(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_that_is_too_busy_is_explained_and_tried_again() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .controls()
            .fail_next_s3_requests(3, "PUT", 503, "SlowDown");
        let row = pick_into(scenario, page, "waiting").await?;
        ensure!(row.error_details.contains("SlowDown"), "{row:?}");
        continues_by_itself(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_api_is_explained_and_retry_works() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.stack().stop_api().await;
        pick_into(scenario, page, "waiting").await?;
        scenario.stack().start_api().await?;
        continues_by_itself(scenario, page).await
    })
    .await
}
