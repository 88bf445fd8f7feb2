//! Upload links: `POST /links`, and `/link`, `/link/uploads`, `/link/sign` and `/link/manifests` for who has one.

use std::time::{Duration, UNIX_EPOCH};

use lambda_api::{LinkSecret, Links, new_link};
use serde_json::{Value, json};
use wire::{ErrorCode::*, Link, LinkRequest, LinkResponse, ManifestResponse};

use crate::support::{self, LINK_SECRET, NOW, Stage, by_link, event};

const JTI: &str = "019ab700-0000-7000-8000-000000000000";
const FOLDER: &str = "uploads/links/acme/019ab700-0000-7000-8000-000000000000";
const BATCH: &str = "019ab718-1480-7000-8000-000000000000";
const SHA256: &str = "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";

/// The id of the links that [`token`] makes.
const NEW_JTI: &str = "019ab718-1480-7101-8101-010101010101";

/// A link for the folder `acme`, changed, as a token of this secret.
fn token(secret: &str, change: impl FnOnce(&mut Link)) -> String {
    let request = LinkRequest {
        folder: "acme".to_owned(),
        expires_in: 600,
        ..LinkRequest::default()
    };
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let mut link = new_link(request, None, [1; 10], now).expect("a link");
    change(&mut link);
    let secret = LinkSecret::parse(secret).expect("a secret");
    let links = Links::new(secret, Default::default());
    links.sign(&link).expect("a token")
}

/// A recorded request with another link and another body.
fn with_link(name: &str, token: &str, body: &Value) -> Value {
    let mut event = by_link(name);
    event["headers"]["authorization"] = format!("Bearer {token}").into();
    event["body"] = body.to_string().into();
    event
}

fn file(changes: &[(&str, Value)]) -> Value {
    let mut file = json!({"id": "1", "name": "a.jpg", "size": 1, "type": "image/jpeg", "sha256": SHA256});
    for (name, value) in changes {
        file[name] = value.clone();
    }
    file
}

fn sign_body(key: &str) -> Value {
    json!({"key": key, "uploadId": "u", "operations": [{"operation": "AbortMultipartUpload"}]})
}

#[test]
fn a_file_goes_into_the_folder_of_its_link() {
    let answer = support::json(&Stage::with_links(&[]).send(&event("post_link_uploads")));
    assert_eq!(answer["files"][0]["key"], format!("{FOLDER}/{BATCH}/photo.jpg"));
    let without_prefix = Stage::with_links(&[("KEY_PREFIX", "")]);
    let answer = support::json(&without_prefix.send(&event("post_link_uploads")));
    assert_eq!(
        answer["files"][0]["key"],
        format!("links/acme/{JTI}/{BATCH}/photo.jpg")
    );
}

#[test]
fn a_manifest_lies_in_the_folder_of_its_link() {
    let response = Stage::with_links(&[]).send(&by_link("post_manifests"));
    let answer: ManifestResponse = serde_json::from_str(response.body()).expect("an answer");
    assert_eq!(answer.key, format!("{FOLDER}/{BATCH}.slipway-manifest.json"));
}

#[test]
fn a_link_reaches_no_key_outside_its_folder() {
    let recorded = |key: &str| {
        let mut event = by_link("post_sign");
        event["body"] = sign_body(key).to_string().into();
        event
    };
    let stage = Stage::with_links(&[]);
    assert_eq!(
        stage.send(&recorded(&format!("{FOLDER}/{BATCH}/a"))).status(),
        200
    );
    for key in [
        format!("uploads/anonymous/{BATCH}/a"),
        format!("uploads/acme/{JTI}/{BATCH}/a"),
        format!("uploads/links/{BATCH}/a"),
        format!("uploads/links/acme/{BATCH}/a"),
        format!("uploads/links/acme2/{JTI}/{BATCH}/a"),
        format!("uploads/links/acme/019ab700-0000-7000-8000-000000000001/{BATCH}/a"),
        FOLDER.to_owned(),
        format!("{FOLDER}2/a"),
        format!("links/acme/{JTI}/{BATCH}/a"),
    ] {
        Stage::with_links(&[]).refuses(&recorded(&key), Forbidden);
    }
    for key in [
        format!("{FOLDER}/../a"),
        format!("{FOLDER}/{BATCH}.slipway-manifest.json"),
    ] {
        Stage::with_links(&[]).refuses(&recorded(&key), InvalidKey);
    }
}

