//! A deployment from beginning to end: `cargo xtask deploy` as it is for AWS, the page through CloudFront, files
//! through API Gateway, the function's real program and S3, another deployment over it, and `cargo xtask
//! destroy`.
//!
//! MiniStack shows that the template and the commands are accepted and that the parts fit. Whether a request is
//! permitted on AWS is what `permissions` is for.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use infra::Template;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ureq::{
    Body,
    http::{Request, Response},
};
use wire::{MultipartOperation, OperationOutcome, PlanOutcome, SignResponse, SignedRequest, UploadsResponse};

use crate::{
    linters::tool,
    ministack::{MiniStack, REGION},
};

const STACK: &str = "rehearsal";

/// A deployed stack.
struct Deployment<'a> {
    aws: &'a MiniStack,
    outputs: BTreeMap<String, String>,
}

/// The processor of this machine, by Lambda's name for it.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    }
}

fn page() -> PathBuf {
    tool("SLIPWAY_PAGE")
}

impl<'a> Deployment<'a> {
    /// Deploys, with these parameters besides what this machine needs.
    fn new(aws: &'a MiniStack, parameters: &[&str]) -> Self {
        lend_missing_packages();
        let mut command = xtask(aws, "deploy");
        command.arg("--page").arg(page());
        let architecture = format!("Architecture={}", architecture());
        for parameter in parameters.iter().copied().chain([architecture.as_str()]) {
            command.args(["--parameter", parameter]);
        }
        let text = run(&mut command);
        let outputs = aws.aws(&["cloudformation", "describe-stacks", "--stack-name", STACK]);
        let outputs = outputs["Stacks"][0]["Outputs"]
            .as_array()
            .expect("outputs")
            .iter();
        let text_of = |output: &Value, name: &str| output[name].as_str().expect("a text").to_owned();
        let deployment = Self {
            aws,
            outputs: outputs
                .map(|output| (text_of(output, "OutputKey"), text_of(output, "OutputValue")))
                .collect(),
        };
        let last = format!("the page: {}\n", deployment.output("PageAddress"));
        assert!(text.ends_with(&last), "the address is printed last:\n{text}");
        deployment
    }

    fn output(&self, name: &str) -> &str {
        self.outputs
            .get(name)
            .unwrap_or_else(|| panic!("there is no output {name}"))
    }

    /// Calls the API Gateway of the stack.
    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (_, rest) = self
            .output("ApiAddress")
            .split_once("https://")
            .expect("an address");
        let (api, _) = rest.split_once('.').expect("the API's id");
        let request = Request::builder()
            .method(method)
            .uri(format!(
                "{}/_aws/execute-api/{api}/api{path}",
                self.aws.endpoint()
            ))
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes())
            .expect("a request");
        let mut answer = self.aws.send(request);
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_str(&text(&mut answer)).unwrap_or(Value::Null),
        )
    }

    /// Plans one file.
    fn plan(&self, bytes: &[u8]) -> PlanOutcome {
        let file = json!({
            "id": "1",
            "name": "a b.bin",
            "size": bytes.len(),
            "type": "application/octet-stream",
            "sha256": sha256(bytes),
        });
        let (status, answer) = self.call("POST", "/uploads", &json!({"files": [file]}));
        assert_eq!(status, 200, "{answer}");
        let answer: UploadsResponse = serde_json::from_value(answer).expect("plans");
        answer.files.into_iter().next().expect("a plan").outcome
    }

    /// Signs operations of a multipart upload.
    fn sign(&self, key: &str, upload_id: &str, operations: &[MultipartOperation]) -> Vec<SignedRequest> {
        let body = json!({"key": key, "uploadId": upload_id, "operations": operations});
        let (status, answer) = self.call("POST", "/sign", &body);
        assert_eq!(status, 200, "{answer}");
        let answer: SignResponse = serde_json::from_value(answer).expect("requests");
        let requests = answer.requests.into_iter().map(|outcome| match outcome {
            OperationOutcome::Signed(request) => request,
            OperationOutcome::Error(error) => panic!("{error:?}"),
        });
        requests.collect()
    }

    /// Sends a signed request, as the page does.
    fn send(&self, signed: &SignedRequest, body: &[u8]) -> Response<Body> {
        self.aws.send(request(signed, body))
    }

    /// The bytes of an uploaded object, read by the owner of the account.
    fn object(&self, key: &str) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let path = file.path().to_str().expect("a path");
        let bucket = self.output("UploadBucketName");
        let address = ["s3api", "get-object", "--bucket", bucket, "--key", key, path];
        self.aws.aws(&address);
        fs::read(file.path()).expect("the object")
    }

    /// An answer of the page's distribution.
    fn visit(&self, path: &str) -> Response<Body> {
        let (_, host) = self
            .output("PageAddress")
            .split_once("https://")
            .expect("an address");
        let request = Request::get(format!("{}/{path}", self.aws.endpoint()))
            .header("host", host)
            .body(Vec::new())
            .expect("a request");
        self.aws.send(request)
    }
}

/// Puts an empty archive where the template names the package of a function that is not built here. It is
/// uploaded, and never run.
fn lend_missing_packages() {
    const EMPTY_ARCHIVE: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let template = Template::read().expect("the template is read");
    for resource in template.resources().values() {
        if let Some(package) = resource["Properties"]["CodeUri"].as_str() {
            let path = Template::path().with_file_name(package);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the packages' folder");
            if !path.exists() {
                fs::write(&path, EMPTY_ARCHIVE).expect("a package");
            }
        }
    }
}

