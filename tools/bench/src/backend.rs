//! The backend that the other clients' documentation describes, beyond `GET /presign`:
//! multipart uploads without checksums, and URLs for many files in one call. Each call is counted, as that of a
//! Lambda would be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Error, Result};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{MethodRouter, post},
};
use local::{BUCKET, OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION};
use rusty_s3::{
    Bucket, Credentials, S3Action as _, UrlStyle,
    actions::{CompleteMultipartUpload, CreateMultipartUpload, ListParts},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use url::Url;

/// How long a URL is valid.
const EXPIRATION: Duration = Duration::from_secs(3600);

/// The default part size of better-upload's server: 50 MB.
const BETTER_UPLOAD_PART_BYTES: u64 = 50 * 1024 * 1024;

/// Above this size better-upload's route is one of multipart uploads.
const BETTER_UPLOAD_MULTIPART_BYTES: u64 = 100 * 1024 * 1024;

/// Signs requests, and sends those to S3 that the documented backends send themselves.
pub(crate) struct Backend {
    bucket: Bucket,
    credentials: Credentials,
    calls: AtomicU64,
}

/// A multipart upload whose parts anybody can PUT to these URLs.
#[derive(Clone, Debug)]
pub(crate) struct PartUrls {
    key: String,
    upload_id: String,
    pub(crate) urls: Vec<String>,
}

/// A request to S3 that is to be signed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sign {
    method: String,
    key: String,
    upload_id: Option<String>,
    part_number: Option<u16>,
}

#[derive(Deserialize)]
struct Create {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complete {
    key: String,
    upload_id: String,
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(rename = "PartNumber")]
    number: u16,
}

/// What better-upload's client sends.
#[derive(Deserialize)]
struct Files {
    files: Vec<File>,
}

#[derive(Clone, Deserialize, Serialize)]
struct File {
    name: String,
    size: u64,
    #[serde(rename = "type")]
    media_type: String,
}

impl Backend {
    /// A backend for the bucket at this address.
    pub(crate) fn new(s3: &str) -> Result<Self> {
        let bucket = Bucket::new(Url::parse(s3)?, UrlStyle::Path, BUCKET, REGION)?;
        Ok(Self {
            bucket,
            credentials: Credentials::new(OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY),
            calls: AtomicU64::new(0),
        })
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/sign", answering(Self::sign))
            .route("/create", answering(Self::create))
            .route("/complete", answering(Self::complete))
            .route("/better-upload", answering(Self::better_upload))
            .with_state(Arc::clone(self))
    }

    fn sign(&self, asked: Sign) -> Result<Value> {
        let (bucket, credentials, key) = (&self.bucket, Some(&self.credentials), &asked.key);
        let url = match (asked.method.as_str(), &asked.upload_id, asked.part_number) {
            ("PUT", Some(id), Some(number)) => {
                bucket.upload_part(credentials, key, number, id).sign(EXPIRATION)
            }
            ("PUT", None, _) => bucket.put_object(credentials, key).sign(EXPIRATION),
            ("POST", None, _) => bucket.create_multipart_upload(credentials, key).sign(EXPIRATION),
            ("POST", Some(id), _) => self.completion(key, id, &[]).sign(EXPIRATION),
            ("DELETE", Some(id), _) => bucket
                .abort_multipart_upload(credentials, key, id)
                .sign(EXPIRATION),
            (method, ..) => anyhow::bail!("{method} is unknown"),
        };
        Ok(json!({ "url": url }))
    }

