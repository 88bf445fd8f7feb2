//! Every fault at every phase of an upload, in a real browser, and the matrix of the results.

mod cell;
mod expected;

use std::{fmt::Write as _, io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use e2e::{Phase, with_faulty_page};
use futures::{StreamExt, stream};
use serde_json::json;

use cell::{Cell, Ended};
use expected::{Course, FaultKind, course};

/// How many browsers run at once.
const BROWSERS: usize = 2;

/// How long the cells of one fault may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(240);

/// The same where each request has to be given up first.
const SILENT_DEADLINE: Duration = Duration::from_secs(480);

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_at_each_phase_ends_as_expected() -> Result<()> {
    let rows: Vec<Row> = stream::iter(FaultKind::ALL)
        .map(|kind| async move { run_row(kind).await })
        .buffered(BROWSERS)
        .collect()
        .await;
    // Test harnesses capture what passing tests print by the macros.
    std::io::stdout().write_all(table(&rows).as_bytes())?;
    let failures: Vec<String> = rows
        .iter()
        .flat_map(|row| row.cells.iter().map(move |cell| (row.kind, cell)))
        .filter_map(|(kind, (phase, outcome))| {
            let Outcome::Ran(Err(error)) = outcome else {
                return None;
            };
            Some(format!("{kind} at {phase}: {error:#}"))
        })
        .collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}

/// A fault, and the outcome at each phase.
struct Row {
    kind: FaultKind,
    cells: Vec<(Phase, Outcome)>,
}

enum Outcome {
    /// The fault cannot happen there or has no meaning: the text says why.
    NotApplicable(&'static str),
    Ran(Result<Ended>),
}

/// Runs a fault at one phase after the other, in the same browser as long as all goes well.
async fn run_row(kind: FaultKind) -> Row {
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
    Row { kind, cells }
}

fn table(rows: &[Row]) -> String {
    let mut table = format!("\n{:24}", "");
    for phase in Phase::ALL {
        let _ = write!(table, "{phase:11}");
    }
    let mut reasons: Vec<&str> = Vec::new();
    for row in rows {
        let _ = write!(table, "\n{:24}", row.kind.to_string());
        for phase in Phase::ALL {
            let of_phase = row.cells.iter().rev().find(|(other, _)| *other == phase);
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
            let _ = write!(table, "{text:11}");
        }
    }
    table.push('\n');
    for (number, reason) in reasons.iter().enumerate() {
        let _ = write!(table, "\n({}) {reason}", number + 1);
    }
    table
        + "\n\n\
        unnoticed: stored, and the page said nothing. waited: the page said what was wrong, and continued by\n\
        itself once it was over. recovered: stored although the fault lasted or happened once. retried: the page\n\
        gave up with the reason, and Retry stored it. resumed: the user reloaded the page and picked the file again.\n\
        cleaned up: cancelled, and S3 keeps nothing of it.\n\
        *: S3 keeps multipart uploads whose ids were lost with the answers, until the lifecycle rule.\n"
}
