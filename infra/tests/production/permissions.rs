//! The permissions of the signing role and the upload bucket's policy, for the requests that the function signs.

use std::collections::BTreeMap;

use infra::{Decision, Policies, Policy, Rendering, Request, decide};
use url::Url;
use wire::{HttpMethod, SignedRequest};

use crate::{
    rendering::{EVERYTHING, render},
    signing::SigningFunction,
};

const KMS_KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/uploadkey";

pub(crate) fn bucket(rendering: &Rendering) -> &str {
    rendering.properties("UploadBucket").expect("the bucket")["BucketName"]
        .as_str()
        .expect("a name")
}

/// The policies that apply to a request by the signing role to the upload bucket.
pub(crate) fn policies(rendering: &Rendering) -> Policies {
    let role = rendering.properties("SigningRole").expect("the role");
    let identity = role["Policies"].as_array().expect("policies");
    let identity = identity
        .iter()
        .map(|policy| Policy::read(&policy["PolicyDocument"]));
    let bucket = rendering
        .properties("UploadBucketPolicy")
        .expect("the bucket's policy");
    Policies {
        identity: identity.collect::<Result<_, _>>().expect("the role's policies"),
        resource: vec![Policy::read(&bucket["PolicyDocument"]).expect("the bucket's policy")],
    }
}

/// A request by the signing role over TLS, with a URL that was presigned a second ago.
pub(crate) fn request(action: &str, resource: String) -> Request {
    Request {
        action: action.to_owned(),
        resource,
        principal: "arn:aws:iam::123456789012:role/signingrole".to_owned(),
        context: BTreeMap::new(),
    }
    .with("aws:PrincipalArn", "arn:aws:iam::123456789012:role/signingrole")
    .with("aws:SecureTransport", "true")
    .with("s3:TlsVersion", "1.3")
    .with("s3:authType", "REST-QUERY-STRING")
    .with("s3:signatureAge", "1000")
}

/// The requests for which S3 needs authorisation when it receives a presigned request (Amazon S3 User Guide, "Required permissions for Amazon S3 API
/// operations", and for the condition keys "Enforce conditional writes on Amazon S3 buckets").
pub(crate) fn authorisations(rendering: &Rendering, signed: &SignedRequest) -> Vec<Request> {
    let url = Url::parse(&signed.url).expect("a URL");
    let query: BTreeMap<_, _> = url.query_pairs().collect();
    let (action, creates) = match signed.method {
        HttpMethod::Put => ("s3:PutObject", !query.contains_key("partNumber")),
        HttpMethod::Post => ("s3:PutObject", !query.contains_key("uploads")),
        HttpMethod::Get => ("s3:ListMultipartUploadParts", false),
        HttpMethod::Delete => ("s3:AbortMultipartUpload", false),
    };
    let resource = format!("arn:aws:s3:::{}{}", bucket(rendering), url.path());
    let mut main = request(action, resource.clone()).with("s3:ObjectCreationOperation", &creates.to_string());
    if let Some(value) = signed.headers.get("if-none-match") {
        main = main.with("s3:if-none-match", value);
    }
    let mut requests = vec![main];
    if signed.headers.contains_key("x-amz-tagging") {
        requests.push(request("s3:PutObjectTagging", resource));
    }
    requests
}

/// A request on an object below the prefix.
fn on_object(action: &str, rendering: &Rendering) -> Request {
    request(action, format!("arn:aws:s3:::{}/uploads/a", bucket(rendering)))
}

/// The request, by another role of the account.
fn by(role: &str, request: Request) -> Request {
    request.with(
        "aws:PrincipalArn",
        &format!("arn:aws:iam::123456789012:role/{role}"),
    )
}

fn check(policies: &Policies, request: &Request, expected: &Decision) {
    let decision = decide(policies, request).expect("the policies are known");
    assert_eq!(&decision, expected, "{request:#?}");
}

fn denied_by(statement: &str) -> Decision {
    Decision::DeniedBy(statement.to_owned())
}

