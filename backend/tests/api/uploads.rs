//! `POST /uploads`.

use serde_json::{Value, json};
use wire::{
    FilePlan, OperationOutcome, PartSizes, PlanOutcome, SignResponse, SignedRequest, UploadsResponse,
};

use crate::support::{self, NOW, Stage, event, query_value, with_body};

const SHA256: &str = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";

fn plans(stage: &Stage, event: &Value) -> Vec<FilePlan> {
    let response = stage.send(event);
    assert_eq!(response.status(), 200, "{:?}", response.body());
    let answer: UploadsResponse = serde_json::from_str(response.body()).expect("plans");
    assert_eq!(answer.server_time, NOW);
    answer.files
}

fn only_put(stage: &Stage, event: &Value) -> (String, SignedRequest) {
    let mut plans = plans(stage, event);
    assert_eq!(plans.len(), 1);
    match plans.remove(0).outcome {
        PlanOutcome::Put { key, put } => (key, put),
        other => panic!("{other:?} is no PutObject"),
    }
}

fn header<'a>(request: &'a SignedRequest, name: &str) -> &'a str {
    request.headers.get(name).expect("the header is to be sent")
}

#[test]
fn a_small_file_is_put_once_as_these_bytes_of_this_type() {
    let stage = Stage::new(&[]);
    let plans = plans(&stage, &event("post_uploads"));
    let PlanOutcome::Put { key, put } = &plans[0].outcome else {
        panic!("{:?}", plans[0])
    };
    assert_eq!(
        key,
        "uploads/anonymous/019ab718-1480-7000-8000-000000000000/تقرير نهائي.pdf"
    );
    assert_eq!(put.method.as_str(), "PUT");
    assert_eq!(put.expires_at, NOW + 900);
    assert_eq!(header(put, "content-type"), "application/pdf");
    assert_eq!(header(put, "if-none-match"), "*");
    assert_eq!(header(put, "x-amz-checksum-sha256"), SHA256);
    let name = "%D8%AA%D9%82%D8%B1%D9%8A%D8%B1%20%D9%86%D9%87%D8%A7%D8%A6%D9%8A.pdf";
    assert_eq!(
        header(put, "content-disposition"),
        format!("attachment; filename*=UTF-8''{name}")
    );
    assert_eq!(header(put, "x-amz-meta-filename"), name);
    assert_eq!(put.headers.len(), 5);
    assert_eq!(
        query_value(&put.url, "X-Amz-SignedHeaders"),
        "content-disposition;content-length;content-type;host;if-none-match;x-amz-checksum-sha256;\
         x-amz-meta-filename"
    );
}

#[test]
fn a_large_file_is_a_multipart_upload() {
    let stage = Stage::new(&[]);
    let plans = plans(&stage, &event("post_uploads"));
    let PlanOutcome::Multipart {
        key,
        create,
        part_size,
        part_sizes,
    } = &plans[1].outcome
    else {
        panic!("{:?}", plans[1])
    };
    assert_eq!(
        key,
        "uploads/anonymous/019ab718-1480-7000-8000-000000000000/film.mp4"
    );
    assert_eq!(*part_size, 8 * 1024 * 1024);
    assert_eq!(*part_sizes, PartSizes::Growing);
    assert_eq!(create.method.as_str(), "POST");
    assert_eq!(query_value(&create.url, "uploads"), "");
    assert_eq!(header(create, "x-amz-checksum-algorithm"), "SHA256");
    assert_eq!(header(create, "x-amz-checksum-type"), "COMPOSITE");
    assert_eq!(
        query_value(&create.url, "X-Amz-SignedHeaders"),
        "content-disposition;content-type;host;x-amz-checksum-algorithm;x-amz-checksum-type;\
         x-amz-meta-filename"
    );
}

