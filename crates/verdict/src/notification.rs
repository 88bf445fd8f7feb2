//! The events that S3 sends (Amazon S3 User Guide, "Event message structure").
//!
//! Only what is used is read. The types of `aws_lambda_events` also demand an event's time, user and source address, so
//! that a record without them, whose object could be judged, would fail for as long as Lambda delivers it again.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use thiserror::Error;

use crate::object_store::ObjectVersion;

/// An event as Lambda received it: of S3, or of the API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Notification {
    /// Objects of S3 were created, or their tags were changed.
    Created(Vec<Created>),
    /// S3 tests the way that notifications will take.
    Test,
    /// Something that is not a notification.
    Other,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It was created.
    Created,
    /// Its tags were set or deleted, by this function or by somebody else.
    Tagged,
}

/// One object that was created, or whose tags were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Created {
    /// What happened to it.
    pub(crate) cause: Cause,
    /// The bucket's name.
    pub(crate) bucket: String,
    /// The object.
    pub(crate) object: ObjectVersion,
    /// The size in bytes, as S3 reports it.
    pub(crate) size: u64,
    /// The ETag without quotes.
    pub(crate) etag: Option<String>,
    /// What orders the events of one key.
    pub(crate) sequencer: Option<String>,
}

/// Why a notification cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotificationError {
    /// A record lacks a field or has one of another type.
    #[error("a record of S3's notification is not as it should be")]
    Malformed,
    /// A key is not percent-encoded UTF-8.
    #[error("a key in S3's notification is not UTF-8")]
    Key,
}

#[derive(Deserialize)]
struct Records {
    #[serde(rename = "Records")]
    records: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct TestEvent {
    #[serde(rename = "Event")]
    event: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    event_source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    s3: S3,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    /// Missing only if the object is gone.
    #[serde(default)]
    size: u64,
    #[serde(default)]
    e_tag: Option<String>,
    #[serde(default)]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
}

impl Notification {
    /// Reads an event in JSON. Records of other events than an object's creation and a change of its tags are left out.
    ///
    /// # Errors
    ///
    /// If a record of S3 is not as it should be.
    pub(crate) fn read(event: &[u8]) -> Result<Self, NotificationError> {
        let Ok(Records { records }) = serde_json::from_slice(event) else {
            let test: Result<TestEvent, _> = serde_json::from_slice(event);
            let is_test = test.is_ok_and(|test| test.event == "s3:TestEvent");
            return Ok(if is_test { Self::Test } else { Self::Other });
        };
        let mut created = Vec::new();
        for record in records {
            let source: Result<Source, _> = serde_json::from_value(record.clone());
            if source.is_ok_and(|source| source.event_source == "aws:s3") {
                created.extend(Created::read(record)?);
            }
        }
        Ok(Self::Created(created))
    }
}

impl Created {
    fn read(record: serde_json::Value) -> Result<Option<Self>, NotificationError> {
        let record: Record = serde_json::from_value(record).map_err(|_| NotificationError::Malformed)?;
        let cause = match record.event_name.split(':').next() {
            Some("ObjectCreated") => Cause::Created,
            Some("ObjectTagging") => Cause::Tagged,
            _ => return Ok(None),
        };
        let Object {
            key,
            size,
            e_tag,
            version_id,
            sequencer,
        } = record.s3.object;
        Ok(Some(Self {
            cause,
            bucket: record.s3.bucket.name,
            object: ObjectVersion {
                key: decode(&key).ok_or(NotificationError::Key)?,
                // A bucket that once had versioning names its unversioned objects so.
                version_id: version_id.filter(|id| !id.is_empty() && id != "null"),
            },
            size,
            etag: e_tag,
            sequencer,
        }))
    }
}

/// Decodes a key as notifications have it: percent-encoded, with a plus sign for a space.
fn decode(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn record() -> Value {
        json!({
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "photos"}, "object": {"key": "a", "size": 5, "eTag": "e", "sequencer": "01"}},
        })
    }

    fn read(record: &Value) -> Result<Notification, NotificationError> {
        Notification::read(json!({ "Records": [record] }).to_string().as_bytes())
    }

    fn only(record: &Value) -> Created {
        match read(record) {
            Ok(Notification::Created(mut created)) if created.len() == 1 => created.remove(0),
            other => panic!("{record}: {other:?}"),
        }
    }

    fn check_key(encoded: &str, expected: &str) {
        let mut record = record();
        record["s3"]["object"]["key"] = encoded.into();
        assert_eq!(only(&record).object.key, expected, "{encoded}");
    }

    #[test]
    fn keys_are_decoded_once() {
        check_key("uploads/a+b%2Bc%2520.txt", "uploads/a b+c%20.txt");
        check_key("%D8%AA%D9%82.pdf", "تق.pdf");
        check_key("a%ZZ", "a%ZZ");
        let mut record = record();
        record["s3"]["object"]["key"] = "%ff".into();
        assert_eq!(read(&record), Err(NotificationError::Key));
    }

    #[test]
    fn a_version_is_one_only_where_the_bucket_keeps_them() {
        for (id, expected) in [
            (json!("v1"), Some("v1")),
            (json!("null"), None),
            (json!(""), None),
            (json!(null), None),
        ] {
            let mut record = record();
            record["s3"]["object"]["versionId"] = id;
            assert_eq!(only(&record).object.version_id.as_deref(), expected);
        }
    }

    #[test]
    fn the_largest_object_of_s3_has_a_size() {
        let mut record = record();
        record["s3"]["object"]["size"] = 53_687_091_200_000_u64.into();
        assert_eq!(only(&record).size, 53_687_091_200_000);
    }

    #[test]
    fn what_is_no_creation_is_left_out() {
        for (pointer, value) in [
            ("/eventName", json!("ObjectRemoved:Delete")),
            ("/eventSource", json!("aws:sqs")),
            ("/eventSource", json!(1)),
        ] {
            let mut record = record();
            *record.pointer_mut(pointer).expect("a field") = value;
            assert_eq!(read(&record), Ok(Notification::Created(Vec::new())));
        }
    }

    #[test]
    fn what_is_not_of_s3_is_something_else() {
        let test = br#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-24T08:00:00.000Z","Bucket":"photos"}"#;
        assert_eq!(Notification::read(test), Ok(Notification::Test));
        for event in ["", "[]", "{}", r#"{"Records": 1}"#, r#"{"rawPath": "/verdicts"}"#] {
            assert_eq!(
                Notification::read(event.as_bytes()),
                Ok(Notification::Other),
                "{event}"
            );
        }
    }

    /// Values that a field of an event should not have.
    fn odd() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            Just(json!([])),
            Just(json!({})),
        ]
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = Notification::read(&bytes);
        }

        #[test]
        fn a_record_with_an_odd_field_is_read_or_refused(
            pointer in prop::sample::select(vec![
                "", "/eventSource", "/eventName", "/s3", "/s3/bucket", "/s3/bucket/name", "/s3/object", "/s3/object/key",
                "/s3/object/size", "/s3/object/eTag", "/s3/object/sequencer",
            ]),
            value in odd(),
        ) {
            let mut record = record();
            *record.pointer_mut(pointer).expect("a field") = value;
            let _ = read(&record);
        }

        #[test]
        fn any_key_survives_its_encoding(key in any::<String>()) {
            let encoded = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC);
            prop_assert_eq!(decode(&encoded.to_string().replace("%20", "+")), Some(key));
        }
    }
}
