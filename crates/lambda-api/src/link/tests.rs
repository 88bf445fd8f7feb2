use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_764_008_400;

fn secret(byte: u8) -> LinkSecret {
    LinkSecret::parse(&Base64::encode_string(&[byte; 32])).expect("a secret")
}

fn links() -> Links {
    Links::new(secret(7), BTreeSet::new())
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn link() -> Link {
    let request = LinkRequest {
        folder: "acme".to_owned(),
        expires_in: 3_600,
        types: vec!["image/*".to_owned()],
        ..LinkRequest::default()
    };
    new_link(request, Some("ada".to_owned()), [0; 10], time(NOW)).expect("a link")
}

/// A token of any header and claims, signed with the right secret.
fn signed(header: &str, claims: &str) -> String {
    let signed = [header, claims]
        .map(|json| Base64UrlUnpadded::encode_string(json.as_bytes()))
        .join(".");
    let signature = links().mac(&signed).finalize().into_bytes();
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature))
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn claims() -> Value {
    serde_json::to_value(link()).expect("JSON")
}

fn check_refused(token: &str) {
    assert!(links().read(token).is_none(), "{token:.200}");
}

#[test]
fn a_link_is_read_as_it_was_signed() {
    let token = links().sign(&link()).expect("a token");
    let grant = links().read(&token).expect("a link");
    assert_eq!(grant.link, link());
    assert_eq!(grant.types.patterns(), ["image/*"]);
    assert_eq!(grant.check(time(NOW)), Ok(()));
}

/// RFC 7515, appendix A.1: its key, its header with a line break, and its signature.
#[test]
fn a_signature_is_that_of_the_rfc() {
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = LinkSecret(Base64UrlUnpadded::decode_vec(key).expect("base64url"));
    let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                  eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = Links::new(secret, BTreeSet::new())
        .mac(signed)
        .finalize()
        .into_bytes();
    assert_eq!(
        Base64UrlUnpadded::encode_string(&signature),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
}

#[test]
fn no_header_chooses_the_algorithm() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","kid":"../../dev/null"}"#,
        r#"{"alg":"HS256","b64":false}"#,
        r#"["HS256","JWT"]"#,
        r#"{"typ":"JWT"}"#,
        "{}",
        "",
    ] {
        check_refused(&signed(header, &claims().to_string()));
    }
    assert!(
        links()
            .read(&signed(r#"{"typ":"jwt","alg":"HS256"}"#, &claims().to_string()))
            .is_some()
    );
}

#[test]
fn a_token_without_the_right_signature_is_refused() {
    let token = links().sign(&link()).expect("a token");
    let (signed_part, signature) = token.rsplit_once('.').expect("a signature");
    let none = Base64UrlUnpadded::encode_string(br#"{"alg":"none"}"#);
    let (header, claims) = signed_part.split_once('.').expect("claims");
    for token in [
        format!("{signed_part}."),
        signed_part.to_owned(),
        format!("{none}.{claims}."),
        format!("{header}.{claims}.{}", &signature[..42]),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}A"),
        format!("{header}.{claims}=.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{claims}.{}", Base64UrlUnpadded::encode_string(&[0; 32])),
        String::new(),
        "..".to_owned(),
        ".".repeat(4_096),
    ] {
        check_refused(&token);
    }
    for length in 0..token.len() {
        check_refused(&token[..length]);
    }
}

#[test]
fn a_link_of_another_deployment_is_refused() {
    let token = Links::new(secret(8), BTreeSet::new()).sign(&link());
    check_refused(&token.expect("a token"));
}

#[test]
fn no_bit_of_a_token_can_be_changed() {
    let token = links().sign(&link()).expect("a token");
    for index in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            check_refused(&String::from_utf8(bytes).expect("ASCII"));
        }
    }
}

