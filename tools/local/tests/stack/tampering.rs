//! Every request that the Lambda signs is accepted as it is, and refused if any one byte is changed that
//! means something: of the method, the path, the query, a signed header or a signed body.

use std::{collections::BTreeSet, ops::Range};

use http::Request;
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{TestStack, json_of, post_json, send, sha256};

/// How many changes of each request are tried.
const CHANGES: u32 = 400;

const BODY: &[u8] = b"the bytes of a file";

/// The size of the file that is sent in two parts.
const LARGE: usize = 17 * 1024 * 1024;

/// A request as HTTP/1.1 writes it.
#[derive(Clone, Debug)]
struct RawRequest {
    address: String,
    bytes: Vec<u8>,
    /// Where the method, the target and the signed headers are.
    signed: Vec<Range<usize>>,
    /// Where the body begins.
    body: usize,
}

impl RawRequest {
    /// The request that the API describes, with a body. The body counts as signed where its checksum is.
    fn new(described: &Value, body: &[u8]) -> Self {
        let url = described["url"].as_str().expect("a URL");
        let rest = url.strip_prefix("http://").expect("HTTP");
        let (address, target) = rest.split_at(rest.find('/').expect("a path"));
        let method = described["method"].as_str().expect("a method");
        let mut headers = vec![("host".to_owned(), address.to_owned())];
        for (name, value) in described["headers"].as_object().expect("headers") {
            headers.push((name.clone(), value.as_str().expect("text").to_owned()));
        }
        if method != "GET" && method != "DELETE" {
            headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        let end_of_target = method.len() + 1 + target.len();
        let mut signed = vec![0..method.len(), method.len() + 1..end_of_target];
        let signed_names = signed_headers(target);
        for (name, value) in &headers {
            let start = bytes.len();
            bytes.extend_from_slice(format!("{name}: {value}").as_bytes());
            if signed_names.contains(name) {
                signed.push(start..bytes.len());
            }
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        let start = bytes.len();
        bytes.extend_from_slice(body);
        if signed_names.contains("x-amz-checksum-sha256") {
            signed.push(start..bytes.len());
        }
        Self {
            address: address.to_owned(),
            bytes,
            signed,
            body: start,
        }
    }

    /// The same request with one byte of one signed thing changed, unless that changes nothing that HTTP
    /// means.
    fn changed(&self, thing: Index, place: Index, byte: u8) -> Option<Self> {
        let range = thing.get(&self.signed);
        let mut changed = self.clone();
        changed.bytes[range.start + place.index(range.len())] = byte;
        (changed.meaning() != self.meaning()).then_some(changed)
    }

    /// What the bytes mean: percent-encoding can be written in two ways, names of headers in many, and a tab in a
    /// header's value is a space (RFC 9110, section 5.6.3), for a signature as well.
    fn meaning(&self) -> (Vec<Vec<u8>>, Vec<String>, &[u8]) {
        let head = String::from_utf8_lossy(&self.bytes[..self.body]).into_owned();
        let mut lines = head.split("\r\n");
        let request_line = lines.next().unwrap_or_default();
        let words = request_line.split_inclusive([' ', '?', '&', '=']);
        let words = words.map(|word| percent_decode_str(word).collect());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| {
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            format!("{}:{}", name.to_lowercase(), words.join(" "))
        });
        (words.collect(), headers.collect(), &self.bytes[self.body..])
    }

    /// Sends the request; returns the status and the body of the answer, if there is one.
    async fn send(&self) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).await.expect("a connection");
        // S3 may refuse a request, and close, before it has read all of it.
        stream.write_all(&self.bytes).await.ok();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        Some((status, body.to_owned()))
    }

    async fn is_accepted(&self) -> bool {
        let answer = self.send().await;
        answer.is_some_and(|(status, body)| (200..300).contains(&status) && !body.contains("<Error>"))
    }
}

fn signed_headers(target: &str) -> BTreeSet<String> {
    let (_, rest) = target.split_once("X-Amz-SignedHeaders=").expect("signed headers");
    let list = rest.split('&').next().unwrap_or_default();
    let list = percent_decode_str(list).decode_utf8_lossy().into_owned();
    list.split(';').map(str::to_owned).collect()
}