#[test]
fn every_operation_of_the_page_is_allowed() {
    for parameters in [&[][..], &EVERYTHING[..], &[("KeyPrefix", "team/inbox")][..]] {
        let rendering = render(parameters);
        let policies = policies(&rendering);
        let requests = SigningFunction::new(&rendering).requests_of_the_page();
        assert_eq!(requests.len(), 7);
        for (operation, signed) in requests {
            for request in authorisations(&rendering, &signed) {
                println!("{operation}: {} on {}", request.action, request.resource);
                check(&policies, &request, &Decision::Allowed);
            }
        }
    }
}

#[test]
fn nothing_else_is_allowed() {
    let rendering = render(&[]);
    let policies = policies(&rendering);
    let object = format!("arn:aws:s3:::{}/uploads/a", bucket(&rendering));
    let whole = format!("arn:aws:s3:::{}", bucket(&rendering));
    for action in [
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectAttributes",
        "s3:GetObjectTagging",
        "s3:PutObjectTagging",
        "s3:PutObjectAcl",
        "s3:PutObjectRetention",
        "s3:BypassGovernanceRetention",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:RestoreObject",
        "s3:ReplicateObject",
    ] {
        check(&policies, &request(action, object.clone()), &Decision::NotAllowed);
    }
    for action in [
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListBucketMultipartUploads",
        "s3:DeleteBucket",
        "s3:PutBucketPolicy",
        "s3:PutBucketCORS",
        "s3:PutLifecycleConfiguration",
        "s3:PutBucketNotification",
        "s3:PutBucketPublicAccessBlock",
    ] {
        check(&policies, &request(action, whole.clone()), &Decision::NotAllowed);
    }
    for (action, resource) in [
        ("s3:ListAllMyBuckets", "*"),
        ("s3:CreateBucket", "arn:aws:s3:::another"),
        ("kms:Decrypt", KMS_KEY),
        ("kms:GenerateDataKey", KMS_KEY),
        ("sts:AssumeRole", "arn:aws:iam::123456789012:role/administrator"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/administrator"),
        ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/signingrole"),
        (
            "lambda:UpdateFunctionCode",
            "arn:aws:lambda:eu-central-1:123456789012:function:signing",
        ),
        (
            "ssm:GetParameter",
            "arn:aws:ssm:eu-central-1:123456789012:parameter/secret",
        ),
        (
            "logs:CreateLogGroup",
            "arn:aws:logs:eu-central-1:123456789012:signinglogs",
        ),
        (
            "logs:PutLogEvents",
            "arn:aws:logs:eu-central-1:123456789012:apilogs",
        ),
        (
            "logs:GetLogEvents",
            "arn:aws:logs:eu-central-1:123456789012:signinglogs",
        ),
    ] {
        check(
            &policies,
            &request(action, resource.to_owned()),
            &Decision::NotAllowed,
        );
    }
}

#[test]
fn nothing_can_be_written_outside_the_prefix() {
    let rendering = render(&[]);
    let policies = policies(&rendering);
    let bucket = bucket(&rendering);
    for place in [
        format!("{bucket}/a"),
        format!("{bucket}/upload"),
        format!("{bucket}/uploadsx/a"),
        format!("{bucket}/Uploads/a"),
        format!("{bucket}/quarantine/a"),
        format!("{bucket}-2/uploads/a"),
        "another/uploads/a".to_owned(),
    ] {
        for action in [
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ] {
            let request = request(action, format!("arn:aws:s3:::{place}"))
                .with("s3:if-none-match", "*")
                .with("s3:ObjectCreationOperation", "true");
            check(&policies, &request, &Decision::NotAllowed);
        }
    }
}

/// The authorisation of the page's PutObject.
fn put_object(rendering: &Rendering) -> Request {
    let requests = SigningFunction::new(rendering).requests_of_the_page();
    let (_, signed) = requests
        .iter()
        .find(|(operation, _)| *operation == "PutObject")
        .expect("a PutObject");
    authorisations(rendering, signed).remove(0)
}

#[test]
fn a_write_without_if_none_match_is_denied() {
    let rendering = render(&[]);
    let request = put_object(&rendering).without("s3:if-none-match");
    check(
        &policies(&rendering),
        &request,
        &denied_by("DenyUnconditionalWrites"),
    );
    let lenient = render(&[("RequireIfNoneMatch", "false")]);
    check(&policies(&lenient), &request, &Decision::Allowed);
}

#[test]
fn plain_http_and_old_tls_are_denied() {
    let rendering = render(&[]);
    let policies = policies(&rendering);
    let request = put_object(&rendering);
    let plain = request.clone().with("aws:SecureTransport", "false");
    check(&policies, &plain, &denied_by("DenyPlainHttp"));
    let old = request.with("s3:TlsVersion", "1.1");
    check(&policies, &old, &denied_by("DenyOldTls"));
}

#[test]
fn a_signature_older_than_any_url_is_denied() {
    let rendering = render(&[("UrlExpirationSeconds", "300")]);
    let policies = policies(&rendering);
    let aged = |milliseconds: &str| put_object(&rendering).with("s3:signatureAge", milliseconds);
    check(&policies, &aged("300000"), &Decision::Allowed);
    check(&policies, &aged("300001"), &denied_by("DenyOldSignatures"));
}

#[test]
fn the_roles_credentials_work_in_presigned_urls_only() {
    let rendering = render(&[]);
    let request = put_object(&rendering).with("s3:authType", "REST-HEADER");
    check(&policies(&rendering), &request, &Decision::NotAllowed);
}

#[test]
fn the_key_is_used_through_s3_only() {
    let rendering = render(&[("CreateKmsKey", "true")]);
    let policies = policies(&rendering);
    for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
        let request = request(action, KMS_KEY.to_owned());
        let by_s3 = request
            .clone()
            .with("kms:ViaService", "s3.eu-central-1.amazonaws.com");
        check(&policies, &by_s3, &Decision::Allowed);
        check(&policies, &request, &Decision::NotAllowed);
        let by_another = request.with("kms:ViaService", "ec2.eu-central-1.amazonaws.com");
        check(&policies, &by_another, &Decision::NotAllowed);
    }
    let other = request("kms:Decrypt", format!("{KMS_KEY}-2"));
    let other = other.with("kms:ViaService", "s3.eu-central-1.amazonaws.com");
    check(&policies, &other, &Decision::NotAllowed);
}

