//! S3's event notifications: an event for every new object (Amazon S3 User Guide, "Event message structure").

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;
use verdict::Function;

use crate::account::{BUCKET, REGION};

/// Sends the function that looks at new objects an event for each. The function runs after the client has its
/// answer, as with S3; an event that was not handled when the stack ends is lost.
#[derive(Clone)]
pub(crate) struct Notifications(pub(crate) Arc<Function>);

/// An object that was object.
pub(crate) struct StoredObject<'a> {
    /// The operation as an event names it, such as `Put`.
    pub(crate) operation: &'static str,
    pub(crate) key: &'a str,
    /// In bytes.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: &'a str,
}

impl Notifications {
    /// Sends the event of an object, without waiting for the function.
    pub(crate) fn notify(&self, object: &StoredObject<'_>) {
        let event = json!({ "Records": [record(object)] }).to_string();
        let function = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let request_id = Uuid::new_v4().to_string();
            if let Err(error) = function.handle(event.as_bytes(), &request_id) {
                tracing::error!("the verdict failed: {error}");
            }
        });
    }
}

fn record(object: &StoredObject<'_>) -> Value {
    let now = SystemTime::now();
    let nanoseconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    // As in a form: a plus sign for a space.
    let key: String = form_urlencoded::byte_serialize(object.key.as_bytes()).collect();
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": OffsetDateTime::from(now).format(&Rfc3339).unwrap_or_default(),
        "eventName": format!("ObjectCreated:{}", object.operation),
        "userIdentity": {"principalId": "local"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "local", "x-amz-id-2": "local"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "local",
            "bucket": {
                "name": BUCKET,
                "ownerIdentity": {"principalId": "local"},
                "arn": format!("arn:aws:s3:::{BUCKET}"),
            },
            "object": {
                "key": key.replace("%2F", "/"),
                "size": object.size,
                "eTag": object.etag,
                "sequencer": format!("{nanoseconds:018X}"),
            },
        },
    })
}
