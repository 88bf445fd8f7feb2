//! The store of S3, against an S3 that checks every signature.

use std::{sync::Arc, time::SystemTime};

use local::{Stack, StackOptions};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use verdict::{ObjectStore, ObjectVersion, S3Store, StoreError, Tags};

use crate::support::{BUCKET, Fixed, PNG, settings};

/// A stack with an S3 to send requests to.
pub(crate) struct World {
    pub(crate) stack: Stack,
    _data: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let stack = Stack::start(StackOptions::new(data.path().to_owned()));
        Self {
            stack: stack.await.expect("the stack starts"),
            _data: data,
        }
    }

    pub(crate) fn store(&self) -> S3Store {
        self.store_at(&self.stack.s3_url())
    }

    fn store_at(&self, url: &str) -> S3Store {
        let settings = settings(&[("AWS_ENDPOINT_URL_S3", url)]);
        let now = SystemTime::now();
        S3Store::new(settings.bucket().clone(), Arc::new(Fixed { now }))
    }

    /// Uploads by the plain contract, which takes any key.
    pub(crate) async fn upload(&self, key: &str, bytes: &'static [u8]) -> ObjectVersion {
        let encoded = utf8_percent_encode(key, NON_ALPHANUMERIC);
        let url = format!("{}/presign?key={encoded}", self.stack.api_url());
        spawn_blocking(move || {
            let mut answer = ureq::get(url).call().expect("an answer");
            let answer = answer.body_mut().read_to_string().expect("a body");
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            let url = answer["uploadURL"].as_str().expect("a URL");
            ureq::put(url)
                .content_type("image/png")
                .send(bytes)
                .expect("stored");
        })
        .await
        .expect("it ends");
        ObjectVersion {
            key: format!("uploads/{key}"),
            version_id: None,
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.expect("it ends")
}

#[tokio::test]
async fn an_object_is_described_read_and_tagged() {
    let world = World::start().await;
    for key in ["a.png", "odd name +#%25 é.png"] {
        let object = world.upload(key, PNG).await;
        let store = world.store();
        blocking(move || {
            let description = store.describe(&object).expect("an answer").expect("an object");
            assert_eq!(description.content_type, "image/png");
            assert_eq!(description.size, PNG.len() as u64);
            assert_eq!(description.etag.len(), 32);
            let beginning = store.bytes(&object, 0..8).expect("an answer");
            assert_eq!(beginning.as_deref(), Some(&PNG[..8]));
            let middle = store.bytes(&object, 4..12).expect("an answer");
            assert_eq!(middle.as_deref(), Some(&PNG[4..12]));
            let whole = store.bytes(&object, 0..1000).expect("an answer");
            assert_eq!(whole.as_deref(), Some(PNG));
            let tags =
                Tags::from([("team", "a & b"), ("x", "")].map(|(name, value)| (name.into(), value.into())));
            store.set_tags(&object, &tags).expect("tagged");
            assert_eq!(store.tags(&object).expect("an answer"), Some(tags));
        })
        .await;
    }
}

#[tokio::test]
async fn an_object_that_is_not_there_is_none() {
    let world = World::start().await;
    let store = world.store();
    blocking(move || {
        let object = ObjectVersion {
            key: "uploads/nowhere".to_owned(),
            version_id: None,
        };
        assert_eq!(store.describe(&object).expect("an answer"), None);
        assert_eq!(store.bytes(&object, 0..8).expect("an answer"), None);
        assert_eq!(store.tags(&object).expect("an answer"), None);
        store.set_tags(&object, &Tags::new()).expect("nothing happens");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_names_the_operation_and_s3_s_code() {
    let world = World::start().await;
    let object = world.upload("a.png", PNG).await;
    world
        .stack
        .controls()
        .fail_next_s3_requests(1, "GET", 503, "SlowDown");
    let store = world.store();
    let error = blocking(move || store.tags(&object))
        .await
        .expect_err("a refusal");
    assert!(
        matches!(&error, StoreError::Refused { operation: "GetObjectTagging", status: 503, code } if code == "SlowDown"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let world = World::start().await;
    let url = world.stack.s3_url();
    let store = world.store_at(&url);
    world.stack.stop().await;
    let object = ObjectVersion {
        key: format!("{BUCKET}/a"),
        version_id: None,
    };
    let error = blocking(move || store.describe(&object))
        .await
        .expect_err("nobody is there");
    assert!(
        matches!(
            error,
            StoreError::Failed {
                operation: "HeadObject",
                ..
            }
        ),
        "{error}"
    );
}
