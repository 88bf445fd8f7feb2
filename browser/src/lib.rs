//! What the page and its worker both ask of a browser.
//!
//! A guard stands for each thing that goes on by itself: dropping it ends it.

mod global;
mod listener;
mod port;
mod timer;

pub use global::global;
pub use listener::Listener;
pub use port::Port;
pub use timer::Timer;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