#[test]
fn no_name_leads_out_of_the_folder_of_a_link() {
    let stage = Stage::with_links(&[]);
    for name in [
        "../../../a.jpg",
        "/uploads/a.jpg",
        "..",
        r"..\..\a.jpg",
        "links/../a.jpg",
        "a/./../b.jpg",
    ] {
        let body = json!({"batch": BATCH, "files": [file(&[("name", name.into())])]});
        let mut event = by_link("post_uploads");
        event["body"] = body.to_string().into();
        let answer = support::json(&stage.send(&event));
        let key = answer["files"][0]["key"].as_str().expect("a key");
        assert!(key.starts_with(&format!("{FOLDER}/{BATCH}/")), "{key}");
    }
}

#[test]
fn nobody_else_reaches_the_folder_of_a_link() {
    let key = format!("{FOLDER}/{BATCH}/a");
    let mut signed_in = event("post_sign");
    signed_in["body"] = sign_body(&key).to_string().into();
    Stage::with_links(&[]).refuses(&signed_in, Forbidden);
    signed_in["requestContext"]["authorizer"] = json!({"jwt": {"claims": {"sub": "links"}}});
    Stage::with_links(&[]).refuses(&signed_in, Forbidden);
    for query in ["key=links/acme/a", "key=uploads/links/acme/a"] {
        Stage::with_links(&[]).refuses(&support::presign_event(query), Forbidden);
    }
    assert_eq!(
        Stage::with_links(&[])
            .send(&support::presign_event("key=linksa"))
            .status(),
        200
    );
}

#[test]
fn the_stricter_limit_holds() {
    for (deployment, link, size, expected) in [
        ("10", Some(20), 10, Ok(())),
        ("10", Some(20), 11, Err(10)),
        ("20", Some(10), 10, Ok(())),
        ("20", Some(10), 11, Err(10)),
        ("20", None, 20, Ok(())),
        ("20", None, 21, Err(20)),
    ] {
        let token = token(LINK_SECRET.1, |claims| claims.max_bytes = link);
        let body = json!({"files": [file(&[("size", size.into())])]});
        let stage = Stage::with_links(&[("MAX_UPLOAD_BYTES", deployment)]);
        let response = stage.send(&with_link("post_uploads", &token, &body));
        let found = match response.status().as_u16() {
            200 => Ok(()),
            _ => Err(support::json(&response)["error"]["maxBytes"]
                .as_u64()
                .expect("a limit")),
        };
        assert_eq!(found, expected, "{size} of {deployment} and {link:?}");
    }
}

#[test]
fn the_limit_of_a_link_bounds_what_is_completed() {
    let token = token(LINK_SECRET.1, |claims| claims.max_bytes = Some(10));
    for (size, status) in [(10, 200), (11, 413)] {
        let key = format!("uploads/links/acme/{NEW_JTI}/{BATCH}/a");
        let operations = json!([{"operation": "CompleteMultipartUpload", "size": size}]);
        let body = json!({"key": key, "uploadId": "u", "operations": operations});
        let response = Stage::with_links(&[]).send(&with_link("post_sign", &token, &body));
        assert_eq!(response.status(), status, "{}", response.body());
    }
}

#[test]
fn who_has_a_link_reads_what_it_allows() {
    let response = Stage::with_links(&[]).send(&event("get_link"));
    let expected = json!({
        "serverTime": NOW, "expiresAt": 1_764_600_000, "maxBytes": 20_000_000, "maxFiles": 3,
        "types": ["image/*", "video/mp4"], "title": "Photos of the site", "note": "Until Friday, please.",
    });
    assert_eq!(support::json(&response), expected);
    let limits = [("MAX_UPLOAD_BYTES", "5"), ("ALLOWED_TYPES", "image/png")];
    let terms = support::json(&Stage::with_links(&limits).send(&event("get_link")));
    assert_eq!(
        (&terms["maxBytes"], &terms["types"]),
        (&json!(5), &json!(["image/png"]))
    );
}

#[test]
fn a_link_without_limits_has_those_of_the_deployment() {
    let mut opened = event("get_link");
    opened["headers"]["authorization"] = format!("Bearer {}", token(LINK_SECRET.1, |_| ())).into();
    let terms = support::json(&Stage::with_links(&[]).send(&opened));
    let expected = json!({
        "serverTime": NOW, "expiresAt": NOW + 600, "maxBytes": 5_368_709_120_u64, "maxFiles": 100, "types": [],
    });
    assert_eq!(terms, expected);
}

#[test]
fn opening_a_link_is_recorded_without_its_token() {
    let stage = Stage::with_links(&[]);
    stage.send(&event("get_link"));
    let line = &stage.log_lines()[0];
    assert_eq!(
        (&line["message"], &line["link"], &line["principal"]),
        (&json!("link opened"), &json!(JTI), &Value::Null)
    );
    assert_eq!(stage.metrics()[0]["LinksOpened"], 1);
    assert!(!stage.log().contains("eyJ"));
}

