//! The uploader, in a Web Worker: it has the engine, the files and every request.
//!
//! [`serve`] is the way in. `connection` receives the page's messages, `driver` feeds events to the engine and
//! carries out its commands, by parts that each have their own state: `files` hashes, `requests` sends, `store`
//! keeps what outlives the page, `page_view` knows what the page shows, and `verdicts` asks what scans found.
//! `picked` takes new files, of which `intake` decides which go onto the list, and `restore` those that earlier pages left; `thumbnails` shows images; `effects` does
//! what browsers can do.
//! `manifests` writes down what became of a batch. `user` knows whose uploads they are, `link` opens an upload link, and `sign_out` forgets a user's.
//! Only the engine decides. In a worker neither hashing nor 10,000 files can make the page stutter, and
//! browsers do not slow down a worker's timers while its tab is hidden.
//!
//! Nothing here depends on being in a worker, since all it gets is a `MessagePort`: a page that may not start
//! a worker, for example in a page of another site, serves the port itself.

mod api;
mod connection;
mod driver;
mod effects;
mod files;
mod intake;
mod kept_bodies;
mod link;
mod manifests;
mod page;
mod page_view;
mod picked;
mod receipt;
mod requests;
mod restore;
mod setup_check;
mod sign_out;
mod store;
mod thumbnails;
mod to_driver;
mod user;
mod verdicts;
mod waiting;

use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::MessagePort;

/// Serves the page at the other end of a channel until it disconnects.
#[wasm_bindgen]
pub fn serve(port: MessagePort) {
    console_error_panic_hook::set_once();
    connection::serve(port);
}

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