fn request(signed: &SignedRequest, body: &[u8]) -> Request<Vec<u8>> {
    let mut request = Request::builder().method(signed.method.as_str()).uri(&signed.url);
    for (name, value) in &signed.headers {
        request = request.header(name, value);
    }
    request.body(body.to_vec()).expect("a request")
}

fn text(answer: &mut Response<Body>) -> String {
    answer.body_mut().read_to_string().expect("the answer is text")
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("a text"))
}

fn sha256(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(&Sha256::digest(bytes))
}

fn xtask(aws: &MiniStack, task: &str) -> Command {
    let mut command = aws.command(tool("SLIPWAY_XTASK"));
    command.args([task, "--stack-name", STACK, "--region", REGION]);
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the task runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{text}\n{errors}");
    text
}

#[test]
fn a_stack_is_deployed_used_changed_and_destroyed() {
    let aws = MiniStack::start();
    let deployment = Deployment::new(&aws, &["UrlExpirationSeconds=600"]);
    the_page_is_served_as_it_is_to_be(&deployment);
    a_small_file_is_stored_once(&deployment);
    a_large_file_is_stored_in_parts(&deployment);
    the_plain_contract_stores_a_file(&deployment);
    what_is_not_signed_is_refused(&deployment);

    let signed_in = [
        "OidcIssuer=https://id.example",
        "OidcAudience=uploads",
        "OidcClientId=page",
        "ObjectTags=source=upload",
        "CreateKmsKey=true",
        "InspectUploads=true",
    ];
    let deployment = Deployment::new(&aws, &signed_in);
    a_sign_in_is_asked_for(&deployment);

    the_stack_is_destroyed_by_its_name_only(&aws, &deployment);
}

fn the_page_is_served_as_it_is_to_be(deployment: &Deployment<'_>) {
    let mut config = deployment.visit("config.json");
    assert_eq!(header(&config, "cache-control"), "no-cache");
    let config: Value = serde_json::from_str(&text(&mut config)).expect("settings");
    assert_eq!(config["apiUrl"], "/api");

    let mut index = deployment.visit("");
    assert_eq!(index.status(), 200);
    assert_eq!(header(&index, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&index, "x-content-type-options"), "nosniff");
    assert_eq!(header(&index, "cross-origin-opener-policy"), "same-origin");
    let bucket = deployment.output("UploadBucketName");
    let connect = format!("connect-src 'self' https://{bucket}.s3.{REGION}.amazonaws.com");
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

/// The page's program.
fn wasm_name(page: &Path) -> String {
    let entries = fs::read_dir(page).expect("the page's folder");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let mut programs = names.filter(|name| name.ends_with(".wasm"));
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

/// The text of the first XML element with this name.
fn element(xml: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(xml).expect("the answer is XML");
    let mut elements = document.descendants().filter(|node| node.has_tag_name(name));
    let element = elements.next().and_then(|node| node.text());
    element
        .unwrap_or_else(|| panic!("there is no {name} in {xml}"))
        .to_owned()
}

fn the_plain_contract_stores_a_file(deployment: &Deployment<'_>) {
    let put = |body: &[u8]| {
        let (status, answer) = deployment.call("GET", "/presign?key=report.txt", &json!({}));
        assert_eq!((status, &answer["key"]), (200, &json!("report.txt")));
        let url = answer["uploadURL"].as_str().expect("a URL");
        let request = Request::put(url).body(body.to_vec()).expect("a request");
        deployment.aws.send(request).status()
    };
    assert_eq!(put(b"first"), 200);
    assert_eq!(deployment.object("uploads/report.txt"), b"first");
    // MiniStack does not know the condition in the query, which S3 answers with 412.
    assert_eq!(
        put(b"second"),
        200,
        "MiniStack honours If-None-Match in the query now: ask for 412 here"
    );
}

fn what_is_not_signed_is_refused(deployment: &Deployment<'_>) {
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
        "and as it was signed it is stored"
    );

    let (status, _) = deployment.call("GET", "/nothing", &json!({}));
    assert_eq!(status, 404, "there is no route for it");
}

fn a_sign_in_is_asked_for(deployment: &Deployment<'_>) {
    for (method, path) in [
        ("GET", "/presign?key=a"),
        ("POST", "/uploads"),
        ("POST", "/sign"),
        ("POST", "/verdicts"),
    ] {
        let (status, _) = deployment.call(method, path, &json!({}));
        assert_eq!(status, 401, "{method} {path}");
    }
    let config: Value = serde_json::from_str(&text(&mut deployment.visit("config.json"))).expect("settings");
    assert_eq!(
        config["signIn"],
        json!({"issuer": "https://id.example", "clientId": "page", "scopes": ["openid"]})
    );
    let policy = deployment.visit("");
    assert!(header(&policy, "content-security-policy").contains(" https://id.example"));
    let encryption = deployment.aws.aws(&[
        "s3api",
        "get-bucket-encryption",
        "--bucket",
        deployment.output("UploadBucketName"),
    ]);
    // CloudFormation changes a bucket's encryption; MiniStack leaves the one that it was made with.
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    let algorithm = &rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"];
    assert_eq!(
        algorithm, "AES256",
        "MiniStack changes the encryption now: ask for aws:kms here"
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
    assert!(
        buckets.contains(deployment.output("UploadBucketName")),
        "the uploaded files are kept"
    );
    assert!(
        !buckets.contains(deployment.output("PageBucketName")),
        "the page is gone"
    );
}
