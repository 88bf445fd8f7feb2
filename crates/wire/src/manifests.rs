//! `POST /manifests`: the object by which a page says that a batch has ended, and what is in that object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BatchId, Endpoint, Sha256Digest, SignedRequest};

/// What the key of every manifest ends with, and that of no other object: no user's file gets such a key.
pub const MANIFEST_SUFFIX: &str = ".slipway-manifest.json";

/// The media type that a manifest is stored as.
pub const MANIFEST_TYPE: &str = "application/json";

/// The version of [`Manifest`] that this code writes.
pub const MANIFEST_VERSION: u32 = 1;

/// The largest manifest, in bytes: 256 MiB. A file takes some 400 bytes of it, one with the longest key and path some 6 kB,
/// so that half a million files fit. The limit of files, `MAX_UPLOAD_BYTES`, does not hold here: a deployment that takes
/// small files alone can still get many of them.
pub const MAX_MANIFEST_BYTES: u64 = 256 * 1024 * 1024;

/// The most manifests of one batch.
pub const MAX_MANIFEST_EDITION: u32 = 1_000;

/// What the uploader of a batch answered to the page's questions, by the name of the field.
pub type Fields = BTreeMap<String, String>;

/// The body of `POST /manifests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestRequest {
    /// The batch that has ended.
    pub batch: BatchId,
    /// Which manifest of the batch it is, from 1 to [`MAX_MANIFEST_EDITION`]. No manifest is ever replaced: a batch that
    /// got more files after its end has another edition.
    #[serde(default = "first_edition", skip_serializing_if = "is_first_edition")]
    pub edition: u32,
    /// The manifest's size in bytes, 1 to [`MAX_MANIFEST_BYTES`].
    pub size: u64,
    /// The SHA-256 of the manifest.
    pub sha256: Sha256Digest,
    /// Where the PutObject is to go.
    #[serde(
        rename = "secondEndpoint",
        default,
        skip_serializing_if = "Endpoint::is_first"
    )]
    pub endpoint: Endpoint,
}

/// The answer to `POST /manifests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestResponse {
    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub server_time: u64,
    /// The manifest's key: `<prefix>/<principal>/<name>`, with the name that [`manifest_name`] makes.
    pub key: String,
    /// The PutObject request.
    pub put: SignedRequest,
}

/// What a manifest says: what became of a batch. It is the client's word, and each line of it can be checked against the
/// bucket. It has the same bytes whenever it is written, so that one that was written twice is stored once: which edition it is
/// says its key, when it was stored says S3, and who uploaded the batch is the principal in the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`MANIFEST_VERSION`]. Readers refuse one that they do not know, and ignore fields that they do not know.
    pub version: u32,
    /// The batch.
    pub batch: BatchId,
    /// When the batch was opened, by its id, in UTC (RFC 3339): `2026-11-29T13:45:00Z`.
    pub opened: String,
    /// What the uploader answered to the page's questions, by the name of the field.
    pub fields: Fields,
    /// Every file of the batch, whatever became of it.
    pub files: Vec<ManifestFile>,
}

/// One file of a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestFile {
    /// The object's key. `None` if the file was never planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file's name as its owner knows it, with the folders above it if it came with some.
    pub path: String,
    /// The file's size in bytes.
    pub size: u64,
    /// The media type as the browser reports it; empty if it knows none.
    #[serde(rename = "type")]
    pub media_type: String,
    /// What became of the file.
    #[serde(flatten)]
    pub status: ManifestStatus,
}

/// What became of a file, by the field `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum ManifestStatus {
    /// S3 has stored it.
    Stored {
        /// What S3 keeps as the object's checksum. `None` if an earlier page sent the file and left no record of that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checksum: Option<Checksum>,
        /// S3's identifier of the object's bytes, without quotes. `None` if S3's answer to the last request was lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        etag: Option<String>,
    },
    /// It could not be uploaded.
    Failed {
        /// The name of the error that the page showed.
        error: String,
    },
    /// The user cancelled it.
    Cancelled,
}

/// An object's checksum, as S3 reports it (Amazon S3 User Guide, "Checking object integrity").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// What was hashed.
    #[serde(rename = "type")]
    pub kind: ChecksumType,
    /// The digest in base64; if it is composite, with a hyphen and the number of parts behind it.
    pub value: String,
}

/// The algorithm of a [`Checksum`], as S3 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChecksumAlgorithm {
    /// SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
}

/// What a [`Checksum`] is the digest of, as S3 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChecksumType {
    /// Of the object's bytes.
    FullObject,
    /// Of the digests of its parts, one after another.
    Composite,
}

