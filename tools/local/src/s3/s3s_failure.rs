//! The errors of s3s as S3 answers them: with the elements that s3s leaves out.

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;

use super::{
    authorization::{with_expiry, with_skew},
    failure::{Failure, usual_message},
    request_head::RequestHead,
    signature,
};

/// The failure that an error answer of s3s stands for.
pub(super) async fn s3s_failure(response: Response<s3s::Body>, head: &RequestHead) -> Failure {
    let status = response.status();
    let body = response.into_body().collect().await;
    let (code, message) = code_and_message(&body.map(|body| body.to_bytes()).unwrap_or_default());
    let message = match (code.as_str(), message.as_str()) {
        ("RequestTimeTooSkewed", _) | (_, "") => usual_message(&code).to_owned(),
        _ => message,
    };
    let failure = Failure::new(code, message).with_status(status);
    match (failure.code.as_ref(), failure.message.as_ref()) {
        ("SignatureDoesNotMatch", _) => signature::mismatch(head),
        ("AccessDenied", "Request has expired") => with_expiry(failure, &head.uri),
        ("RequestTimeTooSkewed", _) => with_skew(failure, &head.uri, &head.headers),
        ("InvalidAccessKeyId", _) => {
            failure.with("AWSAccessKeyId", signature::access_key(&head.uri, &head.headers))
        }
        _ => failure,
    }
}

fn code_and_message(body: &Bytes) -> (String, String) {
    let text = String::from_utf8_lossy(body);
    let Ok(document) = roxmltree::Document::parse(&text) else {
        return Default::default();
    };
    let element = |name: &str| {
        let found = document
            .root_element()
            .children()
            .find(|child| child.has_tag_name(name));
        found
            .and_then(|element| element.text())
            .unwrap_or_default()
            .to_owned()
    };
    (element("Code"), element("Message"))
}
