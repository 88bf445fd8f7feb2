//! The one judge: what every answer of S3 and of the API means for the request that it answers.
//!
//! Something on the way can answer in place of either: a captive portal, a proxy, a firewall. What does not speak for
//! the server that was asked is no proof of anything, whatever its status.

use std::ops::RangeInclusive;

use wire::ErrorBody;

use crate::{
    ErrorKind, HttpAnswer, TransportFailure, UploadError,
    protocol::{
        recovery::Recovery,
        s3_xml::{canonical_code, is_success_document, parse_error},
    },
};

/// Who was asked for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The API, for plans or signatures.
    Api,
    /// S3, to store bytes.
    Put,
    /// S3, to create or complete a multipart upload, or to list its parts: a success has a document.
    Control,
    /// S3, to abort a multipart upload.
    Abort,
}

/// Who an answer is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// Who was asked.
    Server,
    /// Something on the way.
    Stranger,
    /// Either.
    Anybody,
}

/// One row of the table. The first one that fits an answer holds.
struct Row {
    /// The codes of the server; any, and none, if there are none here.
    codes: &'static [&'static str],
    from: From,
    statuses: RangeInclusive<u16>,
    /// What is to be done; `None` if it is a success that has still to be read.
    recovery: Option<fn(UploadError) -> Recovery>,
    kinds: Kinds,
}

/// What went wrong, if S3 was asked and if the API was.
#[derive(Clone, Copy)]
struct Kinds {
    s3: ErrorKind,
    api: ErrorKind,
}

const fn kinds(s3: ErrorKind, api: ErrorKind) -> Kinds {
    Kinds { s3, api }
}

const fn by_code(codes: &'static [&'static str], recovery: fn(UploadError) -> Recovery, kinds: Kinds) -> Row {
    Row {
        codes,
        from: From::Server,
        statuses: 0..=u16::MAX,
        recovery: Some(recovery),
        kinds,
    }
}

const fn by_status(
    statuses: RangeInclusive<u16>,
    from: From,
    recovery: fn(UploadError) -> Recovery,
    kinds: Kinds,
) -> Row {
    Row {
        codes: &[],
        from,
        statuses,
        recovery: Some(recovery),
        kinds,
    }
}

const fn success(statuses: RangeInclusive<u16>) -> Row {
    Row {
        codes: &[],
        from: From::Server,
        statuses,
        recovery: None,
        kinds: UNREADABLE,
    }
}

const BUSY: Kinds = kinds(ErrorKind::S3Busy, ErrorKind::ApiBusy);
const EXPIRED: Kinds = kinds(ErrorKind::Expired, ErrorKind::ApiRefused);
const SKEWED: Kinds = kinds(ErrorKind::ClockSkewed, ErrorKind::ApiRefused);
const CORRUPTED: Kinds = kinds(ErrorKind::Corrupted, ErrorKind::ApiRefused);
const GONE: Kinds = kinds(ErrorKind::UploadGone, ErrorKind::ApiRefused);
const TAKEN: Kinds = kinds(ErrorKind::AlreadyExists, ErrorKind::ApiRefused);
const DENIED: Kinds = kinds(ErrorKind::AccessDenied, ErrorKind::ApiRefused);
const SIGNATURE: Kinds = kinds(ErrorKind::SignatureRefused, ErrorKind::ApiRefused);
const SIGN_IN: Kinds = kinds(ErrorKind::AccessDenied, ErrorKind::NotSignedIn);
const TOO_LARGE: Kinds = kinds(ErrorKind::RequestTooLarge, ErrorKind::RequestTooLarge);
const FILE_TOO_LARGE: Kinds = kinds(ErrorKind::FileTooLarge, ErrorKind::FileTooLarge);
const REFUSED: Kinds = kinds(ErrorKind::S3Refused, ErrorKind::ApiRefused);
const NOT_UNDERSTOOD: Kinds = kinds(ErrorKind::S3Refused, ErrorKind::ApiUnexpectedAnswer);
const UNREADABLE: Kinds = kinds(ErrorKind::S3UnexpectedAnswer, ErrorKind::ApiUnexpectedAnswer);