fn check_type(deployment: &str, link: &[&str], media_type: &str, expected: Result<(), &[&str]>) {
    let token = token(LINK_SECRET.1, |claims| {
        claims.types = link.iter().map(|pattern| (*pattern).to_owned()).collect();
    });
    let body = json!({"files": [file(&[("type", media_type.into()), ("name", "a".into())])]});
    let stage = Stage::with_links(&[("ALLOWED_TYPES", deployment)]);
    let response = stage.send(&with_link("post_uploads", &token, &body));
    match expected {
        Ok(()) => assert_eq!(response.status(), 200, "{deployment} {link:?} {media_type}"),
        Err(types) => {
            assert_eq!(response.status(), 415, "{deployment} {link:?} {media_type}");
            assert_eq!(support::json(&response)["error"]["allowedTypes"], json!(types));
        }
    }
}

#[test]
fn a_type_is_accepted_by_deployment_and_link() {
    check_type("", &["image/*"], "image/png", Ok(()));
    check_type("", &["image/*"], "text/plain", Err(&["image/*"]));
    check_type("image/*", &[], "image/png", Ok(()));
    check_type("image/*", &[], "text/plain", Err(&["image/*"]));
    check_type("image/*, text/plain", &["image/png"], "image/png", Ok(()));
    check_type(
        "image/*, text/plain",
        &["image/png"],
        "text/plain",
        Err(&["image/png"]),
    );
    check_type(
        "image/*",
        &["image/png", "text/plain"],
        "text/plain",
        Err(&["image/*"]),
    );
    check_type("image/*", &["*/*"], "image/png", Ok(()));
}

#[test]
fn no_more_files_at_once_than_the_link_allows() {
    let token = token(LINK_SECRET.1, |claims| claims.max_files = Some(2));
    let files = |count: usize| json!({"files": vec![file(&[]); count]});
    let stage = Stage::with_links(&[]);
    assert_eq!(
        stage.send(&with_link("post_uploads", &token, &files(2))).status(),
        200
    );
    Stage::with_links(&[]).refuses(&with_link("post_uploads", &token, &files(3)), InvalidBatchSize);
}

#[test]
fn a_link_that_is_not_valid_opens_nothing() {
    let other_secret = "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let expired = token(LINK_SECRET.1, |claims| claims.exp = NOW - 60);
    let early = token(LINK_SECRET.1, |claims| claims.nbf = NOW + 61);
    let foreign = token(other_secret, |_| ());
    let climbing = token(LINK_SECRET.1, |claims| claims.folder = "..".to_owned());
    let sign_in = event("post_uploads_signed_in")["headers"]["authorization"].clone();
    let sign_in = sign_in.as_str().and_then(|header| header.strip_prefix("Bearer "));
    for name in ["get_link", "post_uploads", "post_sign", "post_manifests"] {
        let body = json!({});
        for (token, code) in [
            (expired.as_str(), LinkExpired),
            (&early, LinkNotYetValid),
            (&foreign, InvalidLink),
            (&climbing, InvalidLink),
            (sign_in.expect("a token"), InvalidLink),
            ("", InvalidLink),
        ] {
            Stage::with_links(&[]).refuses(&with_link(name, token, &body), code);
        }
        let revoked = Stage::with_links(&[("REVOKED_LINKS", JTI)]);
        revoked.refuses(&by_link(name), LinkRevoked);
        Stage::new(&[]).refuses(&by_link(name), NotFound);
        let mut without = by_link(name);
        without["headers"]
            .as_object_mut()
            .expect("headers")
            .remove("authorization");
        Stage::with_links(&[]).refuses(&without, InvalidLink);
        // Nor does a sign-in that an authorizer accepted.
        without["requestContext"]["authorizer"] = json!({"jwt": {"claims": {"sub": "ada"}}});
        Stage::with_links(&[]).refuses(&without, InvalidLink);
    }
}

#[test]
fn a_link_is_no_sign_in() {
    let mut uploads = event("post_link_uploads");
    uploads["rawPath"] = "/uploads".into();
    Stage::with_links(&[("LINKS_ONLY", "true")]).refuses(&uploads, NotSignedIn);
    let mut links = event("post_links");
    links["headers"]["authorization"] = uploads["headers"]["authorization"].clone();
    links["requestContext"]
        .as_object_mut()
        .expect("an object")
        .remove("authorizer");
    Stage::with_links(&[]).refuses(&links, NotSignedIn);
}

