//! Everything that the signing function signs, by its real code with the settings of the template.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use aws_credential_types::Credentials;
use backend::{Backend, Environment, Settings};
use infra::Rendering;
use serde_json::{Value, json};
use uuid::Uuid;
use wire::SignedRequest;

/// The SHA-256 of nothing, in base64.
const SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// A size that always makes a multipart upload: 65 MiB.
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

    fn new_uuid(&self) -> Uuid {
        Uuid::nil()
    }

    fn write_metrics(&self, _document: &str) {}
}

/// The function's environment in a rendering, with the region that Lambda adds.
pub(crate) fn variables(rendering: &Rendering) -> BTreeMap<String, String> {
    let function = rendering.properties("SigningFunction").expect("the function");
    let variables = &function["Environment"]["Variables"];
    let pairs = variables
        .as_object()
        .expect("variables")
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        });
    pairs
        .chain([("AWS_REGION".to_owned(), "eu-central-1".to_owned())])
        .collect()
}

/// The function of a rendering.
pub(crate) struct SigningFunction(Backend);

impl SigningFunction {
    /// The function with the environment that the rendering gives it.
    pub(crate) fn new(rendering: &Rendering) -> Self {
        let variables = variables(rendering);
        let settings = Settings::from_variables(|name| variables.get(name).cloned());
        Self(Backend::new(
            settings.expect("the function starts"),
            Arc::new(Role),
        ))
    }

    /// The status and the body of its answer to a call.
    pub(crate) fn call(&self, method: &str, path: &str, query: &str, body: &Value) -> (u64, Value) {
        let event = json!({
            "version": "2.0",
            "rawPath": format!("/api{path}"),
            "rawQueryString": query,
            "headers": {"content-type": "application/json"},
            "requestContext": {"stage": "api", "requestId": "r", "http": {"method": method, "sourceIp": "192.0.2.1"}},
            "body": body.to_string(),
            "isBase64Encoded": false,
        });
        let answer = self.0.handle(event.to_string().as_bytes(), "r");
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

    /// All requests of the page, each with the name of its operation.
    pub(crate) fn requests_of_the_page(&self) -> Vec<(&'static str, SignedRequest)> {
        let put = self.plan(1_000, "image/png");
        let multipart = self.plan(LARGE, "image/png");
        let mut requests = vec![
            ("PutObject", read(&put["put"])),
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
