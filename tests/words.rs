//! What the page reads and writes, in a browser as it will be.

use std::time::Duration;

use engine::{ErrorKind, Totals, UploadError};
use slipway::{
    config::{Config, ConfigError},
    format, text,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use wire::{ApiError, ErrorCode};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn sizes_have_one_digit_where_it_says_something() {
    for (bytes, expected) in [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (15_728_640, "15.7 MB"),
        (999_949, "1000 kB"),
        (999_950, "1.0 MB"),
        (104_857_600, "105 MB"),
        (50 * 1024 * 1024 * 1024, "53.7 GB"),
        (u64::MAX, "18.4 EB"),
    ] {
        assert_eq!(format::size(bytes), expected, "{bytes}");
    }
}

#[wasm_bindgen_test]
fn a_hundred_percent_is_only_the_whole() {
    for (done, whole, expected) in [
        (0, 0, 100),
        (0, 1, 0),
        (999, 1000, 99),
        (1000, 1000, 100),
        (u64::MAX - 1, u64::MAX, 99),
    ] {
        assert_eq!(format::percent(done, whole), expected, "{done} of {whole}");
    }
}

#[wasm_bindgen_test]
fn the_time_left_is_no_more_exact_than_an_estimate() {
    for (seconds, expected) in [
        (0, "0 s"),
        (59, "59 s"),
        (85, "1 min 20 s"),
        (754, "12 min"),
        (7500, "2 h 5 min"),
    ] {
        assert_eq!(format::time_left(Duration::from_secs(seconds)), expected);
    }
}

/// Reads settings with this `signIn`; gives what is wrong with it.
fn check_sign_in(sign_in: &str, expected: Result<(), &str>) {
    let parsed = Config::parse(&format!(r#"{{"apiUrl": "/api", "signIn": {sign_in}}}"#));
    match (parsed, expected) {
        (Ok(config), Ok(())) => assert!(config.sign_in.is_some(), "{sign_in}"),
        (Err(ConfigError::Invalid(reason)), Err(part)) => {
            assert!(reason.contains(part), "{sign_in}: {reason}")
        }
        (parsed, _) => panic!("{sign_in}: {parsed:?}"),
    }
}

#[wasm_bindgen_test]
fn a_sign_in_needs_an_issuer_that_is_as_safe_as_the_page() {
    check_sign_in(
        r#"{"issuer": "https://issuer.example", "clientId": "page"}"#,
        Ok(()),
    );
    check_sign_in(
        r#"{"issuer": "http://127.0.0.1:9002", "clientId": "page"}"#,
        Ok(()),
    );
    check_sign_in(
        r#"{"issuer": "https://a", "clientId": "b", "scopes": ["openid", "upload"], "audience": "c"}"#,
        Ok(()),
    );
    check_sign_in(
        r#"{"issuer": "http://issuer.example", "clientId": "page"}"#,
        Err("https://"),
    );
    check_sign_in(
        r#"{"issuer": "http://localhost.example", "clientId": "page"}"#,
        Err("https://"),
    );
    check_sign_in(r#"{"issuer": "https://a", "clientId": ""}"#, Err("clientId"));
    check_sign_in(r#"{"issuer": "https://a"}"#, Err("clientId"));
    check_sign_in(
        r#"{"issuer": "https://a", "clientId": "b", "scopes": ["email"]}"#,
        Err("openid"),
    );
    check_sign_in(
        r#"{"issuer": "https://a", "clientId": "b", "secret": "c"}"#,
        Err("secret"),
    );
}

#[wasm_bindgen_test]
fn settings_need_an_address_and_the_rest_has_defaults() {
    let config = Config::parse(r#"{"apiUrl": "/api"}"#).expect("settings");
    assert_eq!(config.engine_settings(), engine::Settings::default());
    let config = Config::parse(r#"{"apiUrl": "https://a/b", "parallelRequests": 2, "stallSeconds": 5}"#)
        .expect("settings")
        .engine_settings();
    assert_eq!(
        (config.parallel_requests, config.stall),
        (2, Duration::from_secs(5))
    );
}

#[wasm_bindgen_test]
fn wrong_settings_are_named() {
    for (text, named) in [
        ("", "EOF"),
        ("{}", "apiUrl"),
        (r#"{"apiUrl": "api.example.com"}"#, "apiUrl"),
        (r#"{"apiUrl": "/api", "paralelRequests": 2}"#, "paralelRequests"),
        (r#"{"apiUrl": "/api", "parallelRequests": 0}"#, "parallelRequests"),
        (r#"{"apiUrl": "/api", "maxAttempts": -1}"#, "-1"),
        (r#"{"apiUrl": "/api", "stallSeconds": 0}"#, "stallSeconds"),
    ] {
        let Err(ConfigError::Invalid(reason)) = Config::parse(text) else {
            panic!("{text} was taken");
        };
        assert!(reason.contains(named), "{text}: {reason}");
    }
}

#[wasm_bindgen_test]
fn an_error_with_a_limit_says_the_limit() {
    let mut api = ApiError::new(ErrorCode::FileTooLarge, "too large");
    api.max_bytes = Some(5_000_000);
    let error = UploadError {
        kind: ErrorKind::FileTooLarge,
        s3: None,
        api: Some(api),
    };
    assert!(text::error(&error).advice.contains("5.0 MB"));
    assert_eq!(text::error_details(&error), "FileTooLarge · too large");
}

#[wasm_bindgen_test]
fn the_summary_counts_what_did_not_go_well_too() {
    let totals = Totals {
        files: 5,
        stored: 2,
        failed: 1,
        cancelled: 1,
        ..Totals::default()
    };
    assert_eq!(
        text::summary(&totals),
        "2 of 5 files uploaded, 1 failed, 1 cancelled"
    );
}

#[wasm_bindgen_test]
fn no_text_makes_settings_that_the_engine_could_not_work_with() {
    const VALID: &str = r#"{"apiUrl": "/api", "parallelRequests": 6, "maxAttempts": 8, "backoffMilliseconds": 1000, "stallSeconds": 30}"#;
    const PIECES: [&str; 12] = [
        "0",
        "-1",
        "1e9",
        "4294967296",
        "null",
        "\"",
        "{",
        "}",
        ":",
        ",",
        "\u{202e}",
        "\\u0000",
    ];
    let mut random = fastrand::Rng::with_seed(1);
    let mut taken = 0;
    for _ in 0..5_000 {
        let mut text: Vec<char> = VALID.chars().collect();
        for _ in 0..random.usize(1..4) {
            let begin = random.usize(0..text.len());
            let end = (begin + random.usize(0..6)).min(text.len());
            let piece = PIECES[random.usize(0..PIECES.len())];
            text.splice(begin..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(config) = Config::parse(&text) {
            let settings = config.engine_settings();
            taken += 1;
            assert!((1..=32).contains(&settings.parallel_requests), "{text}");
            assert!((1..=100).contains(&settings.max_attempts), "{text}");
            assert!(settings.stall >= Duration::from_secs(1), "{text}");
            assert!(!settings.backoff_base.is_zero(), "{text}");
        }
    }
    assert!(taken > 0, "some changes leave the settings valid");
}