#[test]
fn claims_that_are_not_a_link_are_refused() {
    let text = claims().to_string();
    let open = text.strip_suffix('}').expect("an object");
    for claims in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{text}]"),
        format!("{open},\"exp\":99999999999}}"),
        format!("{open},\"folder\":\"other\"}}"),
        format!("{open},\"sub\":\"ada\"}}"),
        format!("{open},\"deep\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000)),
        format!("{}{}", "{\"a\":".repeat(300), "}".repeat(300)),
        format!("{text} {text}"),
        format!("{open},\"maxBytes\":1e400}}"),
    ] {
        check_refused(&signed(HEADER, &claims));
    }
    for (name, value) in [
        ("jti", json!("1")),
        ("jti", json!(null)),
        ("exp", json!(-1)),
        ("exp", json!(1.5)),
        ("exp", json!("1764008400")),
        ("nbf", json!(null)),
        ("maxBytes", json!(-1)),
        ("maxFiles", json!(4_294_967_296_u64)),
        ("types", json!("image/*")),
        ("types", json!(["no type"])),
    ] {
        let mut claims = claims();
        claims[name] = value;
        check_refused(&signed(HEADER, &claims.to_string()));
    }
}

#[test]
fn a_token_of_more_than_4_kib_is_refused() {
    let note = |length: usize| Link {
        note: Some("n".repeat(length)),
        ..link()
    };
    let longest = (0..4_096)
        .rev()
        .find(|length| links().sign(&note(*length)).is_ok());
    let longest = longest.expect("a length");
    let token = links().sign(&note(longest)).expect("a token");
    assert!(links().read(&token).is_some());
    let error = links().sign(&note(longest + 1)).expect_err("too long");
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    let claims = serde_json::to_string(&note(longest + 2)).expect("JSON");
    check_refused(&signed(HEADER, &claims));
    check_refused(&signed(
        HEADER,
        &serde_json::to_string(&note(9_000_000)).expect("JSON"),
    ));
}

#[test]
fn a_link_is_valid_in_its_time_give_or_take_a_minute() {
    let grant = links()
        .read(&links().sign(&link()).expect("a token"))
        .expect("a link");
    for (now, expected) in [
        (0, Err(ErrorCode::LinkNotYetValid)),
        (NOW - 61, Err(ErrorCode::LinkNotYetValid)),
        (NOW - 60, Ok(())),
        (NOW + 3_600 + 59, Ok(())),
        (NOW + 3_600 + 60, Err(ErrorCode::LinkExpired)),
        (NOW + 1_000_000, Err(ErrorCode::LinkExpired)),
    ] {
        assert_eq!(
            grant.check(time(now)).map_err(|error| error.code),
            expected,
            "{now}"
        );
    }
}

#[test]
fn a_time_at_the_end_of_numbers_does_no_harm() {
    let last = Link {
        exp: u64::MAX,
        ..link()
    };
    let grant = links()
        .read(&links().sign(&last).expect("a token"))
        .expect("a link");
    assert_eq!(grant.check(time(NOW)), Ok(()));
}

#[test]
fn a_revoked_link_is_refused_and_no_other() {
    let revoked = parse_revoked(&format!(" {} ,", link().jti)).expect("ids");
    let links = Links::new(secret(7), revoked);
    let code = |link: &Link| {
        let grant = links.read(&links.sign(link).expect("a token")).expect("a link");
        grant.check(time(NOW)).map_err(|error| error.code)
    };
    assert_eq!(code(&link()), Err(ErrorCode::LinkRevoked));
    assert_eq!(
        code(&Link {
            jti: LinkId::new(1, [0; 10]),
            ..link()
        }),
        Ok(())
    );
    assert!(parse_revoked("acme").is_err());
}

#[test]
fn a_folder_is_one_plain_name() {
    for folder in [
        "acme",
        "anonymous",
        "Übergröße GmbH",
        "تقارير",
        "報告",
        "a..b",
        "links",
        "5f0c3a1e-9b7d",
    ] {
        let token = links().sign(&Link {
            folder: folder.to_owned(),
            ..link()
        });
        assert!(links().read(&token.expect("a token")).is_some(), "{folder}");
    }
    let long = "é".repeat(65);
    for folder in [
        "",
        ".",
        "..",
        "../acme",
        "a/b",
        "/a",
        "a/",
        "a\\b",
        "a\0",
        "a\n",
        ".a",
        "a.",
        " a",
        "a ",
        "C:",
        "a?",
        "a\u{202e}b",
        "a\u{200b}",
        &long,
    ] {
        let token = links().sign(&Link {
            folder: folder.to_owned(),
            ..link()
        });
        check_refused(&token.expect("a token"));
        let request = LinkRequest {
            folder: folder.to_owned(),
            expires_in: 1,
            ..LinkRequest::default()
        };
        let made = new_link(request, None, [0; 10], time(NOW));
        assert_eq!(made.expect_err(folder).code, ErrorCode::InvalidRequest);
    }
}

