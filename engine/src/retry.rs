//! What an answer of S3 means for the request that it answers.

use crate::{
    ErrorKind, HttpAnswer, S3Error, TransportFailure, UploadError,
    planted::{Bug, planted},
    s3_xml,
};

/// What is to be done after an answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again after a back-off. Whether the request was carried out is not known.
    Retry(UploadError),
    /// S3 wants fewer requests; try again after a back-off.
    Throttled(UploadError),
    /// The bytes did not arrive as they were hashed: hash again, then send again once.
    HashAgain(UploadError),
    /// The signature is of no use any more: have the request signed again.
    Resign(UploadError),
    /// The multipart upload is gone.
    UploadGone(UploadError),
    /// S3 does not have a part of the multipart upload as it was named.
    PartsDiffer(UploadError),
    /// The multipart upload has to start again.
    StartOver(UploadError),
    /// Something already has the key.
    AlreadyExists(UploadError),
    /// No further try would change it.
    Final(UploadError),
}

/// Judges an answer of S3: `Ok` is a success that the operation has still to read.
pub(crate) fn judge(answer: Result<HttpAnswer, TransportFailure>) -> Result<HttpAnswer, Verdict> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(TransportFailure::NoAnswer) => {
            return Err(Verdict::Retry(UploadError::new(ErrorKind::S3Unreachable)));
        }
        Err(TransportFailure::Stalled) => {
            return Err(Verdict::Retry(UploadError::new(ErrorKind::Stalled)));
        }
    };
    let has_error = s3_xml::parse_error(answer.status, &answer.body).is_some();
    if (200..300).contains(&answer.status) && (!has_error || planted(Bug::ErrorIn200IsSuccess)) {
        return Ok(answer);
    }
    Err(judge_error(error_of(answer)))
}

/// What S3 said, with the request id of the header where the body has none.
fn error_of(answer: HttpAnswer) -> S3Error {
    let mut error = s3_xml::parse_error(answer.status, &answer.body).unwrap_or_default();
    error.status = answer.status;
    if error.request_id.is_empty() {
        error.request_id = answer.request_id.unwrap_or_default();
    }
    error
}

