//! What is refused, and how.

use std::time::Duration;

use rusty_s3::Method;
use s3_conformance::{AccessKey, Call, Part, RawRequest, Service};

use crate::{
    checksums::sha256,
    table::Fact,
    uploads::{PART, begin, send_part},
};

const BODY: &[u8] = b"bytes";
const KEY: &str = "uploads/refused";

const FEWER_FIELDS: &str = "its errors have fewer elements; the page reads the code";
const NOT_PROVOKED: &str = "not provoked";
const NO_SWITCH: &str = "nothing makes it do so on demand";

pub(crate) fn facts() -> Vec<Fact> {
    [authorization(), bodies(), multipart(), service()].concat()
}

fn put() -> Call {
    Call::put(KEY, BODY)
}

fn authorization() -> Vec<Fact> {
    vec![
        Fact::new(
            "URL expired",
            "403 AccessDenied with X-Amz-Expires, Expires, ServerTime: Request has expired",
            |service| {
                let answer = put().expires(10).age(3_600).ask(service)?;
                let summary = answer.summary(&["X-Amz-Expires", "Expires", "ServerTime"]);
                Ok(format!("{summary}: {}", answer.need("Message")?))
            },
        )
        .swift_differs(
            &["403 AccessDenied: Request has expired"],
            "it has no times; the page recognises an expired URL by the message",
        ),
        Fact::new(
            "bad signature",
            "403 SignatureDoesNotMatch with StringToSign, CanonicalRequest",
            |service| {
                let mut key = service.endpoint().owner.clone();
                key.secret.push('x');
                put()
                    .signed_by(&key)
                    .outcome(service, &["StringToSign", "CanonicalRequest"])
            },
        ),
        Fact::new(
            "role may not write",
            "403 AccessDenied: Access Denied",
            |service| {
                let answer = Call::put("elsewhere/a", BODY)
                    .signed_by(&service.endpoint().limited)
                    .ask(service)?;
                Ok(format!("{}: {}", answer.summary(&[]), answer.need("Message")?))
            },
        )
        .swift_differs(&["403 AccessDenied: Access Denied."], "another text"),
        Fact::new("unknown access key", "403 InvalidAccessKeyId", |service| {
            let key = AccessKey::lasting("AKIAUNKNOWN", "s");
            put().signed_by(&key).outcome(service, &[])
        })
        .swift_differs(
            &["403 SignatureDoesNotMatch"],
            "it does not say whether a key is known",
        ),
        Fact::new(
            "missing query parameter",
            "400 AuthorizationQueryParametersError",
            |service| {
                let call = put();
                let url = call.url(service)?.replacen("X-Amz-Expires=300&", "", 1);
                Ok(call.ask_at(&url, service)?.summary(&[]))
            },
        )
        .swift_differs(&["403 AccessDenied"], "another word for the same refusal"),
        Fact::new("session token dead", "400 ExpiredToken", |service| {
            let key = key_of_a_dead_session(service);
            put().signed_by(&key).outcome(service, &[])
        })
        .swift_differs(&["200"], "it has no sessions: a token is any query parameter"),
        Fact::new("clock wrong", "403 RequestTimeTooSkewed", |service| {
            put().age(-3_600).outcome(service, &[])
        })
        .swift_differs(&["200"], "it takes a URL that was signed in the future"),
    ]
}

fn key_of_a_dead_session(service: &Service) -> AccessKey {
    let endpoint = service.endpoint();
    match service.controls() {
        Some(controls) => {
            controls.set_lambda_session_expired(true);
            endpoint.limited.clone()
        }
        None => endpoint.owner.clone().with_session_token("dead"),
    }
}

fn bodies() -> Vec<Fact> {
    vec![
        Fact::new("checksum mismatch", "400 BadDigest", |service| {
            put()
                .header("x-amz-checksum-sha256", &sha256(b"other"))
                .outcome(service, &[])
        }),
        Fact::new("checksum not base64", "400 InvalidRequest", |service| {
            put()
                .header("x-amz-checksum-sha256", "no checksum")
                .outcome(service, &[])
        }),
        Fact::new(
            "nothing of a refused body is stored",
            "404 NoSuchKey",
            |service| {
                let refused =
                    Call::put("uploads/never", BODY).header("x-amz-checksum-sha256", &sha256(b"other"));
                refused.ask(service)?;
                Call::new(Method::Get, "uploads/never").outcome(service, &[])
            },
        ),
        Fact::new("key exists", "412 PreconditionFailed with Condition", |service| {
            let call = Call::put("uploads/taken", BODY).header("if-none-match", "*");
            call.ask(service)?.success()?;
            call.outcome(service, &["Condition"])
        })
        .swift_differs(&["412 PreconditionFailed"], FEWER_FIELDS),
        Fact::new("too slow", "400 RequestTimeout", |service| {
            if let Some(controls) = service.controls() {
                controls.set_s3_body_timeout(Duration::from_millis(200));
            }
            let mut request = RawRequest::open(&put(), service, &[("content-length", "5")])?;
            request.write(b"b")?;
            Ok(request.answer()?.summary(&[]))
        }),
        Fact::new("body cut short", "400 IncompleteBody", |service| {
            let mut request = RawRequest::open(&put(), service, &[("content-length", "5")])?;
            request.write(b"b")?;
            request.end_writing()?;
            Ok(request.answer()?.summary(&[]))
        })
        .swift_differs(
            &["400 RequestTimeout"],
            "another word for the same; both are tried again",
        ),
        Fact::new("no length", "411 MissingContentLength", |service| {
            let request = RawRequest::open(&put(), service, &[("connection", "close")])?;
            Ok(request.answer()?.summary(&[]))
        }),
    ]
}

