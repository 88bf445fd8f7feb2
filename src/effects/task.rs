//! Work that goes on by itself.

use std::{future::Future, pin::Pin};

/// Runs a future to its end. It is boxed, so that what runs it is compiled once and not for each kind.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
    wasm_bindgen_futures::spawn_local(future);
}
