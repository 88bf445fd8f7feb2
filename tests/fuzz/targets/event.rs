//! Any bytes in place of an event: the answer is well formed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|event: &[u8]| {
    fuzz::answer(event);
});
