//! Answers that are not what they seem: foreign ones, ones without their headers, rare failures, and refusals because
//! of a request's size. The file is stored in the end, and never called stored before that.

use std::time::Duration;

use anyhow::{Result, ensure};
use axum::http::StatusCode;
use e2e::{
    Answer, Fault, FaultyScenario, Page, Phase, Rule, met, wait_until, with_faulty_page, with_faulty_sign_in,
};
use fantoccini::Locator;
use oidc_provider::ProviderOptions;
use serde_json::json;

use crate::sign_in::sign_in;

/// How long one of these tests may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(240);

/// Sent as one PutObject.
const SMALL: usize = 3 << 20;

/// Sent in two parts of 8 MiB and one of 1 MiB.
const LARGE: usize = 17 << 20;

/// What lets the page read an answer as S3's.
const EVIDENCE: &[&str] = &["etag", "x-amz-request-id", "x-amz-id-2", "x-amz-checksum-sha256"];

const OPERATIONS: [Phase; 4] = [Phase::Create, Phase::Part, Phase::List, Phase::Complete];

const PORTAL: &str = "<!doctype html><title>Welcome</title><p>Sign in to use this network.</p>";

/// An answer of something on the way that is neither S3 nor the API.
fn portal(status: u16) -> Result<Fault> {
    let status = StatusCode::from_u16(status)?;
    Ok(Fault::Answer(Answer::foreign(status, "text/html", PORTAL)))
}

fn s3(status: u16, code: &str) -> Result<Fault> {
    let status = StatusCode::from_u16(status)?;
    Ok(Fault::Answer(Answer::s3(
        status,
        code,
        "As other services say it",
    )))
}

