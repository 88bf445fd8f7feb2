//! A deployment from start to end: `cargo xtask deploy` as for AWS, the page through CloudFront, uploads through API
//! Gateway, the function's program and S3, an update with other parameters, a sign-in, and `cargo xtask destroy`.
//!
//! MiniStack shows that the template and the commands are valid and that the parts work together; `permissions` shows
//! whether AWS permits a request. What MiniStack cannot do is asserted where it matters, so that a test fails as soon as
//! it can:
//!
//! - It does not know `If-None-Match` in the query of a PUT.
//! - It does not change a bucket's encryption.
//! - It has no GuardDuty Malware Protection for S3, and no saved queries of CloudWatch Logs Insights.
//! - It does not know the condition keys `s3:authType`, `s3:signatureAge`, `s3:if-none-match` and
//!   `s3:ObjectCreationOperation`, so statements with them do not apply here.
//! - Its CloudFront resolves an API's host name on the internet, so the tests call the API directly.

use std::{fs, io::Write, path::Path, process::Stdio, time::SystemTime};

use lambda_api::{LinkSecret, Links, new_link};
use serde_json::{Value, json};
use ureq::http::Request;
use wire::{Endpoint, LinkRequest, ManifestResponse, MultipartOperation, PlanOutcome, SignedRequest};

use crate::{
    deployment::{Deployment, STACK, header, page, request, sha256, text, xtask},
    ministack::{MiniStack, REGION},
    sign_in,
};

#[test]
fn a_stack_is_deployed_used_changed_and_destroyed() {
    let aws = MiniStack::start();
    a_dry_run_does_nothing(&aws);
    let deployment = Deployment::new(
        &aws,
        &[
            "UrlExpirationSeconds=600",
            "AllowPlainPresign=true",
            "SavedQueries=false",
        ],
    );
    the_page_is_served_with_its_headers(&deployment);
    only_the_pages_origin_may_use_the_bucket(&deployment);
    a_small_file_is_stored_once(&deployment);
    a_large_file_is_stored_in_parts(&deployment);
    a_manifest_is_stored_once(&deployment);
    plain_presign_stores_a_file(&deployment);
    unsigned_changes_are_refused(&deployment);
    ministack_has_no_malware_protection(&aws);

    let deployment = Deployment::new(
        &aws,
        &[
            "CreateUserPool=true",
            "SavedQueries=false",
            "ObjectTags=source=upload",
            "CreateKmsKey=true",
            "InspectUploads=true",
            "UploadLinks=true",
            "AlarmEmail=operations@example.com",
        ],
    );
    the_update_has_changed_the_stack(&deployment);
    nobody_uploads_without_a_sign_in(&deployment);
    a_signed_in_user_has_a_folder(&deployment);
    a_link_of_the_stacks_secret_uploads(&deployment);

    the_stack_is_destroyed_by_its_name_only(&aws, &deployment);
}

fn a_dry_run_does_nothing(aws: &MiniStack) {
    let mut command = xtask(aws, "deploy");
    command.arg("--page").arg(page()).arg("--dry-run");
    let output = command.output().expect("the task runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("\n$ sam deploy ") && text.contains("\n$ aws cloudfront create-invalidation "),
        "{text}"
    );
    let stacks = aws.aws(&["cloudformation", "list-stacks"]);
    assert_eq!(stacks["StackSummaries"], json!([]));
}

fn the_page_is_served_with_its_headers(deployment: &Deployment<'_>) {
    let mut config = deployment.visit("config.json");
    assert_eq!(header(&config, "cache-control"), "no-cache");
    let config: Value = serde_json::from_str(&text(&mut config)).expect("settings");
    assert_eq!(config["apiUrl"], "/api");
    assert_eq!(config["verdicts"], Value::Null);
    assert_eq!(config["secondEndpoint"], true);

    let mut index = deployment.visit("");
    assert_eq!(index.status(), 200);
    assert_eq!(header(&index, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&index, "x-content-type-options"), "nosniff");
    assert_eq!(header(&index, "cross-origin-opener-policy"), "same-origin");
    let bucket = deployment.output("UploadBucketName");
    let connect = format!(
        "connect-src 'self' https://{bucket}.s3.{REGION}.amazonaws.com \
         https://{bucket}.s3.dualstack.{REGION}.amazonaws.com"
    );
    let policy = header(&index, "content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; ") && policy.ends_with(&connect),
        "{policy}"
    );
    let on_disk = fs::read_to_string(page().join("index.html")).expect("the page");
    assert_eq!(text(&mut index), on_disk);

    let wasm = wasm_name(&page());
    let mut answer = deployment.visit(&wasm);
    assert_eq!(header(&answer, "content-type"), "application/wasm");
    assert_eq!(
        header(&answer, "cache-control"),
        "public, max-age=31536000, immutable"
    );
    let bytes = answer
        .body_mut()
        .with_config()
        .limit(u64::MAX)
        .read_to_vec()
        .expect("the wasm");
    assert_eq!(bytes, fs::read(page().join(&wasm)).expect("the wasm"));
}

