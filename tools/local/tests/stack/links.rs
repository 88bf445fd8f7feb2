//! Uploads by an upload link.

use std::time::SystemTime;

use http::Request;
use http_body_util::Full;
use lambda_api::{LinkSecret, Links, new_link};
use local::LINK_SECRET;
use s3_conformance::Answer;
use serde_json::{Value, json};
use wire::{Link, LinkRequest, SignedRequest, UploadsResponse};

use crate::support::{TestStack, json_of, send, sha256};

const BYTES: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A link for the folder `acme`, and its token.
fn link() -> (Link, String) {
    let request = LinkRequest {
        folder: "acme".to_owned(),
        expires_in: 600,
        ..LinkRequest::default()
    };
    let link = new_link(request, None, [0; 10], SystemTime::now()).expect("a link");
    let secret = LinkSecret::parse(LINK_SECRET).expect("a secret");
    let token = Links::new(secret, Default::default()).sign(&link);
    (link, token.expect("a token"))
}

async fn post(stack: &TestStack, path: &str, token: &str, body: &Value) -> Answer {
    let request = Request::post(format!("{}{path}", stack.stack.api_url()))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::from(body.to_string()));
    send(request.expect("a request")).await
}

async fn follow(signed: &SignedRequest) {
    let mut request = Request::builder().method(signed.method.as_str()).uri(&signed.url);
    for (name, value) in &signed.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::from(BYTES)).expect("a request");
    send(request).await.is_success();
}

#[tokio::test]
async fn who_has_a_link_uploads_and_sees_the_verdict() {
    let stack = TestStack::start().await;
    let (link, token) = link();
    let file = json!({"id": "1", "name": "a.png", "size": BYTES.len(), "type": "image/png", "sha256": sha256(BYTES)});
    let answer = post(&stack, "/api/link/uploads", &token, &json!({ "files": [file] })).await;
    let plan: UploadsResponse = serde_json::from_slice(&answer.is_success().body).expect("a plan");
    let wire::PlanOutcome::Put { key, put } = &plan.files[0].outcome else {
        panic!("{plan:?}");
    };
    assert!(
        key.starts_with(&format!("uploads/links/acme/{}/", link.jti)),
        "{key}"
    );
    follow(put).await;
    assert_eq!(stack.stored(key).as_deref(), Some(BYTES));
    for path in ["/link/verdicts", "/api/link/verdicts"] {
        let answer = post(&stack, path, &token, &json!({ "keys": [key] })).await;
        let verdict = &json_of(&answer)["verdicts"][0];
        assert!(
            [json!("pending"), json!({"verdict": "clean"})].contains(verdict),
            "{verdict}"
        );
    }
}

#[tokio::test]
async fn a_link_of_another_deployment_opens_nothing() {
    let stack =
        TestStack::with_variables(&[("LINK_SECRET", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]).await;
    for path in ["/link/uploads", "/link/sign", "/link/manifests", "/link/verdicts"] {
        let answer = post(&stack, path, &link().1, &json!({})).await;
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(
            (answer.status, &body["error"]["code"]),
            (401, &json!("InvalidLink")),
            "{path}"
        );
    }
}