/// Every answer's meaning. "Error responses" is that list of the Amazon S3 API Reference.
const TABLE: &[Row] = &[
    // Error responses; Cloudflare R2 says ExpiredRequest (cloudflare/cloudflare-docs#32436).
    by_code(
        &[
            "ExpiredRequest",
            "RequestExpired",
            "ExpiredToken",
            "ExpiredTokenException",
            "TokenRefreshRequired",
        ],
        Recovery::SignAgain,
        EXPIRED,
    ),
    // Error responses.
    by_code(&["RequestTimeTooSkewed"], Recovery::SignAgain, SKEWED),
    // Error responses; Amazon S3 User Guide, "Best practices design patterns"; AWS SDKs and Tools Reference Guide,
    // "Retry behavior", for the codes of throttling.
    by_code(
        &[
            "SlowDown",
            "ServiceUnavailable",
            "TooManyRequests",
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "BandwidthLimitExceeded",
        ],
        Recovery::Throttled,
        BUSY,
    ),
    // Error responses. OperationAborted: "A conflicting conditional operation is currently in progress … Try again."
    by_code(
        &[
            "InternalError",
            "OperationAborted",
            "RequestTimeout",
            "IncompleteBody",
            "TemporaryRedirect",
        ],
        Recovery::Retry,
        BUSY,
    ),
    // Error responses. A 5xx like any other, but what it says stays true.
    by_code(&["NotImplemented"], Recovery::Retry, REFUSED),
    // Error responses.
    by_code(
        &["BadDigest", "XAmzContentSHA256Mismatch"],
        Recovery::HashAgain,
        CORRUPTED,
    ),
    // wire::ErrorCode.
    by_code(&["FileTooLarge"], Recovery::Final, FILE_TOO_LARGE),
    // Error responses; wire::ErrorCode.
    by_code(
        &["EntityTooLarge", "MaxMessageLengthExceeded", "BodyTooLarge"],
        Recovery::TooLarge,
        TOO_LARGE,
    ),
    // Error responses.
    by_code(&["NoSuchUpload"], Recovery::UploadGone, GONE),
    by_code(&["InvalidPart"], Recovery::PartsDiffer, REFUSED),
    // Amazon S3 User Guide, "How to prevent object overwrites with conditional writes".
    by_code(&["ConditionalRequestConflict"], Recovery::Conflict, BUSY),
    by_code(&["PreconditionFailed"], Recovery::AlreadyExists, TAKEN),
    // Error responses.
    by_code(
        &["SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken"],
        Recovery::Final,
        SIGNATURE,
    ),
    by_code(
        &["AccessDenied", "AccessForbidden", "AllAccessDisabled"],
        Recovery::Final,
        DENIED,
    ),
    // Error responses: the bucket is in another region.
    by_code(&["PermanentRedirect"], Recovery::Final, REFUSED),
    // RFC 9110, section 15.3.1. `status_to_judge` decides which other statuses count as a success.
    success(200..=200),
    // Nobody knows what a success that the server does not vouch for is the answer to, nor what a redirect led to.
    by_status(0..=399, From::Anybody, Recovery::Ambiguous, UNREADABLE),
    // RFC 9110, section 15.5.2.
    by_status(401..=401, From::Anybody, Recovery::Final, SIGN_IN),
    // RFC 9110, section 15.5.9; RFC 8470, section 5.2.
    by_status(408..=408, From::Anybody, Recovery::Retry, BUSY),
    by_status(425..=425, From::Anybody, Recovery::Retry, BUSY),
    // RFC 9110, section 15.5.13: only S3 knows whether a key is taken.
    by_status(412..=412, From::Server, Recovery::AlreadyExists, TAKEN),
    // RFC 9110, section 15.5.14, as proxies say it.
    by_status(413..=413, From::Anybody, Recovery::TooLarge, TOO_LARGE),
    // RFC 6585, section 4.
    by_status(429..=429, From::Anybody, Recovery::Throttled, BUSY),
    // The server refuses for a reason of its own.
    by_status(403..=403, From::Server, Recovery::Final, DENIED),
    by_status(400..=499, From::Server, Recovery::Final, REFUSED),
    // A firewall, a proxy or a portal refuses: AWS WAF with 403, others with whatever they like.
    by_status(403..=403, From::Stranger, Recovery::Refused, DENIED),
    by_status(400..=499, From::Stranger, Recovery::Refused, NOT_UNDERSTOOD),
    // RFC 9110, section 15.6.4.
    by_status(503..=503, From::Anybody, Recovery::Throttled, BUSY),
    // AWS General Reference, "Error retries and exponential backoff": every 5xx. Proxies make 520 to 530 of their own
    // (Cloudflare Fundamentals, "Cloudflare 5xx errors"), and portals 511 (RFC 6585, section 6).
    by_status(500..=u16::MAX, From::Anybody, Recovery::Retry, BUSY),
];

