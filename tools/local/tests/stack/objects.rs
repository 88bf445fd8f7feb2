//! Objects: stored byte for byte, once, or not at all.

use std::{fs, time::Duration};

use base64ct::{Base64, Encoding as _};
use futures::future::join_all;
use rusty_s3::Method;
use s3_conformance::{Call, RawRequest};
use tokio::task::spawn_blocking;

use crate::support::{Send as _, TestStack, md5_text, sha256, until};

#[tokio::test]
async fn an_object_comes_back_with_everything_it_came_with() {
    let stack = TestStack::start().await;
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .flat_map(u32::to_le_bytes)
        .take(3_000_000)
        .collect();
    let put = Call::put("uploads/a.bin", bytes.clone())
        .header("content-type", "image/png; charset=utf-8")
        .header("content-disposition", "attachment; filename=\"a.bin\"")
        .header("x-amz-meta-filename", "%C3%84.bin")
        .header("x-amz-checksum-sha256", &sha256(&bytes));
    let answer = put.send(&stack).await;
    let etag = format!("\"{}\"", md5_text(&bytes));
    assert_eq!(answer.is_success().header("etag"), Some(etag.as_str()));
    assert_eq!(
        answer.header("x-amz-checksum-sha256"),
        Some(sha256(&bytes).as_str())
    );
    assert_eq!(answer.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert!(answer.header("x-amz-request-id").is_some() && answer.header("x-amz-id-2").is_some());

    let path = stack.data.path().join("slipway-uploads/uploads/a.bin");
    assert_eq!(fs::read(path).expect("a plain file"), bytes);
    for method in [Method::Get, Method::Head] {
        let answer = Call::new(method, "uploads/a.bin")
            .header("x-amz-checksum-mode", "ENABLED")
            .in_header()
            .send(&stack)
            .await;
        answer.is_success();
        assert_eq!(answer.header("etag"), Some(etag.as_str()), "{method}");
        assert_eq!(answer.header("content-length"), Some("3000000"), "{method}");
        assert_eq!(
            answer.header("content-type"),
            Some("image/png; charset=utf-8"),
            "{method}"
        );
        assert_eq!(
            answer.header("content-disposition"),
            Some("attachment; filename=\"a.bin\""),
            "{method}"
        );
        assert_eq!(
            answer.header("x-amz-meta-filename"),
            Some("%C3%84.bin"),
            "{method}"
        );
        assert_eq!(
            answer.header("x-amz-checksum-sha256"),
            Some(sha256(&bytes).as_str()),
            "{method}"
        );
        assert!(
            answer
                .header("last-modified")
                .is_some_and(|time| time.ends_with("GMT")),
            "{method}"
        );
        assert_eq!(
            answer.body,
            if method == Method::Get {
                bytes.clone()
            } else {
                Vec::new()
            },
            "{method}"
        );
    }
}

#[tokio::test]
async fn checksums_are_answered_on_request_and_types_have_a_default() {
    let stack = TestStack::start().await;
    Call::put("a", "bytes").send(&stack).await.is_success();
    let answer = Call::new(Method::Head, "a").send(&stack).await;
    assert_eq!(answer.header("x-amz-checksum-crc64nvme"), None);
    assert_eq!(answer.header("content-type"), Some("binary/octet-stream"));
    let answer = Call::new(Method::Head, "a")
        .header("x-amz-checksum-mode", "ENABLED")
        .in_header()
        .send(&stack)
        .await;
    assert!(answer.header("x-amz-checksum-crc64nvme").is_some());
}

/// Asks for a range of the ten digits and checks the answer.
async fn check_range(stack: &TestStack, range: &str, status: u16, content_range: Option<&str>, body: &str) {
    let answer = Call::new(Method::Get, "digits")
        .header("range", range)
        .send(stack)
        .await;
    assert_eq!(answer.status, status, "{range}");
    if status == 416 {
        answer.is_error(416, "InvalidRange");
    } else {
        assert_eq!(
            (answer.header("content-range"), answer.text()),
            (content_range, body),
            "{range}"
        );
    }
}

#[tokio::test]
async fn a_range_is_a_range_of_the_bytes() {
    let stack = TestStack::start().await;
    Call::put("digits", "0123456789").send(&stack).await.is_success();
    check_range(&stack, "bytes=0-3", 206, Some("bytes 0-3/10"), "0123").await;
    check_range(&stack, "bytes=8-", 206, Some("bytes 8-9/10"), "89").await;
    check_range(&stack, "bytes=-1", 206, Some("bytes 9-9/10"), "9").await;
    check_range(&stack, "bytes=10-", 416, None, "").await;
}

#[tokio::test]
async fn odd_keys_keep_their_names_and_their_bytes() {
    let stack = TestStack::start().await;
    for key in [
        "uploads/with space.txt",
        "uploads/#hash.txt",
        "uploads/a+b.txt",
        "uploads/100%.txt",
        "uploads/100%25.txt",
        "uploads/%2e%2e/x",
        "uploads/صورة العائلة.jpg",
        "uploads/📷🏝️.png",
        "uploads/a&b=c?d.txt",
        "uploads/*'();:@$,![].txt",
        "uploads/../up.txt",
        "uploads//double.txt",
        "uploads/./dot.txt",
        "uploads/folder/",
        "/leading",
    ] {
        let body = format!("the bytes of {key}");
        // The presigner would normalise dots away.
        Call::put(key, body.clone())
            .in_header()
            .header("if-none-match", "*")
            .send(&stack)
            .await
            .is_success();
        assert_eq!(stack.stored(key).as_deref(), Some(body.as_bytes()), "{key}");
        assert!(
            stack
                .stack
                .object_path(key)
                .starts_with(stack.data.path().join("slipway-uploads")),
            "{key}"
        );
        let answer = Call::new(Method::Get, key).in_header().send(&stack).await;
        assert_eq!(answer.text(), body, "{key}");
    }
    let plain = stack.data.path().join("slipway-uploads/uploads");
    for name in [
        "with space.txt",
        "#hash.txt",
        "a+b.txt",
        "100%.txt",
        "صورة العائلة.jpg",
        "📷🏝️.png",
    ] {
        assert!(plain.join(name).is_file(), "{name}");
    }
    assert!(!stack.data.path().join("up.txt").exists());
    let answer = Call::put(&"k".repeat(1025), "bytes").send(&stack).await;
    answer
        .is_error(400, "KeyTooLongError")
        .has_element("Message", "Your key is too long");
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let stack = TestStack::start().await;
    let put = Call::put("empty", "")
        .header("content-length", "0")
        .header("x-amz-checksum-sha256", &sha256(b""));
    put.send(&stack).await.is_success();
    assert_eq!(stack.stored("empty").as_deref(), Some(b"".as_slice()));
    let answer = Call::new(Method::Get, "empty").send(&stack).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")));
}

#[tokio::test]
async fn of_many_writers_who_want_to_be_first_exactly_one_is() {
    let stack = TestStack::start().await;
    for round in 0..5 {
        let key = format!("race/{round}");
        let calls: Vec<Call> = (0..16)
            .map(|writer| Call::put(&key, vec![writer; 10_000]).header("if-none-match", "*"))
            .collect();
        let answers = join_all(calls.iter().map(|call| call.send(&stack))).await;
        let winners: Vec<usize> = (0..16).filter(|writer| answers[*writer].status == 200).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        for (writer, answer) in answers.iter().enumerate() {
            if writer != winners[0] {
                answer.is_error(412, "PreconditionFailed");
            }
        }
        assert_eq!(
            stack.stored(&key),
            Some(vec![winners[0] as u8; 10_000]),
            "round {round}"
        );
    }
    assert_eq!(stack.staged().len(), 0);
}

#[tokio::test]
async fn a_reader_never_sees_a_mixture_of_two_writers() {
    let stack = TestStack::start().await;
    Call::put("a", vec![0; 100_000]).send(&stack).await.is_success();
    let writers = (0..20_u8).map(|writer| Call::put("a", vec![writer; 100_000]));
    let writers: Vec<Call> = writers.collect();
    let reader = Call::new(Method::Get, "a");
    let writing = join_all(writers.iter().map(|call| call.send(&stack)));
    let reading = join_all((0..20).map(|_| reader.send(&stack)));
    let (_, answers) = tokio::join!(writing, reading);
    for answer in answers {
        assert!(answer.body.iter().all(|byte| *byte == answer.body[0]));
        let etag = md5_text(&answer.body);
        assert_eq!(answer.header("etag"), Some(format!("\"{etag}\"").as_str()));
    }
}

#[tokio::test]
async fn a_cut_connection_leaves_nothing() {
    let stack = TestStack::start().await;
    let endpoint = stack.endpoint();
    let call = Call::put("uploads/cut", "");
    let sending = spawn_blocking(move || {
        let mut request = RawRequest::open(&call, &endpoint, &[("content-length", "1000000")])?;
        request.write(&[1; 500_000])?;
        anyhow::Ok(request)
    });
    let request = sending.await.expect("it ends").expect("sent");
    until("the bytes arrive", || stack.staged().len() == 1).await;
    drop(request);
    until("the staged file is removed", || stack.staged().is_empty()).await;
    assert_eq!(stack.stack.object_keys(), [""; 0]);
    assert_eq!(
        fs::read_dir(stack.data.path().join("slipway-uploads"))
            .expect("the folder")
            .count(),
        0
    );
}

#[tokio::test]
async fn a_slow_reader_can_be_watched_and_hurried() {
    let stack = TestStack::start().await;
    stack.controls().set_s3_bytes_per_second(Some(1));
    let call = Call::put("slow", vec![7; 1_000_000]);
    let sending = call.send(&stack);
    tokio::pin!(sending);
    // At a byte per second the answer is days away.
    let early = tokio::time::timeout(Duration::from_millis(200), &mut sending).await;
    assert!(early.is_err(), "answered while the body is read slowly");
    assert_eq!(stack.stack.object_keys(), [""; 0]);
    stack.controls().set_s3_bytes_per_second(None);
    sending.await.is_success();
    assert_eq!(stack.stored("slow").map(|bytes| bytes.len()), Some(1_000_000));
}

#[tokio::test]
async fn what_s3_answered_is_recorded() {
    let stack = TestStack::start().await;
    Call::put("uploads/a", "12345").send(&stack).await.is_success();
    Call::new(Method::Get, "uploads/b")
        .query("x-id", "GetObject")
        .send(&stack)
        .await
        .is_error(404, "NoSuchKey");
    let requests = stack.controls().s3_requests();
    let summary: Vec<_> = requests
        .iter()
        .map(|r| (r.method.as_str(), r.path.as_str(), r.status, r.body_bytes))
        .collect();
    assert_eq!(
        summary,
        [
            ("PUT", "/slipway-uploads/uploads/a", 200, 5),
            ("GET", "/slipway-uploads/uploads/b", 404, 0)
        ]
    );
    assert!(requests[1].query.contains("x-id=GetObject"));
}

#[tokio::test]
async fn lists_are_sorted_and_paged() {
    let stack = TestStack::start().await;
    for key in ["b/2", "a/1", "b/1", "b/3", "c/1"] {
        Call::put(key, key).send(&stack).await.is_success();
    }
    let list = |token: Option<String>| {
        let call = Call::new(Method::Get, "")
            .query("list-type", "2")
            .query("prefix", "b/")
            .query("max-keys", "2");
        match token {
            Some(token) => call.query("continuation-token", &token),
            None => call,
        }
    };
    let keys = |text: &str| -> Vec<String> {
        let document = roxmltree::Document::parse(text).expect("XML");
        let keys = document
            .descendants()
            .filter(|node| node.tag_name().name() == "Key");
        keys.map(|key| key.text().unwrap_or_default().to_owned())
            .collect()
    };
    let first = list(None).send(&stack).await;
    assert_eq!(keys(first.is_success().text()), ["b/1", "b/2"]);
    first
        .has_element("IsTruncated", "true")
        .has_element("KeyCount", "2");
    let second = list(first.element("NextContinuationToken")).send(&stack).await;
    assert_eq!(keys(second.text()), ["b/3"]);
    second.has_element("IsTruncated", "false");
}

#[tokio::test]
async fn a_checksum_after_the_body_is_checked() {
    let stack = TestStack::start().await;
    let crc32 = |bytes: &[u8]| {
        use s3s::crypto::{Checksum as _, Crc32};
        Base64::encode_string(&Crc32::checksum(bytes))
    };
    for (claimed, expected) in [(crc32(b"bytes"), 200), (crc32(b"other"), 400)] {
        let body = format!("5\r\nbytes\r\n0\r\nx-amz-checksum-crc32:{claimed}\r\n\r\n");
        let call = Call::put("trailer", body)
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", "5")
            .header("x-amz-trailer", "x-amz-checksum-crc32");
        let answer = call.unsigned_trailer().send(&stack).await;
        assert_eq!(answer.status, expected, "{}", answer.text());
    }
    assert_eq!(stack.stored("trailer").as_deref(), Some(b"bytes".as_slice()));
    let head = Call::new(Method::Head, "trailer").send(&stack).await;
    assert_eq!(head.header("content-encoding"), None);
}

#[tokio::test]
async fn a_service_can_refuse_headers_that_it_does_not_know() {
    let stack = TestStack::start().await;
    stack
        .controls()
        .set_s3_refused_headers(&["if-none-match", "x-amz-checksum-"]);
    for (name, value) in [
        ("if-none-match", "*".to_owned()),
        ("x-amz-checksum-sha256", sha256(b"bytes")),
    ] {
        let put = Call::put("refused", "bytes").header(name, &value);
        let answer = put.send(&stack).await;
        answer.is_error(501, "NotImplemented").has_element("Header", name);
    }
    Call::put("plain", "bytes").send(&stack).await.is_success();
    assert_eq!(stack.stack.object_keys(), ["plain"]);
}