fn multipart() -> Vec<Fact> {
    vec![
        Fact::new(
            "part too small at Complete",
            "400 EntityTooSmall with MinSizeAllowed, ProposedSize, PartNumber",
            |service| {
                let upload = begin(service, KEY)?;
                let parts = [
                    send_part(service, &upload, 1, BODY)?,
                    send_part(service, &upload, 2, BODY)?,
                ];
                let fields = ["MinSizeAllowed", "ProposedSize", "PartNumber"];
                upload.complete(&parts).outcome(service, &fields)
            },
        )
        .swift_differs(&["400 EntityTooSmall"], FEWER_FIELDS),
        Fact::new(
            "bad part",
            "400 InvalidPart with PartNumber, ETag, UploadId",
            |service| {
                let upload = begin(service, KEY)?;
                let part = send_part(service, &upload, 1, BODY)?;
                let bad = Part { number: 2, ..part };
                upload
                    .complete(&[bad])
                    .outcome(service, &["PartNumber", "ETag", "UploadId"])
            },
        )
        .swift_differs(&["400 InvalidPart with UploadId"], FEWER_FIELDS),
        Fact::new(
            "bad ETag",
            "400 InvalidPart with PartNumber, ETag, UploadId",
            |service| {
                let upload = begin(service, KEY)?;
                let mut part = send_part(service, &upload, 1, BODY)?;
                part.etag = "\"00000000000000000000000000000000\"".to_owned();
                upload
                    .complete(&[part])
                    .outcome(service, &["PartNumber", "ETag", "UploadId"])
            },
        )
        .swift_differs(&["400 InvalidPart with UploadId"], FEWER_FIELDS),
        Fact::new("parts out of order", "400 InvalidPartOrder", |service| {
            let upload = begin(service, KEY)?;
            let parts = [
                send_part(service, &upload, 2, &vec![0; PART])?,
                send_part(service, &upload, 1, &vec![0; PART])?,
            ];
            upload.complete(&parts).outcome(service, &[])
        }),
        Fact::new("wrong x-amz-mp-object-size", "400 InvalidRequest", |service| {
            let upload = begin(service, KEY)?;
            let part = send_part(service, &upload, 1, BODY)?;
            upload
                .complete(&[part])
                .header("x-amz-mp-object-size", "6")
                .outcome(service, &[])
        })
        .swift_differs(&["200"], "it ignores the header; the parts' own checks remain"),
        Fact::new("unknown upload", "404 NoSuchUpload with UploadId", |service| {
            let call = Call::put(KEY, BODY)
                .query("partNumber", "1")
                .query("uploadId", "unknown");
            call.outcome(service, &["UploadId"])
        }),
        Fact::new("ListParts of an aborted upload", "404 NoSuchUpload", |service| {
            let upload = begin(service, KEY)?;
            let abort = Call::new(Method::Delete, KEY).query("uploadId", &upload.id);
            abort.ask(service)?.success()?;
            upload.call(Method::Get).outcome(service, &[])
        }),
    ]
}

/// What a service does by itself when it is busy or broken, made by the local one's switches.
fn service() -> Vec<Fact> {
    vec![
        Fact::new("throttled", "503 SlowDown", |service| {
            let Some(controls) = service.controls() else {
                return Ok(NOT_PROVOKED.to_owned());
            };
            controls.fail_next_s3_requests(1, "PUT", 503, "SlowDown");
            put().outcome(service, &[])
        })
        .swift_differs(&[NOT_PROVOKED], NO_SWITCH),
        Fact::new(
            "Complete that answers 200 with an error in its body",
            "200 InternalError",
            |service| {
                let Some(controls) = service.controls() else {
                    return Ok(NOT_PROVOKED.to_owned());
                };
                let upload = begin(service, KEY)?;
                let part = send_part(service, &upload, 1, BODY)?;
                controls.fail_next_s3_requests(1, "POST", 200, "InternalError");
                upload.complete(&[part]).outcome(service, &[])
            },
        )
        .swift_differs(&[NOT_PROVOKED], NO_SWITCH),
    ]
}
