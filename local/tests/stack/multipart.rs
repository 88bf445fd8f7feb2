//! Multipart uploads, as strict as S3's.

use base64ct::{Base64, Encoding as _};
use futures::future::join_all;

use crate::support::{Answer, Call, TestStack, md5, sha256};

const KEY: &str = "uploads/big.bin";
const MIN_PART: usize = 5 * 1024 * 1024;

/// A multipart upload of a test.
struct Upload {
    stack: TestStack,
    id: String,
    /// Parts have SHA-256 checksums.
    hashed: bool,
}

impl Upload {
    async fn start(hashed: bool) -> Self {
        let stack = TestStack::start().await;
        let id = create(&stack, hashed).await;
        Self { stack, id, hashed }
    }

    fn call(&self, method: &str) -> Call {
        Call::new(method, KEY).query("uploadId", &self.id)
    }

    fn part_call(&self, number: &str, bytes: &[u8]) -> Call {
        let call = self.call("PUT").query("partNumber", number).body(bytes.to_vec());
        if self.hashed {
            call.signed("x-amz-checksum-sha256", &sha256(bytes))
        } else {
            call
        }
    }

    async fn part(&self, number: u16, bytes: &[u8]) -> Answer {
        self.part_call(&number.to_string(), bytes).send(&self.stack).await
    }

    /// The body of Complete for parts with these numbers and bytes.
    fn list(&self, parts: &[(u16, &[u8])]) -> String {
        let parts = parts.iter().map(|(number, bytes)| {
            let etag = md5(bytes).map(|byte| format!("{byte:02x}")).concat();
            let checksum = match self.hashed {
                true => format!("<ChecksumSHA256>{}</ChecksumSHA256>", sha256(bytes)),
                false => String::new(),
            };
            format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag>{checksum}</Part>")
        });
        wrap(&parts.collect::<String>())
    }

    fn complete_call(&self, body: String) -> Call {
        self.call("POST").body(body)
    }

    async fn complete(&self, parts: &[(u16, &[u8])]) -> Answer {
        self.complete_call(self.list(parts)).send(&self.stack).await
    }
}

fn wrap(parts: &str) -> String {
    format!(
        r#"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{parts}</CompleteMultipartUpload>"#
    )
}

fn create_call() -> Call {
    Call::new("POST", KEY)
        .query("uploads", "")
        .signed("content-type", "video/mp4")
        .signed("x-amz-meta-original-name", "big.bin")
}

async fn create(stack: &TestStack, hashed: bool) -> String {
    let mut call = create_call();
    if hashed {
        call = call
            .signed("x-amz-checksum-algorithm", "SHA256")
            .signed("x-amz-checksum-type", "COMPOSITE");
    }
    let answer = call.send(stack).await;
    answer.is_success().element("UploadId").expect("an id")
}

/// Bytes of a part, different from part to part.
fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|position| (position / 251) as u8 ^ (position as u8).wrapping_mul(31) ^ seed)
        .collect()
}

