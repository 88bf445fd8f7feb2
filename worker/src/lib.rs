//! The uploader, in a Web Worker: it holds the engine, the files and every request.
//!
//! `connection` listens to the page, `driver` carries events to the engine and its commands out,
//! `effects` does what browsers can do, and `screen` tells the page what it shows. Only the engine
//! decides. In a worker neither hashing nor 10,000 files can make the page stutter, and browsers do not
//! slow a worker's timers while its tab is hidden.
//!
//! The worker is given a `MessagePort`, and nothing here depends on being in a worker: where a page may
//! not start one, as in a page of another site, it serves the port itself.

mod awaiting;
mod connection;
mod driver;
mod effects;
mod keeper;
mod restore;
mod row;
mod screen;
mod setup_check;
mod verdicts;

use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::MessagePort;

/// Serves the page at the other end of a channel until that says that it ends.
#[wasm_bindgen]
pub fn serve(port: MessagePort) {
    console_error_panic_hook::set_once();
    connection::serve(port);
}

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
