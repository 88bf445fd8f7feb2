//! What happens to an object after it was stored.

use std::time::Duration;

use bytes::Bytes;
use rusty_s3::Method;
use s3_conformance::{Answer, Call, Part, Upload};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Send as _, TestStack, json_of, post_json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// The tag that holds a verdict.
const TAG: &str = "slipway:verdict";

/// Enough of a program to be taken for one.
fn elf() -> Vec<u8> {
    [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 57]].concat()
}

fn put(key: &str, content_type: &str, bytes: impl Into<Bytes>) -> Call {
    let bytes = bytes.into();
    let length = bytes.len().to_string();
    Call::put(key, bytes)
        .header("content-type", content_type)
        .header("content-length", &length)
}

async fn tagging(stack: &TestStack, key: &str) -> Answer {
    Call::new(Method::Get, key).query("tagging", "").send(stack).await
}

/// Gives an object tags, as their owner does.
async fn tag(stack: &TestStack, key: &str, tags: &[(&str, &str)]) -> Answer {
    let tags: String = tags
        .iter()
        .map(|(name, value)| format!("<Tag><Key>{name}</Key><Value>{value}</Value></Tag>"))
        .collect();
    let body = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
    let checksum = crate::support::sha256(body.as_bytes());
    Call::new(Method::Put, key)
        .query("tagging", "")
        .header("x-amz-checksum-sha256", &checksum)
        .body(body)
        .send(stack)
        .await
}

/// Waits until an object has its verdict.
async fn verdict(stack: &TestStack, key: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = tagging(stack, key).await;
        let text = answer.is_success().text().to_owned();
        let document = roxmltree::Document::parse(&text).expect("XML");
        let tag = document.descendants().find(|node| {
            node.tag_name().name() == "Tag" && node.children().any(|child| child.text() == Some(TAG))
        });
        let value = tag.and_then(|tag| tag.children().find(|child| child.tag_name().name() == "Value"));
        if let Some(verdict) = value.and_then(|value| value.text()) {
            return verdict.to_owned();
        }
        assert!(
            Instant::now() < deadline,
            "{key} has a verdict within 10 seconds: {text}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn check(content_type: &str, bytes: &[u8], expected: &str) {
    let stack = TestStack::start().await;
    let key = "uploads/an odd+name#.bin";
    put(key, content_type, bytes.to_vec())
        .send(&stack)
        .await
        .is_success();
    assert_eq!(verdict(&stack, key).await, expected, "{content_type}");
}

#[tokio::test]
async fn every_stored_object_is_judged() {
    check("image/png", PNG, "clean").await;
    check("image/gif", PNG, "mismatch").await;
    check("image/png", &elf(), "forbidden").await;
    check("image/png", b"", "unknown").await;
}

#[tokio::test]
async fn a_multipart_upload_is_judged_once_it_is_completed() {
    let stack = TestStack::start().await;
    let key = "uploads/big.bin";
    let create = Upload::create(
        key,
        &[
            ("content-type", "image/png"),
            ("x-amz-tagging", "team=web%20design"),
        ],
    );
    let upload = Upload {
        key: key.to_owned(),
        id: create.send(&stack).await.element("UploadId").expect("an id"),
    };
    let part = upload.part(1, PNG).send(&stack).await;
    let part = Part::stored(1, part.is_success(), None);
    upload.complete(&[part]).send(&stack).await.is_success();
    assert_eq!(verdict(&stack, key).await, "clean");
    let tags = tagging(&stack, key).await;
    assert!(
        tags.text().contains("<Value>web design</Value>"),
        "{}",
        tags.text()
    );
}

#[tokio::test]
async fn nobody_reads_what_is_under_quarantine_and_its_bytes_are_kept() {
    let stack = TestStack::start().await;
    let key = "uploads/tool.png";
    put(key, "image/png", elf()).send(&stack).await.is_success();
    assert_eq!(verdict(&stack, key).await, "forbidden");
    Call::new(Method::Get, key)
        .send(&stack)
        .await
        .is_error(403, "AccessDenied");
    assert_eq!(stack.stored(key), Some(elf()));
    tag(&stack, key, &[(TAG, "clean")]).await.is_success();
    assert_eq!(
        Call::new(Method::Get, key).send(&stack).await.is_success().body,
        elf()
    );
}

#[tokio::test]
async fn tags_are_kept_to_s3_s_rules() {
    let stack = TestStack::start().await;
    tag(&stack, "uploads/nowhere", &[("a", "b")])
        .await
        .is_error(404, "NoSuchKey");
    tagging(&stack, "uploads/nowhere")
        .await
        .is_error(404, "NoSuchKey");
    put("uploads/a", "image/png", PNG).send(&stack).await.is_success();
    assert_eq!(verdict(&stack, "uploads/a").await, "clean");
    tag(&stack, "uploads/a", &[("a", "b"), ("a", "c")])
        .await
        .is_error(400, "InvalidTag");
    let without_digest = Call::new(Method::Put, "uploads/a")
        .query("tagging", "")
        .body("<Tagging><TagSet/></Tagging>");
    without_digest.send(&stack).await.is_error(400, "InvalidRequest");
    put("uploads/b", "image/png", PNG)
        .header("x-amz-tagging", "a=1&a=2")
        .send(&stack)
        .await
        .is_error(400, "InvalidTag");
    let head = Call::new(Method::Head, "uploads/a").send(&stack).await;
    assert_eq!(head.header("x-amz-tagging"), None);
}

#[tokio::test]
async fn the_api_tells_the_verdicts_of_one_s_own_files() {
    let stack = TestStack::start().await;
    let own = "uploads/anonymous/0e37df36-f698-11e6-8dd4-cb9ced3df976/a.png";
    put(own, "image/png", PNG).send(&stack).await.is_success();
    verdict(&stack, own).await;
    let ask = async |path: &str| {
        let body = json!({"keys": [own, "uploads/somebody/0e37df36/a.png"]});
        json_of(&post_json(&stack, path, &body).await)
    };
    for path in ["/verdicts", "/api/verdicts"] {
        let body = ask(path).await;
        assert_eq!(body["verdicts"][0], json!({"verdict": "clean"}), "{body}");
        assert_eq!(body["verdicts"][1]["error"]["code"], "Forbidden", "{body}");
    }
}