#[tokio::test]
async fn parts_become_one_object_with_composite_checksum_and_etag() {
    let upload = Upload::start(true).await;
    let (one, two, three) = (bytes(1, MIN_PART), bytes(2, MIN_PART + 1), bytes(3, 17));
    // In any order, side by side, as a browser sends them.
    let answers = join_all([upload.part(3, &three), upload.part(1, &one), upload.part(2, &two)]).await;
    assert_eq!(
        answers[1].is_success().header("x-amz-checksum-sha256"),
        Some(sha256(&one).as_str())
    );
    assert_eq!(upload.stack.stack.object_keys(), [""; 0]);

    let whole = [one.clone(), two.clone(), three.clone()].concat();
    let call = upload
        .complete_call(upload.list(&[(1, &one), (2, &two), (3, &three)]))
        .signed("if-none-match", "*")
        .signed("x-amz-mp-object-size", &whole.len().to_string());
    let answer = call.send(&upload.stack).await;
    let digests: Vec<u8> = [&one, &two, &three].iter().flat_map(|part| md5(part)).collect();
    let etag = format!(
        "\"{}-3\"",
        md5(&digests).map(|byte| format!("{byte:02x}")).concat()
    );
    let hashes = [&one, &two, &three].map(|part| Base64::decode_vec(&sha256(part)).expect("base64"));
    let composite = format!("{}-3", sha256(&hashes.concat()));
    answer
        .is_success()
        .has_element("ETag", &etag)
        .has_element("ChecksumSHA256", &composite)
        .has_element("ChecksumType", "COMPOSITE")
        .has_element("Key", KEY);
    assert_eq!(upload.stack.stored(KEY), Some(whole));
    let head = Call::new("HEAD", KEY)
        .signed("x-amz-checksum-mode", "ENABLED")
        .in_header()
        .send(&upload.stack)
        .await;
    assert_eq!(head.header("x-amz-checksum-sha256"), Some(composite.as_str()));
    assert_eq!(head.header("etag"), Some(etag.as_str()));
    assert_eq!(head.header("content-type"), Some("video/mp4"));
    assert_eq!(head.header("x-amz-meta-original-name"), Some("big.bin"));

    // The upload is over: doing it again finds none, and the object stays.
    for answer in [
        call.send(&upload.stack).await,
        upload.part(4, b"late").await,
        upload.call("GET").send(&upload.stack).await,
        upload.call("DELETE").send(&upload.stack).await,
    ] {
        answer
            .is_error(404, "NoSuchUpload")
            .has_element("UploadId", &upload.id);
    }
    assert!(upload.stack.stored(KEY).is_some());
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first() {
    let upload = Upload::start(true).await;
    upload.part(1, b"first").await.is_success();
    upload.part(1, b"second").await.is_success();
    upload
        .complete(&[(1, b"first")])
        .await
        .is_error(400, "InvalidPart");
    upload.complete(&[(1, b"second")]).await.is_success();
    assert_eq!(upload.stack.stored(KEY).as_deref(), Some(b"second".as_slice()));
}

#[tokio::test]
async fn a_bad_part_does_not_count() {
    let upload = Upload::start(true).await;
    let call = upload.call("PUT").query("partNumber", "1").body("bytes");
    let wrong = call.clone().signed("x-amz-checksum-sha256", &sha256(b"other"));
    wrong.send(&upload.stack).await.is_error(400, "BadDigest");
    call.send(&upload.stack).await.is_error(400, "InvalidRequest");
    let other = call.signed("x-amz-checksum-crc32", "AAAAAA==");
    let message =
        "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32";
    other
        .send(&upload.stack)
        .await
        .is_error(400, "InvalidRequest")
        .has_element("Message", message);
    assert_eq!(
        upload
            .call("GET")
            .send(&upload.stack)
            .await
            .is_success()
            .element("Part"),
        None
    );
    assert_eq!(upload.stack.staged().len(), 0);
}

#[tokio::test]
async fn part_numbers_are_1_to_10000() {
    let upload = Upload::start(true).await;
    for number in ["0", "10001", "-1", "x"] {
        upload
            .part_call(number, b"a")
            .send(&upload.stack)
            .await
            .is_error(400, "InvalidArgument");
    }
    upload
        .part_call("10000", b"a")
        .send(&upload.stack)
        .await
        .is_success();
}

#[tokio::test]
async fn every_part_but_the_last_has_5_mib() {
    let upload = Upload::start(true).await;
    let small = bytes(1, MIN_PART - 1);
    upload.part(1, &small).await.is_success();
    upload.part(2, b"last").await.is_success();
    let answer = upload.complete(&[(1, &small), (2, b"last")]).await;
    answer
        .is_error(400, "EntityTooSmall")
        .has_element("MinSizeAllowed", "5242880")
        .has_element("ProposedSize", "5242879")
        .has_element("PartNumber", "1");
    assert_eq!(upload.stack.stack.object_keys(), [""; 0]);
    // The parts are still there.
    upload.complete(&[(1, &small)]).await.is_success();
}

#[tokio::test]
async fn a_list_that_does_not_fit_the_parts_is_refused() {
    let upload = Upload::start(true).await;
    let large = bytes(1, MIN_PART);
    upload.part(1, &large).await.is_success();
    upload.part(2, b"two").await.is_success();
    let one = (1, large.as_slice());
    let two = (2, b"two".as_slice());

    let answer = upload.complete(&[one, (2, b"other")]).await;
    answer
        .is_error(400, "InvalidPart")
        .has_element("PartNumber", "2")
        .has_element("UploadId", &upload.id);
    assert!(answer.element("ETag").is_some());
    upload
        .complete(&[one, two, (3, b"x")])
        .await
        .is_error(400, "InvalidPart");
    upload
        .complete(&[two, one])
        .await
        .is_error(400, "InvalidPartOrder");
    upload
        .complete(&[one, one])
        .await
        .is_error(400, "InvalidPartOrder");
    upload.complete(&[]).await.is_error(400, "MalformedXML");
    upload
        .complete_call("<no".to_owned())
        .send(&upload.stack)
        .await
        .is_error(400, "MalformedXML");

    let without_checksum = upload.list(&[one, two]).replace("ChecksumSHA256", "Other");
    let answer = upload.complete_call(without_checksum).send(&upload.stack).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let other_checksum = upload.list(&[one, two]).replace(&sha256(b"two"), &sha256(b"2"));
    upload
        .complete_call(other_checksum)
        .send(&upload.stack)
        .await
        .is_error(400, "InvalidPart");

    let call = upload.complete_call(upload.list(&[one, two]));
    let wrong_size = call.clone().signed("x-amz-mp-object-size", "5");
    wrong_size
        .send(&upload.stack)
        .await
        .is_error(400, "InvalidRequest");
    let wrong_type = call.clone().signed("x-amz-checksum-type", "FULL_OBJECT");
    wrong_type
        .send(&upload.stack)
        .await
        .is_error(400, "InvalidRequest");
    let wrong_checksum = call
        .clone()
        .signed("x-amz-checksum-sha256", &format!("{}-2", sha256(b"")));
    wrong_checksum
        .send(&upload.stack)
        .await
        .is_error(400, "BadDigest");
    let other_condition = call.clone().signed("if-none-match", "\"etag\"");
    other_condition
        .send(&upload.stack)
        .await
        .is_error(501, "NotImplemented");

    assert_eq!(upload.stack.stack.object_keys(), [""; 0]);
    call.send(&upload.stack).await.is_success();
}

#[tokio::test]
async fn complete_does_not_overwrite_where_it_must_not() {
    let upload = Upload::start(true).await;
    Call::put(KEY, "older").send(&upload.stack).await.is_success();
    upload.part(1, b"newer").await.is_success();
    let call = upload.complete_call(upload.list(&[(1, b"newer")]));
    let answer = call
        .clone()
        .signed("if-none-match", "*")
        .send(&upload.stack)
        .await;
    answer
        .is_error(412, "PreconditionFailed")
        .has_element("Condition", "If-None-Match");
    assert_eq!(upload.stack.stored(KEY).as_deref(), Some(b"older".as_slice()));
    call.send(&upload.stack).await.is_success();
    assert_eq!(upload.stack.stored(KEY).as_deref(), Some(b"newer".as_slice()));
}

#[tokio::test]
async fn of_two_completions_at_once_one_succeeds() {
    let upload = Upload::start(true).await;
    let large = bytes(1, MIN_PART);
    upload.part(1, &large).await.is_success();
    let call = upload.complete_call(upload.list(&[(1, &large)]));
    let answers = join_all((0..8).map(|_| call.send(&upload.stack))).await;
    let succeeded = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(succeeded, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.is_error(404, "NoSuchUpload");
    }
    assert_eq!(upload.stack.stored(KEY), Some(large));
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let upload = Upload::start(false).await;
    upload.part(1, b"bytes").await.is_success();
    let answer = upload.call("DELETE").send(&upload.stack).await;
    assert_eq!(answer.status, 204);
    upload
        .call("DELETE")
        .send(&upload.stack)
        .await
        .is_error(404, "NoSuchUpload");
    upload.part(2, b"late").await.is_error(404, "NoSuchUpload");
    upload
        .complete(&[(1, b"bytes")])
        .await
        .is_error(404, "NoSuchUpload");
    let uploads = upload.stack.data.path().join(".state/uploads");
    assert_eq!(std::fs::read_dir(uploads).expect("the folder").count(), 0);
}

#[tokio::test]
async fn an_upload_belongs_to_its_key_and_no_id_leads_out_of_the_folder() {
    let upload = Upload::start(false).await;
    for (key, id) in [
        ("uploads/other", upload.id.as_str()),
        (KEY, "../uploads"),
        (KEY, "unknown"),
    ] {
        let call = Call::put(key, "bytes")
            .query("uploadId", id)
            .query("partNumber", "1");
        call.send(&upload.stack).await.is_error(404, "NoSuchUpload");
    }
}

#[tokio::test]
async fn without_checksums_the_object_gets_the_default_one() {
    let upload = Upload::start(false).await;
    let large = bytes(1, MIN_PART);
    upload.part(1, &large).await.is_success();
    upload.part(7, b"last").await.is_success();
    let answer = upload.complete(&[(1, &large), (7, b"last")]).await;
    answer.is_success().has_element("ChecksumType", "FULL_OBJECT");
    let whole = [large, b"last".to_vec()].concat();
    use s3s::crypto::{Checksum as _, Crc64Nvme};
    answer.has_element(
        "ChecksumCRC64NVME",
        &Base64::encode_string(&Crc64Nvme::checksum(&whole)),
    );
    assert_eq!(upload.stack.stored(KEY), Some(whole));
}

/// Creates an upload with an algorithm and a type, and checks which pair it gets or that it is refused.
async fn check_algorithm(stack: &TestStack, algorithm: &str, checksum_type: &str, expected: Option<&str>) {
    let mut call = create_call();
    for (name, value) in [
        ("x-amz-checksum-algorithm", algorithm),
        ("x-amz-checksum-type", checksum_type),
    ] {
        if !value.is_empty() {
            call = call.signed(name, value);
        }
    }
    let answer = call.send(stack).await;
    match expected {
        Some(expected) => {
            assert_eq!(
                answer.is_success().header("x-amz-checksum-type"),
                Some(expected),
                "{algorithm}"
            );
            assert_eq!(
                answer.header("x-amz-checksum-algorithm"),
                Some(algorithm),
                "{algorithm}"
            );
        }
        None => {
            answer.is_error(400, "InvalidRequest");
        }
    }
}

#[tokio::test]
async fn algorithms_have_the_types_that_s3_gives_them() {
    let stack = TestStack::start().await;
    for algorithm in ["SHA1", "SHA256"] {
        check_algorithm(&stack, algorithm, "", Some("COMPOSITE")).await;
        check_algorithm(&stack, algorithm, "COMPOSITE", Some("COMPOSITE")).await;
        check_algorithm(&stack, algorithm, "FULL_OBJECT", None).await;
    }
    for algorithm in ["CRC32", "CRC32C"] {
        check_algorithm(&stack, algorithm, "", Some("COMPOSITE")).await;
        check_algorithm(&stack, algorithm, "FULL_OBJECT", Some("FULL_OBJECT")).await;
    }
    check_algorithm(&stack, "CRC64NVME", "", Some("FULL_OBJECT")).await;
    check_algorithm(&stack, "CRC64NVME", "COMPOSITE", None).await;
    check_algorithm(&stack, "MD5", "", None).await;
    check_algorithm(&stack, "", "COMPOSITE", None).await;
}

/// One page of ListParts: its part numbers and whether there are more.
async fn page(upload: &Upload, parameters: &[(&str, &str)]) -> (Vec<u16>, bool, String) {
    let mut call = upload.call("GET");
    for (name, value) in parameters {
        call = call.query(name, value);
    }
    let answer = call.send(&upload.stack).await;
    let document = roxmltree::Document::parse(answer.is_success().text()).expect("XML");
    let numbers = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://s3.amazonaws.com/doc/2006-03-01/", "PartNumber")));
    let numbers = numbers.map(|node| node.text().expect("a number").parse().expect("a number"));
    let next = answer.element("NextPartNumberMarker").expect("a marker");
    (
        numbers.collect(),
        answer.element("IsTruncated").as_deref() == Some("true"),
        next,
    )
}

#[tokio::test]
async fn parts_are_listed_by_number_in_pages() {
    let upload = Upload::start(true).await;
    for number in [10, 2, 9999, 1] {
        upload.part(number, b"bytes").await.is_success();
    }
    assert_eq!(
        page(&upload, &[]).await,
        (vec![1, 2, 10, 9999], false, "9999".to_owned())
    );
    assert_eq!(
        page(&upload, &[("max-parts", "2")]).await,
        (vec![1, 2], true, "2".to_owned())
    );
    let rest = [("max-parts", "2"), ("part-number-marker", "2")];
    assert_eq!(
        page(&upload, &rest).await,
        (vec![10, 9999], false, "9999".to_owned())
    );
    let answer = upload.call("GET").send(&upload.stack).await;
    answer
        .has_element("Size", "5")
        .has_element("ChecksumSHA256", &sha256(b"bytes"))
        .has_element("ETag", "\"4b3a6218bb3e3a7303e8a171a60fcf92\"")
        .has_element("ChecksumAlgorithm", "SHA256")
        .has_element("ChecksumType", "COMPOSITE");
    upload
        .call("GET")
        .query("max-parts", "-1")
        .send(&upload.stack)
        .await
        .is_error(400, "InvalidArgument");
}

#[tokio::test]
async fn a_page_has_at_most_1000_parts() {
    let upload = Upload::start(false).await;
    for start in (1..=1001_u16).step_by(100) {
        let numbers = start..(start + 100).min(1002);
        let calls: Vec<Call> = numbers
            .map(|number| upload.part_call(&number.to_string(), b"x"))
            .collect();
        for answer in join_all(calls.iter().map(|call| call.send(&upload.stack))).await {
            answer.is_success();
        }
    }
    for parameters in [&[][..], &[("max-parts", "5000")]] {
        let (numbers, truncated, next) = page(&upload, parameters).await;
        assert_eq!((numbers.len(), truncated, next.as_str()), (1000, true, "1000"));
    }
    assert_eq!(page(&upload, &[("part-number-marker", "1000")]).await.0, [1001]);
}

#[tokio::test]
async fn a_200_can_carry_an_error() {
    let upload = Upload::start(false).await;
    upload.part(1, b"bytes").await.is_success();
    upload
        .stack
        .controls()
        .fail_next_s3_requests(1, "POST", 200, "InternalError");
    upload
        .complete(&[(1, b"bytes")])
        .await
        .is_error(200, "InternalError");
    assert_eq!(upload.stack.stack.object_keys(), [""; 0]);
    upload.complete(&[(1, b"bytes")]).await.is_success();
}