fn only_the_pages_origin_may_use_the_bucket(deployment: &Deployment<'_>) {
    let preflight = |origin: &str| {
        let bucket = deployment.output("UploadBucketName");
        let request = Request::options(format!("{}/{bucket}/uploads/a", deployment.aws.endpoint()))
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header(
                "access-control-request-headers",
                "content-type,if-none-match,x-amz-checksum-sha256",
            );
        deployment
            .aws
            .send(request.body(Vec::new()).expect("a request"))
            .status()
    };
    assert_eq!(preflight(deployment.output("PageAddress")), 200);
    assert_eq!(preflight("https://elsewhere.example"), 403);
}

/// The page's WebAssembly. Modules that it loads later have no hash in their names and are revalidated.
fn wasm_name(page: &Path) -> String {
    let entries = fs::read_dir(page).expect("the page's folder");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let mut programs = names.filter(|name| name.starts_with("slipway-") && name.ends_with(".wasm"));
    programs.next().expect("the page has a program")
}

fn a_small_file_is_stored_once(deployment: &Deployment<'_>) {
    let bytes = b"a small file".repeat(1_000);
    let PlanOutcome::Put { key, put } = deployment.plan(&bytes) else {
        panic!("a small file is one PutObject");
    };
    assert!(put.url.contains("X-Amz-Expires=600&"), "{}", put.url);
    assert_eq!(deployment.send(&put, &bytes).status(), 200);
    assert_eq!(deployment.object(&key), bytes);
    let mut again = deployment.send(&put, &bytes);
    assert_eq!(again.status(), 412);
    assert!(text(&mut again).contains("PreconditionFailed"));

    let PlanOutcome::Put { put, .. } = deployment.plan(&bytes) else {
        panic!("a small file is one PutObject");
    };
    let mut other = bytes.clone();
    other[0] ^= 1;
    let mut refused = deployment.send(&put, &other);
    assert_eq!(refused.status(), 400);
    assert!(text(&mut refused).contains("BadDigest"));
}

fn a_large_file_is_stored_in_parts(deployment: &Deployment<'_>) {
    let bytes: Vec<u8> = (0..20_u32 << 20)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let PlanOutcome::Multipart {
        key,
        create,
        part_size,
        ..
    } = deployment.plan(&bytes)
    else {
        panic!("a large file is a multipart upload");
    };
    let upload_id = element(&text(&mut deployment.send(&create, b"")), "UploadId");
    let parts: Vec<&[u8]> = bytes
        .chunks(usize::try_from(part_size).expect("a size"))
        .collect();
    let operations = (1..)
        .zip(&parts)
        .map(|(part_number, part)| MultipartOperation::UploadPart {
            part_number,
            size: part.len() as u64,
            sha256: sha256(part).parse().expect("a digest"),
            endpoint: Endpoint::First,
        });
    let operations: Vec<_> = operations.collect();
    let mut listed = String::new();
    for ((number, part), signed) in (1..)
        .zip(&parts)
        .zip(deployment.sign(&key, &upload_id, &operations))
    {
        let answer = deployment.send(&signed, part);
        assert_eq!(answer.status(), 200, "part {number}");
        listed += &format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag><ChecksumSHA256>{}</ChecksumSHA256></Part>",
            header(&answer, "etag"),
            sha256(part)
        );
    }
    let size = bytes.len() as u64;
    let operations = [
        MultipartOperation::ListParts {
            part_number_marker: None,
        },
        MultipartOperation::CompleteMultipartUpload { size },
    ];
    let signed = deployment.sign(&key, &upload_id, &operations);
    let list = text(&mut deployment.send(&signed[0], b""));
    assert_eq!(list.matches("<Part>").count(), parts.len(), "{list}");
    let complete = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
    let mut answer = deployment.send(&signed[1], complete.as_bytes());
    assert_eq!(answer.status(), 200, "{}", text(&mut answer));
    assert_eq!(deployment.object(&key), bytes);
}

