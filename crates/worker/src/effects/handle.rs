//! Handles of files, in browsers that have them (WICG File System Access): a file can then be read again
//! after a reload without being picked again.

use engine::FileFailure;
use js_sys::AsyncIterator;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::File;

use super::read;

// web-sys keeps these behind a compiler flag for interfaces that not every browser has.
#[wasm_bindgen]
extern "C" {
    /// `FileSystemHandle` of a file, which IndexedDB can store, or of a folder.
    #[derive(Clone, Debug)]
    pub(crate) type FileHandle;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn name(this: &FileHandle) -> String;

    #[wasm_bindgen(method, getter)]
    fn kind(this: &FileHandle) -> String;

    /// What is in a folder.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn values(this: &FileHandle) -> Result<AsyncIterator, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getFile)]
    async fn get_file(this: &FileHandle) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = queryPermission)]
    async fn query_permission(this: &FileHandle) -> Result<JsValue, JsValue>;
}

impl FileHandle {
    pub(crate) fn is_folder(&self) -> bool {
        self.kind() == "directory"
    }
}

/// The file of a handle as it is now.
///
/// # Errors
/// If it is not there any more, or may not be read.
pub(crate) async fn file(handle: &FileHandle) -> Result<File, FileFailure> {
    let file = handle.get_file().await.and_then(JsCast::dyn_into);
    file.map_err(|error| read::failure(&error))
}

/// Whether the file may be read without asking the user, which only the page can do.
pub(crate) async fn may_read(handle: &FileHandle) -> bool {
    handle
        .query_permission()
        .await
        .is_ok_and(|state| state == "granted")
}
