//! Every fault at every phase of an upload, in a real browser: a test for each fault, which prints its row of the matrix.

mod cell;
mod expected;

use std::{fmt::Write as _, io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use e2e::{Phase, with_faulty_page};
use serde_json::json;

use cell::{Cell, Ended};
use expected::{Course, FaultKind, course};

/// How long the cells of one fault may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(240);

/// The same where each request has to be given up first.
const SILENT_DEADLINE: Duration = Duration::from_secs(480);

/// A test for each fault.
macro_rules! rows {
    ($($name:ident: $kind:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() -> Result<()> {
                check_row(FaultKind::$kind).await
            }
        )*
    };
}

rows! {
    a_black_hole: BlackHole,
    an_answer_that_is_withheld: Withheld,
    a_delay: Delay,
    a_request_cut_midway: Cut,
    a_connection_reset: Reset,
    a_slow_network: Throttle,
    a_corrupted_byte: Corrupt,
    a_busy_server: Busy,
    a_denied_request: Denied,
    an_expired_url: Expired,
    an_upload_that_is_gone: Gone,
    a_lost_answer: LostAnswer,
    a_foreign_answer: Foreign,
    an_odd_status: OddStatus,
    an_aborted_operation: Aborted,
    an_expired_request: OtherExpiry,
    headers_that_are_stripped: Stripped,
    a_body_that_is_too_large: TooLarge,
    a_body_that_is_swallowed: Swallowed,
}

/// Plays a fault at each phase, and checks that each upload ends as expected.
async fn check_row(kind: FaultKind) -> Result<()> {
    let cells = run_row(kind).await;
    // Test harnesses capture what passing tests print by the macros.
    std::io::stdout().write_all(table(kind, &cells).as_bytes())?;
    let failures = cells.iter().filter_map(|(phase, outcome)| match outcome {
        Outcome::Ran(Err(error)) => Some(format!("{kind} at {phase}: {error:#}")),
        _ => None,
    });
    let failures: Vec<String> = failures.collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}

enum Outcome {
    /// The fault cannot happen there or has no meaning: the text says why.
    NotApplicable(&'static str),
    Ran(Result<Ended>),
}

/// Runs a fault at one phase after the other, in the same browser as long as all goes well. Returns the outcome at each
/// phase.
async fn run_row(kind: FaultKind) -> Vec<(Phase, Outcome)> {
    let mut cells = Vec::new();
    let mut phases = Vec::new();
    for phase in Phase::ALL {
        match course(kind, phase) {
            Course::NotApplicable(reason) => cells.push((phase, Outcome::NotApplicable(reason))),
            course => phases.push(Cell { kind, phase, course }),
        }
    }
    let deadline = if kind.is_silent() {
        SILENT_DEADLINE
    } else {
        DEADLINE
    };
    let mut running = Phase::Plan;
    let mut waiting = phases.into_iter().peekable();
    while waiting.peek().is_some() {
        let settings = json!({
            "backoffMilliseconds": 200,
            "maxAttempts": 100,
            // A short limit would take a busy machine for a stall.
            "stallSeconds": if kind.is_silent() { 1 } else { 60 },
        });
        let ran = with_faulty_page(settings, deadline, async |scenario| {
            for cell in waiting.by_ref() {
                running = cell.phase;
                // A page that knows that the network is fast would send a large file as one request.
                let page = scenario.open_recorded_page().await?;
                let ended = cell.run(scenario, &page).await;
                let is_lost = ended.is_err();
                cells.push((running, Outcome::Ran(ended)));
                if is_lost {
                    // What the page still has would disturb the next cell.
                    break;
                }
            }
            Ok(())
        })
        .await;
        if let Err(error) = ran {
            cells.push((running, Outcome::Ran(Err(error))));
            break;
        }
    }
    cells
}

/// The row of the matrix under its head, with the reasons why cells are empty.
fn table(kind: FaultKind, cells: &[(Phase, Outcome)]) -> String {
    let (mut head, mut row) = (format!("\n{:24}", ""), format!("\n{:24}", kind.to_string()));
    let mut reasons: Vec<&str> = Vec::new();
    for phase in Phase::ALL {
        let _ = write!(head, "{phase:11}");
        let of_phase = cells.iter().rev().find(|(other, _)| *other == phase);
        let text = match of_phase {
            Some((_, Outcome::Ran(Ok(ended)))) => ended.to_string(),
            Some((_, Outcome::Ran(Err(_)))) => "WRONG".to_owned(),
            Some((_, Outcome::NotApplicable(reason))) => {
                let known = reasons.iter().position(|known| known == reason);
                let number = known.unwrap_or_else(|| {
                    reasons.push(reason);
                    reasons.len() - 1
                });
                format!("({})", number + 1)
            }
            None => "not run".to_owned(),
        };
        let _ = write!(row, "{text:11}");
    }
    for (number, reason) in reasons.iter().enumerate() {
        let _ = write!(row, "\n({}) {reason}", number + 1);
    }
    head + &row + "\n"
}
