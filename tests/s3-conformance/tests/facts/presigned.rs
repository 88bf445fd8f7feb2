//! Presigned requests.

use std::{thread, time::Duration};

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use rusty_s3::Method;
use s3_conformance::{Call, RawRequest, Service};

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
                let stored = Call::put(KEY, BODY).ask(service)?.status;
                let list = Call::new(Method::Get, "")
                    .query("list-type", "2")
                    .query("prefix", "uploads/a//");
                let listed = list.ask(service)?.need("Key")?;
                Ok(format!(
                    "{stored}, listed {}",
                    if listed == KEY { "as it is" } else { &listed }
                ))
            },
        )])
        .chain([Fact::new(
            "a list by encoding-type=url has keys as a form has them",
            "200, url, as it is once decoded",
            |service| {
                const KEY: &str = "uploads/listed/a b%2F+c=(d)&e~ü.txt";
                let stored = Call::put(KEY, BODY).ask(service)?.status;
                let list = Call::new(Method::Get, "")
                    .query("list-type", "2")
                    .query("encoding-type", "url")
                    .query("prefix", "uploads/listed/a b");
                let answer = list.ask(service)?;
                let (encoding, listed) = (answer.need("EncodingType")?, answer.need("Key")?);
                // As botocore decodes them.
                let decoded = percent_decode_str(&listed.replace('+', " "))
                    .decode_utf8()?
                    .into_owned();
                let is_encoded = listed.contains("%C3%BC") && decoded == KEY;
                Ok(format!(
                    "{stored}, {encoding}, {}",
                    if is_encoded {
                        "as it is once decoded"
                    } else {
                        &listed
                    }
                ))
            },
        )])
        .chain([Fact::new("a changed path is refused", refused, |service| {
            let call = Call::put("uploads/path-a", BODY);
            let url = call.url(service)?.replacen("path-a", "path-b", 1);
            Ok(call.ask_at(&url, service)?.summary(&[]))
        })])
        .collect()
}

/// Signs a header with one value, and sends it with another or not at all.
fn with_header(service: &Service, name: &str, signed: &str, sent: Option<&str>) -> Result<String> {
    let mut call = Call::put("uploads/enforced", BODY).signed_header(name, signed);
    if let Some(sent) = sent {
        call = call.sent_header(name, sent);
    }
    call.outcome(service, &[])
}

fn enforced_headers() -> Vec<Fact> {
    let refused = "403 SignatureDoesNotMatch";
    let (right, wrong) = (sha256(BODY), sha256(b"other"));
    // The words of the row, the name, the signed value and another one.
    let headers = [
        ("content-type", "content-type", "text/plain", "text/html"),
        ("content-encoding", "content-encoding", "br", "gzip"),
        ("x-amz-meta-*", "x-amz-meta-a", "1", "2"),
        ("x-amz-checksum-*", "x-amz-checksum-sha256", &wrong, &right),
        ("if-none-match", "if-none-match", "*", "\"a\""),
    ];
    let mut facts = vec![Fact::new(
        "signed content-length, another length sent",
        refused,
        |service| with_header(service, "content-length", "6", None),
    )];
    for (words, name, signed, other) in headers {
        let (signed, other) = (signed.to_owned(), other.to_owned());
        let unsent = signed.clone();
        facts.push(Fact::new(
            format!("signed {words}, not sent"),
            refused,
            move |service| with_header(service, name, &unsent, None),
        ));
        let another = Fact::new(format!("signed {words}, another sent"), refused, move |service| {
            with_header(service, name, &signed, Some(&other))
        });
        facts.push(match name {
            "if-none-match" => another.swift_differs(
                &["501 NotImplemented"],
                "it looks at the value before the signature; refused either way",
            ),
            _ => another,
        });
    }
    facts.push(Fact::new(
        "every such header as it was signed",
        "200",
        |service| {
            let call = Call::put("uploads/as-signed", BODY)
                .signed_header("content-length", "5")
                .header("content-type", "text/plain")
                .header("content-encoding", "br")
                .header("x-amz-meta-a", "1")
                .header("x-amz-checksum-sha256", &sha256(BODY))
                .header("if-none-match", "*");
            call.outcome(service, &[])
        },
    ));
    facts
}

fn unsigned_headers() -> Vec<Fact> {
    vec![
        Fact::new(
            "an unsigned x-amz-* header",
            "403 AccessDenied with HeadersNotSigned",
            |service| {
                let call = Call::put("uploads/unsigned", BODY).sent_header("x-amz-meta-a", "1");
                call.outcome(service, &["HeadersNotSigned"])
            },
        ),
        Fact::new("an unsigned x-amz-content-sha256", "200", |service| {
            let call = Call::put("uploads/unsigned-hash", BODY)
                .sent_header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
            call.outcome(service, &[])
        }),
        Fact::new("an unsigned content-type", "200, kept", |service| {
            let call = Call::put("uploads/unsigned-type", BODY).sent_header("content-type", "text/html");
            let stored = call.ask(service)?.status;
            let read = Call::new(Method::Get, "uploads/unsigned-type").ask(service)?;
            let kept = read.header("content-type") == Some("text/html");
            Ok(format!("{stored}, {}", if kept { "kept" } else { "lost" }))
        }),
        Fact::new(
            "a wrong checksum in the query instead of a header",
            "200",
            |service| {
                let call =
                    Call::put("uploads/hoisted", BODY).query("x-amz-checksum-sha256", &sha256(b"other"));
                call.outcome(service, &[])
            },
        ),
    ]
}

fn lives() -> Vec<Fact> {
    vec![
        Fact::new("a URL that lives 604800 seconds", "200", |service| {
            let call = Call::put("uploads/long-lived", BODY).expires(604_800);
            call.outcome(service, &[])
        }),
        Fact::new(
            "a URL that lives 604801 seconds",
            "400 AuthorizationQueryParametersError",
            |service| {
                let call = Call::put("uploads/too-long-lived", BODY).expires(604_801);
                call.outcome(service, &[])
            },
        ),
        Fact::new("a URL that expires while its request runs", "200", |service| {
            let call = Call::put("uploads/runs", BODY).expires(SHORT_LIFE);
            let expired = Timestamp::now() + SignedDuration::from_secs(SHORT_LIFE as i64 + 1);
            let mut request = RawRequest::open(
                &call,
                service,
                &[("content-length", "5"), ("expect", "100-continue")],
            )?;
            request.await_continue()?;
            while Timestamp::now() < expired {
                thread::sleep(Duration::from_millis(100));
            }
            request.write(BODY)?;
            Ok(request.answer()?.summary(&[]))
        }),
    ]
}
