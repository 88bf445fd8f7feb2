//! The audit: a line for each URL and each refusal, without anything that could be used.

use serde_json::{Value, json};

use crate::support::{SESSION_TOKEN, Stage, event, presign_event, query_value, with_body};

/// Every `url` and `uploadURL` in an answer.
fn urls(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(url) if name == "url" || name == "uploadURL" => vec![url.clone()],
                other => urls(other),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(urls).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_url_leaves_one_line_with_what_it_is_good_for() {
    let stage = Stage::new(&[]);
    stage.send(&event("post_uploads_signed_in"));
    assert_eq!(
        stage.log_lines(),
        [json!({
            "level": "INFO",
            "message": "issued",
            "time": "2025-11-24T18:20:00Z",
            "request_id": "UeX9jhN2liAEPaQ=",
            "principal": "5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b",
            "source_ip": "203.0.113.57",
            "visitor_ip": "203.0.113.57",
            "operation": "PutObject",
            "key": "uploads/5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b/019ab718-1480-7000-8000-000000000000/report.pdf",
            "size": 1,
            "sha256": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
            "expires_at": 1_764_009_300,
        })]
    );
}

#[test]
fn a_refusal_leaves_one_line_with_its_code() {
    let stage = Stage::new(&[]);
    stage.send(&event("post_uploads_no_body"));
    assert_eq!(
        stage.log_lines(),
        [json!({
            "level": "WARN",
            "message": "refused",
            "time": "2025-11-24T18:20:00Z",
            "request_id": "UeX9jhN2liAEPaQ=",
            "principal": "anonymous",
            "source_ip": "203.0.113.57",
            "visitor_ip": "203.0.113.57",
            "code": "MissingBody",
            "status": 400,
        })]
    );
}

#[test]
fn a_line_names_the_visitor_and_cloudfront_s_server() {
    for (name, source, visitor) in [
        ("get_presign", "203.0.113.57", "203.0.113.57"),
        ("get_presign_by_cloudfront", "130.176.89.66", "203.0.113.57"),
    ] {
        let stage = Stage::new(&[]);
        stage.send(&event(name));
        let line = &stage.log_lines()[0];
        assert_eq!(
            (&line["source_ip"], &line["visitor_ip"]),
            (&json!(source), &json!(visitor)),
            "{name}"
        );
    }
}

#[test]
fn each_entry_of_a_batch_leaves_its_line() {
    let stage = Stage::new(&[]);
    let sha256 = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";
    let body = json!({"files": [
        {"id": "1", "name": "a", "size": -1},
        {"id": "2", "name": "a", "size": 1, "sha256": sha256},
        {"id": "3", "name": "a", "size": 1},
    ]});
    stage.send(&with_body("post_uploads", &body.to_string()));
    let lines = stage.log_lines();
    let said: Vec<_> = lines
        .iter()
        .map(|line| (&line["message"], &line["code"]))
        .collect();
    assert_eq!(
        said,
        [
            (&json!("refused"), &json!("InvalidSize")),
            (&json!("issued"), &Value::Null),
            (&json!("refused"), &json!("ChecksumRequired")),
        ]
    );
}

#[test]
fn no_url_no_signature_and_no_token_is_ever_logged() {
    let stage = Stage::new(&[]);
    let mut issued = Vec::new();
    for name in [
        "get_presign",
        "post_uploads",
        "post_uploads_signed_in",
        "post_sign",
        "post_manifests",
    ] {
        let response = stage.send(&event(name));
        issued.extend(urls(&serde_json::from_str(response.body()).expect("JSON")));
    }
    assert_eq!(issued.len(), 10);
    let log = stage.log();
    assert_eq!(stage.log_lines().len(), issued.len());
    for url in &issued {
        assert!(
            !log.contains(&query_value(url, "X-Amz-Signature")),
            "a signature is in {log}"
        );
    }
    for secret in [
        SESSION_TOKEN,
        "IQoJb3JpZ2lu",
        "wJalrXUtnFEMI",
        "eyJraWQi",
        "X-Amz-",
        "https://",
    ] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[test]
fn a_request_leaves_one_document_of_metrics() {
    let stage = Stage::new(&[
        ("AWS_LAMBDA_FUNCTION_NAME", "slipway-sign"),
        ("MAX_UPLOAD_BYTES", "20000000"),
    ]);
    let sha256 = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";
    let body = json!({"files": [
        {"id": "1", "name": "a", "size": 5, "sha256": sha256},
        {"id": "2", "name": "a", "size": 7, "sha256": sha256},
        {"id": "3", "name": "a", "size": 20_000_000},
        {"id": "4", "name": "a", "size": 20_000_001},
        {"id": "5", "name": "", "size": 1},
        {"id": "6", "name": "", "size": 1},
    ]});
    stage.send(&with_body("post_uploads", &body.to_string()));
    let names = [
        "UrlsIssued",
        "BytesAuthorised",
        "RequestsRefused",
        "RefusedFileTooLarge",
        "RefusedInvalidName",
    ];
    let definitions: Vec<_> = names
        .iter()
        .map(|name| json!({"Name": name, "Unit": if *name == "BytesAuthorised" { "Bytes" } else { "Count" }}))
        .collect();
    assert_eq!(
        stage.metrics(),
        [json!({
            "_aws": {
                "Timestamp": 1_764_008_400_000_u64,
                "CloudWatchMetrics": [
                    {"Namespace": "Slipway", "Dimensions": [["FunctionName"]], "Metrics": definitions},
                ],
            },
            "FunctionName": "slipway-sign",
            "UrlsIssued": 3,
            "BytesAuthorised": 12,
            "RequestsRefused": 3,
            "RefusedFileTooLarge": 1,
            "RefusedInvalidName": 2,
        })]
    );
}

#[test]
fn the_bytes_of_a_multipart_upload_are_those_of_its_parts() {
    let stage = Stage::new(&[]);
    stage.send(&event("post_sign"));
    let metrics = stage.metrics();
    assert_eq!(metrics.len(), 1);
    assert_eq!(metrics[0]["UrlsIssued"], 4);
    assert_eq!(metrics[0]["BytesAuthorised"], 8_388_608);
}

#[test]
fn a_manifest_has_a_name_of_its_own_in_audit_and_metrics() {
    let stage = Stage::new(&[]);
    stage.send(&event("post_manifests"));
    stage.send(&event("post_uploads_signed_in"));
    assert_eq!(stage.log_lines()[0]["operation"], "PutManifest");
    let metrics = stage.metrics();
    assert_eq!(
        (&metrics[0]["UrlsIssued"], &metrics[0]["ManifestsIssued"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(metrics[1]["ManifestsIssued"], Value::Null);
}

#[test]
fn a_plain_url_counts_as_what_may_be_sent_to_it() {
    let limited = Stage::new(&[("MAX_UPLOAD_BYTES", "10")]);
    limited.send(&presign_event("key=a&contentType=a/b&contentLength=7"));
    assert_eq!(limited.metrics()[0]["BytesAuthorised"], 7);
    let unlimited = Stage::new(&[]);
    unlimited.send(&presign_event("key=a"));
    assert_eq!(unlimited.metrics()[0]["BytesAuthorised"], 5_368_709_120_u64);
}

#[test]
fn a_request_that_is_refused_as_a_whole_counts_once() {
    let stage = Stage::new(&[]);
    stage.send(&event("post_uploads_no_body"));
    let metrics = stage.metrics();
    assert_eq!(metrics.len(), 1);
    assert_eq!(
        (&metrics[0]["RequestsRefused"], &metrics[0]["RefusedMissingBody"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn where_nothing_is_issued_or_refused_there_are_no_metrics() {
    let stage = Stage::new(&[]);
    stage.send(&event("get_health"));
    stage.send(&event("options_uploads"));
    assert_eq!(stage.metrics(), [Value::Null; 0]);
}
