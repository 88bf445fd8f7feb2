//! The configurations to paste.

use serde_json::json;

/// Every header that the page's requests to S3 may carry, without those of a deployment's own settings.
const ALLOWED_HEADERS: [&str; 8] = [
    "content-type",
    "content-disposition",
    "if-none-match",
    "x-amz-checksum-sha256",
    "x-amz-checksum-algorithm",
    "x-amz-checksum-type",
    "x-amz-mp-object-size",
    "x-amz-meta-original-name",
];

/// The headers of S3's answers that the page reads.
pub(crate) const EXPOSED_HEADERS: [&str; 2] = ["ETag", "x-amz-request-id"];

/// The CORS configuration of a bucket as `aws s3api put-bucket-cors` takes it, for the page of this origin
/// and with these headers besides those that are always needed.
pub(crate) fn bucket_cors(origin: &str, signed_headers: &[String]) -> String {
    let mut allowed: Vec<&str> = ALLOWED_HEADERS.into();
    allowed.extend(
        signed_headers
            .iter()
            .map(String::as_str)
            .filter(|name| !ALLOWED_HEADERS.contains(name)),
    );
    pretty(&json!({
        "CORSRules": [{
            "AllowedOrigins": [origin],
            "AllowedMethods": ["PUT", "POST", "GET", "DELETE"],
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