/// Judges an answer: `Ok` is a success that has still to be read.
pub(crate) fn judge(
    asked: Asked,
    answer: Result<HttpAnswer, TransportFailure>,
) -> Result<HttpAnswer, Recovery> {
    let answer =
        answer.map_err(|failure| Recovery::Ambiguous(UploadError::new(no_answer(asked, failure))))?;
    let statement = if asked == Asked::Api {
        Statement::from_api(&answer)
    } else {
        Statement::from_s3(asked, &answer)
    };
    match statement.row() {
        Some(row) if row.recovery.is_none() => Ok(answer),
        row => Err(statement.recovery(asked, row)),
    }
}

const fn no_answer(asked: Asked, failure: TransportFailure) -> ErrorKind {
    match (asked, failure) {
        (Asked::Api, _) => ErrorKind::ApiUnreachable,
        (_, TransportFailure::NoAnswer) => ErrorKind::S3Unreachable,
        (_, TransportFailure::Stalled) => ErrorKind::Stalled,
    }
}

/// What an answer says, and for whom.
struct Statement {
    status: u16,
    code: String,
    from: From,
    /// What S3 said, or the API.
    error: UploadError,
}

impl Statement {
    fn from_s3(asked: Asked, answer: &HttpAnswer) -> Self {
        let parsed = parse_error(answer.status, &answer.body);
        let is_s3s = parsed.is_some() || is_from_s3(asked, answer);
        let code = parsed.as_ref().map(|error| canonical_code(error, &answer.body));
        let code = code.unwrap_or_default().to_owned();
        let mut error = parsed.unwrap_or_default();
        error.status = answer.status;
        if error.request_id.is_empty() {
            error.request_id = answer.request_id.clone().unwrap_or_default();
        }
        Self {
            status: status_to_judge(asked, answer.status, &code),
            code,
            from: if is_s3s { From::Server } else { From::Stranger },
            error: UploadError::from_s3(ErrorKind::S3Refused, error),
        }
    }

    /// API Gateway's own errors do not have the Lambda's form, but they are JSON with a message (Amazon API Gateway
    /// Developer Guide, "Gateway responses").
    fn from_api(answer: &HttpAnswer) -> Self {
        let status = status_to_judge(Asked::Api, answer.status, "");
        if let Ok(ErrorBody { error, .. }) = serde_json::from_str(&answer.body) {
            return Self {
                status,
                code: error.code.to_string(),
                from: From::Server,
                error: UploadError::from_api(error),
            };
        }
        let json: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
        let is_apis =
            json.is_some_and(|json| json.get("message").is_some() || status == 200 && json.is_object());
        Self {
            status,
            code: String::new(),
            from: if is_apis { From::Server } else { From::Stranger },
            error: UploadError::new(ErrorKind::ApiRefused),
        }
    }

    fn row(&self) -> Option<&'static Row> {
        TABLE.iter().find(|row| {
            let is_from = row.from == From::Anybody || row.from == self.from;
            let has_code = row.codes.is_empty() || row.codes.contains(&self.code.as_str());
            is_from && has_code && row.statuses.contains(&self.status)
        })
    }

    fn recovery(self, asked: Asked, row: Option<&Row>) -> Recovery {
        let (recovery, kinds) = row.map_or((Recovery::Final as _, REFUSED), |row| {
            (row.recovery.unwrap_or(Recovery::Ambiguous), row.kinds)
        });
        let mut error = self.error;
        // The API's own word says more than the table.
        if asked != Asked::Api {
            error.kind = kinds.s3;
        } else if error.api.is_none() {
            error.kind = kinds.api;
        }
        recovery(error)
    }
}