/// The signed headers of each request that is signed for a service with these settings.
fn signed_headers(variables: &[(&str, &str)]) -> Vec<String> {
    let stage = Stage::new(variables);
    let plans = plans(&stage, &event("post_uploads"));
    let planned = plans.into_iter().filter_map(|plan| match plan.outcome {
        PlanOutcome::Put { put: request, .. } | PlanOutcome::Multipart { create: request, .. } => {
            Some(request)
        }
        PlanOutcome::Refused(_) => None,
    });
    let response = stage.send(&event("post_sign"));
    let signed: SignResponse = serde_json::from_str(response.body()).expect("signatures");
    let signed = signed.requests.into_iter().filter_map(|outcome| match outcome {
        OperationOutcome::Signed(request) => Some(request),
        OperationOutcome::Error(_) => None,
    });
    planned
        .chain(signed)
        .map(|request| query_value(&request.url, "X-Amz-SignedHeaders").to_owned())
        .collect()
}

#[test]
fn nothing_is_signed_that_the_service_refuses() {
    for (variable, header) in [
        ("CONDITIONAL_WRITES", "if-none-match"),
        ("CHECKSUMS", "x-amz-checksum"),
    ] {
        let signs = |value| {
            let headers = signed_headers(&[(variable, value)]);
            headers.iter().filter(|headers| headers.contains(header)).count()
        };
        assert!(signs("on") >= 2, "{variable}");
        assert_eq!(signs("off"), 0, "{variable}");
    }
}

#[test]
fn without_conditional_writes_a_plain_url_has_no_condition() {
    for (value, expected) in [("on", true), ("off", false)] {
        let response = Stage::new(&[("CONDITIONAL_WRITES", value)]).send(&event("get_presign"));
        assert_eq!(response.body().contains("If-None-Match"), expected, "{value}");
    }
}

#[test]
fn the_plan_says_that_parts_have_one_size() {
    let plans = plans(&Stage::new(&[("PART_SIZES", "constant")]), &event("post_uploads"));
    let PlanOutcome::Multipart { part_sizes, .. } = &plans[1].outcome else {
        panic!("{:?}", plans[1])
    };
    assert_eq!(*part_sizes, PartSizes::Constant);
}

/// The key of a file with this name and number in a batch that is named.
fn key_of(name: &str, copy: u32) -> String {
    let file = json!({"id": "1", "name": name, "copy": copy, "size": 0, "sha256": SHA256});
    let batch = "01a3185c-5000-7000-8000-000000000007";
    let body = json!({"batch": batch, "files": [file]}).to_string();
    only_put(&Stage::new(&[]), &with_body("post_uploads", &body)).0
}

#[test]
fn files_of_a_batch_lie_in_its_folder_as_they_were() {
    const BATCH: &str = "uploads/anonymous/01a3185c-5000-7000-8000-000000000007";
    assert_eq!(key_of("holiday/1.jpg", 0), format!("{BATCH}/holiday/1.jpg"));
    assert_eq!(key_of("holiday/1.jpg", 2), format!("{BATCH}/holiday/1 (2).jpg"));
}

#[test]
fn a_call_without_a_batch_opens_one_for_all_its_files() {
    let response = Stage::new(&[]).send(&event("post_uploads"));
    let answer: UploadsResponse = serde_json::from_str(response.body()).expect("plans");
    assert_eq!(answer.batch.to_string(), "019ab718-1480-7000-8000-000000000000");
}

#[test]
fn an_empty_file_of_unknown_type_is_a_file_too() {
    let plans = plans(&Stage::new(&[]), &event("post_uploads"));
    let PlanOutcome::Put { put, .. } = &plans[2].outcome else {
        panic!("{:?}", plans[2])
    };
    assert_eq!(header(put, "content-type"), "application/octet-stream");
}

#[test]
fn a_file_of_5_to_64_mib_is_one_put_if_its_sha256_is_given() {
    const MIB: u64 = 1024 * 1024;
    for (size, sha256, expected) in [
        (5 * MIB, Some(SHA256), true),
        (5 * MIB + 1, None, false),
        (16 * MIB, Some(SHA256), true),
        (16 * MIB + 1, None, false),
        (16 * MIB + 1, Some(SHA256), true),
        (64 * MIB, Some(SHA256), true),
        (64 * MIB, None, false),
        (64 * MIB + 1, Some(SHA256), false),
    ] {
        let file = json!({"id": "1", "name": "a", "size": size, "sha256": sha256});
        let body = json!({"files": [file]}).to_string();
        let plans = plans(&Stage::new(&[]), &with_body("post_uploads", &body));
        let is_put = matches!(plans[0].outcome, PlanOutcome::Put { .. });
        assert_eq!(is_put, expected, "{size} bytes, {sha256:?}");
    }
}

