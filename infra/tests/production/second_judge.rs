//! The policies judged a second time, by a program that nobody here wrote (`@cloud-copilot/iam-simulate`).

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use infra::{Decision, Rendering, Request, decide};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    linters::tool,
    permissions::{administrator, authorisations, bucket, policies, request},
    rendering::{EVERYTHING, render},
    signing::SigningFunction,
};

/// A request, and who sends it.
struct Case {
    request: Request,
    is_administrator: bool,
}

/// What the second judge says of a request.
#[derive(Deserialize)]
struct Opinion {
    allowed: bool,
    /// Condition keys that it takes to be none of the action's.
    ignored: Vec<String>,
}

/// The page's requests as they are, and with each condition key missing or of another value.
fn requests_of_the_page(rendering: &Rendering) -> Vec<Case> {
    let signed = SigningFunction::new(rendering).requests_of_the_page();
    let authorised = signed
        .iter()
        .flat_map(|(_, signed)| authorisations(rendering, signed));
    let mut requests = Vec::new();
    for request in authorised {
        for key in request.context.keys() {
            requests.push(request.clone().without(key));
        }
        for (key, value) in [
            ("aws:SecureTransport", "false"),
            ("s3:TlsVersion", "1.1"),
            ("s3:authType", "REST-HEADER"),
            ("s3:signatureAge", "900001"),
        ] {
            requests.push(request.clone().with(key, value));
        }
        let elsewhere = request.resource.replace("/uploads/", "/elsewhere/");
        requests.push(Request {
            resource: elsewhere,
            ..request.clone()
        });
        requests.push(request);
    }
    let cases = requests.into_iter().map(|request| Case {
        request,
        is_administrator: false,
    });
    cases.collect()
}

/// Reading objects with each tag, by somebody who may do anything.
fn readings(rendering: &Rendering) -> Vec<Case> {
    let mut cases = Vec::new();
    for (tag, value) in [
        ("slipway:verdict", "forbidden"),
        ("slipway:verdict", "clean"),
        ("GuardDutyMalwareScanStatus", "THREATS_FOUND"),
        ("GuardDutyMalwareScanStatus", "NO_THREATS_FOUND"),
        ("GuardDutyMalwareScanStatus", "UNSUPPORTED"),
    ] {
        for folder in ["uploads", "elsewhere"] {
            let object = format!("arn:aws:s3:::{}/{folder}/a", bucket(rendering));
            let read = request("s3:GetObject", object);
            cases.push(Case {
                request: read.with(&format!("s3:ExistingObjectTag/{tag}"), value),
                is_administrator: true,
            });
        }
    }
    cases
}

/// The documents by which a case is judged, as they are in the rendering.
fn documents(rendering: &Rendering, case: &Case) -> Value {
    let role = rendering.properties("SigningRole").expect("the role");
    let bucket = rendering.properties("UploadBucketPolicy").expect("the policy");
    let identity = if case.is_administrator {
        json!([{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}])
    } else {
        let policies = role["Policies"].as_array().expect("policies").iter();
        policies.map(|policy| policy["PolicyDocument"].clone()).collect()
    };
    let Request {
        action,
        resource,
        principal,
        context,
    } = &case.request;
    let context = context.iter().map(|(key, values)| match values.as_slice() {
        [one] => (key.clone(), json!(one)),
        more => (key.clone(), json!(more)),
    });
    json!({
        "identity": identity,
        "resource": bucket["PolicyDocument"],
        "request": {
            "action": action,
            "resource": resource,
            "principal": principal,
            "context": context.collect::<serde_json::Map<_, _>>(),
        },
    })
}

/// What the second judge says of each case.
fn opinions(cases: &[Value]) -> Vec<Opinion> {
    let mut judge = Command::new("node")
        .arg(tool("SLIPWAY_JUDGE").join("judge.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the second judge starts");
    let mut input = judge.stdin.take().expect("an input");
    input
        .write_all(json!(cases).to_string().as_bytes())
        .expect("cases");
    drop(input);
    let output = judge.wait_with_output().expect("the second judge ends");
    assert!(output.status.success(), "the second judge failed");
    serde_json::from_slice(&output.stdout).expect("opinions")
}

#[test]
fn a_second_judge_decides_alike() {
    let tags = [("ObjectTags", "team=web")];
    let scanned = [("MalwareProtection", "true"), ("InspectUploads", "true")];
    for parameters in [&[][..], &tags, &scanned, &EVERYTHING] {
        let rendering = render(parameters);
        let mut cases = requests_of_the_page(&rendering);
        cases.extend(readings(&rendering));
        let documents: Vec<_> = cases.iter().map(|case| documents(&rendering, case)).collect();
        let opinions = opinions(&documents);
        assert_eq!(opinions.len(), cases.len());
        let allowed = opinions.iter().filter(|opinion| opinion.allowed).count();
        assert!(
            (6..cases.len() - 6).contains(&allowed),
            "{allowed} of {}",
            cases.len()
        );
        for (case, opinion) in cases.iter().zip(&opinions) {
            let policies = if case.is_administrator {
                administrator(&rendering)
            } else {
                policies(&rendering)
            };
            let decision = decide(&policies, &case.request).expect("the policies are known");
            assert_eq!(
                opinion.allowed,
                decision == Decision::Allowed,
                "{decision:?} {parameters:?} {:#?} without {:?}",
                case.request,
                opinion.ignored
            );
        }
    }
}