    fn completion<'a>(
        &'a self,
        key: &'a str,
        upload_id: &'a str,
        etags: &'a [&'a str],
    ) -> CompleteMultipartUpload<'a, impl Iterator<Item = &'a str> + Clone> {
        let etags = etags.iter().copied();
        self.bucket
            .complete_multipart_upload(Some(&self.credentials), key, upload_id, etags)
    }

    fn create(&self, Create { key }: Create) -> Result<Value> {
        let upload_id = self.create_upload(&key)?;
        Ok(json!({ "key": key, "uploadId": upload_id }))
    }

    fn create_upload(&self, key: &str) -> Result<String> {
        let action = self.bucket.create_multipart_upload(Some(&self.credentials), key);
        let answer = ureq::post(action.sign(EXPIRATION).as_str()).send_empty()?;
        let text = answer.into_body().read_to_string()?;
        let created = CreateMultipartUpload::parse_response(&text).ok();
        let created = created.context("S3 returns no upload id")?;
        Ok(created.upload_id().to_owned())
    }

    fn complete(&self, asked: Complete) -> Result<Value> {
        let mut parts = asked.parts;
        parts.sort_by_key(|part| part.number);
        let etags: Vec<&str> = parts.iter().map(|part| part.etag.trim_matches('"')).collect();
        let action = self.completion(&asked.key, &asked.upload_id, &etags);
        let url = action.sign(EXPIRATION);
        ureq::post(url.as_str()).send(action.body())?;
        Ok(json!({ "location": self.bucket.object_url(&asked.key) }))
    }

    /// Creates a multipart upload of `count` parts.
    pub(crate) fn create_parts(&self, count: u64) -> Result<PartUrls> {
        let key = "uploads/in-parts".to_owned();
        let upload_id = self.create_upload(&key)?;
        let url = |number| {
            let part = self
                .bucket
                .upload_part(Some(&self.credentials), &key, number, &upload_id);
            part.sign(EXPIRATION).to_string()
        };
        Ok(PartUrls {
            urls: (1..=u16::try_from(count)?).map(url).collect(),
            key,
            upload_id,
        })
    }

    /// Completes it with the parts that S3 has.
    pub(crate) fn complete_parts(&self, upload: &PartUrls) -> Result<()> {
        let list = self
            .bucket
            .list_parts(Some(&self.credentials), &upload.key, &upload.upload_id);
        let answer = ureq::get(list.sign(EXPIRATION).as_str()).call()?;
        let text = answer.into_body().read_to_string()?;
        let listed = ListParts::parse_response(&text).ok();
        let parts = listed.context("S3 lists no parts")?.parts;
        let etags: Vec<&str> = parts.iter().map(|part| part.etag.trim_matches('"')).collect();
        let action = self.completion(&upload.key, &upload.upload_id, &etags);
        ureq::post(action.sign(EXPIRATION).as_str()).send(action.body())?;
        Ok(())
    }

    fn better_upload(&self, Files { files }: Files) -> Result<Value> {
        let is_multipart = files.iter().any(|file| file.size > BETTER_UPLOAD_MULTIPART_BYTES);
        if is_multipart {
            let files = files.iter().map(|file| self.better_upload_parts(file));
            let files = files.collect::<Result<Vec<_>>>()?;
            let multipart = json!({ "files": files, "partSize": BETTER_UPLOAD_PART_BYTES });
            return Ok(json!({ "multipart": multipart, "metadata": {} }));
        }
        let credentials = Some(&self.credentials);
        let files = files.iter().map(|file| {
            let key = key_of(file);
            let url = self.bucket.put_object(credentials, &key).sign(EXPIRATION);
            json!({ "signedUrl": url, "headers": {}, "file": described(file, &key) })
        });
        Ok(json!({ "files": files.collect::<Vec<_>>(), "metadata": {} }))
    }

    fn better_upload_parts(&self, file: &File) -> Result<Value> {
        let key = key_of(file);
        let id = self.create_upload(&key)?;
        let credentials = Some(&self.credentials);
        let count = file.size.div_ceil(BETTER_UPLOAD_PART_BYTES);
        let parts = (0..count).map(|index| {
            let start = index * BETTER_UPLOAD_PART_BYTES;
            let number = u16::try_from(index + 1)?;
            let part = self.bucket.upload_part(credentials, &key, number, &id);
            Ok(json!({
                "signedUrl": part.sign(EXPIRATION),
                "partNumber": number,
                "size": BETTER_UPLOAD_PART_BYTES.min(file.size - start),
            }))
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let abort = self.bucket.abort_multipart_upload(credentials, &key, &id);
        Ok(json!({
            "uploadId": id,
            "parts": parts,
            "completeSignedUrl": self.completion(&key, &id, &[]).sign(EXPIRATION),
            "abortSignedUrl": abort.sign(EXPIRATION),
            "file": described(file, &key),
        }))
    }
}

fn key_of(file: &File) -> String {
    format!("uploads/{}", file.name)
}

/// A file as better-upload's client expects it.
fn described(file: &File, key: &str) -> Value {
    let mut described = json!(file);
    described["objectInfo"] = json!({ "key": key, "metadata": {} });
    described
}

/// A route whose answer is JSON. It is made on a thread where a call to S3 may block.
fn answering<Q>(answer: fn(&Backend, Q) -> Result<Value>) -> MethodRouter<Arc<Backend>>
where
    Q: for<'de> Deserialize<'de> + Send + 'static,
{
    post(
        async move |State(backend): State<Arc<Backend>>, Json(asked): Json<Q>| {
            backend.calls.fetch_add(1, Ordering::Relaxed);
            let answered = spawn_blocking(move || answer(&backend, asked)).await;
            match answered.map_err(Error::from).flatten() {
                Ok(answer) => (StatusCode::OK, Json(answer)),
                Err(error) => {
                    let error = json!({ "error": error.to_string() });
                    (StatusCode::BAD_GATEWAY, Json(error))
                }
            }
        },
    )
}
