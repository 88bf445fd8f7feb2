//! New batches.

use wire::BatchId;

/// The id of a new batch. Its random bytes are the browser's own (W3C Web Cryptography API).
pub(crate) fn new() -> BatchId {
    let mut random = [0; 10];
    if let Ok(crypto) = browser::global().crypto() {
        // Only more than 65,536 bytes at once are refused.
        let _ = crypto.get_random_values_with_u8_array(&mut random);
    }
    BatchId::new(js_sys::Date::now() as u64, random)
}
