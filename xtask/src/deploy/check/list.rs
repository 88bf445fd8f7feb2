//! The checks, in the order in which they are made.

use std::time::Duration;

use anyhow::Result;

use super::{
    alarm, audit, cors,
    outcome::{Outcome, Report},
    page, presign,
    session::Session,
    uploads, verdict,
};
use crate::process::Interrupt;

/// One check of a deployed stack.
pub(super) struct Check {
    /// What is checked.
    pub(super) name: &'static str,
    run: fn(&mut Session<'_>) -> Result<Outcome>,
    /// What MiniStack cannot do of it, if anything.
    limit: Option<&'static str>,
}

const NO_QUERY_CONDITION: &str = "MiniStack does not know If-None-Match in a query";
const NO_CONDITION_KEY: &str = "MiniStack does not know the policy's condition key s3:if-none-match";
const NO_TLS: &str = "MiniStack's functions reach S3 without TLS, which the bucket's policy refuses";
const NO_FORWARDING: &str = "MiniStack's CloudFront does not forward calls to the API";

pub(super) const CHECKS: [Check; 25] = [
    check("the page and its headers", page::headers),
    check("the page's program, compressed", page::program)
        .not_in_ministack("MiniStack's CloudFront does not compress"),
    check("the API on the page's origin", page::api).not_in_ministack(NO_FORWARDING),
    check("a refusal of a wrong request", uploads::refusal),
    check("a plan", uploads::plan),
    check("PUT", uploads::put),
    check("a second PUT (412)", uploads::second_put),
    check("a multipart upload", uploads::multipart),
    check("no write without a condition (403)", presign::unconditional_write)
        .not_in_ministack(NO_CONDITION_KEY),
    check("PUT by /presign", presign::put),
    check("a second PUT by /presign (412)", presign::second_put).not_in_ministack(NO_QUERY_CONDITION),
    check(
        "the policy sees the condition in a query",
        presign::policy_sees_condition,
    )
    .not_in_ministack(NO_CONDITION_KEY),
    check("CORS of the bucket for the page", cors::bucket_for_page),
    check(
        "CORS of the bucket for another origin",
        cors::bucket_for_other_origin,
    ),
    check("CORS of the API for another origin", cors::api_for_other_origin)
        .not_in_ministack("MiniStack's CloudFormation does not set up an API's CORS"),
    check(
        "CORS of the page's files for another origin",
        cors::page_for_other_origin,
    ),
    check(
        "no CORS of the bucket for a foreign origin",
        cors::bucket_for_foreign_origin,
    ),
    check("the verdict on a harmless file", verdict::clean).not_in_ministack(NO_TLS),
    check("a forbidden file cannot be read", verdict::forbidden).not_in_ministack(NO_TLS),
    check("the audit line of an upload", audit::line),
    check("the visitor's address in it", audit::visitor).not_in_ministack(NO_FORWARDING),
    check("an expired URL (403)", uploads::expired),
    check("an alarm", alarm::state).not_in_ministack("MiniStack makes no metrics of the functions' logs"),
    check("the alarm's mail", alarm::mail),
    check("an upload link", upload_link),
];

const fn check(name: &'static str, run: fn(&mut Session<'_>) -> Result<Outcome>) -> Check {
    Check {
        name,
        run,
        limit: None,
    }
}

impl Check {
    const fn not_in_ministack(self, limit: &'static str) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    fn outcome(&self, session: &mut Session<'_>) -> Outcome {
        let outcome = (self.run)(session).unwrap_or_else(|error| Outcome::wrong(format!("{error:#}")));
        match self.limit {
            Some(limit) if session.web.is_emulated() => outcome.with_limit(limit),
            _ => outcome,
        }
    }
}

/// Makes all checks. After an interrupt nothing more is asked, and what it has cut short says nothing.
pub(super) fn run(session: &mut Session<'_>, report: &mut Report) {
    let interrupt = session.account.toolbox.interrupt;
    for check in &CHECKS {
        let ask = || check.outcome(session);
        report.add(check.name, unless_interrupted(interrupt, ask));
    }
}

/// The outcome of what `ask` asks, unless it was interrupted before or meanwhile.
pub(super) fn unless_interrupted(interrupt: &Interrupt, ask: impl FnOnce() -> Outcome) -> Outcome {
    let was_interrupted = || interrupt.wait(Duration::ZERO);
    let outcome = (!was_interrupted()).then(ask);
    let outcome = outcome.filter(|_| !was_interrupted());
    outcome.unwrap_or_else(|| Outcome::not_here("interrupted"))
}

/// Reports that no check could be made.
pub(super) fn skip(report: &mut Report, why: &str) {
    for check in &CHECKS {
        report.add(check.name, Outcome::not_here(why));
    }
}

/// The throw-away stack has no upload links. MiniStack rehearses one from end to end.
fn upload_link(_: &mut Session<'_>) -> Result<Outcome> {
    Ok(Outcome::not_here("the throw-away stack has no upload links"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::check::{CHANGE_SET, DEPLOYMENT, REMOVAL};

    #[test]
    fn the_document_says_what_to_do_about_every_check() {
        let document = include_str!("../../../../docs/first-deployment.md");
        let names = CHECKS.iter().map(|check| check.name);
        for name in names.chain([CHANGE_SET, DEPLOYMENT, REMOVAL]) {
            assert!(document.contains(&format!("\n| {name} | ")), "{name}");
        }
    }
}