fn a_manifest_is_stored_once(deployment: &Deployment<'_>) {
    let manifest = br#"{"version":1}"#;
    let batch = "019ab718-1480-7000-8000-000000000000";
    let body = json!({"batch": batch, "size": manifest.len(), "sha256": sha256(manifest)});
    let (status, answer) = deployment.call("POST", "/manifests", &body);
    assert_eq!(status, 200, "{answer}");
    let ManifestResponse { key, put, .. } = serde_json::from_value(answer).expect("an answer");
    assert_eq!(key, format!("uploads/anonymous/{batch}.slipway-manifest.json"));
    assert_eq!(deployment.send(&put, manifest).status(), 200);
    assert_eq!(deployment.object(&key), manifest);
    assert_eq!(deployment.send(&put, manifest).status(), 412);
}

/// The text of the first XML element with this name.
fn element(xml: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(xml).expect("the answer is XML");
    let mut elements = document.descendants().filter(|node| node.has_tag_name(name));
    let element = elements.next().and_then(|node| node.text());
    element
        .unwrap_or_else(|| panic!("there is no {name} in {xml}"))
        .to_owned()
}

fn plain_presign_stores_a_file(deployment: &Deployment<'_>) {
    let put = |body: &[u8]| {
        let (status, answer) = deployment.call("GET", "/presign?key=report.txt", &json!({}));
        assert_eq!((status, &answer["key"]), (200, &json!("report.txt")));
        let url = answer["uploadURL"].as_str().expect("a URL");
        let request = Request::put(url).body(body.to_vec()).expect("a request");
        deployment.aws.send(request).status()
    };
    assert_eq!(put(b"first"), 200);
    assert_eq!(deployment.object("uploads/report.txt"), b"first");
    // MiniStack does not know the condition in the query, for which S3 answers 412.
    assert_eq!(
        put(b"second"),
        200,
        "MiniStack honours If-None-Match in the query now: expect 412 here"
    );
}

fn unsigned_changes_are_refused(deployment: &Deployment<'_>) {
    let bytes = b"bytes";
    let PlanOutcome::Put { put, .. } = deployment.plan(bytes) else {
        panic!("a small file is one PutObject");
    };
    let plain = deployment.aws.send_plainly(request(&put, bytes));
    assert_eq!(plain.status(), 403, "plain HTTP is denied by the bucket's policy");
    let elsewhere = SignedRequest {
        url: put.url.replace("/uploads/", "/elsewhere/"),
        ..put.clone()
    };
    assert_eq!(
        deployment.send(&elsewhere, bytes).status(),
        403,
        "the key is signed"
    );
    let mut unsigned = put.clone();
    unsigned
        .headers
        .insert("content-type".to_owned(), "text/html".to_owned());
    assert_eq!(
        deployment.send(&unsigned, bytes).status(),
        403,
        "the type is signed"
    );
    assert_eq!(
        deployment.send(&put, bytes).status(),
        200,
        "it is stored as it was signed"
    );

    let (status, _) = deployment.call("GET", "/nothing", &json!({}));
    assert_eq!(status, 404, "there is no route for it");
}

fn ministack_has_no_malware_protection(aws: &MiniStack) {
    let mut command = xtask(aws, "deploy");
    command.arg("--page").arg(page());
    command.args(["--parameter", "MalwareProtection=true"]);
    command.args(["--parameter", "SavedQueries=false"]);
    let output = command.output().expect("the task runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success(),
        "MiniStack has malware protection now: deploy it below"
    );
    assert!(
        errors.contains("[AWS::GuardDuty::MalwareProtectionPlan]"),
        "{errors}"
    );
}

fn the_update_has_changed_the_stack(deployment: &Deployment<'_>) {
    let config: Value = serde_json::from_str(&text(&mut deployment.visit("config.json"))).expect("settings");
    let expected = json!({
        "issuer": deployment.output("SignInIssuer"),
        "clientId": deployment.output("SignInClientId"),
        "scopes": ["openid", "email"],
    });
    assert_eq!(config["signIn"], expected);
    assert_eq!(config["verdicts"], true);
    let index = deployment.visit("");
    let policy = header(&index, "content-security-policy");
    assert!(
        policy.contains(" https://cognito-idp.eu-central-1.amazonaws.com "),
        "{policy}"
    );

    let bucket = deployment.output("UploadBucketName");
    let encryption = deployment
        .aws
        .aws(&["s3api", "get-bucket-encryption", "--bucket", bucket]);
    // CloudFormation changes a bucket's encryption; MiniStack does not.
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    let algorithm = &rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"];
    assert_eq!(
        algorithm, "AES256",
        "MiniStack changes the encryption now: expect aws:kms here"
    );
}

