//! What the verdict Lambda finds in what was uploaded.

use std::time::Duration;

use anyhow::{Context, Result};
use wire::{Verdict, VerdictOutcome, VerdictsRequest, VerdictsResponse};

use super::{outcome::Outcome, presign::is_denied, session::Session, uploads::plan_small};

/// How long S3's event, and the function that gets it, may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The beginning of a program for Linux (System V Application Binary Interface, "ELF Header").
const PROGRAM: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0 a program";

/// A picture that was declared as one is clean.
pub(super) fn clean(session: &mut Session<'_>) -> Result<Outcome> {
    let Some(small) = &session.small else {
        return Ok(Outcome::without("uploaded file"));
    };
    expect(session, &small.key, Verdict::Clean)
}

/// A program is forbidden, and then nobody can read it.
pub(super) fn forbidden(session: &mut Session<'_>) -> Result<Outcome> {
    let file = plan_small(session, "program.png", "image/png", PROGRAM)?;
    session.web.send_signed(&file.put, &file.bytes)?.expect(200)?;
    let outcome = expect(session, &file.key, Verdict::Forbidden)?;
    if outcome != Outcome::Right {
        return Ok(outcome);
    }
    let bucket = session.output("UploadBucketName")?;
    let head = ["s3api", "head-object", "--bucket", bucket, "--key", &file.key];
    match session.account.ask(head) {
        Ok(_) => Ok(Outcome::wrong("it is forbidden and can be read")),
        answer if is_denied(&answer) => Ok(Outcome::Right),
        Err(error) => Err(error),
    }
}

fn expect(session: &Session<'_>, key: &str, expected: Verdict) -> Result<Outcome> {
    let request = VerdictsRequest {
        keys: vec![key.to_owned()],
    };
    let ask = || {
        let response: VerdictsResponse = session.call("/verdicts", &request)?;
        let outcome = response
            .verdicts
            .into_iter()
            .next()
            .context("the answer is empty")?;
        Ok(Some(outcome).filter(|outcome| *outcome != VerdictOutcome::Pending))
    };
    match session.wait_for(PATIENCE, ask)? {
        Some(VerdictOutcome::Verdict(verdict)) if verdict == expected => Ok(Outcome::Right),
        Some(other) => Ok(Outcome::wrong(format!("the verdict is {other:?}"))),
        None => Ok(Outcome::wrong("there is no verdict yet")),
    }
}
