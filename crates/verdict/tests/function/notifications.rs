//! S3's notifications.

use proptest::prelude::*;
use serde_json::{Value, json};
use verdict::{Answer, TAG};

use crate::support::{Object, PNG, World, created};

const PUT: &str = include_str!("../events/put.json");
const MULTIPART: &str = include_str!("../events/multipart_versioned.json");
const TEST: &str = include_str!("../events/test_event.json");
const MANIFEST: &str = include_str!("../events/manifest.json");
const DELETED: &str = include_str!("../events/deleted.json");

/// The key and the ETag of [`PUT`].
const PUT_KEY: &str = "uploads/5f0c3a1e/0e37df36-f698-11e6-8dd4-cb9ced3df976/my holiday (1).png";
const PUT_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Enough of a program to be taken for one.
fn elf() -> Vec<u8> {
    [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 57]].concat()
}

#[test]
fn the_audit_line_completes_the_one_of_the_issuing() {
    let world = World::new();
    world.store(PUT_KEY, None, Object::new("image/png", PNG, PUT_ETAG));
    let (answer, lines) = world.handle(PUT);
    assert!(matches!(answer, Ok(Answer::Done)), "{answer:?}");
    assert_eq!(world.verdict(PUT_KEY).as_deref(), Some("clean"));
    let expected = json!({
        "level": "INFO",
        "message": "judged",
        "time": "2026-11-24T08:42:48Z",
        "request_id": "request-1",
        "principal": "5f0c3a1e",
        "key": PUT_KEY,
        "size": PNG.len(),
        "sha256": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
        "declared": "image/png",
        "detected": "image/png",
        "verdict": "clean",
        "sequencer": "0055AED6DCD90281E5",
        "repeated": false,
    });
    assert_eq!(lines, [expected]);
}

#[test]
fn an_event_that_comes_twice_changes_nothing_more() {
    for (bytes, verdict) in [(PNG.to_vec(), "clean"), (elf(), "forbidden")] {
        let world = World::new();
        world.store(PUT_KEY, None, Object::new("image/png", &bytes, PUT_ETAG));
        for _ in 0..3 {
            world.handle(PUT).0.expect("an answer");
            assert_eq!(world.verdict(PUT_KEY).as_deref(), Some(verdict));
        }
        assert_eq!(world.tags_set(), 1, "{verdict}");
    }
}

#[test]
fn what_is_under_quarantine_is_not_read_again() {
    let world = World::new();
    world.store(
        PUT_KEY,
        None,
        Object::new("image/png", PNG, PUT_ETAG).tagged(TAG, "forbidden"),
    );
    world.fail(Some("HeadObject"));
    let (answer, lines) = world.handle(PUT);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(lines[0]["reason"], "already forbidden");
}

#[test]
fn a_manifest_is_neither_read_nor_tagged() {
    let key = "uploads/5f0c3a1e/019ab718-1480-7000-8000-000000000000.slipway-manifest.json";
    let world = World::with_variables(&[("FORBIDDEN_TYPES", "application/json")]);
    world.store(key, None, Object::new("application/json", b"{}", PUT_ETAG));
    for event in [MANIFEST.to_owned(), tagged(key)] {
        let (answer, lines) = world.handle(&event);
        assert!(matches!(answer, Ok(Answer::Done)), "{answer:?}");
        let line = &lines[0];
        assert_eq!(
            (&line["reason"], &line["principal"]),
            (&json!("a manifest"), &json!("5f0c3a1e"))
        );
    }
    assert_eq!((world.verdict(key), world.most_read()), (None, 0));
}

#[test]
fn a_file_that_is_called_like_a_manifest_is_judged() {
    let key = "uploads/5f0c3a1e/019ab718-1480-7000-8000-000000000000/a.slipway-manifest.json";
    let world = World::new();
    world.store(key, None, Object::new("application/json", &elf(), "e"));
    world.handle(&tagged(key)).0.expect("an answer");
    assert_eq!(world.verdict(key).as_deref(), Some("forbidden"));
}

/// The event of a change of an object's tags.
fn tagged(key: &str) -> String {
    let mut event: Value = serde_json::from_str(PUT).expect("JSON");
    let record = &mut event["Records"][0];
    record["eventName"] = "ObjectTagging:Put".into();
    record["s3"]["object"] = json!({"key": key, "eTag": "e"});
    event.to_string()
}

