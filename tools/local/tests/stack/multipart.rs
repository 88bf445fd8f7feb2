//! Multipart uploads, as strict as S3's.

use base64ct::{Base64, Encoding as _};
use futures::future::join_all;

use rusty_s3::Method;
use s3_conformance::{Answer, Call, Part, Upload};

use crate::support::{Send as _, TestStack, md5, md5_text, sha256};

const KEY: &str = "uploads/big.bin";
const MIN_PART: usize = 5 * 1024 * 1024;

/// A stack with a multipart world.
struct World {
    stack: TestStack,
    upload: Upload,
    /// Parts have SHA-256 checksums.
    hashed: bool,
}

impl World {
    async fn start(hashed: bool) -> Self {
        let stack = TestStack::start().await;
        let upload = create(&stack, hashed).await;
        Self {
            stack,
            upload,
            hashed,
        }
    }

    fn call(&self, method: Method) -> Call {
        self.upload.call(method)
    }

    async fn send(&self, method: Method) -> Answer {
        self.call(method).send(&self.stack).await
    }

    fn part_call(&self, number: &str, bytes: &[u8]) -> Call {
        let call = self.upload.part(number, bytes);
        if self.hashed {
            call.header("x-amz-checksum-sha256", &sha256(bytes))
        } else {
            call
        }
    }

    async fn part(&self, number: u32, bytes: &[u8]) -> Answer {
        self.part_call(&number.to_string(), bytes).send(&self.stack).await
    }

    /// The body of Complete for parts with these numbers and bytes.
    fn list(&self, parts: &[(u32, &[u8])]) -> String {
        let parts = parts.iter().map(|&(number, bytes)| Part {
            number,
            etag: format!("\"{}\"", md5_text(bytes)),
            sha256: self.hashed.then(|| sha256(bytes)),
        });
        Upload::list(&parts.collect::<Vec<_>>())
    }

    fn complete_call(&self, body: String) -> Call {
        self.call(Method::Post).body(body)
    }

    async fn complete(&self, parts: &[(u32, &[u8])]) -> Answer {
        self.complete_call(self.list(parts)).send(&self.stack).await
    }

    /// Checks that Complete refuses these parts.
    async fn complete_fails(&self, parts: &[(u32, &[u8])], status: u16, code: &str) -> Answer {
        let answer = self.complete(parts).await;
        answer.is_error(status, code);
        answer
    }
}

fn create_call() -> Call {
    Upload::create(
        KEY,
        &[("content-type", "video/mp4"), ("x-amz-meta-filename", "big.bin")],
    )
}

async fn create(stack: &TestStack, hashed: bool) -> Upload {
    let mut call = create_call();
    if hashed {
        call = call
            .header("x-amz-checksum-algorithm", "SHA256")
            .header("x-amz-checksum-type", "COMPOSITE");
    }
    let answer = call.send(stack).await;
    Upload {
        key: KEY.to_owned(),
        id: answer.is_success().element("UploadId").expect("an id"),
    }
}

/// Bytes of a part, different from part to part.
fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|position| (position / 251) as u8 ^ (position as u8).wrapping_mul(31) ^ seed)
        .collect()
}