/// The bucket's policy, and a role of the account that may do anything.
pub(crate) fn administrator(rendering: &Rendering) -> Policies {
    let everything = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    });
    Policies {
        identity: vec![Policy::read(&everything).expect("a policy")],
        ..policies(rendering)
    }
}

#[test]
fn nobody_reads_an_object_that_is_not_clean() {
    let rendering = render(&[("MalwareProtection", "true")]);
    let policies = administrator(&rendering);
    let read = on_object("s3:GetObject", &rendering);
    let key = "s3:ExistingObjectTag/GuardDutyMalwareScanStatus";
    let denied = denied_by("DenyReadingWhatIsNotClean");
    check(&policies, &read, &denied);
    let infected = read.clone().with(key, "THREATS_FOUND");
    check(&policies, &infected, &denied_by("DenyReadingMalware"));
    check(
        &policies,
        &read.clone().with(key, "NO_THREATS_FOUND"),
        &Decision::Allowed,
    );
    let scanner = by("malwareprotectionrole", read);
    check(&policies, &scanner, &Decision::Allowed);
}

#[test]
fn what_cannot_be_scanned_is_read_only_if_that_was_chosen() {
    let tag = "s3:ExistingObjectTag/GuardDutyMalwareScanStatus";
    let check_unsupported = |parameters: &[(&str, &str)], expected: &Decision| {
        let rendering = render(parameters);
        let read = on_object("s3:GetObject", &rendering).with(tag, "UNSUPPORTED");
        check(&administrator(&rendering), &read, expected);
    };
    let scanned = ("MalwareProtection", "true");
    check_unsupported(&[scanned], &denied_by("DenyReadingWhatIsNotClean"));
    check_unsupported(&[scanned, ("AllowUnscannable", "true")], &Decision::Allowed);
}

