//! The global object: a window's in the page, a worker's in the worker.

use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;

/// What windows and workers have in common (WHATWG HTML, `WindowOrWorkerGlobalScope`): timers, the
/// clock, WebCrypto, IndexedDB and the navigator's locks. The type is a worker's; a window has all of these
/// under the same names, but nothing that only a worker has may be used.
pub fn global() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}
