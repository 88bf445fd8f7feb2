//! The upload page: a Leptos single-page app that drives the upload engine.
//!
//! `ui` shows and asks, `driver` carries events to the engine and its commands out, `effects` does
//! what browsers can do. Only the engine decides.

#![allow(
    unreachable_pub,
    reason = "leptos' component macro writes public items into private modules"
)]

mod app;
mod awaiting;
pub mod config;
pub mod driver;
mod effects;
pub mod format;
mod keeper;
mod restore;
pub mod sign_in;
pub mod text;
mod ui;

pub use app::{App, mount};

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
