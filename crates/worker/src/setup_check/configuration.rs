//! The configurations to paste.

use serde_json::json;
use wire::{EXPOSED_HEADERS, HttpMethod, SIGNED_HEADERS};

/// The CORS configuration of a bucket as `aws s3api put-bucket-cors` takes it, for the page of this origin
/// and with these headers besides those that are always needed.
pub(crate) fn bucket_cors(origin: &str, signed_headers: &[String]) -> String {
    let mut allowed: Vec<&str> = SIGNED_HEADERS.into();
    allowed.extend(
        signed_headers
            .iter()
            .map(String::as_str)
            .filter(|name| !SIGNED_HEADERS.contains(name)),
    );
    pretty(&json!({
        "CORSRules": [{
            "AllowedOrigins": [origin],
            "AllowedMethods": HttpMethod::ALL,
            "AllowedHeaders": allowed,
            "ExposeHeaders": EXPOSED_HEADERS,
            "MaxAgeSeconds": 3000,
        }]
    }))
}

/// The policy of the role whose credentials sign (IAM JSON policy reference), for keys below this prefix.
pub(crate) fn role_policy(bucket: &str, prefix: &str) -> String {
    let resource = ["arn:aws:s3:::", bucket, "/", prefix, "*"].concat();
    pretty(&json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            "Resource": resource,
        }]
    }))
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
