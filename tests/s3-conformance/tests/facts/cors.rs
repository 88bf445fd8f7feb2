//! Cross-origin resource sharing. What a browser makes of it, and how long it remembers a preflight, is
//! for the end-to-end tests.

use anyhow::Result;
use http::Request;
use http_body_util::Full;
use rusty_s3::Method;
use s3_conformance::{Answer, Call, Service, Upload};

use crate::{PAGE, table::Fact};

const BODY: &[u8] = b"bytes";
const STRANGER: &str = "https://stranger.example";

const FEW_ALLOWED: &str = "it allows an origin only if its object servers answer; a proxy has to";

pub(crate) fn facts() -> Vec<Fact> {
    vec![
        Fact::new(
            "a preflight for a header that is allowed",
            "200, allowed",
            |service| preflight(service, PAGE, "if-none-match"),
        ),
        Fact::new(
            "a preflight for a header that is not allowed",
            "403 AccessForbidden",
            |service| preflight(service, PAGE, "x-amz-acl"),
        )
        .swift_differs(&["200, allowed"], "its configuration names origins only"),
        Fact::new(
            "a preflight of another origin",
            "403 AccessForbidden",
            |service| preflight(service, STRANGER, "if-none-match"),
        )
        .swift_differs(&["401"], "another word for the same refusal"),
        Fact::new("a PUT of the page", "200, allowed, exposes ETag", |service| {
            put_from(service, PAGE)
        }),
        Fact::new(
            "a PUT of another origin is carried out all the same",
            "200, stored",
            |service| put_from(service, STRANGER),
        ),
        Fact::new("CreateMultipartUpload of the page", "200, allowed", |service| {
            let call = Upload::create("uploads/created-by-the-page", &[]);
            let answer = call.sent_header("origin", PAGE).ask(service)?;
            Ok(format!("{}{}", answer.summary(&[]), allowed(&answer)))
        })
        .swift_differs(&["200"], FEW_ALLOWED),
        Fact::new(
            "a refused PUT of the page",
            "403 SignatureDoesNotMatch, allowed",
            |service| {
                let call = Call::put("uploads/refused", BODY)
                    .sent_header("origin", PAGE)
                    .signed_header("x-amz-meta-a", "1");
                let answer = call.ask(service)?;
                Ok(format!("{}{}", answer.summary(&[]), allowed(&answer)))
            },
        )
        .swift_differs(&["403 SignatureDoesNotMatch"], FEW_ALLOWED),
        Fact::new(
            "a 412 for the page",
            "412 PreconditionFailed, allowed",
            |service| {
                let call = Call::put("uploads/once-for-the-page", BODY)
                    .sent_header("origin", PAGE)
                    .header("if-none-match", "*");
                call.ask(service)?.success()?;
                let answer = call.ask(service)?;
                Ok(format!("{}{}", answer.summary(&[]), allowed(&answer)))
            },
        )
        .swift_differs(&["412 PreconditionFailed"], FEW_ALLOWED),
    ]
}

fn allowed(answer: &Answer) -> &'static str {
    match answer.header("access-control-allow-origin") {
        Some(_) => ", allowed",
        None => "",
    }
}

fn preflight(service: &Service, origin: &str, header: &str) -> Result<String> {
    let url = Call::put("uploads/preflight", BODY).url(service)?;
    let request = Request::options(url)
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", header);
    let answer = Answer::wait_for(request.body(Full::default())?)?;
    Ok(format!("{}{}", answer.summary(&[]), allowed(&answer)))
}

fn put_from(service: &Service, origin: &str) -> Result<String> {
    let answer = Call::put("uploads/cross-origin", BODY)
        .sent_header("origin", origin)
        .ask(service)?;
    let exposed = answer
        .header("access-control-expose-headers")
        .unwrap_or_default()
        .to_lowercase();
    let stored = Call::new(Method::Get, "uploads/cross-origin").ask(service)?.body == BODY;
    Ok(match (allowed(&answer), exposed.contains("etag")) {
        ("", _) => format!("{}{}", answer.summary(&[]), if stored { ", stored" } else { "" }),
        (allowed, true) => format!("{}{allowed}, exposes ETag", answer.summary(&[])),
        (allowed, false) => format!("{}{allowed}", answer.summary(&[])),
    })
}