#[test]
fn a_file_for_the_second_endpoint_goes_there() {
    let file = |second: Value| json!({"id": "1", "name": "a", "size": 1, "sha256": SHA256, "secondEndpoint": second});
    let event = |second| with_body("post_uploads", &json!({"files": [file(second)]}).to_string());
    let (_, put) = only_put(&Stage::new(&[]), &event(json!(true)));
    let start = "https://photos.s3.dualstack.eu-central-1.amazonaws.com/uploads/anonymous/";
    assert!(put.url.starts_with(start), "{}", put.url);

    let large = json!({"id": "1", "name": "a", "size": 20_000_000, "secondEndpoint": true});
    let large = with_body("post_uploads", &json!({"files": [large]}).to_string());
    let plans = plans(&Stage::new(&[]), &large);
    let PlanOutcome::Multipart { create, .. } = &plans[0].outcome else {
        panic!("{:?}", plans[0])
    };
    assert!(create.url.starts_with(start), "{}", create.url);

    let has_none = Stage::new(&[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")]);
    let refusals = [
        (
            has_none.send(&event(json!(true))),
            "the bucket has no second endpoint",
        ),
        (Stage::new(&[]).send(&event(json!(1))), "neither true nor false"),
    ];
    for (response, expected) in refusals {
        assert_eq!(response.status(), 400);
        let error = &support::json(&response)["error"];
        assert_eq!(error["code"], "InvalidRequest");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_base64_body_is_the_same_request() {
    let (key, _) = only_put(&Stage::new(&[]), &event("post_uploads_base64"));
    assert_eq!(
        key,
        "uploads/anonymous/019ab718-1480-7000-8000-000000000000/report.pdf"
    );
}

#[test]
fn a_caller_who_is_signed_in_has_a_folder() {
    let (key, _) = only_put(&Stage::new(&[]), &event("post_uploads_signed_in"));
    assert!(
        key.starts_with("uploads/5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b/"),
        "{key}"
    );
}

#[test]
fn one_bad_file_does_not_fail_the_others() {
    let stage = Stage::new(&[]);
    let good = json!({"id": "good", "name": "a", "size": 1, "sha256": SHA256});
    let bad = json!({"id": "bad", "name": "a", "size": -1});
    let body = json!({"files": [bad, good]});
    let plans = plans(&stage, &with_body("post_uploads", &body.to_string()));
    assert_eq!([&plans[0].id, &plans[1].id], ["bad", "good"]);
    assert!(
        matches!(&plans[0].outcome, PlanOutcome::Refused(error) if error.code == wire::ErrorCode::InvalidSize)
    );
    assert!(matches!(plans[1].outcome, PlanOutcome::Put { .. }));
    assert_eq!(stage.signings(), 1);
}

#[test]
fn if_every_file_is_refused_the_first_error_is_the_answers() {
    let stage = Stage::new(&[("MAX_UPLOAD_BYTES", "10")]);
    let body = json!({"files": [
        {"id": "1", "name": "a", "size": 11, "sha256": SHA256},
        {"id": "2", "name": "", "size": 1, "sha256": SHA256},
    ]});
    let response = stage.send(&with_body("post_uploads", &body.to_string()));
    assert_eq!(response.status(), 413);
    let answer = support::json(&response);
    assert_eq!(answer["error"]["code"], "FileTooLarge");
    assert_eq!(answer["error"]["maxBytes"], 10);
    assert_eq!(answer["files"][0]["error"]["code"], "FileTooLarge");
    assert_eq!(answer["files"][1]["error"]["code"], "InvalidName");
    assert_eq!(stage.signings(), 0);
}

#[test]
fn a_type_that_is_not_accepted_is_answered_with_those_that_are() {
    let stage = Stage::new(&[("ALLOWED_TYPES", "image/*,application/pdf")]);
    let body = json!({"files": [{"id": "1", "name": "a", "size": 1, "type": "text/html", "sha256": SHA256}]});
    let response = stage.send(&with_body("post_uploads", &body.to_string()));
    assert_eq!(response.status(), 415);
    assert_eq!(
        support::json(&response)["error"]["allowedTypes"],
        json!(["image/*", "application/pdf"])
    );
}

/// The type that is signed for a file, by what it is declared as and by its name.
fn signed_type(allowed: &str, declared: &str, name: &str) -> String {
    let stage = Stage::new(&[("ALLOWED_TYPES", allowed)]);
    let file = json!({"id": "1", "name": name, "size": 1, "type": declared, "sha256": SHA256});
    let (_, put) = only_put(
        &stage,
        &with_body("post_uploads", &json!({"files": [file]}).to_string()),
    );
    header(&put, "content-type").to_owned()
}

#[test]
fn a_file_is_accepted_by_its_extension_and_stored_as_that_type() {
    for (allowed, declared, name, expected) in [
        ("image/*", "", "a/IMG_1.HEIC", "image/heic"),
        ("text/csv", "application/vnd.ms-excel", "a.csv", "text/csv"),
        ("application/zip", "zip", "a.zip", "application/zip"),
        ("", "zip", "a", "application/octet-stream"),
        ("", "image/png", "a.csv", "image/png"),
        (
            "",
            "text/plain\r\nx-amz-acl: public-read",
            "a",
            "application/octet-stream",
        ),
    ] {
        assert_eq!(
            signed_type(allowed, declared, name),
            expected,
            "{declared:?} {name}"
        );
    }
}

#[test]
fn the_key_has_the_safe_path_and_the_metadata_the_original_one() {
    let file = json!({"id": "1", "name": "scans/u\u{308}ber 12:05?.txt", "size": 1, "sha256": SHA256});
    let event = with_body("post_uploads", &json!({"files": [file]}).to_string());
    let (key, put) = only_put(&Stage::new(&[]), &event);
    assert!(key.ends_with("/scans/über 12_05_.txt"), "{key}");
    assert_eq!(
        header(&put, "x-amz-meta-filename"),
        "scans%2Fu%CC%88ber%2012%3A05%3F.txt"
    );
}

/// The headers of the first request for a file of this size, under these settings.
fn headers_of(settings: &[(&str, &str)], size: u64) -> std::collections::BTreeMap<String, String> {
    let body = json!({"files": [{"id": "1", "name": "a", "size": size, "sha256": SHA256}]});
    let mut plans = plans(
        &Stage::new(settings),
        &with_body("post_uploads", &body.to_string()),
    );
    let request = match plans.remove(0).outcome {
        PlanOutcome::Put { put, .. } => put,
        PlanOutcome::Multipart { create, .. } => create,
        PlanOutcome::Refused(error) => panic!("{error:?}"),
    };
    let signed = query_value(&request.url, "X-Amz-SignedHeaders");
    for name in request.headers.keys() {
        assert!(signed.split(';').any(|signed| signed == name), "{name} is signed");
    }
    request.headers
}

#[test]
fn encryption_and_tags_are_signed_if_they_are_set() {
    let key = ("SSE_KMS_KEY_ID", "alias/uploads");
    let tags = ("OBJECT_TAGS", "source=upload,team=a b");
    let names = [
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-tagging",
    ];
    for size in [1, 20_000_000] {
        let headers = headers_of(&[key, tags], size);
        let values = names.map(|name| headers.get(name).map(String::as_str));
        assert_eq!(
            values,
            [
                Some("aws:kms"),
                Some("alias/uploads"),
                Some("source=upload&team=a%20b")
            ],
            "{size} bytes"
        );
        let headers = headers_of(&[], size);
        assert_eq!(names.map(|name| headers.get(name)), [None; 3], "{size} bytes");
    }
}
