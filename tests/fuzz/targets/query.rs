//! Any query of `GET /presign`: a URL inside the prefix, or a bad request.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    let (status, body) = fuzz::answer(&fuzz::event("GET", "/presign", query, ""));
    assert!(status == 200 || status == 400, "{status}");
    fuzz::check_urls(&body, fuzz::PREFIX);
});