#[test]
fn with_links_only_nobody_else_uploads_unless_signed_in() {
    let only = || Stage::with_links(&[("LINKS_ONLY", "true")]);
    for name in ["get_presign", "post_uploads", "post_sign", "post_manifests"] {
        only().refuses(&event(name), NotSignedIn);
    }
    assert_eq!(only().send(&event("post_link_uploads")).status(), 200);
    assert_eq!(only().send(&event("post_uploads_signed_in")).status(), 200);
}

#[test]
fn who_may_make_a_link_gets_one_that_works() {
    for makers in ["*", "sales", "guests, staff"] {
        let stage = Stage::with_links(&[("LINK_MAKERS", makers)]);
        let response = stage.send(&event("post_links"));
        let made: LinkResponse = serde_json::from_str(response.body()).expect("a link");
        assert_eq!((made.link.nbf, made.link.exp), (NOW, NOW + 604_800));
        assert_eq!(
            made.link.by.as_deref(),
            Some("5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b")
        );
        let body = json!({"files": [file(&[])]});
        let answer = support::json(&stage.send(&with_link("post_uploads", &made.token, &body)));
        let key = answer["files"][0]["key"].as_str().expect("a key").to_owned();
        assert!(
            key.starts_with(&format!("uploads/links/acme/{}/", made.link.jti)),
            "{key}"
        );
    }
}

#[test]
fn nobody_else_makes_a_link() {
    for makers in ["", "guests", "Sales"] {
        let stage = Stage::new(&[LINK_SECRET, ("LINK_MAKERS", makers)]);
        stage.refuses(&event("post_links"), Forbidden);
    }
    let mut anonymous = event("post_links");
    anonymous["requestContext"]
        .as_object_mut()
        .expect("an object")
        .remove("authorizer");
    Stage::with_links(&[]).refuses(&anonymous, NotSignedIn);
    Stage::new(&[("LINK_MAKERS", "*")]).refuses(&event("post_links"), NotFound);
}

#[test]
fn a_link_that_cannot_be_is_not_made() {
    for (name, value) in [
        ("folder", json!("../acme")),
        ("folder", json!("a/b")),
        ("folder", json!("")),
        ("expiresIn", json!(0)),
        ("expiresIn", json!(366 * 86_400 + 1)),
        ("types", json!(["png"])),
        ("maxBytes", json!(0)),
        ("note", json!("n".repeat(4_000))),
        ("jti", json!(JTI)),
        ("by", json!("somebody else")),
    ] {
        let mut body = json!({"folder": "acme", "expiresIn": 60});
        body[name] = value;
        let event = support::with_body("post_links", &body.to_string());
        Stage::with_links(&[]).refuses(&event, InvalidRequest);
    }
}

#[test]
fn audit_and_metrics_name_the_link() {
    let stage = Stage::with_links(&[]);
    stage.send(&event("post_link_uploads"));
    let line = &stage.log_lines()[0];
    assert_eq!(
        (&line["message"], &line["link"], &line["principal"]),
        (&json!("issued"), &json!(JTI), &Value::Null)
    );
    assert_eq!(stage.metrics()[0]["Link"], JTI);
    assert_eq!(
        stage.metrics()[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
        json!([["FunctionName"]])
    );
    let revoked = Stage::with_links(&[("REVOKED_LINKS", JTI)]);
    revoked.send(&event("post_link_uploads"));
    let line = &revoked.log_lines()[0];
    assert_eq!(
        (&line["code"], &line["link"]),
        (&json!("LinkRevoked"), &json!(JTI))
    );
}

#[test]
fn a_link_that_was_made_is_recorded_without_its_token() {
    let stage = Stage::with_links(&[]);
    let made: LinkResponse = serde_json::from_str(stage.send(&event("post_links")).body()).expect("a link");
    assert_eq!(
        stage.log_lines(),
        [json!({
            "level": "INFO",
            "message": "link made",
            "time": "2025-11-24T18:20:00Z",
            "request_id": "UeX9jhN2liAEPaQ=",
            "principal": "5f0c3a1e-9b7d-4c55-8f5e-1c2d3e4f5a6b",
            "source_ip": "203.0.113.57",
            "visitor_ip": "203.0.113.57",
            "link": made.link.jti.to_string(),
            "folder": "acme",
            "expires_at": NOW + 604_800,
        })]
    );
    assert_eq!(stage.metrics()[0]["LinksMade"], 1);
    stage.send(&event("post_link_uploads"));
    for part in made.token.split('.').chain(["eyJ", LINK_SECRET.1]) {
        assert!(!stage.log().contains(part), "{part} is in the log");
    }
}