#[test]
fn no_parameter_ends_a_quarantine() {
    for (tag, value, statement) in [
        ("slipway:verdict", "forbidden", "DenyReadingWhatIsForbidden"),
        (
            "GuardDutyMalwareScanStatus",
            "THREATS_FOUND",
            "DenyReadingMalware",
        ),
    ] {
        for parameters in [
            &[][..],
            &[("KeyPrefix", "elsewhere")],
            &[("MalwareProtection", "true"), ("AllowUnscannable", "true")],
            &[("InspectUploads", "true")],
        ] {
            let rendering = render(parameters);
            let roles = ["administrator", "verdictrole", "malwareprotectionrole"];
            for (role, action) in
                roles
                    .into_iter()
                    .zip(["s3:GetObject", "s3:GetObjectVersion", "s3:GetObject"])
            {
                let read = by(role, on_object(action, &rendering))
                    .with(&format!("s3:ExistingObjectTag/{tag}"), value);
                let decision = decide(&administrator(&rendering), &read).expect("the policies are known");
                let denials = [denied_by(statement), denied_by("DenyReadingWhatIsNotClean")];
                assert!(denials.contains(&decision), "{role} {parameters:?}: {decision:?}");
            }
        }
    }
}

#[test]
fn only_the_scanner_may_tag_an_object_as_clean() {
    let rendering = render(&[("MalwareProtection", "true")]);
    let policies = administrator(&rendering);
    let tag = on_object("s3:PutObjectTagging", &rendering);
    let innocent = tag.clone().with("s3:RequestObjectTagKeys", "team");
    check(&policies, &innocent, &Decision::Allowed);
    let forged = innocent.with("s3:RequestObjectTagKeys", "GuardDutyMalwareScanStatus");
    check(&policies, &forged, &denied_by("DenyForgedScanResults"));
}

/// The policies that apply to a request by the inspecting role to the upload bucket.
fn inspecting_policies(rendering: &Rendering) -> Policies {
    let role = rendering.properties("VerdictRole").expect("the role");
    let document = &role["Policies"][0]["PolicyDocument"];
    Policies {
        identity: vec![Policy::read(document).expect("the role's policy")],
        ..policies(rendering)
    }
}

#[test]
fn the_inspecting_role_only_reads_and_tags() {
    let rendering = render(&EVERYTHING);
    let policies = inspecting_policies(&rendering);
    let object = format!("arn:aws:s3:::{}/uploads/a", bucket(&rendering));
    let inspecting = |action: &str, resource: &str| by("verdictrole", request(action, resource.to_owned()));
    for action in ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObjectTagging"] {
        check(&policies, &inspecting(action, &object), &Decision::Allowed);
        let elsewhere = object.replace("/uploads/", "/elsewhere/");
        check(&policies, &inspecting(action, &elsewhere), &Decision::NotAllowed);
    }
    for action in [
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:PutObjectAcl",
        "s3:PutBucketPolicy",
    ] {
        let request = inspecting(action, &object).with("s3:if-none-match", "*");
        check(&policies, &request, &Decision::NotAllowed);
    }
}

#[test]
fn nobody_reads_a_forbidden_object() {
    let rendering = render(&[("InspectUploads", "true")]);
    let policies = administrator(&rendering);
    let read = on_object("s3:GetObject", &rendering);
    let tagged = |verdict: &str| read.clone().with("s3:ExistingObjectTag/slipway:verdict", verdict);
    check(&policies, &tagged("clean"), &Decision::Allowed);
    check(
        &policies,
        &tagged("forbidden"),
        &denied_by("DenyReadingWhatIsForbidden"),
    );
}
