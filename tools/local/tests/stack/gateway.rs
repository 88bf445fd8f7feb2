//! The API over the wire, and the URLs that it signs.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use s3_conformance::{Answer, Part, Upload};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{PAGE, TestStack, json_of, post_json, send, sha256};

async fn get(stack: &TestStack, path: &str) -> Answer {
    let url = format!("{}{path}", stack.stack.api_url());
    send(
        Request::get(url)
            .header("origin", PAGE)
            .body(Full::default())
            .expect("a request"),
    )
    .await
}

/// A URL for a key by the published contract.
async fn presign(stack: &TestStack, key: &str) -> String {
    let answer = get(stack, &format!("/presign?key={key}")).await;
    let json = json_of(&answer);
    json["uploadURL"].as_str().expect("a URL").to_owned()
}

/// What `curl -T` sends: the bytes and no header of its own.
async fn plain_put(url: &str, body: &'static str) -> Answer {
    send(Request::put(url).body(Full::from(body)).expect("a request")).await
}

/// Sends a request as the API described it.
async fn follow(signed: &Value, body: impl Into<Bytes>) -> Answer {
    let mut request = Request::builder()
        .method(signed["method"].as_str().expect("a method"))
        .uri(signed["url"].as_str().expect("a URL"));
    for (name, value) in signed["headers"].as_object().expect("headers") {
        request = request.header(name, value.as_str().expect("text"));
    }
    send(request.body(Full::new(body.into())).expect("a request")).await
}

#[tokio::test]
async fn a_plain_put_works_once() {
    let stack = TestStack::start().await;
    for path in ["uploads/a.txt", "uploads/with%20space%2B%23%25.txt"] {
        let url = presign(&stack, path).await;
        plain_put(&url, "first").await.is_success();
        plain_put(&url, "second")
            .await
            .is_error(412, "PreconditionFailed");
    }
    assert_eq!(
        stack.stack.object_keys(),
        ["uploads/a.txt", "uploads/with space+#%.txt"]
    );
    assert_eq!(
        stack.stored("uploads/a.txt").as_deref(),
        Some(b"first".as_slice())
    );
}

#[tokio::test]
async fn the_api_is_there_under_its_own_path_and_under_api() {
    let stack = TestStack::start().await;
    for path in ["/presign?key=uploads/a", "/api/presign?key=uploads/a"] {
        let answer = get(&stack, path).await;
        assert_eq!(
            answer.is_success().header("access-control-allow-origin"),
            Some(PAGE),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    }
    assert_eq!(get(&stack, "/nowhere").await.status, 404);
}

#[tokio::test]
async fn the_page_s_way_of_a_small_file() {
    let stack = TestStack::start().await;
    let bytes = b"the bytes of a file";
    let file = json!({"id": "1", "name": "Ä b#.txt", "size": bytes.len(), "type": "text/plain", "sha256": sha256(bytes)});
    let answer = post_json(&stack, "/uploads", &json!({ "files": [file] })).await;
    let plan = json_of(&answer);
    let put = &plan["files"][0]["put"];
    follow(put, "other bytes of a file".as_bytes())
        .await
        .is_error(403, "SignatureDoesNotMatch");
    follow(put, "the bytes of a fill".as_bytes())
        .await
        .is_error(400, "BadDigest");
    follow(put, bytes.as_slice()).await.is_success();
    follow(put, bytes.as_slice())
        .await
        .is_error(412, "PreconditionFailed");
    let key = plan["files"][0]["key"].as_str().expect("a key");
    assert_eq!(stack.stored(key).as_deref(), Some(bytes.as_slice()));
}

#[tokio::test]
async fn the_page_s_way_of_a_manifest() {
    let stack = TestStack::start().await;
    let manifest = br#"{"version":1}"#;
    let batch = "019ab718-1480-7000-8000-000000000000";
    let body = json!({"batch": batch, "size": manifest.len(), "sha256": sha256(manifest)});
    for path in ["/manifests", "/api/manifests"] {
        post_json(&stack, path, &body).await.is_success();
    }
    let answer = json_of(&post_json(&stack, "/manifests", &body).await);
    let put = &answer["put"];
    follow(put, manifest.as_slice()).await.is_success();
    follow(put, manifest.as_slice())
        .await
        .is_error(412, "PreconditionFailed");
    let key = format!("uploads/anonymous/{batch}.slipway-manifest.json");
    assert_eq!(answer["key"], key.as_str());
    assert_eq!(stack.stored(&key).as_deref(), Some(manifest.as_slice()));
}

#[tokio::test]
async fn the_page_s_way_of_a_large_file() {
    let stack = TestStack::start().await;
    let size = 17 * 1024 * 1024;
    let file = json!({"id": "1", "name": "big.bin", "size": size, "type": ""});
    let plan = post_json(&stack, "/uploads", &json!({ "files": [file] })).await;
    let plan = json_of(&plan);
    let (key, create) = (&plan["files"][0]["key"], &plan["files"][0]["create"]);
    let upload_id = follow(create, "")
        .await
        .is_success()
        .element("UploadId")
        .expect("an id");

    let part_size = plan["files"][0]["partSize"].as_u64().expect("a size") as usize;
    let bytes: Vec<u8> = (0..size).map(|position| (position / 7) as u8).collect();
    let parts: Vec<&[u8]> = bytes.chunks(part_size).collect();
    let mut operations: Vec<Value> = parts
        .iter()
        .zip(1..)
        .map(|(part, number)| {
            json!({"operation": "UploadPart", "partNumber": number, "size": part.len(), "sha256": sha256(part)})
        })
        .collect();
    operations.push(json!({"operation": "ListParts"}));
    operations.push(json!({"operation": "CompleteMultipartUpload", "size": size}));
    let signed = post_json(
        &stack,
        "/sign",
        &json!({"key": key, "uploadId": upload_id, "operations": operations}),
    )
    .await;
    let signed = json_of(&signed);
    let request = |index: usize| &signed["requests"][index]["signed"];

    let mut list = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let answer = follow(request(index), part.to_vec()).await;
        let sha256 = Some(sha256(part));
        list.push(Part::stored(index as u32 + 1, answer.is_success(), sha256));
    }
    follow(request(parts.len()), "")
        .await
        .is_success()
        .has_element("IsTruncated", "false");
    follow(request(parts.len() + 1), Upload::list(&list))
        .await
        .is_success()
        .has_element("ChecksumType", "COMPOSITE");
    assert_eq!(stack.stored(key.as_str().expect("a key")), Some(bytes));
}

