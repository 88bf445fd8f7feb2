//! The signature against the example that AWS documents, and against `rusty-s3`, which signs the same
//! requests by other code.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lambda_api::key::check_key;
use proptest::{collection::btree_map, option, prelude::*};
use rusty_s3::{Bucket, S3Action, UrlStyle, actions::PutObject};

use super::*;

const EXAMPLE_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const EXAMPLE_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn credentials(token: Option<String>) -> Credentials {
    Credentials::new(EXAMPLE_KEY_ID, EXAMPLE_SECRET, token, None, "test")
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", example.
#[test]
fn the_documented_example_has_the_documented_signature() {
    let request = UnsignedRequest {
        method: HttpMethod::Get,
        url: "https://examplebucket.s3.amazonaws.com/test.txt".to_owned(),
        query: &[],
        headers: &BTreeMap::new(),
    };
    let signer = Signer {
        credentials: &credentials(None),
        region: "us-east-1",
        now: at(1_369_353_600),
        expires_in: Duration::from_secs(86_400),
    };
    let signed = presign(&request, &signer).expect("a signed request");
    let expected = "https://examplebucket.s3.amazonaws.com/test.txt\
        ?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
        &X-Amz-Date=20130524T000000Z\
        &X-Amz-Expires=86400\
        &X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert_eq!(signed.url, expected);
    assert_eq!(signed.expires_at, 1_369_440_000);
}

#[test]
fn the_client_gets_every_signed_header_but_the_length() {
    let headers = BTreeMap::from([
        ("content-length".to_owned(), "5".to_owned()),
        ("content-type".to_owned(), "a/b".to_owned()),
    ]);
    let request = UnsignedRequest {
        method: HttpMethod::Put,
        url: "http://127.0.0.1:9000/b/k".to_owned(),
        query: &[],
        headers: &headers,
    };
    let signer = Signer {
        credentials: &credentials(None),
        region: "us-east-1",
        now: at(0),
        expires_in: Duration::from_secs(1),
    };
    let signed = presign(&request, &signer).expect("a signed request");
    assert!(
        signed
            .url
            .contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost")
    );
    assert_eq!(
        signed.headers,
        BTreeMap::from([("content-type".to_owned(), "a/b".to_owned())])
    );
}

#[test]
fn without_credentials_nothing_is_signed() {
    let request = UnsignedRequest {
        method: HttpMethod::Put,
        url: "http://127.0.0.1:9000/b/k".to_owned(),
        query: &[],
        headers: &BTreeMap::new(),
    };
    for (key_id, secret) in [("", "s"), ("k", "")] {
        let signer = Signer {
            credentials: &Credentials::new(key_id, secret, None, None, "test"),
            region: "us-east-1",
            now: at(0),
            expires_in: Duration::from_secs(1),
        };
        assert!(matches!(
            presign(&request, &signer),
            Err(PresignError::NoCredentials)
        ));
    }
}

/// What both signers sign.
#[derive(Clone, Debug)]
struct Case {
    endpoint: String,
    virtual_host: bool,
    region: String,
    key: String,
    query: BTreeMap<&'static str, String>,
    headers: BTreeMap<String, String>,
    token: Option<String>,
    now: u64,
    expires_in: u64,
}

fn key() -> impl Strategy<Value = String> {
    let odd = "[a-zA-Z0-9 +%#?&=~*'()!:;,@$éñ/تقرير報告👩🚀\u{200d}]{1,60}";
    prop_oneof![odd, any::<String>()].prop_filter("a key that the rules allow", |key| check_key(key).is_ok())
}

fn query() -> impl Strategy<Value = BTreeMap<&'static str, String>> {
    let name = prop_oneof![
        Just("If-None-Match"),
        Just("partNumber"),
        Just("uploadId"),
        Just("uploads")
    ];
    btree_map(name, "[ -~é]{0,20}", 0..4)
}

fn headers() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = prop_oneof![
        Just("content-disposition"),
        Just("content-length"),
        Just("content-type"),
        Just("if-none-match"),
        Just("x-amz-checksum-sha256"),
        Just("x-amz-meta-filename"),
    ];
    btree_map(
        name.prop_map(str::to_owned),
        "[!-~]{1,12}( [!-~]{1,12}){0,2}",
        0..6,
    )
}

prop_compose! {
    fn case()(
        (endpoint, virtual_host) in prop_oneof![
            Just(("https://s3.eu-west-1.amazonaws.com".to_owned(), true)),
            Just(("https://s3.eu-west-1.amazonaws.com:443".to_owned(), false)),
            (1_u16..).prop_map(|port| (format!("http://127.0.0.1:{port}"), false)),
        ],
        region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
        key in key(),
        query in query(),
        headers in headers(),
        token in option::of("[A-Za-z0-9+/]{1,300}={0,2}"),
        now in 0_u64..=253_402_300_799,
        expires_in in 1_u64..=604_800,
    ) -> Case {
        Case { endpoint, virtual_host, region, key, query, headers, token, now, expires_in }
    }
}

fn sign_with_rusty_s3(case: &Case) -> String {
    let style = if case.virtual_host {
        UrlStyle::VirtualHost
    } else {
        UrlStyle::Path
    };
    let endpoint = case.endpoint.parse().expect("a URL");
    let bucket = Bucket::new(endpoint, style, "photos".to_owned(), case.region.clone()).expect("a bucket");
    let credentials = match &case.token {
        Some(token) => rusty_s3::Credentials::new_with_token(EXAMPLE_KEY_ID, EXAMPLE_SECRET, token),
        None => rusty_s3::Credentials::new(EXAMPLE_KEY_ID, EXAMPLE_SECRET),
    };
    let mut action = PutObject::new(&bucket, Some(&credentials), &case.key);
    for (name, value) in &case.query {
        action.query_mut().insert(*name, value);
    }
    for (name, value) in &case.headers {
        action.headers_mut().insert(name, value);
    }
    let now = Timestamp::from_second(i64::try_from(case.now).expect("a time")).expect("a time");
    action
        .sign_with_time(Duration::from_secs(case.expires_in), &now)
        .to_string()
}

fn sign_here(case: &Case) -> String {
    let endpoint = case.endpoint.trim_end_matches(":443");
    let bucket = if case.virtual_host {
        lambda_api::Bucket::new("photos", "eu-west-1", None, None)
    } else {
        lambda_api::Bucket::new("photos", &case.region, Some(endpoint), None)
    };
    let query: Vec<_> = case
        .query
        .iter()
        .map(|(name, value)| (*name, value.clone()))
        .collect();
    let request = UnsignedRequest {
        method: HttpMethod::Put,
        url: bucket.object_url(&case.key),
        query: &query,
        headers: &case.headers,
    };
    let signer = Signer {
        credentials: &credentials(case.token.clone()),
        region: &case.region,
        now: at(case.now),
        expires_in: Duration::from_secs(case.expires_in),
    };
    presign(&request, &signer).expect("a signed request").url
}

/// A URL's part before the query, and its query's pairs in any order: the order is not part of the
/// signature.
fn parts(url: &str) -> (&str, BTreeSet<&str>) {
    let (base, query) = url.split_once('?').expect("a query");
    (base, query.split('&').collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rusty_s3_makes_the_same_url(case in case()) {
        let (here, other) = (sign_here(&case), sign_with_rusty_s3(&case));
        prop_assert_eq!(parts(&here), parts(&other));
    }
}