#[test]
fn a_verdict_that_another_s_tags_replaced_is_written_again() {
    let world = World::new();
    let object = Object::new("image/png", PNG, "e").tagged("GuardDutyMalwareScanStatus", "NO_THREATS_FOUND");
    world.store("uploads/a", None, object);
    world.handle(&tagged("uploads/a")).0.expect("an answer");
    assert_eq!(world.verdict("uploads/a").as_deref(), Some("clean"));
    assert_eq!(world.tags("uploads/a", None).len(), 2);
}

#[test]
fn the_own_tag_and_a_release_by_hand_are_left_alone() {
    let world = World::new();
    world.store(
        "uploads/a",
        None,
        Object::new("image/gif", PNG, "e").tagged(TAG, "clean"),
    );
    let (answer, lines) = world.handle(&tagged("uploads/a"));
    assert!(answer.is_ok() && lines.is_empty(), "{answer:?} {lines:?}");
    assert_eq!(world.verdict("uploads/a").as_deref(), Some("clean"));
}

#[test]
fn an_object_with_malware_is_not_read() {
    let world = World::new();
    let object =
        Object::new("image/png", PNG, PUT_ETAG).tagged("GuardDutyMalwareScanStatus", "THREATS_FOUND");
    world.store(PUT_KEY, None, object);
    world.fail(Some("HeadObject"));
    let (answer, lines) = world.handle(PUT);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(lines[0]["reason"], "malware was found");
}

#[test]
fn tags_that_others_write_meanwhile_are_kept() {
    let world = World::new();
    world.store(PUT_KEY, None, Object::new("image/png", PNG, PUT_ETAG));
    world.tag_while_it_is_read("GuardDutyMalwareScanStatus", "NO_THREATS_FOUND");
    world.handle(PUT).0.expect("an answer");
    let tags = world.tags(PUT_KEY, None);
    assert_eq!(tags["GuardDutyMalwareScanStatus"], "NO_THREATS_FOUND");
    assert_eq!(tags[TAG], "clean");
}

#[test]
fn a_verdict_that_is_overwritten_at_once_is_written_again() {
    let world = World::new();
    world.store(PUT_KEY, None, Object::new("image/png", PNG, PUT_ETAG));
    world.lose_tags(2);
    world.handle(PUT).0.expect("an answer");
    assert_eq!(world.verdict(PUT_KEY).as_deref(), Some("clean"));
    assert_eq!(world.tags_set(), 3);
    let world = World::new();
    world.store(PUT_KEY, None, Object::new("image/png", PNG, PUT_ETAG));
    world.lose_tags(usize::MAX);
    world.handle(PUT).0.expect_err("the event is delivered again");
}

#[test]
fn other_tags_stay_and_the_verdict_of_another_is_overwritten() {
    let world = World::new();
    let object = Object::new("image/gif", PNG, PUT_ETAG)
        .tagged("team", "web")
        .tagged(TAG, "clean");
    world.store(PUT_KEY, None, object);
    world.handle(PUT).0.expect("an answer");
    let tags = world.tags(PUT_KEY, None);
    let tags: Vec<_> = tags
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(tags, [(TAG, "mismatch"), ("team", "web")]);
}

#[test]
fn the_largest_version_is_judged_by_its_beginning() {
    let world = World::new();
    let key = "uploads/anonymous/9b7d4c55-8f5e-41c2-9d3e-4f5a6b7c8d9e/تقرير.iso";
    let version = Some("096fKKXTRTtl3on89fVO.nfljtsv6qko");
    let mut object = Object::new("video/mp4", PNG, "3858f62230ac3c915f300c664312c11f-10000");
    object.description.size = 53_687_091_200_000;
    world.store(key, version, object.clone());
    world.store(key, None, object);
    let (_, lines) = world.handle(MULTIPART);
    assert_eq!(lines[0]["verdict"], "mismatch", "{lines:?}");
    assert_eq!(lines[0]["size"], 53_687_091_200_000_u64);
    assert_eq!(world.tags(key, version)[TAG], "mismatch");
    assert!(world.tags(key, None).is_empty(), "another version was tagged");
    assert_eq!(world.most_read(), 16 * 1024);
}

