//! Handles of files, where the browser gives them (WICG File System Access): a file can then be read
//! again after a reload without being picked again.

use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::File;

// web-sys keeps these behind a compiler flag for interfaces that not every browser has.
#[wasm_bindgen]
extern "C" {
    /// `FileSystemFileHandle`; IndexedDB can keep it.
    #[derive(Clone, Debug)]
    pub(crate) type FileHandle;

    #[wasm_bindgen(method, catch, js_name = getFile)]
    async fn get_file(this: &FileHandle) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = queryPermission)]
    async fn query_permission(this: &FileHandle) -> Result<JsValue, JsValue>;
}

/// The file of a handle, if it is still there and may be read.
pub(crate) async fn file(handle: &FileHandle) -> Option<File> {
    handle.get_file().await.ok()?.dyn_into().ok()
}

/// Whether the file may be read without anybody being asked. Only the page itself can ask.
pub(crate) async fn may_read(handle: &FileHandle) -> bool {
    handle
        .query_permission()
        .await
        .is_ok_and(|state| state == "granted")
}