/// The status that the table judges. A success of another kind than the operation's does not count as one. An error in the
/// body of a 200 came after S3 had accepted the request (Amazon S3 API Reference, "CompleteMultipartUpload").
const fn status_to_judge(asked: Asked, status: u16, code: &str) -> u16 {
    match (asked, status) {
        (_, 200..=299) if !code.is_empty() => 500,
        (_, 200) | (Asked::Abort, 204) => 200,
        (_, 200..=299) => 300,
        _ => status,
    }
}

/// Whether an answer that is no error document has what only S3 gives it. S3's answer to a PUT has no body: one with a
/// page in it is a stranger's, whose web server may put an ETag on it, too.
fn is_from_s3(asked: Asked, answer: &HttpAnswer) -> bool {
    let has = |header: &Option<String>| header.as_deref().is_some_and(|text| !text.trim().is_empty());
    match (asked, answer.status) {
        (Asked::Control, 200..=299) => is_success_document(&answer.body),
        (_, 200..=299) => (has(&answer.etag) || has(&answer.request_id)) && answer.body.trim().is_empty(),
        _ => has(&answer.request_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = "<html><body>Welcome to the hotel's network</body></html>";

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer {
            status,
            body: body.to_owned(),
            ..HttpAnswer::default()
        }
    }

    fn s3(status: u16, code: &str, message: &str) -> HttpAnswer {
        answer(
            status,
            &format!(
                "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R</RequestId></Error>"
            ),
        )
    }

    fn api(status: u16, code: &str) -> HttpAnswer {
        answer(
            status,
            &format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#),
        )
    }

    fn with_request_id(answer: HttpAnswer) -> HttpAnswer {
        let request_id = Some("R".to_owned());
        HttpAnswer { request_id, ..answer }
    }

    fn with_etag(answer: HttpAnswer) -> HttpAnswer {
        let etag = Some("\"e\"".to_owned());
        HttpAnswer { etag, ..answer }
    }

    /// The name of what an answer leads to, and the kind of error; `None` for a success.
    fn meaning(asked: Asked, answer: HttpAnswer) -> Option<(&'static str, ErrorKind)> {
        let (name, error) = match judge(asked, Ok(answer)).err()? {
            Recovery::Ambiguous(error) => ("ask", error),
            Recovery::Retry(error) => ("retry", error),
            Recovery::Throttled(error) => ("slow down", error),
            Recovery::HashAgain(error) => ("hash again", error),
            Recovery::SignAgain(error) => ("sign again", error),
            Recovery::TooLarge(error) => ("too large", error),
            Recovery::Refused(error) => ("refused", error),
            Recovery::UploadGone(error) => ("gone", error),
            Recovery::PartsDiffer(error) => ("parts differ", error),
            Recovery::Conflict(error) => ("conflict", error),
            Recovery::AlreadyExists(error) => ("taken", error),
            Recovery::Final(error) => ("final", error),
        };
        Some((name, error.kind))
    }

    fn check(asked: Asked, answer: HttpAnswer, expected: Option<(&str, ErrorKind)>) {
        assert_eq!(meaning(asked, answer.clone()), expected, "{asked:?} {answer:?}");
    }

    #[test]
    fn stored_is_only_what_s3_vouches_for() {
        let asked_again = Some(("ask", ErrorKind::S3UnexpectedAnswer));
        for (answer, expected) in [
            (with_etag(answer(200, "")), None),
            (with_request_id(answer(200, "")), None),
            (with_request_id(answer(200, "\n")), None),
            (answer(200, ""), asked_again),
            (answer(200, HTML), asked_again),
            (with_etag(answer(200, HTML)), asked_again),
            (with_request_id(answer(200, "{}")), asked_again),
            (with_request_id(answer(201, "")), asked_again),
            (with_request_id(answer(204, "")), asked_again),
            (with_etag(answer(206, "")), asked_again),
            (answer(302, ""), asked_again),
            (
                HttpAnswer {
                    etag: Some(" ".to_owned()),
                    ..answer(200, "")
                },
                asked_again,
            ),
            (s3(200, "InternalError", ""), Some(("retry", ErrorKind::S3Busy))),
            (answer(200, "<Error/>"), Some(("retry", ErrorKind::S3Busy))),
            (
                s3(412, "PreconditionFailed", ""),
                Some(("taken", ErrorKind::AlreadyExists)),
            ),
            (
                with_request_id(answer(412, "")),
                Some(("taken", ErrorKind::AlreadyExists)),
            ),
            (answer(412, HTML), Some(("refused", ErrorKind::S3Refused))),
        ] {
            check(Asked::Put, answer, expected);
        }
    }

    #[test]
    fn a_control_request_succeeds_with_s3s_document_only() {
        let asked_again = Some(("ask", ErrorKind::S3UnexpectedAnswer));
        for (body, expected) in [
            ("<ListPartsResult/>", None),
            (
                "<CompleteMultipartUploadResult xmlns=\"n\"></CompleteMultipartUploadResult>",
                None,
            ),
            ("", asked_again),
            (HTML, asked_again),
            ("<CompleteMultipartUpl", asked_again),
            ("<ListBucketResult/>", asked_again),
        ] {
            check(Asked::Control, with_request_id(answer(200, body)), expected);
        }
        check(Asked::Control, answer(204, ""), asked_again);
    }

    #[test]
    fn an_abort_is_done_when_s3_says_so() {
        let asked_again = Some(("ask", ErrorKind::S3UnexpectedAnswer));
        for (answer, expected) in [
            (with_request_id(answer(204, "")), None),
            (answer(204, ""), asked_again),
            (answer(200, HTML), asked_again),
            (s3(404, "NoSuchUpload", ""), Some(("gone", ErrorKind::UploadGone))),
        ] {
            check(Asked::Abort, answer, expected);
        }
    }

    #[test]
    fn every_error_of_s3_has_its_meaning() {
        for (status, code, message, expected, kind) in [
            (
                403,
                "AccessDenied",
                "Request has expired",
                "sign again",
                ErrorKind::Expired,
            ),
            (
                403,
                "AccessDenied",
                "request has Expired.",
                "sign again",
                ErrorKind::Expired,
            ),
            (
                403,
                "AccessDenied",
                "Request is not valid yet",
                "sign again",
                ErrorKind::ClockSkewed,
            ),
            (403, "ExpiredRequest", "", "sign again", ErrorKind::Expired),
            (403, "RequestExpired", "", "sign again", ErrorKind::Expired),
            (400, "ExpiredToken", "", "sign again", ErrorKind::Expired),
            (400, "TokenRefreshRequired", "", "sign again", ErrorKind::Expired),
            (
                403,
                "RequestTimeTooSkewed",
                "",
                "sign again",
                ErrorKind::ClockSkewed,
            ),
            (503, "SlowDown", "", "slow down", ErrorKind::S3Busy),
            (503, "ServiceUnavailable", "", "slow down", ErrorKind::S3Busy),
            (429, "TooManyRequests", "", "slow down", ErrorKind::S3Busy),
            (500, "InternalError", "", "retry", ErrorKind::S3Busy),
            (409, "OperationAborted", "", "retry", ErrorKind::S3Busy),
            (400, "RequestTimeout", "", "retry", ErrorKind::S3Busy),
            (400, "IncompleteBody", "", "retry", ErrorKind::S3Busy),
            (501, "NotImplemented", "", "retry", ErrorKind::S3Refused),
            (400, "BadDigest", "", "hash again", ErrorKind::Corrupted),
            (400, "EntityTooLarge", "", "too large", ErrorKind::RequestTooLarge),
            (404, "NoSuchUpload", "", "gone", ErrorKind::UploadGone),
            (400, "InvalidPart", "", "parts differ", ErrorKind::S3Refused),
            (
                409,
                "ConditionalRequestConflict",
                "",
                "conflict",
                ErrorKind::S3Busy,
            ),
            (412, "PreconditionFailed", "", "taken", ErrorKind::AlreadyExists),
            (
                403,
                "AccessDenied",
                "Access Denied",
                "final",
                ErrorKind::AccessDenied,
            ),
            (
                403,
                "SignatureDoesNotMatch",
                "",
                "final",
                ErrorKind::SignatureRefused,
            ),
            (403, "SomethingNew", "", "final", ErrorKind::AccessDenied),
            (400, "InvalidRequest", "", "final", ErrorKind::S3Refused),
            (301, "PermanentRedirect", "", "final", ErrorKind::S3Refused),
            (307, "TemporaryRedirect", "", "retry", ErrorKind::S3Busy),
        ] {
            for asked in [Asked::Put, Asked::Control, Asked::Abort] {
                check(asked, s3(status, code, message), Some((expected, kind)));
            }
        }
        let body =
            "<Error><Code>AccessDenied</Code><Message>Nein</Message><X-Amz-Expires>1</X-Amz-Expires></Error>";
        check(
            Asked::Put,
            answer(403, body),
            Some(("sign again", ErrorKind::Expired)),
        );
    }

    #[test]
    fn one_rule_judges_the_statuses_of_s3_and_of_the_api() {
        let busy = (ErrorKind::S3Busy, ErrorKind::ApiBusy);
        for (status, expected, (s3, api)) in [
            (408, "retry", busy),
            (425, "retry", busy),
            (429, "slow down", busy),
            (500, "retry", busy),
            (501, "retry", busy),
            (503, "slow down", busy),
            (504, "retry", busy),
            (511, "retry", busy),
            (520, "retry", busy),
            (530, "retry", busy),
            (599, "retry", busy),
            (
                413,
                "too large",
                (ErrorKind::RequestTooLarge, ErrorKind::RequestTooLarge),
            ),
            (401, "final", (ErrorKind::AccessDenied, ErrorKind::NotSignedIn)),
            (403, "refused", (ErrorKind::AccessDenied, ErrorKind::ApiRefused)),
            (
                406,
                "refused",
                (ErrorKind::S3Refused, ErrorKind::ApiUnexpectedAnswer),
            ),
            (
                302,
                "ask",
                (ErrorKind::S3UnexpectedAnswer, ErrorKind::ApiUnexpectedAnswer),
            ),
        ] {
            for body in [HTML, ""] {
                check(Asked::Put, answer(status, body), Some((expected, s3)));
                check(Asked::Api, answer(status, body), Some((expected, api)));
            }
        }
    }

    #[test]
    fn the_apis_own_word_holds() {
        for (answer, expected) in [
            (answer(200, "{}"), None),
            (answer(200, HTML), Some(("ask", ErrorKind::ApiUnexpectedAnswer))),
            (answer(200, ""), Some(("ask", ErrorKind::ApiUnexpectedAnswer))),
            (answer(204, ""), Some(("ask", ErrorKind::ApiUnexpectedAnswer))),
            (api(500, "InternalError"), Some(("retry", ErrorKind::ApiBusy))),
            (api(413, "FileTooLarge"), Some(("final", ErrorKind::FileTooLarge))),
            (
                api(413, "BodyTooLarge"),
                Some(("too large", ErrorKind::ApiRefused)),
            ),
            (
                api(415, "TypeNotAllowed"),
                Some(("final", ErrorKind::TypeNotAllowed)),
            ),
            (api(401, "NotSignedIn"), Some(("final", ErrorKind::NotSignedIn))),
            (api(400, "Teapot"), Some(("final", ErrorKind::ApiRefused))),
            (
                answer(403, r#"{"message":"Forbidden"}"#),
                Some(("final", ErrorKind::ApiRefused)),
            ),
            (
                answer(401, r#"{"message":"Unauthorized"}"#),
                Some(("final", ErrorKind::NotSignedIn)),
            ),
        ] {
            check(Asked::Api, answer, expected);
        }
    }

    #[test]
    fn an_error_has_what_support_asks_for() {
        for (answer, code, request_id) in [
            (s3(400, "InvalidRequest", "m"), "InvalidRequest", "R"),
            (with_request_id(answer(520, HTML)), "", "R"),
        ] {
            let status = answer.status;
            let (Recovery::Final(error) | Recovery::Retry(error)) =
                judge(Asked::Put, Ok(answer)).expect_err("no success")
            else {
                panic!("{status}");
            };
            let s3 = error.s3.expect("what S3 said");
            assert_eq!(
                (s3.status, &*s3.code, &*s3.request_id),
                (status, code, request_id)
            );
        }
    }

    #[test]
    fn no_answer_at_all_is_asked_about() {
        for (asked, failure, expected) in [
            (Asked::Put, TransportFailure::NoAnswer, ErrorKind::S3Unreachable),
            (Asked::Put, TransportFailure::Stalled, ErrorKind::Stalled),
            (Asked::Api, TransportFailure::Stalled, ErrorKind::ApiUnreachable),
        ] {
            let recovery = judge(asked, Err(failure)).expect_err("no success");
            assert_eq!(recovery, Recovery::Ambiguous(UploadError::new(expected)));
        }
    }
}
