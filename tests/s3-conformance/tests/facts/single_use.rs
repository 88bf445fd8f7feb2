//! URLs that are good once.

use std::thread;

use anyhow::Result;
use rusty_s3::Method;
use s3_conformance::{Call, Service};

use crate::{
    table::Fact,
    uploads::{begin, send_part},
};

const BODY: &[u8] = b"bytes";

pub(crate) fn facts() -> Vec<Fact> {
    vec![
        Fact::new(
            "if-none-match: * on PutObject, twice",
            "200, 412 PreconditionFailed",
            |service| {
                twice(
                    service,
                    &Call::put("uploads/once", BODY).header("if-none-match", "*"),
                )
            },
        ),
        Fact::new(
            "if-none-match: * on CompleteMultipartUpload of a key that exists",
            "412 PreconditionFailed",
            |service| {
                Call::put("uploads/exists", BODY).ask(service)?.success()?;
                let upload = begin(service, "uploads/exists")?;
                let part = send_part(service, &upload, 1, BODY)?;
                upload
                    .complete(&[part])
                    .header("if-none-match", "*")
                    .outcome(service, &[])
            },
        ),
        // Amazon S3 User Guide, "How to prevent object overwrites with conditional writes", on a delete that
        // succeeds before a conditional write completes. LocalStack's S3 answers this, too.
        Fact::new(
            "if-none-match: * on Complete of a key that was freed meanwhile",
            "409 ConditionalRequestConflict with Condition",
            |service| {
                const KEY: &str = "uploads/freed";
                Call::put(KEY, BODY).ask(service)?.success()?;
                let upload = begin(service, KEY)?;
                let part = send_part(service, &upload, 1, BODY)?;
                Call::new(Method::Delete, KEY).ask(service)?.success()?;
                let complete = upload.complete(&[part]).header("if-none-match", "*");
                complete.outcome(service, &["Condition"])
            },
        )
        .swift_differs(&["200"], "it looks for the key only when the upload completes"),
        Fact::new("if-none-match with an ETag", "501 NotImplemented", |service| {
            let call = Call::put("uploads/etag", BODY).header("if-none-match", "\"a\"");
            call.outcome(service, &[])
        }),
        Fact::new(
            "two CompleteMultipartUpload with if-none-match: * at once",
            "one stored, the other refused by 409 or 412",
            race,
        )
        .swift_differs(
            &["one stored, the other refused by 409 or 412", "200 and 200"],
            "it looks for the key before it writes, not while; keys are made for one file alone",
        ),
        Fact::new(
            "If-None-Match=* in the query, twice",
            "200, 412 PreconditionFailed",
            |service| {
                twice(
                    service,
                    &Call::put("uploads/once-by-query", BODY).query("If-None-Match", "*"),
                )
            },
        )
        .swift_differs(
            &["200, 200"],
            "it ignores this parameter, so that URLs of GET /presign can overwrite there",
        ),
        Fact::new("a bucket policy can demand if-none-match", "204", |service| {
            let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
            let call = Call::new(Method::Put, "")
                .query("policy", "")
                .body(policy.as_bytes());
            call.outcome(service, &[])
        })
        .local_differs(
            &["501 NotImplemented"],
            "it has one bucket and one role, whose policy is built in",
        )
        .swift_differs(&["501 NotImplemented"], "Swift has no bucket policies"),
    ]
}

fn twice(service: &Service, call: &Call) -> Result<String> {
    let (first, second) = (call.ask(service)?.summary(&[]), call.ask(service)?.summary(&[]));
    Ok(format!("{first}, {second}"))
}

fn race(service: &Service) -> Result<String> {
    const KEY: &str = "uploads/race";
    let complete = || -> Result<Call> {
        let upload = begin(service, KEY)?;
        let part = send_part(service, &upload, 1, BODY)?;
        Ok(upload.complete(&[part]).header("if-none-match", "*"))
    };
    let (one, other) = (complete()?, complete()?);
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(|| one.ask(service));
        let other = other.ask(service);
        (one.join().expect("no panic"), other)
    });
    let mut statuses = [one?.status, other?.status];
    statuses.sort_unstable();
    Ok(match statuses {
        [200, 409 | 412] => "one stored, the other refused by 409 or 412".to_owned(),
        [one, other] => format!("{one} and {other}"),
    })
}
