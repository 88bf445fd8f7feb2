//! What the page reads and writes, in a browser as it will be.

use std::time::Duration;

use messages::{ErrorKind, RowError, Settings, Totals};
use slipway::{
    config::{Config, ConfigError},
    format, i18n, text,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn speak_english() {
    i18n::set_locale("en", include_str!("../static/languages/en.json")).expect("words");
    i18n::add_texts(include_str!("../static/languages/later/en.json")).expect("words");
}

#[wasm_bindgen_test]
fn sizes_have_one_digit_where_it_says_something() {
    speak_english();
    for (bytes, expected) in [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (15_728_640, "15.7 MB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (104_857_600, "105 MB"),
        (50 * 1024 * 1024 * 1024, "53.7 GB"),
        (50_000_000_000_000_000, "50.0 PB"),
    ] {
        assert_eq!(format::size(bytes), expected, "{bytes}");
    }
}

#[wasm_bindgen_test]
fn no_time_is_left_only_at_the_end() {
    speak_english();
    assert_eq!(format::time_left(0), format::time_left(1));
    assert!(format::time_left(0).contains("1 sec"), "{}", format::time_left(0));
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
    speak_english();
    for (seconds, expected) in [
        (0, "0 sec"),
        (59, "59 sec"),
        (85, "1 min 20 sec"),
        (754, "12 min"),
        (7500, "2 hr 5 min"),
    ] {
        assert_eq!(format::time(seconds), expected);
    }
}

#[wasm_bindgen_test]
fn settings_need_an_address_and_the_rest_has_defaults() {
    let config = Config::parse(r#"{"apiUrl": "/api"}"#).expect("settings");
    assert_eq!(config.settings, Settings::default());
    let text =
        r#"{"apiUrl": "https://a/b", "parallelRequests": 2, "secondEndpoint": true, "stallSeconds": 5}"#;
    let settings = Config::parse(text).expect("settings").settings;
    assert_eq!(
        (
            settings.parallel_requests,
            settings.second_endpoint,
            settings.stall
        ),
        (2, true, Duration::from_secs(5))
    );
}

#[wasm_bindgen_test]
fn exactly_the_documented_settings_are_read() {
    let taken = [
        ("apiUrl", r#""/api""#),
        ("accept", r#""image/*""#),
        ("maxFileBytes", "5"),
        ("maxFiles", "5"),
        ("fields", r#"[{"name": "order", "label": "Order"}]"#),
        ("helpUrl", r#""/help""#),
        ("parallelRequests", "5"),
        ("secondEndpoint", "true"),
        ("maxAttempts", "5"),
        ("backoffMilliseconds", "5"),
        ("stallSeconds", "5"),
        ("verdicts", "true"),
        ("manifests", "true"),
        ("links", "true"),
        ("resume", "false"),
        ("signIn", "{}"),
    ];
    let document = include_str!("../docs/settings.md");
    let table = document.split("\n## ").nth(1).expect("the page's settings");
    let documented: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(documented, taken.map(|(name, _)| name));
    let least = Config::parse(r#"{"apiUrl": "/"}"#).expect("settings");
    for (name, value) in taken {
        let config = Config::parse(&format!(r#"{{"apiUrl": "/", "{name}": {value}}}"#)).expect(name);
        assert_ne!(config, least, "{name}");
    }
}

#[wasm_bindgen_test]
fn wrong_settings_are_named() {
    for (text, named) in [
        ("", "JSON"),
        ("[]", "apiUrl"),
        ("7", "JSON"),
        ("{}", "apiUrl"),
        (r#"{"apiUrl": "api.example.com"}"#, "apiUrl"),
        (r#"{"apiUrl": "/api", "paralelRequests": 2}"#, "paralelRequests"),
        (r#"{"apiUrl": "/api", "parallelRequests": 0}"#, "parallelRequests"),
        (r#"{"apiUrl": "/api", "secondEndpoint": 2}"#, "secondEndpoint"),
        (r#"{"apiUrl": "/api", "maxAttempts": -1}"#, "maxAttempts"),
        (r#"{"apiUrl": "/api", "maxAttempts": 1.5}"#, "maxAttempts"),
        (r#"{"apiUrl": "/api", "accept": 5}"#, "accept"),
        (r#"{"apiUrl": "/api", "maxFileBytes": "5 MB"}"#, "maxFileBytes"),
        (r#"{"apiUrl": "/api", "signIn": "https://issuer"}"#, "signIn"),
        (r#"{"apiUrl": "/api", "stallSeconds": 0}"#, "stallSeconds"),
    ] {
        let Err(ConfigError::Invalid(reason)) = Config::parse(text) else {
            panic!("{text} was taken");
        };
        assert!(reason.contains(named), "{text}: {reason}");
    }
}

#[wasm_bindgen_test]
fn an_error_names_the_limit_the_types_or_the_host() {
    speak_english();
    let error = |kind, max_bytes| RowError {
        kind,
        max_bytes,
        host: Some("bucket.example".to_owned()),
        allowed_types: vec!["image/*".to_owned()],
        details: String::new(),
    };
    for (kind, max_bytes, expected) in [
        (ErrorKind::FileTooLarge, Some(5_000_000), "is 5.0 MB"),
        (ErrorKind::TypeNotAllowed, None, "image/*"),
        (ErrorKind::RequestTooLarge, Some(10_000_000), "about 10.0 MB"),
        (ErrorKind::RequestTooLarge, None, "about 5.2 MB"),
        (ErrorKind::S3Blocked, None, "allow bucket.example"),
    ] {
        let advice = text::explain(&error(kind, max_bytes)).advice;
        assert!(advice.contains(expected), "{advice}");
    }
}

#[wasm_bindgen_test]
fn the_summary_counts_what_did_not_go_well_too() {
    speak_english();
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
            let settings = config.settings;
            taken += 1;
            assert!((1..=32).contains(&settings.parallel_requests), "{text}");
            assert!((1..=100).contains(&settings.max_attempts), "{text}");
            assert!(settings.stall >= Duration::from_secs(1), "{text}");
            assert!(!settings.backoff_base.is_zero(), "{text}");
        }
    }
    assert!(taken > 0, "some changes leave the settings valid");
}
