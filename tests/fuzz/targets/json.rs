//! Any body of the three POST routes: URLs in the caller's own folder, or a refusal.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    for path in ["/uploads", "/sign", "/manifests"] {
        let (_, answer) = fuzz::answer(&fuzz::event("POST", path, "", body));
        fuzz::check_urls(&answer, fuzz::OWN_FOLDER);
    }
});
