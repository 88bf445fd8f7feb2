//! What is refused, and how.

use std::time::Duration;

use rusty_s3::Method;
use stores::{AccessKey, Call, Endpoint, Service};

use crate::{
    checksums::sha256,
    table::Fact,
    uploads::{PART, Part, Upload},
};

const BODY: &[u8] = b"bytes";
const KEY: &str = "uploads/refused";

const FEWER_FIELDS: &str = "its errors have fewer elements; the page reads the code";
const NOT_PROVOKED: &str = "not provoked";
const NO_SWITCH: &str = "nothing makes it do so on demand";

pub(crate) fn facts() -> Vec<Fact> {
    [authorization(), bodies(), multipart(), service()].concat()
}

fn put(service: &Service) -> Call {
    Call::put(service.endpoint(), KEY, BODY)
}

fn authorization() -> Vec<Fact> {
    vec![
        Fact::new(
            "URL expired",
            "403 AccessDenied with X-Amz-Expires, Expires, ServerTime: Request has expired",
            |service| {
                let answer = put(service).expires(10).age(3_600).send()?;
                let summary = answer.summary(&["X-Amz-Expires", "Expires", "ServerTime"]);
                Ok(format!("{summary}: {}", answer.need("Message")?))
            },
        )
        .swift_differs(
            &["403 AccessDenied: Request has expired"],
            "it tells no times; the page knows an expired URL by the message",
        ),
        Fact::new(
            "bad signature",
            "403 SignatureDoesNotMatch with StringToSign, CanonicalRequest",
            |service| {
                let mut key = service.endpoint().owner.clone();
                key.secret.push('x');
                Ok(put(service)
                    .signed_by(&key)
                    .send()?
                    .summary(&["StringToSign", "CanonicalRequest"]))
            },
        ),
        Fact::new(
            "role may not write",
            "403 AccessDenied: Access Denied",
            |service| {
                let endpoint = service.endpoint();
                let answer = Call::put(endpoint, "elsewhere/a", BODY)
                    .signed_by(&endpoint.limited)
                    .send()?;
                Ok(format!("{}: {}", answer.summary(&[]), answer.need("Message")?))
            },
        )
        .swift_differs(&["403 AccessDenied: Access Denied."], "another text"),
        Fact::new("unknown access key", "403 InvalidAccessKeyId", |service| {
            let key = AccessKey {
                id: "AKIAUNKNOWN".to_owned(),
                secret: "s".to_owned(),
                session_token: None,
            };
            Ok(put(service).signed_by(&key).send()?.summary(&[]))
        })
        .swift_differs(
            &["403 SignatureDoesNotMatch"],
            "it does not tell whether a key is known",
        ),
        Fact::new(
            "missing query parameter",
            "400 AuthorizationQueryParametersError",
            |service| {
                let call = put(service);
                let url = call.url()?.replacen("X-Amz-Expires=300&", "", 1);
                Ok(call.send_to(&url)?.summary(&[]))
            },
        )
        .swift_differs(&["403 AccessDenied"], "another word for the same refusal"),
        Fact::new("session token dead", "400 ExpiredToken", |service| {
            let key = key_of_a_dead_session(service);
            Ok(put(service).signed_by(&key).send()?.summary(&[]))
        })
        .swift_differs(&["200"], "it has no sessions: a token is any query parameter"),
        Fact::new("clock wrong", "403 RequestTimeTooSkewed", |service| {
            Ok(put(service).age(-3_600).send()?.summary(&[]))
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
        None => AccessKey {
            session_token: Some("dead".to_owned()),
            ..endpoint.owner.clone()
        },
    }
}

fn bodies() -> Vec<Fact> {
    vec![
        Fact::new("checksum mismatch", "400 BadDigest", |service| {
            Ok(put(service)
                .header("x-amz-checksum-sha256", &sha256(b"other"))
                .send()?
                .summary(&[]))
        }),
        Fact::new("checksum not base64", "400 InvalidRequest", |service| {
            Ok(put(service)
                .header("x-amz-checksum-sha256", "no checksum")
                .send()?
                .summary(&[]))
        }),
        Fact::new(
            "nothing of a refused body is stored",
            "404 NoSuchKey",
            |service| {
                let endpoint = service.endpoint();
                let refused = Call::put(endpoint, "uploads/never", BODY)
                    .header("x-amz-checksum-sha256", &sha256(b"other"));
                refused.send()?;
                Ok(Call::new(endpoint, Method::Get, "uploads/never")
                    .send()?
                    .summary(&[]))
            },
        ),
        Fact::new("key exists", "412 PreconditionFailed with Condition", |service| {
            let call = Call::put(service.endpoint(), "uploads/taken", BODY).header("if-none-match", "*");
            call.send()?.success()?;
            Ok(call.send()?.summary(&["Condition"]))
        })
        .swift_differs(&["412 PreconditionFailed"], FEWER_FIELDS),
        Fact::new("too slow", "400 RequestTimeout", |service| {
            if let Some(controls) = service.controls() {
                controls.set_s3_body_timeout(Duration::from_millis(200));
            }
            let mut request = put(service).send_head(&[("content-length", "5")])?;
            request.write(b"b")?;
            Ok(request.answer()?.summary(&[]))
        }),
        Fact::new("body cut short", "400 IncompleteBody", |service| {
            let mut request = put(service).send_head(&[("content-length", "5")])?;
            request.write(b"b")?;
            request.end_writing()?;
            Ok(request.answer()?.summary(&[]))
        })
        .swift_differs(
            &["400 RequestTimeout"],
            "another word for the same; both are tried again",
        ),
        Fact::new("no length", "411 MissingContentLength", |service| {
            let request = put(service).send_head(&[("connection", "close")])?;
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
                let upload = Upload::begin(service.endpoint(), KEY)?;
                let parts = [upload.send_part(1, BODY)?, upload.send_part(2, BODY)?];
                let fields = ["MinSizeAllowed", "ProposedSize", "PartNumber"];
                Ok(upload.complete(&parts).send()?.summary(&fields))
            },
        )
        .swift_differs(&["400 EntityTooSmall"], FEWER_FIELDS),
        Fact::new(
            "bad part",
            "400 InvalidPart with PartNumber, ETag, UploadId",
            |service| {
                let upload = Upload::begin(service.endpoint(), KEY)?;
                let part = upload.send_part(1, BODY)?;
                let bad = Part { number: 2, ..part };
                Ok(upload
                    .complete(&[bad])
                    .send()?
                    .summary(&["PartNumber", "ETag", "UploadId"]))
            },
        )
        .swift_differs(&["400 InvalidPart with UploadId"], FEWER_FIELDS),
        Fact::new(
            "bad ETag",
            "400 InvalidPart with PartNumber, ETag, UploadId",
            |service| {
                let upload = Upload::begin(service.endpoint(), KEY)?;
                let mut part = upload.send_part(1, BODY)?;
                part.etag = "\"00000000000000000000000000000000\"".to_owned();
                Ok(upload
                    .complete(&[part])
                    .send()?
                    .summary(&["PartNumber", "ETag", "UploadId"]))
            },
        )
        .swift_differs(&["400 InvalidPart with UploadId"], FEWER_FIELDS),
        Fact::new("parts out of order", "400 InvalidPartOrder", |service| {
            let upload = Upload::begin(service.endpoint(), KEY)?;
            let parts = [
                upload.send_part(2, &vec![0; PART])?,
                upload.send_part(1, &vec![0; PART])?,
            ];
            Ok(upload.complete(&parts).send()?.summary(&[]))
        }),
        Fact::new("wrong x-amz-mp-object-size", "400 InvalidRequest", |service| {
            let upload = Upload::begin(service.endpoint(), KEY)?;
            let part = upload.send_part(1, BODY)?;
            Ok(upload
                .complete(&[part])
                .header("x-amz-mp-object-size", "6")
                .send()?
                .summary(&[]))
        })
        .swift_differs(&["200"], "it ignores the header; the parts' own checks remain"),
        Fact::new("unknown upload", "404 NoSuchUpload with UploadId", |service| {
            let endpoint: &Endpoint = service.endpoint();
            let call = Call::put(endpoint, KEY, BODY)
                .query("partNumber", "1")
                .query("uploadId", "unknown");
            Ok(call.send()?.summary(&["UploadId"]))
        }),
        Fact::new("ListParts of an aborted upload", "404 NoSuchUpload", |service| {
            let upload = Upload::begin(service.endpoint(), KEY)?;
            let abort = Call::new(service.endpoint(), Method::Delete, KEY).query("uploadId", &upload.id);
            abort.send()?.success()?;
            Ok(upload.list().send()?.summary(&[]))
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
            Ok(put(service).send()?.summary(&[]))
        })
        .swift_differs(&[NOT_PROVOKED], NO_SWITCH),
        Fact::new(
            "Complete that answers 200 with an error in its body",
            "200 InternalError",
            |service| {
                let Some(controls) = service.controls() else {
                    return Ok(NOT_PROVOKED.to_owned());
                };
                let upload = Upload::begin(service.endpoint(), KEY)?;
                let part = upload.send_part(1, BODY)?;
                controls.fail_next_s3_requests(1, "POST", 200, "InternalError");
                Ok(upload.complete(&[part]).send()?.summary(&[]))
            },
        )
        .swift_differs(&[NOT_PROVOKED], NO_SWITCH),
    ]
}
