//! What `docs/deploy.md` gives to be pasted is what the template has.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::rendering::render;

/// The JSON in the documentation, in its order: CORS, lifecycle, the bucket's policy, the role's policy.
fn documented() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/deploy.md");
    let text = fs::read_to_string(path).expect("the documentation is there");
    let blocks = text.split("```json\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().expect("a block has an end"));
    blocks
        .map(|block| serde_json::from_str(block).unwrap_or_else(|error| panic!("{block}: {error}")))
        .collect()
}

/// A part of the rendering for a bucket and a page with the names of the documentation.
fn for_documentation(value: &Value) -> Value {
    let bucket = render(&[]).properties("UploadBucket").expect("the bucket")["BucketName"].clone();
    let text = value
        .to_string()
        .replace(bucket.as_str().expect("a name"), "my-bucket")
        .replace(
            "https://distribution.cloudfront.net",
            "https://upload.example.com",
        );
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn what_the_documentation_gives_for_another_bucket_is_what_the_template_has() {
    let rendering = render(&[]);
    let properties = |logical_id: &str| rendering.properties(logical_id).expect("a resource");
    let bucket = for_documentation(properties("UploadBucket"));
    let rule = &bucket["CorsConfiguration"]["CorsRules"][0];
    let cors = json!({"CORSRules": [{
        "AllowedOrigins": rule["AllowedOrigins"],
        "AllowedMethods": rule["AllowedMethods"],
        "AllowedHeaders": rule["AllowedHeaders"],
        "ExposeHeaders": rule["ExposedHeaders"],
        "MaxAgeSeconds": rule["MaxAge"],
    }]});
    let rule = &bucket["LifecycleConfiguration"]["Rules"][0];
    let days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        .as_str()
        .expect("days");
    let lifecycle = json!({"Rules": [{
        "ID": rule["Id"],
        "Status": rule["Status"],
        "Filter": {},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days.parse::<u32>().expect("a number")},
    }]});
    let policy = for_documentation(&properties("UploadBucketPolicy")["PolicyDocument"]);
    let role = &properties("SigningRole")["Policies"][0]["PolicyDocument"];
    let role = json!({"Version": role["Version"], "Statement": [for_documentation(&role["Statement"][0])]});
    assert_eq!(documented(), [cors, lifecycle, policy, role]);
}
