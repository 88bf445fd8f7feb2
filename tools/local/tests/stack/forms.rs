//! PostObject: files in forms, bound by their policies.

use std::time::{Duration, SystemTime};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64ct::{Base64, Encoding as _};
use http::Request;
use http_body_util::Full;
use local::{BUCKET, OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION};
use s3_conformance::Answer;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use crate::support::{TestStack, send, sha256};

const BYTES: &[u8] = b"Hello";

/// A form whose policy allows one file of five bytes.
struct Form {
    fields: Map<String, Value>,
    file: Vec<u8>,
}

impl Form {
    fn new() -> Self {
        let now = SystemTime::now();
        let time = OffsetDateTime::from(now);
        let day = time
            .format(format_description!("[year][month][day]"))
            .expect("a day");
        let second = format_description!("[year][month][day]T[hour][minute][second]Z");
        let fields = json!({
            "key": "uploads/form.txt",
            "content-type": "text/plain",
            "x-amz-checksum-sha256": sha256(BYTES),
            "x-amz-meta-filename": "form.txt",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": format!("{OWNER_ACCESS_KEY_ID}/{day}/{REGION}/s3/aws4_request"),
            "x-amz-date": time.format(second).expect("a time"),
        });
        let mut fields = fields.as_object().expect("fields").clone();
        let mut conditions: Vec<Value> = fields
            .iter()
            .map(|(name, value)| json!({ name: value }))
            .collect();
        conditions.push(json!({ "bucket": BUCKET }));
        conditions.push(json!(["content-length-range", BYTES.len(), BYTES.len()]));
        let expiration = time + Duration::from_secs(60);
        let policy = json!({
            "expiration": expiration.format(&Rfc3339).expect("a time"),
            "conditions": conditions,
        });
        let policy = Base64::encode_string(policy.to_string().as_bytes());
        let key = generate_signing_key(OWNER_SECRET_ACCESS_KEY, now, REGION, "s3");
        let signature = calculate_signature(key, policy.as_bytes());
        fields.extend([
            ("policy".to_owned(), json!(policy)),
            ("x-amz-signature".to_owned(), json!(signature)),
        ]);
        Self {
            fields,
            file: BYTES.to_vec(),
        }
    }

    fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.to_owned(), json!(value));
        self
    }

    fn file(self, file: &[u8]) -> Self {
        Self {
            file: file.to_vec(),
            ..self
        }
    }

    async fn send(&self, stack: &TestStack) -> Answer {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            let value = value.as_str().expect("a text");
            let field =
                format!("--form\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(field.into_bytes());
        }
        body.extend(b"--form\r\nContent-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\n\r\n");
        body.extend(&self.file);
        body.extend(b"\r\n--form--\r\n");
        let request = Request::post(format!("{}/{BUCKET}", stack.stack.s3_url()))
            .header("content-type", "multipart/form-data; boundary=form")
            .header("content-length", body.len())
            .body(Full::from(body));
        send(request.expect("a request")).await
    }
}

#[tokio::test]
async fn a_form_stores_its_file_as_a_put_does() {
    let stack = TestStack::start().await;
    assert_eq!(Form::new().send(&stack).await.status, 204);
    assert_eq!(stack.stored("uploads/form.txt").as_deref(), Some(BYTES));
}

#[tokio::test]
async fn a_form_that_its_policy_does_not_allow_stores_nothing() {
    let stack = TestStack::start().await;
    for (form, what) in [
        (Form::new().field("key", "uploads/other.txt"), "another key"),
        (Form::new().field("content-type", "text/html"), "another type"),
        (
            Form::new().field("x-amz-checksum-sha256", &sha256(b"other")),
            "another checksum",
        ),
        (
            Form::new().field("x-amz-meta-more", "x"),
            "a field without a condition",
        ),
        (Form::new().field("x-amz-signature", "00"), "another signature"),
        (Form::new().file(b"World"), "other bytes"),
        (Form::new().file(b"Hello!"), "more bytes"),
        (Form::new().file(b"Hell"), "fewer bytes"),
    ] {
        let status = form.send(&stack).await.status;
        assert!((400..500).contains(&status), "{what}: {status}");
        stack.is_empty();
    }
}
