//! The documentation beside the template and the functions.

use std::{cell::RefCell, collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use crate::rendering::{EVERYTHING, render};

fn document(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    fs::read_to_string(folder.join(name)).expect("the document is there")
}

/// The JSON in `docs/deploy.md`, in its order: CORS, lifecycle, the bucket's policy, the role's policy.
fn documented() -> Vec<Value> {
    let text = document("deploy.md");
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
fn the_documented_configuration_is_the_templates() {
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

/// The environment variables in the tables of `docs/settings.md`.
fn documented_variables() -> BTreeSet<String> {
    let text = document("settings.md");
    let cells = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let names = cells.flat_map(|cell| {
        cell.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
    });
    names
        .filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_documented_variables_are_those_of_the_functions() {
    let known = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        known.borrow_mut().insert(name.to_owned());
        let required = [("BUCKET_NAME", "photos"), ("AWS_REGION", "eu-central-1")];
        required
            .into_iter()
            .find_map(|(required, value)| (required == name).then(|| value.to_owned()))
    };
    backend::Settings::from_variables(lookup).expect("the signing function starts");
    verdict::Settings::from_variables(lookup).expect("the verdict function starts");
    let mut known = known.take();
    // Lambda itself sets this one. The parameter is looked up before the settings.
    known.remove("AWS_LAMBDA_FUNCTION_NAME");
    known.insert("SETTINGS_PARAMETER".to_owned());
    assert_eq!(documented_variables(), known);

    let rendering = render(&EVERYTHING);
    for function in ["SigningFunction", "VerdictFunction"] {
        let properties = rendering.properties(function).expect("a function");
        let variables = properties["Environment"]["Variables"]
            .as_object()
            .expect("variables");
        for variable in variables.keys() {
            assert!(
                known.contains(variable),
                "{function} has an unknown variable {variable}"
            );
        }
    }
}