#[tokio::test]
async fn a_wrong_clock_and_a_wrong_secret_of_the_lambda_are_real() {
    let stack = TestStack::start().await;
    let controls = stack.controls();
    controls.set_lambda_clock_offset_seconds(-86_400);
    let expired = presign(&stack, "uploads/a").await;
    controls.set_lambda_clock_offset_seconds(86_400);
    let skewed = presign(&stack, "uploads/a").await;
    controls.set_lambda_clock_offset_seconds(0);
    controls.set_lambda_secret_access_key(Some("wrong".to_owned()));
    let mismatched = presign(&stack, "uploads/a").await;
    controls.set_lambda_secret_access_key(None);
    plain_put(&expired, "a")
        .await
        .is_error(403, "AccessDenied")
        .has_element("Message", "Request has expired");
    plain_put(&skewed, "a")
        .await
        .is_error(403, "RequestTimeTooSkewed");
    plain_put(&mismatched, "a")
        .await
        .is_error(403, "SignatureDoesNotMatch");
    assert_eq!(stack.stack.object_keys(), [""; 0]);
    plain_put(&presign(&stack, "uploads/a").await, "a")
        .await
        .is_success();
}

#[tokio::test]
async fn the_lambda_s_variables_are_the_stack_s_and_the_test_s() {
    let stack = TestStack::with_variables(&[("MAX_UPLOAD_BYTES", "10")]).await;
    let file = json!({"id": "1", "name": "a", "size": 11, "type": "", "sha256": sha256(b"")});
    let answer = post_json(&stack, "/uploads", &json!({ "files": [file] })).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    let stack = TestStack::with_variables(&[("KEY_PREFIX", "inbox")]).await;
    let url = presign(&stack, "inbox/a").await;
    plain_put(&url, "a").await.is_success();
}

#[tokio::test]
async fn a_stopped_api_refuses_connections_and_comes_back_on_its_port() {
    let mut stack = TestStack::start().await;
    let address = stack.stack.api_url().replace("http://", "");
    stack.stack.stop_api().await;
    assert!(TcpStream::connect(&address).await.is_err());
    stack.stack.start_api().await.expect("the API starts");
    assert_eq!(stack.stack.api_url().replace("http://", ""), address);
    get(&stack, "/presign?key=uploads/a").await.is_success();
}

/// Sends a head and checks the status and the message of the answer.
async fn check_limit(stack: &TestStack, head: &str, status: u16, message: &str) {
    let address = stack.stack.api_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.shutdown().await.expect("ended");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(
        answer.ends_with(&json!({ "message": message }).to_string()),
        "{answer}"
    );
}

#[tokio::test]
async fn the_limits_are_api_gateway_s() {
    let stack = TestStack::start().await;
    let large = format!(
        "GET /presign HTTP/1.1\r\nhost: 127.0.0.1\r\nx: {}\r\n\r\n",
        "x".repeat(10_240)
    );
    check_limit(&stack, &large, 431, "Request Header Fields Too Large").await;
    let length = 10 * 1024 * 1024;
    let body = "x".repeat(length + 1);
    let head = format!(
        "POST /uploads HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    check_limit(&stack, &format!("{head}{body}"), 413, "Request Entity Too Large").await;
}

#[tokio::test]
async fn a_page_that_had_its_name_resolve_to_this_machine_gets_nothing() {
    let stack = TestStack::start().await;
    for headers in [
        "host: evil.example",
        "host: 127.0.0.1\r\nx-forwarded-host: evil.example:8080",
    ] {
        let head = format!("GET /presign?key=a HTTP/1.1\r\n{headers}\r\nconnection: close\r\n\r\n");
        check_limit(&stack, &head, 403, "Forbidden").await;
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let stack = TestStack::start().await;
    let one = get(&stack, "/nowhere").await;
    let other = get(&stack, "/nowhere").await;
    assert!(one.header("apigw-requestid").is_some());
    assert_ne!(one.header("apigw-requestid"), other.header("apigw-requestid"));
}