/// Runs a test on a page whose waits are short.
async fn with_impatient_page(test: impl AsyncFnOnce(&FaultyScenario<'_>, &Page) -> Result<()>) -> Result<()> {
    let settings = json!({ "backoffMilliseconds": 100, "maxAttempts": 100 });
    with_faulty_page(settings, DEADLINE, async |scenario| {
        let page = scenario.open_recorded_page().await?;
        test(scenario, &page).await
    })
    .await
}

/// Uploads a file of this size while its requests meet these rules, and checks that it is stored, that each phase met
/// its fault, and that no part was stored twice.
async fn is_stored(size: usize, rules: Vec<Rule>, phases: &[Phase]) -> Result<()> {
    with_impatient_page(async |scenario, page| {
        let file = scenario.files.add("unlucky.bin", size)?;
        scenario.faults().play(rules);
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_until_stored(1).await?;
        for phase in phases {
            ensure!(scenario.faults().hits(*phase) > 0, "no {phase} met its fault");
        }
        scenario.check_stored(&file)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_successes_to_a_put_do_not_end_it() -> Result<()> {
    let statuses = [200, 201, 202, 203, 204, 205, 206];
    let rules = statuses.map(|status| Ok(portal(status)?.at(&[Phase::Put]).once()));
    let rules = rules.into_iter().collect::<Result<_>>()?;
    is_stored(SMALL, rules, &[Phase::Put]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_called_stored_while_a_portal_answers() -> Result<()> {
    with_impatient_page(async |scenario, page| {
        let file = scenario.files.add("unlucky.bin", SMALL)?;
        scenario.faults().play([portal(200)?.at(&[Phase::Put])]);
        page.pick(std::slice::from_ref(&file)).await?;
        scenario
            .wait_for_look(&file.name, "the page to wait or to give up", |row| {
                ["waiting", "failed"].contains(&row.state.as_str())
            })
            .await?;
        let looks = scenario.looks(&file.name).await?;
        ensure!(looks.iter().all(|row| row.state != "stored"), "{looks:#?}");
        ensure!(scenario.objects(&file.name).is_empty());
        scenario.faults().end();
        page.wait_until_stored(1).await?;
        scenario.check_stored(&file)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_successes_to_a_multipart_upload_do_not_end_it() -> Result<()> {
    let mut rules = vec![Fault::LoseAnswer.at(&[Phase::Part]).once()];
    for phase in OPERATIONS {
        rules.push(portal(200)?.at(&[phase]).once());
        rules.push(portal(204)?.at(&[phase]).once());
    }
    is_stored(LARGE, rules, &OPERATIONS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_answers_lose_their_etag_is_stored() -> Result<()> {
    for size in [SMALL, LARGE] {
        let phase = if size == SMALL { Phase::Put } else { Phase::Part };
        for headers in [&["etag"], EVIDENCE] {
            let rules = vec![Fault::StripHeaders(headers).at(&[phase])];
            is_stored(size, rules, &[phase]).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_happens_once_is_tried_again() -> Result<()> {
    let mut rules = vec![Fault::LoseAnswer.at(&[Phase::Part]).once()];
    for phase in OPERATIONS {
        rules.push(portal(520)?.at(&[phase]).once());
        rules.push(s3(409, "OperationAborted")?.at(&[phase]).once());
        rules.push(s3(403, "ExpiredRequest")?.at(&[phase]).once());
    }
    is_stored(LARGE, rules, &OPERATIONS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_with_an_earlier_complete_is_waited_out() -> Result<()> {
    const CONFLICTS: usize = 5;
    with_impatient_page(async |scenario, page| {
        let file = scenario.files.add("unlucky.bin", LARGE)?;
        scenario.faults().play([
            Fault::Cut { after: 60 }.at(&[Phase::Complete]).once(),
            s3(409, "ConditionalRequestConflict")?.at(&[Phase::Complete]),
        ]);
        page.pick(std::slice::from_ref(&file)).await?;
        wait_until("several conflicts", async || {
            let completes = scenario.faults().hits(Phase::Complete);
            met(completes > CONFLICTS, completes)
        })
        .await?;
        scenario
            .wait_for_look(&file.name, "the page to say that the storage is busy", |row| {
                row.state == "waiting" && row.error.starts_with("The storage is busy or has a problem.")
            })
            .await?;
        ensure!(scenario.objects(&file.name).is_empty());
        scenario.faults().end();
        page.wait_until_stored(1).await?;
        let creates = scenario.faults().requests(Phase::Create);
        ensure!(creates == 1, "{creates} uploads were made of one file");
        scenario.check_stored(&file)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_fails_once_is_tried_again() -> Result<()> {
    let rules = vec![
        portal(520)?.at(&[Phase::Put]).once(),
        s3(409, "OperationAborted")?.at(&[Phase::Put]).once(),
        s3(403, "ExpiredRequest")?.at(&[Phase::Put]).once(),
    ];
    is_stored(SMALL, rules, &[Phase::Put]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_6_mib_on_the_way_makes_requests_smaller() -> Result<()> {
    const LIMIT: u64 = 6 << 20;
    let refusal = Fault::RefuseAbove {
        bytes: LIMIT,
        answer: Answer::foreign(StatusCode::PAYLOAD_TOO_LARGE, "text/html", PORTAL),
    };
    let rules = vec![refusal.at(&[Phase::Put, Phase::Part])];
    is_stored(40 << 20, rules, &[Phase::Part]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firewall_before_the_api_gets_smaller_batches() -> Result<()> {
    /// What the common rules of AWS WAF let through (AWS WAF Developer Guide, "Core rule set").
    const LIMIT: u64 = 8192;
    with_impatient_page(async |scenario, page| {
        let refusal = Fault::RefuseAbove {
            bytes: LIMIT,
            answer: Answer::foreign(StatusCode::FORBIDDEN, "text/html", PORTAL),
        };
        scenario.faults().play([refusal.at(&[Phase::Plan, Phase::Sign])]);
        let files = (0..100)
            .map(|number| {
                scenario
                    .files
                    .add(&format!("one of a hundred, number {number}.txt"), 1000)
            })
            .collect::<Result<Vec<_>>>()?;
        page.pick(&files).await?;
        wait_until("all files to be stored", async || {
            let stored = scenario.stored_files()?.len();
            met(stored == files.len(), stored)
        })
        .await?;
        page.wait_for("the rows to say so", |rows| {
            let are_stored = rows.iter().all(|row| row.state == "stored");
            (are_stored && !rows.is_empty()).then_some(())
        })
        .await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_fails_keeps_users_signed_in() -> Result<()> {
    let options = ProviderOptions {
        access_token_seconds: 10,
        ..Default::default()
    };
    with_faulty_sign_in(options, DEADLINE, async |scenario| {
        let page = sign_in(scenario, "alice").await?;
        let faults = [
            Fault::Answer(Answer::foreign(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/html",
                PORTAL,
            )),
            Fault::Answer(Answer::foreign(StatusCode::OK, "text/html", PORTAL)),
            Fault::Answer(Answer::foreign(
                StatusCode::TOO_MANY_REQUESTS,
                "text/plain",
                "Later",
            )),
        ];
        scenario
            .faults()
            .play(faults.map(|fault| fault.at(&[Phase::Token]).once()));
        wait_until("the token to be renewed after the failures", async || {
            let requests = scenario.faults().requests(Phase::Token);
            met(requests > 3, requests)
        })
        .await?;
        let file = scenario.files.add("notes.txt", 5_000)?;
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_until_stored(1).await?;
        let client = scenario.client();
        let asked = client
            .find_all(Locator::Css(".sign-in-ended:not([hidden])"))
            .await?;
        ensure!(asked.is_empty(), "the user was asked to sign in again");
        scenario.check_stored(&file)
    })
    .await
}
