//! `GET /presign`, whose URLs have the condition in the query, and the policy that demands a condition.

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::http::Request;
use wire::PresignResponse;

use super::{outcome::Outcome, session::Session, web::Answer};

/// What the account's user writes, and what `GET /presign` is asked for.
const OWN_KEY: &str = "uploads/own.txt";
const PRESIGNED_KEY: &str = "presigned.txt";

/// What to do if the bucket's policy does not see the condition.
const ADVICE: &str = "the bucket's policy does not see the condition in a query: deploy with \
                      AllowPlainPresign=false, or, to keep GET /presign, with RequireIfNoneMatch=false";

/// The bucket's policy refuses a write that could replace an object, whoever makes it. That the same user may write with
/// the condition shows that it is the policy that refuses.
pub(super) fn unconditional_write(session: &mut Session<'_>) -> Result<Outcome> {
    let bucket = session.output("UploadBucketName")?;
    let put = ["s3api", "put-object", "--bucket", bucket, "--key", OWN_KEY];
    session
        .account
        .ask(put.into_iter().chain(["--if-none-match", "*"]))
        .context("not even a write with If-None-Match succeeds")?;
    let answer = session.account.ask(put);
    session.is_condition_demanded = is_denied(&answer);
    match answer {
        Ok(_) => Ok(Outcome::wrong(
            "the bucket stored an object without If-None-Match",
        )),
        Err(_) if session.is_condition_demanded => Ok(Outcome::Right),
        Err(error) => Err(error),
    }
}

/// Whether S3 refused what the AWS CLI asked for. Where an answer has no body, the CLI has only its status.
pub(super) fn is_denied(answer: &Result<Value>) -> bool {
    let denials = ["(AccessDenied)", "(403)"];
    answer.as_ref().is_err_and(|error| {
        let text = error.to_string();
        denials.into_iter().any(|denial| text.contains(denial))
    })
}

/// Any HTTP client can store a file by a URL of `GET /presign`.
pub(super) fn put(session: &mut Session<'_>) -> Result<Outcome> {
    let answer = session
        .get(&format!("/presign?key={PRESIGNED_KEY}"))?
        .expect(200)?;
    let PresignResponse { upload_url: url, .. } =
        serde_json::from_slice(answer.body()).context("the answer has no URL")?;
    let answer = send(session, &url, b"first")?;
    let outcome = match answer.status {
        200 => Outcome::Right,
        _ => Outcome::wrong(format!("the PUT answers {}", answer.summary())),
    };
    session.presigned = Some((url, answer));
    Ok(outcome)
}

fn send(session: &Session<'_>, url: &str, body: &[u8]) -> Result<Answer> {
    session.web.send(Request::put(url).body(body.to_vec())?)
}

/// S3 honours the condition in the query of a PUT, which AWS does not document.
pub(super) fn second_put(session: &mut Session<'_>) -> Result<Outcome> {
    let Some((url, _)) = session
        .presigned
        .as_ref()
        .filter(|(_, first)| first.status == 200)
    else {
        return Ok(Outcome::without("object that was stored by /presign"));
    };
    let answer = send(session, url, b"second")?;
    match answer.summary().as_str() {
        "412 PreconditionFailed" => Ok(Outcome::Right),
        other => Ok(Outcome::wrong(format!("the second PUT answers {other}"))),
    }
}

/// The policy that refuses a write without a condition lets one with the condition in its query pass.
pub(super) fn policy_sees_condition(session: &mut Session<'_>) -> Result<Outcome> {
    let Some((_, first)) = &session.presigned else {
        return Ok(Outcome::without("URL of /presign"));
    };
    Ok(judge(
        session.is_condition_demanded,
        first.status,
        &first.summary(),
    ))
}

/// What the first PUT by `GET /presign` says of a policy that demands the condition or was not seen demanding it.
fn judge(is_condition_demanded: bool, status: u16, summary: &str) -> Outcome {
    match (is_condition_demanded, status) {
        (false, _) => {
            Outcome::wrong("the policy was not seen refusing anything, so that a PUT proves nothing")
        }
        (true, 200) => Outcome::Right,
        (true, 403) => Outcome::wrong(format!("the PUT by /presign answers {summary}; {ADVICE}")),
        (true, _) => Outcome::wrong(format!("the PUT by /presign answers {summary}")),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_policy_that_was_not_seen_refusing_proves_nothing() {
        assert!(matches!(judge(false, 200, "200"), Outcome::Wrong { .. }));
        assert_eq!(judge(true, 200, "200"), Outcome::Right);
    }

    #[test]
    fn a_policy_that_does_not_see_the_condition_names_the_parameters() {
        let Outcome::Wrong { why } = judge(true, 403, "403 AccessDenied") else {
            panic!("it is wrong");
        };
        assert!(
            why.contains("AllowPlainPresign=false") && why.contains("RequireIfNoneMatch=false"),
            "{why}"
        );
        let Outcome::Wrong { why } = judge(true, 501, "501 NotImplemented") else {
            panic!("it is wrong");
        };
        assert!(!why.contains("AllowPlainPresign"), "{why}");
    }

    #[test]
    fn only_a_denial_of_s3_is_one() {
        let denied = "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied";
        assert!(is_denied(&Err(anyhow!(denied))));
        assert!(is_denied(&Err(anyhow!(
            "An error occurred (403) when calling HeadObject: Forbidden"
        ))));
        assert!(!is_denied(&Err(anyhow!("Unable to locate credentials"))));
        assert!(!is_denied(&Ok(Value::Null)));
    }
}