/// The name of a manifest: `<batch>.slipway-manifest.json`, and from the second edition on
/// `<batch>.<edition>.slipway-manifest.json`.
pub fn manifest_name(batch: BatchId, edition: u32) -> String {
    match edition {
        0 | 1 => format!("{batch}{MANIFEST_SUFFIX}"),
        edition => format!("{batch}.{edition}{MANIFEST_SUFFIX}"),
    }
}

/// Whether this is a name that [`manifest_name`] makes.
pub fn is_manifest_name(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(MANIFEST_SUFFIX) else {
        return false;
    };
    let (batch, edition) = stem.split_once('.').unwrap_or((stem, "1"));
    match (batch.parse(), edition.parse()) {
        (Ok(batch), Ok(edition)) => {
            (1..=MAX_MANIFEST_EDITION).contains(&edition) && manifest_name(batch, edition) == name
        }
        _ => false,
    }
}

/// Whether a key or a name ends with [`MANIFEST_SUFFIX`] in whatever case, so that somebody could take it for a manifest.
pub fn has_manifest_suffix(key: &str) -> bool {
    let start = key.len().checked_sub(MANIFEST_SUFFIX.len());
    start.is_some_and(|start| key.as_bytes()[start..].eq_ignore_ascii_case(MANIFEST_SUFFIX.as_bytes()))
}

const fn first_edition() -> u32 {
    1
}

const fn is_first_edition(edition: &u32) -> bool {
    *edition == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = "01a3185c-5000-7000-8000-000000000000";
    const SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn a_request_is_written_and_read() {
        for more in ["", r#","secondEndpoint":true"#] {
            for edition in ["", r#""edition":2,"#] {
                let json = format!(r#"{{"batch":"{BATCH}",{edition}"size":5,"sha256":"{SHA256}"{more}}}"#);
                let request: ManifestRequest = serde_json::from_str(&json).expect("a request");
                assert_eq!(serde_json::to_string(&request).expect("JSON"), json);
            }
        }
    }

    #[test]
    fn a_request_with_an_unknown_field_is_refused() {
        let json = format!(r#"{{"batch":"{BATCH}","size":5,"sha256":"{SHA256}","key":"mine"}}"#);
        assert!(serde_json::from_str::<ManifestRequest>(&json).is_err());
    }

    #[test]
    fn a_manifest_is_written_and_read() {
        let json = [
            &format!(r#"{{"version":1,"batch":"{BATCH}","opened":"2026-11-29T13:45:00Z","#),
            r#""fields":{"order":"7"},"files":["#,
            r#"{"key":"k","path":"a","size":5,"type":"a/b","status":"stored","#,
            r#""checksum":{"algorithm":"SHA256","type":"FULL_OBJECT","value":"YQ=="},"etag":"e"},"#,
            r#"{"key":"l","path":"b","size":6,"type":"","status":"stored","#,
            r#""checksum":{"algorithm":"SHA256","type":"COMPOSITE","value":"YQ==-2"}},"#,
            r#"{"path":"c","size":7,"type":"","status":"failed","error":"FileTooLarge"},"#,
            r#"{"path":"d","size":8,"type":"","status":"cancelled"}]}"#,
        ]
        .concat();
        let manifest: Manifest = serde_json::from_str(&json).expect("a manifest");
        assert_eq!(serde_json::to_string(&manifest).expect("JSON"), json);
    }

    #[test]
    fn each_edition_has_a_name_of_its_own() {
        let batch = BATCH.parse().expect("a batch");
        for (edition, expected) in [
            (1, format!("{BATCH}.slipway-manifest.json")),
            (2, format!("{BATCH}.2.slipway-manifest.json")),
            (1_000, format!("{BATCH}.1000.slipway-manifest.json")),
        ] {
            assert_eq!(manifest_name(batch, edition), expected);
            assert!(is_manifest_name(&expected) && has_manifest_suffix(&expected));
        }
    }

    #[test]
    fn other_names_are_no_manifests() {
        for name in [
            "".to_owned(),
            MANIFEST_SUFFIX.to_owned(),
            format!("report{MANIFEST_SUFFIX}"),
            format!("{BATCH}.json"),
            format!("{BATCH}.1{MANIFEST_SUFFIX}"),
            format!("{BATCH}.02{MANIFEST_SUFFIX}"),
            format!("{BATCH}.1001{MANIFEST_SUFFIX}"),
            format!("{BATCH}.2.3{MANIFEST_SUFFIX}"),
            format!("{BATCH}.Slipway-manifest.json"),
        ] {
            assert!(!is_manifest_name(&name), "{name}");
        }
    }

    #[test]
    fn the_suffix_is_recognised_in_whatever_case() {
        assert!(has_manifest_suffix("é/a.SLIPWAY-Manifest.Json"));
        for key in ["", "é", "slipway-manifest.json", "a.slipway-manifest.json "] {
            assert!(!has_manifest_suffix(key), "{key}");
        }
    }
}
