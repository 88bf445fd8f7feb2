//! `POST /sign`.

use serde_json::{Value, json};
use wire::{OperationOutcome, SignResponse, SignedRequest};

use crate::support::{NOW, Stage, event, query_value, with_body};

fn outcomes(stage: &Stage, event: &Value) -> Vec<OperationOutcome> {
    let response = stage.send(event);
    assert_eq!(response.status(), 200, "{:?}", response.body());
    let answer: SignResponse = serde_json::from_str(response.body()).expect("outcomes");
    assert_eq!(answer.server_time, NOW);
    answer.requests
}

fn check(index: usize, method: &str, query: &[(&str, &str)], signed_headers: &str, headers: &[(&str, &str)]) {
    let outcomes = outcomes(&Stage::new(&[]), &event("post_sign"));
    let OperationOutcome::Signed(request) = &outcomes[index] else {
        panic!("{:?}", outcomes[index])
    };
    assert_eq!(request.method.as_str(), method);
    for (name, value) in query {
        assert_eq!(query_value(&request.url, name), *value, "{name}");
    }
    assert_eq!(query_value(&request.url, "X-Amz-SignedHeaders"), signed_headers);
    let sent: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(sent, headers);
    check_url(request);
}

fn check_url(request: &SignedRequest) {
    let start = "https://photos.s3.eu-central-1.amazonaws.com/uploads/anonymous/\
        019ab718-1480-7000-8000-000000000000/film.mp4?";
    assert!(request.url.starts_with(start), "{}", request.url);
}

const UPLOAD_ID: (&str, &str) = (
    "uploadId",
    "VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA",
);

#[test]
fn a_part_is_these_bytes_as_this_part() {
    check(
        0,
        "PUT",
        &[("partNumber", "1"), UPLOAD_ID],
        "content-length;host;x-amz-checksum-sha256",
        &[(
            "x-amz-checksum-sha256",
            "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
        )],
    );
}

#[test]
fn a_part_for_the_second_endpoint_goes_there() {
    let body = json!({
        "key": "uploads/anonymous/u/a",
        "uploadId": "u",
        "operations": [{
            "operation": "UploadPart",
            "partNumber": 2,
            "size": 5,
            "sha256": "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
            "secondEndpoint": true,
        }],
    });
    let outcomes = outcomes(&Stage::new(&[]), &with_body("post_sign", &body.to_string()));
    let OperationOutcome::Signed(request) = &outcomes[0] else {
        panic!("{outcomes:?}")
    };
    let start = "https://photos.s3.dualstack.eu-central-1.amazonaws.com/uploads/anonymous/u/a?";
    assert!(request.url.starts_with(start), "{}", request.url);
}

#[test]
fn operations_without_bytes_go_to_the_second_endpoint_if_asked() {
    let sha256 = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";
    let body = json!({
        "key": "uploads/anonymous/u/a",
        "uploadId": "u",
        "secondEndpoint": true,
        "operations": [
            {"operation": "ListParts"},
            {"operation": "CompleteMultipartUpload", "size": 5},
            {"operation": "AbortMultipartUpload"},
            {"operation": "UploadPart", "partNumber": 1, "size": 5, "sha256": sha256},
        ],
    });
    let outcomes = outcomes(&Stage::new(&[]), &with_body("post_sign", &body.to_string()));
    let hosts = outcomes.iter().map(|outcome| match outcome {
        OperationOutcome::Signed(request) => request.url.split('/').nth(2).expect("a host").to_owned(),
        OperationOutcome::Error(error) => panic!("{error:?}"),
    });
    let second = "photos.s3.dualstack.eu-central-1.amazonaws.com";
    let first = "photos.s3.eu-central-1.amazonaws.com";
    assert_eq!(hosts.collect::<Vec<_>>(), [second, second, second, first]);
}

#[test]
fn a_page_of_parts_starts_after_its_marker() {
    check(
        1,
        "GET",
        &[("part-number-marker", "1000"), UPLOAD_ID],
        "host",
        &[],
    );
}

#[test]
fn completing_makes_an_object_of_this_size_once() {
    check(
        2,
        "POST",
        &[UPLOAD_ID],
        "host;if-none-match;x-amz-mp-object-size",
        &[("if-none-match", "*"), ("x-amz-mp-object-size", "20000000")],
    );
}

#[test]
fn aborting_names_the_upload() {
    check(3, "DELETE", &[UPLOAD_ID], "host", &[]);
}

#[test]
fn one_bad_operation_does_not_fail_the_others() {
    let stage = Stage::new(&[]);
    let body = json!({
        "key": "uploads/anonymous/u/a",
        "uploadId": "u",
        "operations": [{"operation": "CompleteMultipartUpload", "size": 0}, {"operation": "AbortMultipartUpload"}],
    });
    let outcomes = outcomes(&stage, &with_body("post_sign", &body.to_string()));
    assert!(
        matches!(&outcomes[0], OperationOutcome::Error(error) if error.code == wire::ErrorCode::InvalidSize)
    );
    assert!(matches!(&outcomes[1], OperationOutcome::Signed(_)));
    assert_eq!(stage.signings(), 1);
}