#[test]
fn an_empty_object_is_not_read_and_unknown() {
    let world = World::new();
    let object = Object::new("image/png", b"", "e");
    world.store("uploads/empty", None, object.clone());
    world
        .handle(&created("uploads/empty", &object))
        .0
        .expect("an answer");
    assert_eq!(world.verdict("uploads/empty").as_deref(), Some("unknown"));
    assert_eq!(world.most_read(), 0);
}

#[test]
fn a_program_in_an_archive_is_found_by_the_archives_end() {
    let world = World::new();
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.resize(40_000, 0);
    let name = b"META-INF/MANIFEST.MF";
    let mut entry = b"PK\x01\x02".to_vec();
    entry.resize(46, 0);
    entry[28] = name.len() as u8;
    bytes.extend([entry.as_slice(), name].concat());
    let object = Object::new("application/zip", &bytes, "e");
    world.store("uploads/a.zip", None, object.clone());
    world
        .handle(&created("uploads/a.zip", &object))
        .0
        .expect("an answer");
    assert_eq!(world.verdict("uploads/a.zip").as_deref(), Some("forbidden"));
}

#[test]
fn an_object_that_is_gone_or_was_replaced_is_left_alone() {
    let world = World::new();
    let (answer, lines) = world.handle(PUT);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(lines[0]["reason"], "gone");
    world.store(PUT_KEY, None, Object::new("image/png", PNG, "another-etag"));
    let (answer, lines) = world.handle(PUT);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(lines[0]["reason"], "replaced");
    assert_eq!(world.verdict(PUT_KEY), None);
}

#[test]
fn an_event_with_an_object_that_cannot_be_judged_fails() {
    for operation in ["HeadObject", "GetObject", "GetObjectTagging", "PutObjectTagging"] {
        let world = World::new();
        world.store(PUT_KEY, None, Object::new("image/png", PNG, PUT_ETAG));
        world.fail(Some(operation));
        let error = world.handle(PUT).0.expect_err(operation).to_string();
        assert!(
            error.contains(operation) && error.contains("503 SlowDown"),
            "{error}"
        );
        world.fail(None);
        world.handle(PUT).0.expect("it works the next time");
        assert_eq!(world.verdict(PUT_KEY).as_deref(), Some("clean"));
    }
}

#[test]
fn one_bad_record_does_not_keep_others_from_being_judged() {
    let world = World::new();
    let object = Object::new("image/png", PNG, "e");
    world.store("uploads/b", None, object.clone());
    let records = |event: &str| {
        let event: Value = serde_json::from_str(event).expect("JSON");
        event["Records"][0].clone()
    };
    let mut of_another_bucket = records(&created("uploads/b", &object));
    of_another_bucket["s3"]["bucket"]["name"] = "another-bucket".into();
    let event =
        json!({"Records": [records(DELETED), of_another_bucket, records(&created("uploads/b", &object))]});
    world.handle(&event.to_string()).0.expect("an answer");
    assert_eq!(world.verdict("uploads/b").as_deref(), Some("clean"));
    assert_eq!(world.tags_set(), 1);
}

#[test]
fn what_is_no_creation_is_taken_and_forgotten() {
    let world = World::new();
    for event in [TEST, DELETED] {
        let (answer, lines) = world.handle(event);
        assert!(matches!(answer, Ok(Answer::Done)), "{answer:?}");
        assert!(lines.is_empty(), "{lines:?}");
    }
}

#[test]
fn the_accepted_types_hold_for_what_a_file_really_is() {
    let world = World::with_variables(&[("ALLOWED_TYPES", "image/gif"), ("FORBIDDEN_TYPES", "none")]);
    world.store(PUT_KEY, None, Object::new("image/gif", PNG, PUT_ETAG));
    world.handle(PUT).0.expect("an answer");
    assert_eq!(world.verdict(PUT_KEY).as_deref(), Some("forbidden"));
}

proptest! {
    #[test]
    fn any_event_is_answered_or_refused(bytes in "\\PC{0,200}") {
        let _ = World::new().handle(&bytes);
    }

    #[test]
    fn a_known_event_with_any_bytes_in_it_is_answered_or_refused(
        at in 0..PUT.len(),
        length in 0_usize..40,
        text in "[ -~]{0,40}",
    ) {
        let end = (at + length).min(PUT.len());
        let event = format!("{}{text}{}", &PUT[..at], &PUT[end..]);
        let _ = World::new().handle(&event);
    }
}