/// Checks that no change of the request is accepted, and that the request itself is.
async fn check(name: &str, request: RawRequest) {
    let runtime = tokio::runtime::Handle::current();
    let original = request.clone();
    let changes = tokio::task::spawn_blocking(move || {
        let mut runner = TestRunner::new(Config::with_cases(CHANGES));
        runner.run(
            &(any::<Index>(), any::<Index>(), any::<u8>()),
            |(thing, place, byte)| {
                let changed = original.changed(thing, place, byte);
                let changed = changed.ok_or_else(|| TestCaseError::reject("it means the same"))?;
                let accepted = runtime.block_on(changed.is_accepted());
                prop_assert!(!accepted, "{}", String::from_utf8_lossy(&changed.bytes));
                Ok(())
            },
        )
    });
    let outcome = changes.await.expect("it ends");
    outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(request.is_accepted().await, "{name} itself is refused");
}

/// The plan for a file of this size.
async fn plan(stack: &TestStack, size: usize, sha256: Option<String>) -> Value {
    let file = json!({"id": "1", "name": "Ä b#.txt", "size": size, "type": "text/plain; charset=utf-8", "sha256": sha256});
    let answer = post_json(stack, "/uploads", &json!({ "files": [file] })).await;
    json_of(&answer)["files"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn put_object_is_good_for_itself_alone() {
    let stack = TestStack::start().await;
    let plan = plan(&stack, BODY.len(), Some(sha256(BODY))).await;
    check("PutObject", RawRequest::new(&plan["put"], BODY)).await;
    let keys = stack.stack.object_keys();
    assert_eq!(keys, [plan["key"].as_str().expect("a key")]);
    assert_eq!(stack.stored(&keys[0]).as_deref(), Some(BODY));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_put_object_is_good_for_itself_alone() {
    let stack = TestStack::start().await;
    let url = format!("{}/presign?key=a%20b%23.txt", stack.stack.api_url());
    let answer = send(Request::get(url).body(Full::default()).expect("a request")).await;
    let answer = json_of(&answer);
    let described = json!({"method": "PUT", "url": answer["uploadURL"], "headers": {}});
    check("plain PutObject", RawRequest::new(&described, BODY)).await;
    assert_eq!(stack.stack.object_keys(), ["uploads/a b#.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_put_object_within_limits_is_good_for_itself_alone() {
    let stack = TestStack::with_variables(&[("ALLOWED_TYPES", "text/*")]).await;
    let query = format!("key=a.txt&contentType=text/plain&contentLength={}", BODY.len());
    let url = format!("{}/presign?{query}", stack.stack.api_url());
    let answer = send(Request::get(url).body(Full::default()).expect("a request")).await;
    let url = json_of(&answer)["uploadURL"].clone();
    let described = json!({"method": "PUT", "url": url, "headers": {"content-type": "text/plain"}});
    check("limited PutObject", RawRequest::new(&described, BODY)).await;
    assert_eq!(stack.stack.object_keys(), ["uploads/a.txt"]);
}

/// A multipart upload, from its creation on.
struct Upload {
    stack: TestStack,
    key: Value,
    id: String,
    bytes: Vec<u8>,
    part_size: usize,
}

impl Upload {
    /// Creates an upload by a request that `check` was satisfied with, or directly.
    async fn create(checked: bool) -> Self {
        let stack = TestStack::start().await;
        let plan = plan(&stack, LARGE, None).await;
        let request = RawRequest::new(&plan["create"], b"");
        if checked {
            check("CreateMultipartUpload", request.clone()).await;
        }
        let (_, answer) = request.send().await.expect("an answer");
        let (_, rest) = answer.split_once("<UploadId>").expect("an upload id");
        Self {
            stack,
            key: plan["key"].clone(),
            id: rest.split('<').next().unwrap_or_default().to_owned(),
            bytes: (0..LARGE).map(|position| (position / 7) as u8).collect(),
            part_size: plan["partSize"].as_u64().expect("a size") as usize,
        }
    }

    async fn sign(&self, operation: Value) -> Value {
        let body = json!({"key": self.key, "uploadId": self.id, "operations": [operation]});
        let answer = post_json(&self.stack, "/sign", &body).await;
        json_of(&answer)["requests"][0]["signed"].clone()
    }

    fn parts(&self) -> Vec<&[u8]> {
        self.bytes.chunks(self.part_size).collect()
    }

    /// The body of CompleteMultipartUpload, made of what ListParts answers.
    async fn list_of_parts(&self) -> String {
        let list = self.sign(json!({"operation": "ListParts"})).await;
        let (_, list) = RawRequest::new(&list, b"").send().await.expect("an answer");
        let etags = list.split("<ETag>").skip(1);
        let etags: Vec<_> = etags.filter_map(|rest| rest.split('<').next()).collect();
        let parts = self.parts();
        assert_eq!(etags.len(), parts.len(), "{list}");
        let parts = etags.iter().zip(&parts).zip(1..);
        let parts = parts.map(|((etag, part), number)| s3_conformance::Part {
            number,
            etag: (*etag).to_owned(),
            sha256: Some(sha256(part)),
        });
        s3_conformance::Upload::list(&parts.collect::<Vec<_>>())
    }

    async fn part(&self, index: usize) -> RawRequest {
        let part = self.parts()[index];
        let operation = json!({"operation": "UploadPart", "partNumber": index + 1, "size": part.len(), "sha256": sha256(part)});
        RawRequest::new(&self.sign(operation).await, part)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn create_multipart_upload_is_good_for_itself_alone() {
    let upload = Upload::create(true).await;
    assert!(!upload.id.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_of_an_upload_are_good_for_themselves_alone() {
    let upload = Upload::create(false).await;
    for index in 0..upload.parts().len() - 1 {
        assert!(upload.part(index).await.is_accepted().await, "part {}", index + 1);
    }
    // The last part is the smallest, so it is the one whose every change is sent.
    let last = upload.part(upload.parts().len() - 1).await;
    check("UploadPart", last).await;
    let list = upload.sign(json!({"operation": "ListParts"})).await;
    check("ListParts", RawRequest::new(&list, b"")).await;
    let body = upload.list_of_parts().await;
    let complete = upload
        .sign(json!({"operation": "CompleteMultipartUpload", "size": upload.bytes.len()}))
        .await;
    check(
        "CompleteMultipartUpload",
        RawRequest::new(&complete, body.as_bytes()),
    )
    .await;
    let stored = upload.stack.stored(upload.key.as_str().expect("a key"));
    assert!(
        stored.as_deref() == Some(&upload.bytes),
        "the stored bytes differ"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn abort_multipart_upload_is_good_for_itself_alone() {
    let upload = Upload::create(false).await;
    let abort = upload.sign(json!({"operation": "AbortMultipartUpload"})).await;
    check("AbortMultipartUpload", RawRequest::new(&abort, b"")).await;
    assert!(!upload.part(0).await.is_accepted().await, "the upload is gone");
}

/// The list of parts cannot be signed, because S3 knows no checksum of it. What a change of it can do is
/// nothing: the parts were bound to their bytes, and the object to its size.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_list_of_parts_completes_nothing_else() {
    let upload = Upload::create(false).await;
    for index in 0..upload.parts().len() {
        assert!(upload.part(index).await.is_accepted().await, "part {}", index + 1);
    }
    let operation = json!({"operation": "CompleteMultipartUpload", "size": upload.bytes.len()});
    let complete = upload.sign(operation).await;
    let whole = upload.list_of_parts().await;
    let key = upload.key.as_str().expect("a key").to_owned();
    for place in 0..whole.len() {
        let mut body = whole.clone().into_bytes();
        body[place] ^= 1;
        if RawRequest::new(&complete, &body).is_accepted().await {
            break;
        }
        assert_eq!(
            upload.stack.stored(&key),
            None,
            "the change at {place} was refused"
        );
    }
    RawRequest::new(&complete, whole.as_bytes()).send().await;
    let stored = upload.stack.stored(&key);
    assert!(
        stored.as_deref() == Some(&upload.bytes),
        "another object is stored"
    );
}
