//! The signing function's own code with the settings of the template, and everything that it signs for the page.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use aws_credential_types::Credentials;
use backend::{Backend, Settings};
use infra::Rendering;
use lambda_api::Environment;
use serde_json::{Value, json};
use wire::SignedRequest;

/// The SHA-256 of no bytes, in base64.
const SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// A size that always means a multipart upload, in bytes: 65 MiB.
const LARGE: u64 = 65 << 20;

struct Role;

impl Environment for Role {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(
            "ASIAIOSFODNN7EXAMPLE",
            "secret",
            Some("token".to_owned()),
            None,
            "test",
        )
    }

    fn random(&self) -> [u8; 10] {
        [0; 10]
    }

    fn write_metrics(&self, _document: &str) {}
}

/// The function's environment variables in a rendering, with the region that Lambda adds.
pub(crate) fn variables(rendering: &Rendering) -> BTreeMap<String, String> {
    let function = rendering.properties("SigningFunction").expect("the function");
    let variables = &function["Environment"]["Variables"];
    let names = variables.as_object().expect("variables").keys();
    let pairs = names.filter_map(|name| Some((name.clone(), rendering.variable("SigningFunction", name)?)));
    pairs
        .chain([("AWS_REGION".to_owned(), "eu-central-1".to_owned())])
        .collect()
}

/// The signing function.
pub(crate) struct SigningFunction {
    backend: Backend,
    /// What the distribution adds to every call.
    origin_secret: String,
}

impl SigningFunction {
    /// The function with the environment variables of a rendering.
    pub(crate) fn new(rendering: &Rendering) -> Self {
        let variables = variables(rendering);
        let settings = Settings::from_variables(|name| variables.get(name).cloned());
        Self {
            backend: Backend::new(settings.expect("the function starts"), Arc::new(Role)),
            origin_secret: variables.get("ORIGIN_SECRET").cloned().unwrap_or_default(),
        }
    }

    /// The status and the body of its answer to a call.
    pub(crate) fn call(&self, method: &str, path: &str, query: &str, body: &Value) -> (u64, Value) {
        let event = json!({
            "version": "2.0",
            "rawPath": format!("/api{path}"),
            "rawQueryString": query,
            "headers": {"content-type": "application/json", "x-slipway-origin": self.origin_secret},
            "requestContext": {"stage": "api", "requestId": "r", "http": {"method": method, "sourceIp": "192.0.2.1"}},
            "body": body.to_string(),
            "isBase64Encoded": false,
        });
        let answer = self.backend.handle(event.to_string().as_bytes(), "r");
        let answer = serde_json::to_value(answer).expect("an answer is JSON");
        let body = answer["body"].as_str().expect("a body");
        let status = answer["statusCode"].as_u64().expect("a status");
        (status, serde_json::from_str(body).expect("the body is JSON"))
    }

    /// The plan of a file of this size.
    pub(crate) fn plan(&self, size: u64, media_type: &str) -> Value {
        let file = json!({"id": "1", "name": "a.bin", "size": size, "type": media_type, "sha256": SHA256});
        let (_, body) = self.call("POST", "/uploads", "", &json!({"files": [file]}));
        body["files"][0].clone()
    }

    /// Every kind of request that the page sends to S3, each with the name of its operation.
    pub(crate) fn requests_of_the_page(&self) -> Vec<(&'static str, SignedRequest)> {
        let put = self.plan(1_000, "image/png");
        let multipart = self.plan(LARGE, "image/png");
        let manifest =
            json!({"batch": "019ab718-1480-7000-8000-000000000000", "size": 612, "sha256": SHA256});
        let (_, manifest) = self.call("POST", "/manifests", "", &manifest);
        let mut requests = vec![
            ("PutObject", read(&put["put"])),
            ("PutManifest", read(&manifest["put"])),
            ("CreateMultipartUpload", read(&multipart["create"])),
        ];
        let operations = [
            (
                "UploadPart",
                json!({"partNumber": 1, "size": 8 << 20, "sha256": SHA256}),
            ),
            ("ListParts", json!({})),
            ("CompleteMultipartUpload", json!({"size": LARGE})),
            ("AbortMultipartUpload", json!({})),
        ];
        for (operation, mut fields) in operations {
            fields["operation"] = operation.into();
            let body = json!({"key": multipart["key"], "uploadId": "upload-1", "operations": [fields]});
            let (_, answer) = self.call("POST", "/sign", "", &body);
            requests.push((operation, read(&answer["requests"][0]["signed"])));
        }
        requests
    }
}

fn read(request: &Value) -> SignedRequest {
    serde_json::from_value(request.clone()).unwrap_or_else(|error| panic!("{request}: {error}"))
}
