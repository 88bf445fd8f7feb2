//! Any answer of S3: parsed or refused, and never mistaken for another.
#![no_main]

use engine::{parse_complete_result, parse_create_result, parse_error, parse_list_parts_result};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    if parse_complete_result(body).is_ok() {
        assert!(parse_error(200, body).is_none(), "an error is not a success");
        assert!(body.contains("CompleteMultipartUploadResult"));
    }
    if let Ok(upload_id) = parse_create_result(body) {
        assert!(!upload_id.is_empty());
    }
    if let Ok(page) = parse_list_parts_result(body) {
        assert!(page.next_part_number_marker.is_none() || body.contains("NextPartNumberMarker"));
    }
});