fn nobody_uploads_without_a_sign_in(deployment: &Deployment<'_>) {
    let routes = [
        ("GET", "/presign?key=a"),
        ("POST", "/uploads"),
        ("POST", "/sign"),
        ("POST", "/manifests"),
        ("POST", "/verdicts"),
    ];
    for (method, path) in routes {
        let (status, _) = deployment.call(method, path, &json!({}));
        assert_eq!(status, 401, "{method} {path}");
    }
}

fn a_signed_in_user_has_a_folder(deployment: &Deployment<'_>) {
    let tokens = sign_in::through_the_hosted_page(deployment);
    let bytes = b"signed in";
    let signed_in = deployment.signed_in(&tokens.access_token);
    let PlanOutcome::Put { key, put } = signed_in.plan(bytes) else {
        panic!("a small file is one PutObject");
    };
    assert!(key.starts_with(&format!("uploads/{}/", tokens.subject)), "{key}");
    assert_eq!(put.headers["x-amz-tagging"], "source=upload");
    assert_eq!(signed_in.send(&put, bytes).status(), 200);
    assert_eq!(deployment.object(&key), bytes);

    let body = json!({
        "key": "uploads/anonymous/x/a",
        "uploadId": "1",
        "operations": [{"operation": "AbortMultipartUpload"}],
    });
    assert_eq!(
        signed_in.call("POST", "/sign", &body).0,
        403,
        "the folder of another user"
    );
    let tampered = deployment.signed_in(&tokens.tampered());
    assert_eq!(
        tampered.call("POST", "/sign", &body).0,
        401,
        "a token that was tampered with"
    );
}

fn a_link_of_the_stacks_secret_uploads(deployment: &Deployment<'_>) {
    let secret = deployment.output("LinkSecretArn");
    let secret = deployment
        .aws
        .aws(&["secretsmanager", "get-secret-value", "--secret-id", secret]);
    let secret = secret["SecretString"].as_str().expect("a secret");
    let secret = LinkSecret::parse(secret).expect("a secret of 33 bytes");
    let request = LinkRequest {
        folder: "acme".to_owned(),
        expires_in: 600,
        ..LinkRequest::default()
    };
    let link = new_link(request, None, [0; 10], SystemTime::now()).expect("a link");
    let token = Links::new(secret, Default::default())
        .sign(&link)
        .expect("a token");

    let bytes = b"by a link";
    let file = json!({"id": "1", "name": "a.txt", "size": bytes.len(), "type": "text/plain", "sha256": sha256(bytes)});
    let by_link = deployment.signed_in(&token);
    let (status, answer) = by_link.call("POST", "/link/uploads", &json!({ "files": [file] }));
    assert_eq!(status, 200, "{answer}");
    let key = answer["files"][0]["key"].as_str().expect("a key");
    assert!(
        key.starts_with(&format!("uploads/links/acme/{}/", link.jti)),
        "{key}"
    );
    let put: SignedRequest = serde_json::from_value(answer["files"][0]["put"].clone()).expect("a request");
    assert_eq!(deployment.send(&put, bytes).status(), 200);
    assert_eq!(deployment.object(key), bytes);
    assert_eq!(
        by_link.call("POST", "/uploads", &json!({})).0,
        401,
        "a link is no sign-in"
    );
}

fn the_stack_is_destroyed_by_its_name_only(aws: &MiniStack, deployment: &Deployment<'_>) {
    let destroy = |answer: &str| {
        let mut command = xtask(aws, "destroy");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().expect("the task starts");
        let mut input = process.stdin.take().expect("an input");
        input.write_all(answer.as_bytes()).expect("an answer");
        drop(input);
        process.wait_with_output().expect("the task ends")
    };
    let stacks = || {
        aws.aws(&[
            "cloudformation",
            "list-stacks",
            "--stack-status-filter",
            "DELETE_COMPLETE",
        ])
    };
    let is_deleted = || stacks()["StackSummaries"].to_string().contains(STACK);

    assert!(!destroy("yes\n").status.success());
    assert!(!is_deleted());
    let output = destroy(&format!("{STACK}\n"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(is_deleted());
    let buckets = aws.aws(&["s3api", "list-buckets"])["Buckets"].to_string();
    let bucket = deployment.output("UploadBucketName");
    assert!(buckets.contains(bucket), "the uploaded files are kept");
    let policy = aws.aws(&["s3api", "get-bucket-policy", "--bucket", bucket]);
    assert!(
        policy["Policy"].to_string().contains("DenyPlainHttp"),
        "what guards them is kept"
    );
    assert!(
        !buckets.contains(deployment.output("PageBucketName")),
        "the page is gone"
    );
}
