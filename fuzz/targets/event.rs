//! Any bytes in place of an event: there is a whole answer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|event: &[u8]| {
    fuzz::answer(event);
});
