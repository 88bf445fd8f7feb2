//! Presigned requests.

use std::{thread, time::Duration};

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use rusty_s3::Method;
use stores::{Call, Service};

use crate::{checksums::sha256, table::Fact};

const BODY: &[u8] = b"bytes";

/// How long the URL is good that expires while its request runs, in seconds.
const SHORT_LIFE: u64 = 6;

pub(crate) fn facts() -> Vec<Fact> {
    let refused = "403 SignatureDoesNotMatch";
    [enforced_headers(), unsigned_headers(), lives()]
        .concat()
        .into_iter()
        .chain([Fact::new(
            "a key is encoded once and not normalised",
            "200, listed as it is",
            |service| {
                const KEY: &str = "uploads/a//b %2F+c=d&e~ü.txt";
                let endpoint = service.endpoint();
                let stored = Call::put(endpoint, KEY, BODY).send()?.status;
                let list = Call::new(endpoint, Method::Get, "")
                    .query("list-type", "2")
                    .query("prefix", "uploads/a//");
                let listed = list.send()?.need("Key")?;
                Ok(format!(
                    "{stored}, listed {}",
                    if listed == KEY { "as it is" } else { &listed }
                ))
            },
        )])
        .chain([Fact::new("a changed path is refused", refused, |service| {
            let call = Call::put(service.endpoint(), "uploads/path-a", BODY);
            let url = call.url()?.replacen("path-a", "path-b", 1);
            Ok(call.send_to(&url)?.summary(&[]))
        })])
        .collect()
}

/// Signs a header with one value, and sends it with another or not at all.
fn with_header(service: &Service, name: &str, signed: &str, sent: Option<&str>) -> Result<String> {
    let mut call = Call::put(service.endpoint(), "uploads/enforced", BODY).signed_header(name, signed);
    if let Some(sent) = sent {
        call = call.sent_header(name, sent);
    }
    Ok(call.send()?.summary(&[]))
}

fn enforced_headers() -> Vec<Fact> {
    let refused = "403 SignatureDoesNotMatch";
    vec![
        Fact::new("signed content-length, another length sent", refused, |service| {
            with_header(service, "content-length", "6", None)
        }),
        Fact::new("signed content-type, not sent", refused, |service| {
            with_header(service, "content-type", "text/plain", None)
        }),
        Fact::new("signed content-type, another sent", refused, |service| {
            with_header(service, "content-type", "text/plain", Some("text/html"))
        }),
        Fact::new("signed content-encoding, not sent", refused, |service| {
            with_header(service, "content-encoding", "br", None)
        }),
        Fact::new("signed content-encoding, another sent", refused, |service| {
            with_header(service, "content-encoding", "br", Some("gzip"))
        }),
        Fact::new("signed x-amz-meta-*, not sent", refused, |service| {
            with_header(service, "x-amz-meta-a", "1", None)
        }),
        Fact::new("signed x-amz-meta-*, another sent", refused, |service| {
            with_header(service, "x-amz-meta-a", "1", Some("2"))
        }),
        Fact::new("signed x-amz-checksum-*, not sent", refused, |service| {
            with_header(service, "x-amz-checksum-sha256", &sha256(BODY), None)
        }),
        Fact::new("signed x-amz-checksum-*, another sent", refused, |service| {
            with_header(
                service,
                "x-amz-checksum-sha256",
                &sha256(b"other"),
                Some(&sha256(BODY)),
            )
        }),
        Fact::new("signed if-none-match, not sent", refused, |service| {
            with_header(service, "if-none-match", "*", None)
        }),
        Fact::new("signed if-none-match, another sent", refused, |service| {
            with_header(service, "if-none-match", "*", Some("\"a\""))
        })
        .swift_differs(
            &["501 NotImplemented"],
            "it looks at the value before the signature; refused either way",
        ),
        Fact::new("every such header as it was signed", "200", |service| {
            let call = Call::put(service.endpoint(), "uploads/as-signed", BODY)
                .signed_header("content-length", "5")
                .header("content-type", "text/plain")
                .header("content-encoding", "br")
                .header("x-amz-meta-a", "1")
                .header("x-amz-checksum-sha256", &sha256(BODY))
                .header("if-none-match", "*");
            Ok(call.send()?.summary(&[]))
        }),
    ]
}

fn unsigned_headers() -> Vec<Fact> {
    vec![
        Fact::new(
            "an unsigned x-amz-* header",
            "403 AccessDenied with HeadersNotSigned",
            |service| {
                let call =
                    Call::put(service.endpoint(), "uploads/unsigned", BODY).sent_header("x-amz-meta-a", "1");
                Ok(call.send()?.summary(&["HeadersNotSigned"]))
            },
        ),
        Fact::new("an unsigned x-amz-content-sha256", "200", |service| {
            let call = Call::put(service.endpoint(), "uploads/unsigned-hash", BODY)
                .sent_header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
            Ok(call.send()?.summary(&[]))
        }),
        Fact::new("an unsigned content-type", "200, kept", |service| {
            let call = Call::put(service.endpoint(), "uploads/unsigned-type", BODY)
                .sent_header("content-type", "text/html");
            let stored = call.send()?.status;
            let read = Call::new(service.endpoint(), Method::Get, "uploads/unsigned-type").send()?;
            let kept = read.header("content-type") == Some("text/html");
            Ok(format!("{stored}, {}", if kept { "kept" } else { "lost" }))
        }),
        Fact::new(
            "a wrong checksum in the query instead of a header",
            "200",
            |service| {
                let call = Call::put(service.endpoint(), "uploads/hoisted", BODY)
                    .query("x-amz-checksum-sha256", &sha256(b"other"));
                Ok(call.send()?.summary(&[]))
            },
        ),
    ]
}

fn lives() -> Vec<Fact> {
    vec![
        Fact::new("a URL that lives 604800 seconds", "200", |service| {
            let call = Call::put(service.endpoint(), "uploads/long-lived", BODY).expires(604_800);
            Ok(call.send()?.summary(&[]))
        }),
        Fact::new(
            "a URL that lives 604801 seconds",
            "400 AuthorizationQueryParametersError",
            |service| {
                let call = Call::put(service.endpoint(), "uploads/too-long-lived", BODY).expires(604_801);
                Ok(call.send()?.summary(&[]))
            },
        ),
        Fact::new("a URL that expires while its request runs", "200", |service| {
            let call = Call::put(service.endpoint(), "uploads/runs", BODY).expires(SHORT_LIFE);
            let expired = Timestamp::now() + SignedDuration::from_secs(SHORT_LIFE as i64 + 1);
            let mut request = call.send_head(&[("content-length", "5"), ("expect", "100-continue")])?;
            request.await_continue()?;
            while Timestamp::now() < expired {
                thread::sleep(Duration::from_millis(100));
            }
            request.write(BODY)?;
            Ok(request.answer()?.summary(&[]))
        }),
    ]
}
