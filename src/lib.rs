//! The upload page: a Leptos single-page app that shows what a Web Worker uploads.
//!
//! `ui` shows and asks, `uploads` talks to the worker, `effects` does what browsers can do. The worker
//! (the crate `worker`) has the engine, the files and every request.

#![allow(
    unreachable_pub,
    reason = "leptos' component macro writes public items into private modules"
)]

pub mod acceptance;
mod app;
mod component;
pub mod config;
mod effects;
pub mod format;
pub mod language;
pub mod text;
mod ui;
mod uploads;

pub use app::{Options, app, load, load_words, mount};
pub use component::Upload;
pub use messages::{Ended, Outcome};
pub use uploads::{Heard, Hears, Uploads};

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
