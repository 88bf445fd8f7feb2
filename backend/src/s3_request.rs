//! The requests that S3 gets, each with everything that its URL is to be bound to.
//!
//! All signed headers are ones that a page's script may set, except `content-length`, which the browser
//! writes. None but a plain `content-type` is CORS-safelisted (Fetch Standard), so the bucket's CORS
//! configuration must allow each: [`wire::SIGNED_HEADERS`], and [`wire::STORAGE_HEADERS`] if the settings ask
//! for encryption and tags.

use std::collections::BTreeMap;

use lambda_api::percent_encode;
use wire::{CHECKSUM_ALGORITHM, Endpoint, HttpMethod, IF_NONE_MATCH, Sha256Digest};

use crate::storage_options::StorageOptions;

/// The longest value in bytes of the metadata with the original name. S3 takes 2 KB of user-defined metadata
/// in all (Amazon S3 User Guide, "Working with object metadata").
const MAX_ORIGINAL_NAME_BYTES: usize = 1_900;

/// The largest object in bytes that one PutObject stores: 5 GiB (Amazon S3 User Guide, "Uploading objects").
pub(crate) const MAX_PUT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// What the audit calls the PutObject of a manifest, so that it is not taken for a file's.
pub(crate) const PUT_MANIFEST: &str = "PutManifest";

/// A request to S3 about one object.
#[derive(Clone, Debug)]
pub(crate) struct S3Request {
    /// The operation as the Amazon S3 API Reference names it, or [`PUT_MANIFEST`].
    pub(crate) operation: &'static str,
    /// The method.
    pub(crate) method: HttpMethod,
    /// The query's names and values.
    pub(crate) query: Vec<(&'static str, String)>,
    /// The headers to sign.
    pub(crate) headers: BTreeMap<String, String>,
    /// Which of the bucket's endpoints it goes to.
    pub(crate) endpoint: Endpoint,
    /// How many bytes it stores or completes; `None` if it does not say.
    pub(crate) size: Option<u64>,
    /// The SHA-256 of those bytes; `None` if it does not say.
    pub(crate) sha256: Option<Sha256Digest>,
    /// How many bytes of a file its own body may have at most.
    pub(crate) body_bytes: u64,
}

impl S3Request {
    fn new(operation: &'static str, method: HttpMethod) -> Self {
        Self {
            operation,
            method,
            query: Vec::new(),
            headers: BTreeMap::new(),
            endpoint: Endpoint::First,
            size: None,
            sha256: None,
            body_bytes: 0,
        }
    }

    fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same request to this endpoint.
    pub(crate) fn at(self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self }
    }

    fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// PutObject of exactly these bytes, once.
    pub(crate) fn put_object(description: Description<'_>, size: u64, sha256: Sha256Digest) -> Self {
        Self::new("PutObject", HttpMethod::Put)
            .described(description)
            .body(size, sha256)
            .header(IF_NONE_MATCH, "*")
    }

    /// PutObject of exactly this manifest, once.
    pub(crate) fn put_manifest(description: Description<'_>, size: u64, sha256: Sha256Digest) -> Self {
        Self {
            operation: PUT_MANIFEST,
            ..Self::put_object(description, size, sha256)
        }
    }

    /// PutObject of any bytes, once, without a header. S3 honours the condition in the query too.
    pub(crate) fn put_object_plainly() -> Self {
        let request = Self::new("PutObject", HttpMethod::Put).query("If-None-Match", "*");
        Self {
            body_bytes: MAX_PUT_BYTES,
            ..request
        }
    }

    /// PutObject of any bytes of this length and type, once. `content_type` is the header as the client will send it.
    pub(crate) fn put_object_within_limits(content_type: &str, size: u64) -> Self {
        Self::put_object_plainly()
            .header("content-type", content_type)
            .length(size)
    }

    /// CreateMultipartUpload with SHA-256 for each part.
    pub(crate) fn create_multipart_upload(description: Description<'_>, size: u64) -> Self {
        let mut request = Self::new("CreateMultipartUpload", HttpMethod::Post)
            .query("uploads", "")
            .described(description)
            .header(CHECKSUM_ALGORITHM, "SHA256")
            .header("x-amz-checksum-type", "COMPOSITE");
        request.size = Some(size);
        request
    }

    /// UploadPart of exactly these bytes.
    pub(crate) fn upload_part(upload_id: &str, number: u32, size: u64, sha256: Sha256Digest) -> Self {
        Self::new("UploadPart", HttpMethod::Put)
            .query("partNumber", number.to_string())
            .query("uploadId", upload_id)
            .body(size, sha256)
    }

    /// ListParts of the parts after `marker`.
    pub(crate) fn list_parts(upload_id: &str, marker: Option<u32>) -> Self {
        let request = Self::new("ListParts", HttpMethod::Get).query("uploadId", upload_id);
        match marker {
            Some(marker) => request.query("part-number-marker", marker.to_string()),
            None => request,
        }
    }

