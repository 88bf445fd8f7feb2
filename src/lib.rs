//! The upload page: a Leptos single-page app that shows what a Web Worker uploads.
//!
//! [`App`] is the whole page, [`Upload`] the uploader as a component in somebody else's. `components` shows and
//! asks, `uploads` talks to the worker, `effects` does what browsers can do. The worker (the crate `worker`) has
//! the engine, the files and every request.

#![warn(missing_docs)]
#![allow(
    unreachable_pub,
    reason = "leptos' component macro writes public items into private modules"
)]

mod anew;
mod answers;
mod app;
mod components;
pub mod config;
mod early;
mod effects;
pub mod format;
pub mod i18n;
mod intake;
mod page;
mod session;
pub mod text;
mod upload;
mod uploads;

pub use app::{App, Options, load, load_texts, mount, mount_into};
pub use components::open_link_maker;
pub use messages::{Ended, Outcome, Totals};
pub use page::use_uploads;
pub use upload::Upload;
pub use uploads::{Callbacks, Uploads};

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
