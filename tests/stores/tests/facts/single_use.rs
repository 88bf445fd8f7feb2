//! URLs that are good once.

use std::thread;

use anyhow::Result;
use rusty_s3::Method;
use stores::{Call, Endpoint};

use crate::{table::Fact, uploads::Upload};

const BODY: &[u8] = b"bytes";

pub(crate) fn facts() -> Vec<Fact> {
    vec![
        Fact::new(
            "if-none-match: * on PutObject, twice",
            "200, 412 PreconditionFailed",
            |service| {
                twice(&Call::put(service.endpoint(), "uploads/once", BODY).header("if-none-match", "*"))
            },
        ),
        Fact::new(
            "if-none-match: * on CompleteMultipartUpload of a key that exists",
            "412 PreconditionFailed",
            |service| {
                let endpoint = service.endpoint();
                Call::put(endpoint, "uploads/exists", BODY).send()?.success()?;
                let upload = Upload::begin(endpoint, "uploads/exists")?;
                let part = upload.send_part(1, BODY)?;
                Ok(upload
                    .complete(&[part])
                    .header("if-none-match", "*")
                    .send()?
                    .summary(&[]))
            },
        ),
        Fact::new("if-none-match with an ETag", "501 NotImplemented", |service| {
            let call = Call::put(service.endpoint(), "uploads/etag", BODY).header("if-none-match", "\"a\"");
            Ok(call.send()?.summary(&[]))
        }),
        Fact::new(
            "two CompleteMultipartUpload with if-none-match: * at once",
            "one stored, the other refused by 409 or 412",
            |service| race(service.endpoint()),
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
                    &Call::put(service.endpoint(), "uploads/once-by-query", BODY).query("If-None-Match", "*"),
                )
            },
        )
        .swift_differs(
            &["200, 200"],
            "it knows no such parameter, so that URLs of GET /presign can overwrite there",
        ),
        Fact::new("a bucket policy can demand if-none-match", "204", |service| {
            let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
            let call = Call::new(service.endpoint(), Method::Put, "")
                .query("policy", "")
                .body(policy.as_bytes());
            Ok(call.send()?.summary(&[]))
        })
        .local_differs(
            &["501 NotImplemented"],
            "it has one bucket and one role, whose policy is built in",
        )
        .swift_differs(&["501 NotImplemented"], "Swift has no bucket policies"),
    ]
}

fn twice(call: &Call) -> Result<String> {
    let (first, second) = (call.send()?.summary(&[]), call.send()?.summary(&[]));
    Ok(format!("{first}, {second}"))
}

fn race(endpoint: &Endpoint) -> Result<String> {
    const KEY: &str = "uploads/race";
    let complete = || -> Result<Call> {
        let upload = Upload::begin(endpoint, KEY)?;
        let part = upload.send_part(1, BODY)?;
        Ok(upload.complete(&[part]).header("if-none-match", "*"))
    };
    let (one, other) = (complete()?, complete()?);
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(|| one.send());
        let other = other.send();
        (one.join().expect("no panic"), other)
    });
    let mut statuses = [one?.status, other?.status];
    statuses.sort_unstable();
    Ok(match statuses {
        [200, 409 | 412] => "one stored, the other refused by 409 or 412".to_owned(),
        [one, other] => format!("{one} and {other}"),
    })
}