    /// CompleteMultipartUpload of an object of exactly this size, once.
    pub(crate) fn complete_multipart_upload(upload_id: &str, size: u64) -> Self {
        let mut request = Self::new("CompleteMultipartUpload", HttpMethod::Post)
            .query("uploadId", upload_id)
            .header(IF_NONE_MATCH, "*")
            .header("x-amz-mp-object-size", size.to_string());
        request.size = Some(size);
        request
    }

    /// AbortMultipartUpload.
    pub(crate) fn abort_multipart_upload(upload_id: &str) -> Self {
        Self::new("AbortMultipartUpload", HttpMethod::Delete).query("uploadId", upload_id)
    }

    fn body(mut self, size: u64, sha256: Sha256Digest) -> Self {
        self.sha256 = Some(sha256);
        self.length(size)
            .header("x-amz-checksum-sha256", sha256.to_string())
    }

    fn length(mut self, size: u64) -> Self {
        self.size = Some(size);
        self.body_bytes = size;
        self.header("content-length", size.to_string())
    }

    fn described(self, description: Description<'_>) -> Self {
        let described = self
            .header("content-type", description.media_type)
            .header("content-disposition", content_disposition(description.key))
            .header("x-amz-meta-filename", original_name(description.name));
        let options = description.storage.headers().into_iter();
        options.fold(described, |request, (name, value)| request.header(name, value))
    }
}

/// What S3 keeps about an object besides its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description<'a> {
    /// The object's key, whose last segment is the name of a download.
    pub(crate) key: &'a str,
    /// The file's name as its owner knows it.
    pub(crate) name: &'a str,
    /// The file's type, as [`lambda_api::MediaType`] writes it.
    pub(crate) media_type: &'a str,
    /// How S3 is to keep it.
    pub(crate) storage: &'a StorageOptions,
}

/// A download and never a page (RFC 6266), so that no uploaded file runs on the bucket's origin.
fn content_disposition(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    format!("attachment; filename*=UTF-8''{}", percent_encode(name))
}

/// The original name, percent-encoded because a header's value is ASCII. Of a very long path the end stays.
fn original_name(name: &str) -> String {
    let mut start = name.len();
    let mut room = MAX_ORIGINAL_NAME_BYTES;
    for (index, character) in name.char_indices().rev() {
        let bytes = percent_encode(&name[index..index + character.len_utf8()])
            .to_string()
            .len();
        if bytes > room {
            break;
        }
        room -= bytes;
        start = index;
    }
    percent_encode(&name[start..]).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wire::{SIGNED_HEADERS, STORAGE_HEADERS};

    use super::*;

    /// The headers that the page has to send in all of its requests together.
    fn headers_to_send(storage: &StorageOptions) -> BTreeSet<String> {
        let description = Description {
            key: "k",
            name: "n",
            media_type: "a/b",
            storage,
        };
        let sha256 = Sha256Digest::new([0; 32]);
        let requests = [
            S3Request::put_object(description, 1, sha256),
            S3Request::create_multipart_upload(description, 1),
            S3Request::upload_part("u", 1, 1, sha256),
            S3Request::list_parts("u", Some(1)),
            S3Request::complete_multipart_upload("u", 1),
            S3Request::abort_multipart_upload("u"),
        ];
        let names = requests
            .into_iter()
            .flat_map(|request| request.headers.into_keys());
        names.filter(|name| name != "content-length").collect()
    }

    #[test]
    fn exactly_the_listed_headers_are_signed() {
        let always = SIGNED_HEADERS.map(str::to_owned);
        assert_eq!(headers_to_send(&StorageOptions::default()), always.clone().into());
        let options = StorageOptions {
            kms_key_id: Some("alias/uploads".to_owned()),
            tags: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        };
        let with_options = always.into_iter().chain(STORAGE_HEADERS.map(str::to_owned));
        assert_eq!(headers_to_send(&options), with_options.collect());
    }

    #[test]
    fn a_download_has_the_name_of_the_keys_last_segment() {
        assert_eq!(
            content_disposition("uploads/anonymous/u/a b/naïve \"x\".txt"),
            "attachment; filename*=UTF-8''na%C3%AFve%20%22x%22.txt"
        );
    }

    #[test]
    fn the_original_name_is_kept_or_at_least_its_end() {
        assert_eq!(original_name("../a\u{202e}b.txt"), "..%2Fa%E2%80%AEb.txt");
        let long = format!("{}.txt", "報".repeat(300));
        let kept = original_name(&long);
        assert!(kept.len() <= MAX_ORIGINAL_NAME_BYTES && kept.len() > MAX_ORIGINAL_NAME_BYTES - 9);
        assert!(kept.ends_with("%E5%A0%B1.txt"));
    }
}
