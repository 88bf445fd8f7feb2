//! The set-up check finds the common mistakes, and what it offers to paste corrects them.

use anyhow::{Context, Result, ensure};
use e2e::{Page, Scenario, met, wait_until, with_page, with_scenario};
use fantoccini::Locator;
use serde::Deserialize;

const READ_FINDINGS: &str = "
    const text = (item, selector) => item.querySelector(selector)?.textContent ?? '';
    return Array.from(document.querySelectorAll('.finding'), item => ({
        heading: text(item, 'strong'), details: text(item, 'p'), paste: text(item, 'pre'),
    }));";

const READ_STATUS: &str = "return document.querySelector('.setup-check [role=status]').textContent;";

#[derive(Debug, Deserialize)]
pub(crate) struct Finding {
    heading: String,
    details: String,
    paste: String,
}

/// Presses the button and returns the findings. Nothing may be left in the bucket.
pub(crate) async fn check(scenario: &Scenario) -> Result<Vec<Finding>> {
    let client = scenario.client();
    let button = Locator::Css("[data-action=checkSetup]");
    // The page is made anew once its texts are there, and a click that falls into that moment is lost.
    wait_until("the button to have a name", async || {
        let name = client.find(button).await?.text().await?;
        met(!name.is_empty(), name)
    })
    .await?;
    client.find(button).await?.click().await?;
    wait_until("the check to end", async || {
        let status = client.execute(READ_STATUS, Vec::new()).await?;
        let text = status.as_str().unwrap_or_default();
        met(!text.is_empty() && !text.contains('…'), status.clone())
    })
    .await?;
    let findings = client.execute(READ_FINDINGS, Vec::new()).await?;
    ensure!(scenario.stored_files()?.is_empty(), "the check left an object");
    ensure!(is_aborted(scenario), "the check left an upload");
    Ok(serde_json::from_value(findings)?)
}

/// Whether as many uploads were aborted as were created.
fn is_aborted(scenario: &Scenario) -> bool {
    let requests = scenario.controls().s3_requests();
    let count = |method: &str, query: &str, status: u16| {
        let fits = requests.iter().filter(|request| {
            request.method == method && request.query.contains(query) && request.status == status
        });
        fits.count()
    };
    count("POST", "uploads=", 200) == count("DELETE", "uploadId=", 204)
}

pub(crate) async fn open(scenario: &Scenario) -> Result<()> {
    scenario.expect_console_errors("Failed to load resource");
    scenario.expect_console_errors("blocked by CORS policy");
    let client = scenario.client();
    client.goto("about:blank").await?;
    Page::open(client, &format!("{}/#check", scenario.url())).await?;
    Ok(())
}

/// Checks the set-up; there must be one finding, with this heading and this in its details. Returns what it offers
/// to paste.
async fn check_finds(scenario: &Scenario, heading: &str, says: &str) -> Result<String> {
    let mut findings = check(scenario).await?;
    let found = findings.pop().filter(|_| findings.is_empty());
    let found = found.with_context(|| format!("not one finding: {findings:#?}"))?;
    ensure!(found.heading == heading, "{found:#?}");
    ensure!(found.details.contains(says), "{found:#?}");
    Ok(found.paste)
}

async fn check_is_right(scenario: &Scenario) -> Result<()> {
    check_finds(scenario, "The set-up is right.", "")
        .await
        .map(|_| ())
}

