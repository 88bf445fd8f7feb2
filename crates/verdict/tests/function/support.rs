//! A function over objects in memory, and what it logs.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use lambda_api::{Environment, json_log};
use serde_json::{Value, json};
use tracing::subscriber::with_default;
use verdict::{
    Answer, Description, EventError, Function, ObjectStore, ObjectVersion, Settings, StoreError, TAG, Tags,
};

/// The bucket of the recorded events.
pub(crate) const BUCKET: &str = "slipway-uploads";

/// The beginning of a picture.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// An object of [`Memory`].
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) description: Description,
    pub(crate) bytes: Vec<u8>,
    pub(crate) tags: Tags,
}

impl Object {
    pub(crate) fn new(content_type: &str, bytes: &[u8], etag: &str) -> Self {
        Self {
            description: Description {
                content_type: content_type.to_owned(),
                content_encoding: None,
                size: bytes.len() as u64,
                etag: etag.to_owned(),
                sha256: Some("ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=".to_owned()),
            },
            bytes: bytes.to_vec(),
            tags: Tags::new(),
        }
    }

    pub(crate) fn tagged(mut self, name: &str, value: &str) -> Self {
        self.tags.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// Objects in memory, by key and version.
#[derive(Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, Option<String>), Object>,
    failing: Option<&'static str>,
    most_read: u64,
    tags_set: usize,
    /// A tag that somebody else sets while the object is read.
    tag_of_another: Option<(String, String)>,
    /// How many writes of tags somebody else overwrites at once.
    losses: usize,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self, operation: &'static str, object: &ObjectVersion) -> Result<Option<Object>, StoreError> {
        let state = self.state();
        if state.failing == Some(operation) {
            return Err(StoreError::Refused {
                operation,
                status: 503,
                code: "SlowDown".to_owned(),
            });
        }
        let found = state
            .objects
            .get(&(object.key.clone(), object.version_id.clone()));
        Ok(found.cloned())
    }
}

impl ObjectStore for Memory {
    fn describe(&self, object: &ObjectVersion) -> Result<Option<Description>, StoreError> {
        Ok(self.asked("HeadObject", object)?.map(|object| object.description))
    }

    fn bytes(&self, object: &ObjectVersion, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.asked("GetObject", object)?;
        let mut state = self.state();
        let number = |number: u64| usize::try_from(number).expect("a number that fits in memory");
        let (start, count) = (number(range.start), number(range.end - range.start));
        state.most_read = state.most_read.max(range.end - range.start);
        if let Some((name, value)) = state.tag_of_another.take() {
            let key = (object.key.clone(), object.version_id.clone());
            let object = state.objects.get_mut(&key).expect("the object");
            object.tags.insert(name, value);
        }
        Ok(found.map(|object| object.bytes.into_iter().skip(start).take(count).collect()))
    }

    fn tags(&self, object: &ObjectVersion) -> Result<Option<Tags>, StoreError> {
        Ok(self.asked("GetObjectTagging", object)?.map(|object| object.tags))
    }

    fn set_tags(&self, object: &ObjectVersion, tags: &Tags) -> Result<(), StoreError> {
        self.asked("PutObjectTagging", object)?;
        let mut state = self.state();
        state.tags_set += 1;
        if state.losses > 0 {
            state.losses -= 1;
            return Ok(());
        }
        let key = (object.key.clone(), object.version_id.clone());
        if let Some(object) = state.objects.get_mut(&key) {
            object.tags = tags.clone();
        }
        Ok(())
    }
}

/// An environment whose clock stands still.
pub(crate) struct Fixed {
    pub(crate) now: SystemTime,
}

impl Environment for Fixed {
    fn now(&self) -> SystemTime {
        self.now
    }

    fn credentials(&self) -> Credentials {
        let (id, secret) = (local::OWNER_ACCESS_KEY_ID, local::OWNER_SECRET_ACCESS_KEY);
        Credentials::new(id, secret, None, None, "test")
    }

    fn random(&self) -> [u8; 10] {
        [0; 10]
    }

    fn write_metrics(&self, _: &str) {}
}

/// A function and its objects.
pub(crate) struct World {
    pub(crate) memory: Arc<Memory>,
    function: Function,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_variables(&[])
    }

    pub(crate) fn with_variables(variables: &[(&str, &str)]) -> Self {
        let memory = Arc::new(Memory::default());
        let environment = Fixed {
            now: UNIX_EPOCH + Duration::from_secs(1_795_509_768),
        };
        let function = Function::new(settings(variables), memory.clone(), Arc::new(environment));
        Self { memory, function }
    }

    pub(crate) fn store(&self, key: &str, version_id: Option<&str>, object: Object) {
        let key = (key.to_owned(), version_id.map(str::to_owned));
        self.memory.state().objects.insert(key, object);
    }

    /// Makes every request of an operation fail, or none.
    pub(crate) fn fail(&self, operation: Option<&'static str>) {
        self.memory.state().failing = operation;
    }

    /// Sets a tag of the object that is read next, while it is read.
    pub(crate) fn tag_while_it_is_read(&self, name: &str, value: &str) {
        self.memory.state().tag_of_another = Some((name.to_owned(), value.to_owned()));
    }

    /// Overwrites what is written to tags this many times.
    pub(crate) fn lose_tags(&self, times: usize) {
        self.memory.state().losses = times;
    }

    pub(crate) fn most_read(&self) -> u64 {
        self.memory.state().most_read
    }

    /// How often tags were written.
    pub(crate) fn tags_set(&self) -> usize {
        self.memory.state().tags_set
    }

    pub(crate) fn tags(&self, key: &str, version_id: Option<&str>) -> Tags {
        let key = (key.to_owned(), version_id.map(str::to_owned));
        self.memory.state().objects[&key].tags.clone()
    }

    pub(crate) fn verdict(&self, key: &str) -> Option<String> {
        self.tags(key, None).get(TAG).cloned()
    }

    /// Handles an event; returns what was logged too.
    pub(crate) fn handle(&self, event: &str) -> (Result<Answer, EventError>, Vec<Value>) {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = json_log(move || writer.clone());
        let outcome = with_default(subscriber, || self.function.handle(event.as_bytes(), "request-1"));
        (outcome, log.lines())
    }
}

/// Settings for [`BUCKET`], with more variables.
pub(crate) fn settings(variables: &[(&str, &str)]) -> Settings {
    let settings = Settings::from_variables(|name| {
        let given = variables.iter().find(|(given, _)| *given == name);
        match name {
            _ if given.is_some() => given.map(|(_, value)| (*value).to_owned()),
            "BUCKET_NAME" => Some(BUCKET.to_owned()),
            "AWS_REGION" => Some(local::REGION.to_owned()),
            _ => None,
        }
    });
    settings.expect("settings")
}

/// The event of an object that was created.
pub(crate) fn created(key: &str, object: &Object) -> String {
    let record = json!({
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": BUCKET},
            "object": {"key": key, "size": object.description.size, "eTag": object.description.etag},
        },
    });
    json!({ "Records": [record] }).to_string()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&bytes);
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
