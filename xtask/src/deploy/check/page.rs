//! The page, as the distribution serves it.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

use super::{outcome::Outcome, session::Session, web::Answer};

/// How long the name of a new distribution may take to be known everywhere.
const PATIENCE: Duration = Duration::from_secs(120);

/// The headers of every file of the page that the template sets. Its Content-Security-Policy depends on the stack.
const HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// The page arrives as it is on the disk, with the headers of the template.
pub(super) fn headers(session: &mut Session<'_>) -> Result<Outcome> {
    let load = || Ok(session.visit("", &[]).ok().filter(|answer| answer.status == 200));
    let Some(answer) = session.wait_for(PATIENCE, load)? else {
        let answer = session.visit("", &[])?;
        return Ok(Outcome::wrong(format!("the page answers {}", answer.summary())));
    };
    let bucket = session.output("UploadBucketName")?;
    let mut faults = faults(&answer, bucket, &session.account.stack.region);
    let index = fs::read(session.page.folder.join("index.html")).context("the page cannot be read")?;
    if answer.body() != index {
        faults.push("it is not the page that was built".to_owned());
    }
    Ok(Outcome::of_faults(&faults))
}

/// What is wrong with the headers of the page of this bucket.
fn faults(answer: &Answer, bucket: &str, region: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, expected) in HEADERS {
        let value = answer.header(name);
        if value != expected {
            faults.push(format!("{name} is {value:?} and not {expected:?}"));
        }
    }
    let media_type = answer.header("content-type");
    if media_type != "text/html; charset=utf-8" {
        faults.push(format!("content-type is {media_type:?}"));
    }
    let policy = answer.header("content-security-policy");
    let domain = lambda_api::partition::domain_of(region);
    let connect = format!(
        "connect-src 'self' https://{bucket}.s3.{region}.{domain} \
         https://{bucket}.s3.dualstack.{region}.{domain}"
    );
    if !policy.starts_with("default-src 'none'; ") || !policy.ends_with(&connect) {
        faults.push(format!("content-security-policy is {policy:?}"));
    }
    faults
}

/// The program has its type, may be kept for a year, and is compressed.
pub(super) fn program(session: &mut Session<'_>) -> Result<Outcome> {
    let mut files = session.page.files.iter();
    let program = files.find(|file| file.path.ends_with(".wasm") && file.is_immutable());
    let program = program.context("the page has no program")?;
    let answer = session
        .visit(&program.path, &[("accept-encoding", "br")])?
        .expect(200)?;
    let expected = [
        ("content-type", program.content_type),
        ("cache-control", program.cache_control()),
        ("content-encoding", "br"),
    ];
    let faults = expected.into_iter().filter_map(|(name, expected)| {
        let value = answer.header(name);
        (value != expected).then(|| format!("{name} is {value:?} and not {expected:?}"))
    });
    Ok(Outcome::of_faults(&faults.collect::<Vec<_>>()))
}

/// The distribution forwards calls to the API.
pub(super) fn api(session: &mut Session<'_>) -> Result<Outcome> {
    let answer = session.visit("api/health", &[])?;
    if answer.status == 200 {
        Ok(Outcome::Right)
    } else {
        Ok(Outcome::wrong(format!(
            "/api/health answers {}",
            answer.summary()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::check::web::tests::answer;

    #[test]
    fn every_header_that_is_not_as_in_the_template_is_named() {
        let policy = "default-src 'none'; script-src 'self'; connect-src 'self' \
                      https://b.s3.eu-central-1.amazonaws.com https://b.s3.dualstack.eu-central-1.amazonaws.com";
        let right = HEADERS.into_iter().chain([
            ("content-type", "text/html; charset=utf-8"),
            ("content-security-policy", policy),
        ]);
        let right: Vec<_> = right.collect();
        let empty: [String; 0] = [];
        assert_eq!(faults(&answer(200, &right, ""), "b", "eu-central-1"), empty);
        for missing in 0..right.len() {
            let mut headers = right.clone();
            let (name, _) = headers.remove(missing);
            let faults = faults(&answer(200, &headers, ""), "b", "eu-central-1");
            assert!(faults.len() == 1 && faults[0].starts_with(name), "{faults:?}");
        }
        let of_another_bucket = faults(&answer(200, &right, ""), "c", "eu-central-1");
        assert_eq!(of_another_bucket.len(), 1, "{of_another_bucket:?}");
    }
}
