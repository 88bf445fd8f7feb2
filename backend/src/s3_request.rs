//! The requests that S3 gets, each with everything that its URL is to be bound to.
//!
//! All signed headers are ones that a page's script may set, except `content-length`, which the browser
//! writes. None but a plain `content-type` is CORS-safelisted (Fetch Standard), so the bucket's CORS
//! configuration must allow each: `content-disposition`, `content-type`, `if-none-match`,
//! `x-amz-checksum-*`, `x-amz-meta-original-name`, `x-amz-mp-object-size`, and where the settings ask for
//! encryption or tags `x-amz-server-side-encryption*` and `x-amz-tagging`.

use std::collections::BTreeMap;

use wire::{HttpMethod, Sha256Digest};

use crate::{
    bucket::Endpoint, encoding::percent_encode, media_type::MediaType, storage_options::StorageOptions,
};

/// Longest value in bytes of the metadata with the original name. S3 takes 2 KB of user-defined metadata
/// in all (Amazon S3 User Guide, "Working with object metadata").
const MAX_ORIGINAL_NAME_BYTES: usize = 1_900;

/// A request to S3 about one object.
#[derive(Clone, Debug)]
pub(crate) struct S3Request {
    /// The operation as the Amazon S3 API Reference names it.
    pub(crate) operation: &'static str,
    /// The method.
    pub(crate) method: HttpMethod,
    /// The query's names and values.
    pub(crate) query: Vec<(&'static str, String)>,
    /// The headers to sign.
    pub(crate) headers: BTreeMap<String, String>,
    /// Which of the bucket's endpoints it goes to.
    pub(crate) endpoint: Endpoint,
    /// The bytes that it stores or completes, where it says.
    pub(crate) size: Option<u64>,
    /// The SHA-256 of those bytes, where it says.
    pub(crate) sha256: Option<Sha256Digest>,
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
            .header("if-none-match", "*")
    }

    /// PutObject of any bytes, once, without a header. S3 honours the condition in the query too.
    pub(crate) fn put_object_plainly() -> Self {
        Self::new("PutObject", HttpMethod::Put).query("If-None-Match", "*")
    }

    /// CreateMultipartUpload with SHA-256 for each part.
    pub(crate) fn create_multipart_upload(description: Description<'_>, size: u64) -> Self {
        let mut request = Self::new("CreateMultipartUpload", HttpMethod::Post)
            .query("uploads", "")
            .described(description)
            .header("x-amz-checksum-algorithm", "SHA256")
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

    /// ListParts from behind the part `marker`.
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
            .header("if-none-match", "*")
            .header("x-amz-mp-object-size", size.to_string());
        request.size = Some(size);
        request
    }

    /// AbortMultipartUpload.
    pub(crate) fn abort_multipart_upload(upload_id: &str) -> Self {
        Self::new("AbortMultipartUpload", HttpMethod::Delete).query("uploadId", upload_id)
    }

    /// The bytes of the request's own body, where they are signed.
    pub(crate) fn body_bytes(&self) -> u64 {
        // Create and Complete name the size of a whole object whose parts are signed one by one.
        match self.sha256 {
            Some(_) => self.size.unwrap_or_default(),
            None => 0,
        }
    }

    fn body(mut self, size: u64, sha256: Sha256Digest) -> Self {
        self.size = Some(size);
        self.sha256 = Some(sha256);
        self.header("content-length", size.to_string())
            .header("x-amz-checksum-sha256", sha256.to_string())
    }

    fn described(self, description: Description<'_>) -> Self {
        let described = self
            .header("content-type", description.media_type.as_str())
            .header("content-disposition", content_disposition(description.key))
            .header("x-amz-meta-original-name", original_name(description.name));
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
    /// The file's type.
    pub(crate) media_type: &'a MediaType,
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
    use super::*;

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