/// A CORS configuration of the bucket that allows and exposes these headers.
fn cors(scenario: &Scenario, allowed: &[&str], exposed: &[&str]) -> String {
    serde_json::json!({ "CORSRules": [{
        "AllowedOrigins": [scenario.url()],
        "AllowedMethods": ["PUT", "POST", "GET", "DELETE"],
        "AllowedHeaders": allowed,
        "ExposeHeaders": exposed,
    }] })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correct_set_up_is_reported_as_correct() -> Result<()> {
    with_page(async |scenario, page| {
        let hidden = "return document.querySelector('.setup-check').hidden";
        let client = scenario.client();
        ensure!(
            client.execute(hidden, Vec::new()).await? == true,
            "it is offered although nobody asked"
        );
        open(scenario).await?;
        check_is_right(scenario).await?;
        ensure!(page.rows().await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_second_endpoint_is_named_and_uploads_still_work() -> Result<()> {
    with_scenario(async |scenario| {
        open(scenario).await?;
        let address = scenario.stack().second_s3_url();
        scenario.stack().stop_second_s3().await;
        let heading =
            "The storage’s second address cannot be reached. Uploads work without it, but may be slower.";
        check_finds(scenario, heading, &address).await.map(|_| ())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_missing_from_the_buckets_cors_is_named_and_added() -> Result<()> {
    with_scenario(async |scenario| {
        open(scenario).await?;
        let without = ["content-type", "content-disposition", "x-amz-*", "x-amz-meta-*"];
        let cors = cors(scenario, &without, &["ETag", "x-amz-request-id"]);
        scenario.controls().set_bucket_cors(&cors);
        let heading = "The storage does not allow what this page has to send.";
        let paste = check_finds(scenario, heading, "lacks if-none-match.").await?;
        scenario.controls().set_bucket_cors(&paste);
        check_is_right(scenario).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_missing_from_the_buckets_cors_is_named() -> Result<()> {
    with_scenario(async |scenario| {
        open(scenario).await?;
        scenario.controls().set_bucket_cors(r#"{"CORSRules": []}"#);
        let heading = "The storage does not allow what this page has to send.";
        let paste = check_finds(scenario, heading, "does not allow POST from http://127.0.0.1").await?;
        scenario.controls().set_bucket_cors(&paste);
        check_is_right(scenario).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_etag_is_found_and_the_paste_exposes_it() -> Result<()> {
    with_scenario(async |scenario| {
        open(scenario).await?;
        scenario
            .controls()
            .set_bucket_cors(&cors(scenario, &["*"], &["x-amz-request-id"]));
        let heading = "The storage hides what this page has to read.";
        let paste = check_finds(scenario, heading, "lacks ETag.").await?;
        scenario.controls().set_bucket_cors(&paste);
        check_is_right(scenario).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_found_and_its_error_is_named() -> Result<()> {
    with_scenario(async |scenario| {
        open(scenario).await?;
        let heading = "The upload service and the storage disagree about the time.";
        let hour = 3_600;
        for (offset, says) in [(-72 * hour, "3 days behind"), (5 * hour, "hours ahead of")] {
            scenario.controls().set_lambda_clock_offset_seconds(offset);
            check_finds(scenario, heading, says).await?;
        }
        scenario.controls().set_lambda_clock_offset_seconds(0);
        check_is_right(scenario).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_region_is_found_and_the_paste_has_the_right_one() -> Result<()> {
    with_scenario(async |scenario| {
        open(scenario).await?;
        let variables = |line: &str| {
            let (name, value) = line.split_once('=').context("a variable")?;
            anyhow::Ok(vec![(name.to_owned(), value.to_owned())])
        };
        let wrong = variables("AWS_REGION_NAME=eu-west-1")?;
        scenario.stack().set_lambda_variables(wrong).await?;
        let heading = "The storage is in another region.";
        let paste = check_finds(scenario, heading, "not in eu-west-1").await?;
        scenario.stack().set_lambda_variables(variables(&paste)?).await?;
        check_is_right(scenario).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_api_is_not_taken_for_one_that_refuses_the_page() -> Result<()> {
    with_scenario(async |scenario| {
        open(scenario).await?;
        scenario.stack().stop_api().await;
        let heading = "The upload service cannot be reached.";
        check_finds(
            scenario,
            heading,
            &format!("Nothing answers at {}", scenario.api()),
        )
        .await?;
        let elsewhere = vec![(
            "ALLOWED_ORIGINS".to_owned(),
            "https://elsewhere.example".to_owned(),
        )];
        scenario.stack().set_lambda_variables(elsewhere).await?;
        let heading = "The upload service does not allow this page’s address.";
        let paste = check_finds(scenario, heading, "answers, but does not allow").await?;
        ensure!(paste == format!("ALLOWED_ORIGINS={}", scenario.url()), "{paste}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_the_check_names_the_permission_to_who_asks() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.expect_console_errors("Failed to load resource");
        scenario
            .controls()
            .fail_next_s3_requests(2, "PUT", 403, "AccessDenied");
        let file = scenario.files.add("denied.txt", 5_000)?;
        page.pick(&[file]).await?;
        page.wait_for_state("failed").await?;
        let hidden = "return document.querySelector('.setup-check').hidden";
        let hidden = scenario.client().execute(hidden, Vec::new()).await?;
        ensure!(hidden == true, "it is offered to users");
        open(scenario).await?;
        let heading = "The storage does not let this page write.";
        let paste = check_finds(scenario, heading, "s3:PutObject").await?;
        ensure!(
            paste.contains("arn:aws:s3:::slipway-uploads/uploads/*"),
            "{paste}"
        );
        Ok(())
    })
    .await
}