#[test]
fn a_request_beyond_the_limits_is_refused() {
    let good = LinkRequest {
        folder: "acme".to_owned(),
        expires_in: MAX_LINK_SECONDS,
        ..LinkRequest::default()
    };
    assert!(new_link(good.clone(), None, [0; 10], time(NOW)).is_ok());
    for bad in [
        LinkRequest {
            expires_in: 0,
            ..good.clone()
        },
        LinkRequest {
            expires_in: MAX_LINK_SECONDS + 1,
            ..good.clone()
        },
        LinkRequest {
            max_bytes: Some(0),
            ..good.clone()
        },
        LinkRequest {
            max_files: Some(0),
            ..good.clone()
        },
        LinkRequest {
            types: vec!["png".to_owned()],
            ..good.clone()
        },
        LinkRequest {
            types: vec!["image/png,text/plain".to_owned()],
            ..good.clone()
        },
        LinkRequest {
            types: vec![String::new()],
            ..good.clone()
        },
    ] {
        let made = new_link(bad.clone(), None, [0; 10], time(NOW)).map_err(|error| error.code);
        assert_eq!(made, Err(ErrorCode::InvalidRequest), "{bad:?}");
    }
}

#[test]
fn a_secret_is_32_to_64_bytes_and_not_shown() {
    for (bytes, is_accepted) in [
        (0, false),
        (31, false),
        (32, true),
        (33, true),
        (64, true),
        (65, false),
    ] {
        let parsed = LinkSecret::parse(&Base64::encode_string(&vec![1; bytes]));
        assert_eq!(parsed.is_ok(), is_accepted, "{bytes}");
    }
    // What Secrets Manager makes: 44 letters and digits.
    assert!(LinkSecret::parse("Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFy").is_ok());
    assert!(LinkSecret::parse("not base64!").is_err());
    assert_eq!(format!("{:?}", secret(7)), "LinkSecret");
}

fn request(authorization: Option<&str>) -> Request {
    let mut event = json!({
        "rawPath": "/link/sign",
        "requestContext": {"http": {"method": "POST"}},
        "headers": {},
    });
    if let Some(value) = authorization {
        event["headers"]["authorization"] = value.into();
    }
    Request::read(event.to_string().as_bytes(), "").expect("a request")
}

#[test]
fn a_request_has_its_link_as_a_bearer_token() {
    let token = links().sign(&link()).expect("a token");
    for header in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("Bearer  {token} "),
    ] {
        assert!(links().of(&request(Some(&header))).is_ok(), "{header}");
    }
    for header in [
        None,
        Some(String::new()),
        Some(token.clone()),
        Some(format!("Basic {token}")),
        Some(format!("Bearer{token}")),
        Some(format!("Bearer {token},Bearer {token}")),
    ] {
        let error = links().of(&request(header.as_deref())).expect_err("no link");
        assert_eq!(error.code, ErrorCode::InvalidLink, "{header:?}");
        assert!(!error.message.contains(&token));
    }
}

proptest! {
    #[test]
    fn any_text_is_refused(text in any::<String>()) {
        prop_assert!(links().read(&text).is_none());
    }

    #[test]
    fn any_signed_claims_are_a_link_or_refused(claims in any::<String>()) {
        prop_assert!(links().read(&signed(HEADER, &claims)).is_none());
    }

    #[test]
    fn a_link_s_folder_stays_one_segment(folder in r"[./\\ \x00-\x20a-zé\u{202e}]{0,12}") {
        if check_folder(&folder).is_ok() {
            prop_assert_eq!(check_key(&format!("uploads/{folder}/a")), Ok(()));
            prop_assert!(!folder.contains('/'));
        }
    }
}