fn judge_error(s3: S3Error) -> Verdict {
    let error = |kind| UploadError::from_s3(kind, s3.clone());
    match (s3.code.as_str(), s3.status) {
        ("AccessDenied", _) if s3.message == "Request has expired" && planted(Bug::ExpiredIsFinal) => {
            Verdict::Final(error(ErrorKind::Expired))
        }
        ("AccessDenied", _) if s3.message == "Request has expired" => {
            Verdict::Resign(error(ErrorKind::Expired))
        }
        ("ExpiredToken", _) => Verdict::Resign(error(ErrorKind::Expired)),
        ("RequestTimeTooSkewed", _) => Verdict::Resign(error(ErrorKind::ClockSkewed)),
        ("SlowDown" | "ServiceUnavailable", _) => Verdict::Throttled(error(ErrorKind::S3Busy)),
        ("BadDigest", _) => Verdict::HashAgain(error(ErrorKind::Corrupted)),
        ("NoSuchUpload", _) => Verdict::UploadGone(error(ErrorKind::UploadGone)),
        ("InvalidPart", _) => Verdict::PartsDiffer(error(ErrorKind::S3Refused)),
        ("ConditionalRequestConflict", _) => Verdict::StartOver(error(ErrorKind::S3Busy)),
        ("PreconditionFailed", _) | (_, 412) => Verdict::AlreadyExists(error(ErrorKind::AlreadyExists)),
        ("RequestTimeout" | "IncompleteBody" | "InternalError", _) | (_, 408 | 500 | 502 | 504) => {
            Verdict::Retry(error(ErrorKind::S3Busy))
        }
        (_, 429 | 503) => Verdict::Throttled(error(ErrorKind::S3Busy)),
        ("SignatureDoesNotMatch" | "InvalidAccessKeyId", _) => {
            Verdict::Final(error(ErrorKind::SignatureRefused))
        }
        ("AccessDenied" | "AccessForbidden", _) | (_, 401 | 403) => {
            Verdict::Final(error(ErrorKind::AccessDenied))
        }
        ("EntityTooLarge", _) => Verdict::Final(error(ErrorKind::FileTooLarge)),
        ("", 200..300) => Verdict::Retry(error(ErrorKind::S3UnexpectedAnswer)),
        // An error that S3 puts into the body of a 200 came after it had accepted the request.
        (_, 200..300) => Verdict::Retry(error(ErrorKind::S3Busy)),
        _ => Verdict::Final(error(ErrorKind::S3Refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, code: &str, message: &str, expected: fn(UploadError) -> Verdict, kind: ErrorKind) {
        let body =
            format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R</RequestId></Error>");
        let answer = HttpAnswer {
            status,
            body,
            ..HttpAnswer::default()
        };
        let s3 = S3Error {
            status,
            code: code.into(),
            message: message.into(),
            request_id: "R".into(),
        };
        assert_eq!(
            judge(Ok(answer)),
            Err(expected(UploadError::from_s3(kind, s3))),
            "{status} {code}"
        );
    }

    #[test]
    fn every_error_of_s3_has_its_class() {
        check(
            403,
            "AccessDenied",
            "Request has expired",
            Verdict::Resign,
            ErrorKind::Expired,
        );
        check(400, "ExpiredToken", "", Verdict::Resign, ErrorKind::Expired);
        check(
            403,
            "RequestTimeTooSkewed",
            "",
            Verdict::Resign,
            ErrorKind::ClockSkewed,
        );
        check(503, "SlowDown", "", Verdict::Throttled, ErrorKind::S3Busy);
        check(429, "TooManyRequests", "", Verdict::Throttled, ErrorKind::S3Busy);
        check(500, "InternalError", "", Verdict::Retry, ErrorKind::S3Busy);
        check(200, "InternalError", "", Verdict::Retry, ErrorKind::S3Busy);
        check(400, "RequestTimeout", "", Verdict::Retry, ErrorKind::S3Busy);
        check(400, "IncompleteBody", "", Verdict::Retry, ErrorKind::S3Busy);
        check(400, "BadDigest", "", Verdict::HashAgain, ErrorKind::Corrupted);
        check(
            404,
            "NoSuchUpload",
            "",
            Verdict::UploadGone,
            ErrorKind::UploadGone,
        );
        check(400, "InvalidPart", "", Verdict::PartsDiffer, ErrorKind::S3Refused);
        check(
            409,
            "ConditionalRequestConflict",
            "",
            Verdict::StartOver,
            ErrorKind::S3Busy,
        );
        check(
            412,
            "PreconditionFailed",
            "",
            Verdict::AlreadyExists,
            ErrorKind::AlreadyExists,
        );
        check(
            403,
            "AccessDenied",
            "Access Denied",
            Verdict::Final,
            ErrorKind::AccessDenied,
        );
        check(
            403,
            "SignatureDoesNotMatch",
            "",
            Verdict::Final,
            ErrorKind::SignatureRefused,
        );
        check(400, "EntityTooLarge", "", Verdict::Final, ErrorKind::FileTooLarge);
        check(400, "InvalidRequest", "", Verdict::Final, ErrorKind::S3Refused);
        check(501, "NotImplemented", "", Verdict::Final, ErrorKind::S3Refused);
    }

    #[test]
    fn an_answer_without_s3s_xml_is_judged_by_its_status() {
        for (status, expected) in [
            (502, ErrorKind::S3Busy),
            (503, ErrorKind::S3Busy),
            (403, ErrorKind::AccessDenied),
            (418, ErrorKind::S3Refused),
        ] {
            let answer = HttpAnswer {
                status,
                body: "<html>".into(),
                request_id: Some("from the header".into()),
                ..HttpAnswer::default()
            };
            let (Verdict::Retry(error) | Verdict::Throttled(error) | Verdict::Final(error)) =
                judge(Ok(answer)).expect_err("no success")
            else {
                panic!("{status}");
            };
            assert_eq!(error.kind, expected);
            assert_eq!(error.s3.expect("S3's part").request_id, "from the header");
        }
    }

    #[test]
    fn no_answer_at_all_is_tried_again() {
        for (failure, expected) in [
            (TransportFailure::NoAnswer, ErrorKind::S3Unreachable),
            (TransportFailure::Stalled, ErrorKind::Stalled),
        ] {
            let verdict = judge(Err(failure)).expect_err("no success");
            assert_eq!(verdict, Verdict::Retry(UploadError::new(expected)));
        }
    }
}