#[tokio::test]
async fn parts_become_one_object_with_composite_checksum_and_etag() {
    let world = World::start(true).await;
    let (one, two, three) = (bytes(1, MIN_PART), bytes(2, MIN_PART + 1), bytes(3, 17));
    // In any order, side by side, as a browser sends them.
    let answers = join_all([world.part(3, &three), world.part(1, &one), world.part(2, &two)]).await;
    assert_eq!(
        answers[1].is_success().header("x-amz-checksum-sha256"),
        Some(sha256(&one).as_str())
    );
    assert_eq!(world.stack.stack.object_keys(), [""; 0]);

    let whole = [one.clone(), two.clone(), three.clone()].concat();
    let call = world
        .complete_call(world.list(&[(1, &one), (2, &two), (3, &three)]))
        .header("if-none-match", "*")
        .header("x-amz-mp-object-size", &whole.len().to_string());
    let answer = call.send(&world.stack).await;
    let digests: Vec<u8> = [&one, &two, &three].iter().flat_map(|part| md5(part)).collect();
    let etag = format!("\"{}-3\"", md5_text(&digests));
    let hashes = [&one, &two, &three].map(|part| Base64::decode_vec(&sha256(part)).expect("base64"));
    let composite = format!("{}-3", sha256(&hashes.concat()));
    answer
        .is_success()
        .has_element("ETag", &etag)
        .has_element("ChecksumSHA256", &composite)
        .has_element("ChecksumType", "COMPOSITE")
        .has_element("Key", KEY);
    assert_eq!(world.stack.stored(KEY), Some(whole));
    let head = Call::new(Method::Head, KEY)
        .header("x-amz-checksum-mode", "ENABLED")
        .in_header()
        .send(&world.stack)
        .await;
    assert_eq!(head.header("x-amz-checksum-sha256"), Some(composite.as_str()));
    assert_eq!(head.header("etag"), Some(etag.as_str()));
    assert_eq!(head.header("content-type"), Some("video/mp4"));
    assert_eq!(head.header("x-amz-meta-filename"), Some("big.bin"));

    // The upload is over: doing it again finds none, and the object stays.
    for answer in [
        call.send(&world.stack).await,
        world.part(4, b"late").await,
        world.send(Method::Get).await,
        world.send(Method::Delete).await,
    ] {
        answer
            .is_error(404, "NoSuchUpload")
            .has_element("UploadId", &world.upload.id);
    }
    assert!(world.stack.stored(KEY).is_some());
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first() {
    let world = World::start(true).await;
    world.part(1, b"first").await.is_success();
    world.part(1, b"second").await.is_success();
    world.complete_fails(&[(1, b"first")], 400, "InvalidPart").await;
    world.complete(&[(1, b"second")]).await.is_success();
    assert_eq!(world.stack.stored(KEY).as_deref(), Some(b"second".as_slice()));
}

#[tokio::test]
async fn a_bad_part_does_not_count() {
    let world = World::start(true).await;
    let call = world.call(Method::Put).query("partNumber", "1").body("bytes");
    let wrong = call.clone().header("x-amz-checksum-sha256", &sha256(b"other"));
    wrong.send(&world.stack).await.is_error(400, "BadDigest");
    call.send(&world.stack).await.is_error(400, "InvalidRequest");
    let other = call.header("x-amz-checksum-crc32", "AAAAAA==");
    let message =
        "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32";
    other
        .send(&world.stack)
        .await
        .is_error(400, "InvalidRequest")
        .has_element("Message", message);
    assert_eq!(world.send(Method::Get).await.is_success().element("Part"), None);
    assert_eq!(world.stack.staged().len(), 0);
}

#[tokio::test]
async fn part_numbers_are_1_to_10000() {
    let world = World::start(true).await;
    for number in ["0", "10001", "-1", "x"] {
        world
            .part_call(number, b"a")
            .send(&world.stack)
            .await
            .is_error(400, "InvalidArgument");
    }
    world
        .part_call("10000", b"a")
        .send(&world.stack)
        .await
        .is_success();
}

#[tokio::test]
async fn every_part_but_the_last_has_5_mib() {
    let world = World::start(true).await;
    let small = bytes(1, MIN_PART - 1);
    world.part(1, &small).await.is_success();
    world.part(2, b"last").await.is_success();
    let answer = world.complete(&[(1, &small), (2, b"last")]).await;
    answer
        .is_error(400, "EntityTooSmall")
        .has_element("MinSizeAllowed", "5242880")
        .has_element("ProposedSize", "5242879")
        .has_element("PartNumber", "1");
    assert_eq!(world.stack.stack.object_keys(), [""; 0]);
    // The parts are still there.
    world.complete(&[(1, &small)]).await.is_success();
}

#[tokio::test]
async fn a_list_that_does_not_fit_the_parts_is_refused() {
    let world = World::start(true).await;
    let large = bytes(1, MIN_PART);
    world.part(1, &large).await.is_success();
    world.part(2, b"two").await.is_success();
    let one = (1, large.as_slice());
    let two = (2, b"two".as_slice());

    let answer = world.complete(&[one, (2, b"other")]).await;
    answer
        .is_error(400, "InvalidPart")
        .has_element("PartNumber", "2")
        .has_element("UploadId", &world.upload.id);
    assert!(answer.element("ETag").is_some());
    world
        .complete_fails(&[one, two, (3, b"x")], 400, "InvalidPart")
        .await;
    world.complete_fails(&[two, one], 400, "InvalidPartOrder").await;
    world.complete_fails(&[one, one], 400, "InvalidPartOrder").await;
    world.complete_fails(&[], 400, "MalformedXML").await;
    world
        .complete_call("<no".to_owned())
        .send(&world.stack)
        .await
        .is_error(400, "MalformedXML");

    let without_checksum = world.list(&[one, two]).replace("ChecksumSHA256", "Other");
    let answer = world.complete_call(without_checksum).send(&world.stack).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let other_checksum = world.list(&[one, two]).replace(&sha256(b"two"), &sha256(b"2"));
    world
        .complete_call(other_checksum)
        .send(&world.stack)
        .await
        .is_error(400, "InvalidPart");

    let call = world.complete_call(world.list(&[one, two]));
    let wrong_size = call.clone().header("x-amz-mp-object-size", "5");
    wrong_size
        .send(&world.stack)
        .await
        .is_error(400, "InvalidRequest");
    let wrong_type = call.clone().header("x-amz-checksum-type", "FULL_OBJECT");
    wrong_type
        .send(&world.stack)
        .await
        .is_error(400, "InvalidRequest");
    let wrong_checksum = call
        .clone()
        .header("x-amz-checksum-sha256", &format!("{}-2", sha256(b"")));
    wrong_checksum.send(&world.stack).await.is_error(400, "BadDigest");
    let other_condition = call.clone().header("if-none-match", "\"etag\"");
    other_condition
        .send(&world.stack)
        .await
        .is_error(501, "NotImplemented");

    assert_eq!(world.stack.stack.object_keys(), [""; 0]);
    call.send(&world.stack).await.is_success();
}

#[tokio::test]
async fn complete_does_not_overwrite_where_it_must_not() {
    let world = World::start(true).await;
    Call::put(KEY, "older").send(&world.stack).await.is_success();
    world.part(1, b"newer").await.is_success();
    let call = world.complete_call(world.list(&[(1, b"newer")]));
    let answer = call.clone().header("if-none-match", "*").send(&world.stack).await;
    answer
        .is_error(412, "PreconditionFailed")
        .has_element("Condition", "If-None-Match");
    assert_eq!(world.stack.stored(KEY).as_deref(), Some(b"older".as_slice()));
    call.send(&world.stack).await.is_success();
    assert_eq!(world.stack.stored(KEY).as_deref(), Some(b"newer".as_slice()));
}

#[tokio::test]
async fn of_two_completions_at_once_one_succeeds() {
    let world = World::start(true).await;
    let large = bytes(1, MIN_PART);
    world.part(1, &large).await.is_success();
    let call = world.complete_call(world.list(&[(1, &large)]));
    let answers = join_all((0..8).map(|_| call.send(&world.stack))).await;
    let succeeded = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(succeeded, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.is_error(404, "NoSuchUpload");
    }
    assert_eq!(world.stack.stored(KEY), Some(large));
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let world = World::start(false).await;
    world.part(1, b"bytes").await.is_success();
    let answer = world.send(Method::Delete).await;
    assert_eq!(answer.status, 204);
    world.send(Method::Delete).await.is_error(404, "NoSuchUpload");
    world.part(2, b"late").await.is_error(404, "NoSuchUpload");
    world.complete_fails(&[(1, b"bytes")], 404, "NoSuchUpload").await;
    let uploads = world.stack.data.path().join(".state/uploads");
    assert_eq!(std::fs::read_dir(uploads).expect("the folder").count(), 0);
}

#[tokio::test]
async fn an_upload_belongs_to_its_key_and_its_id_to_the_folder() {
    let world = World::start(false).await;
    for (key, id) in [
        ("uploads/other", world.upload.id.as_str()),
        (KEY, "../uploads"),
        (KEY, "unknown"),
    ] {
        let call = Call::put(key, "bytes")
            .query("uploadId", id)
            .query("partNumber", "1");
        call.send(&world.stack).await.is_error(404, "NoSuchUpload");
    }
}

#[tokio::test]
async fn without_checksums_the_object_gets_the_default_one() {
    let world = World::start(false).await;
    let large = bytes(1, MIN_PART);
    world.part(1, &large).await.is_success();
    world.part(7, b"last").await.is_success();
    let answer = world.complete(&[(1, &large), (7, b"last")]).await;
    answer.is_success().has_element("ChecksumType", "FULL_OBJECT");
    let whole = [large, b"last".to_vec()].concat();
    use s3s::crypto::{Checksum as _, Crc64Nvme};
    answer.has_element(
        "ChecksumCRC64NVME",
        &Base64::encode_string(&Crc64Nvme::checksum(&whole)),
    );
    assert_eq!(world.stack.stored(KEY), Some(whole));
}

/// Creates an upload with an algorithm and a type, and checks which pair it gets or that it is refused.
async fn check_algorithm(stack: &TestStack, algorithm: &str, checksum_type: &str, expected: Option<&str>) {
    let mut call = create_call();
    for (name, value) in [
        ("x-amz-checksum-algorithm", algorithm),
        ("x-amz-checksum-type", checksum_type),
    ] {
        if !value.is_empty() {
            call = call.header(name, value);
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
async fn page(world: &World, parameters: &[(&str, &str)]) -> (Vec<u16>, bool, String) {
    let mut call = world.call(Method::Get);
    for (name, value) in parameters {
        call = call.query(name, value);
    }
    let answer = call.send(&world.stack).await;
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
    let world = World::start(true).await;
    for number in [10, 2, 9999, 1] {
        world.part(number, b"bytes").await.is_success();
    }
    assert_eq!(
        page(&world, &[]).await,
        (vec![1, 2, 10, 9999], false, "9999".to_owned())
    );
    assert_eq!(
        page(&world, &[("max-parts", "2")]).await,
        (vec![1, 2], true, "2".to_owned())
    );
    let rest = [("max-parts", "2"), ("part-number-marker", "2")];
    assert_eq!(
        page(&world, &rest).await,
        (vec![10, 9999], false, "9999".to_owned())
    );
    let answer = world.send(Method::Get).await;
    answer
        .has_element("Size", "5")
        .has_element("ChecksumSHA256", &sha256(b"bytes"))
        .has_element("ETag", "\"4b3a6218bb3e3a7303e8a171a60fcf92\"")
        .has_element("ChecksumAlgorithm", "SHA256")
        .has_element("ChecksumType", "COMPOSITE");
    world
        .call(Method::Get)
        .query("max-parts", "-1")
        .send(&world.stack)
        .await
        .is_error(400, "InvalidArgument");
}

#[tokio::test]
async fn of_two_conditional_completions_the_later_one_conflicts() {
    let world = World::start(false).await;
    world.part(1, b"first").await.is_success();
    let other = create(&world.stack, false).await;
    other.part(1, b"other").send(&world.stack).await.is_success();
    let first = world
        .complete_call(world.list(&[(1, b"first")]))
        .header("if-none-match", "*");
    let later = other
        .call(Method::Post)
        .body(world.list(&[(1, b"other")]))
        .header("if-none-match", "*");

    let held = world.stack.controls().hold_s3_completions();
    let refusals = async {
        held.wait_for(1).await;
        // The other upload of the same key, and the same upload again.
        for call in [&later, &first] {
            call.send(&world.stack)
                .await
                .is_error(409, "ConditionalRequestConflict")
                .has_element("Condition", "If-None-Match")
                .has_element("Key", KEY);
        }
        drop(held);
    };
    let (answer, ()) = tokio::join!(first.send(&world.stack), refusals);
    answer.is_success();
    assert_eq!(world.stack.stored(KEY).as_deref(), Some(b"first".as_slice()));
    later.send(&world.stack).await.is_error(412, "PreconditionFailed");
    // The refused upload is still there.
    other.call(Method::Delete).send(&world.stack).await.is_success();
}

#[tokio::test]
async fn an_upload_that_is_being_completed_is_not_aborted() {
    let world = World::start(false).await;
    world.part(1, b"bytes").await.is_success();
    let held = world.stack.controls().hold_s3_completions();
    let abort = async {
        held.wait_for(1).await;
        world.send(Method::Delete).await.is_error(409, "OperationAborted");
        drop(held);
    };
    let (answer, ()) = tokio::join!(world.complete(&[(1, b"bytes")]), abort);
    answer.is_success();
    assert_eq!(world.stack.stored(KEY).as_deref(), Some(b"bytes".as_slice()));
    world.send(Method::Delete).await.is_error(404, "NoSuchUpload");
}

/// Completes parts of these lengths at a service that wants equal ones, and checks whether it does.
async fn check_equal_parts(lengths: &[usize], accepted: bool) {
    let world = World::start(false).await;
    world.stack.controls().set_s3_equal_parts(true);
    let parts: Vec<Vec<u8>> = lengths.iter().map(|length| bytes(1, *length)).collect();
    let parts: Vec<(u32, &[u8])> = (1..).zip(parts.iter().map(Vec::as_slice)).collect();
    for (number, part) in &parts {
        world.part(*number, part).await.is_success();
    }
    let answer = world.complete(&parts).await;
    if accepted {
        answer.is_success();
    } else {
        let message = "All non-trailing parts must have the same length.";
        answer
            .is_error(400, "InvalidPart")
            .has_element("Message", message);
        assert_eq!(world.stack.stack.object_keys(), [""; 0], "{lengths:?}");
        world.stack.controls().set_s3_equal_parts(false);
        world.complete(&parts).await.is_success();
    }
}

#[tokio::test]
async fn a_service_can_want_equal_parts() {
    check_equal_parts(&[1], true).await;
    check_equal_parts(&[MIN_PART, MIN_PART, 1], true).await;
    check_equal_parts(&[MIN_PART, MIN_PART], true).await;
    check_equal_parts(&[MIN_PART, MIN_PART + 1], false).await;
    check_equal_parts(&[MIN_PART + 1, MIN_PART, 1], false).await;
    check_equal_parts(&[MIN_PART, MIN_PART + 1, 1], false).await;
}
