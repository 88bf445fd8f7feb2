//! What both the page and its worker need from a browser.
//!
//! A guard stands for everything that continues by itself: dropping the guard ends it.
//! [`Listener`] and [`Timer`] do not use gloo-events and gloo-timers, which would make each module some 340 bytes
//! larger (compressed); gloo's listeners also ignore `prevent_default` unless an option allows it.

mod global;
mod listener;
mod port;
mod timer;

/// The `BroadcastChannel` on which the worker says that nothing is kept any more of a user who signs out. The sign-in, a
/// module of its own, waits for that before it leaves the page.
pub const SIGNED_OUT_CHANNEL: &str = "slipway.signed-out";

pub use global::global;
pub use listener::Listener;
pub use port::Port;
pub use timer::Timer;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
