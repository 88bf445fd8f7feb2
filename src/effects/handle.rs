//! Handles of files, in browsers that have them (WICG File System Access): a file can then be read
//! again after a reload without being picked again.

use js_sys::{Array, Object, Promise, Reflect};
use messages::Reason;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransferItem, DomException, File};

use super::files::Chosen;

// web-sys keeps these behind a compiler flag for interfaces that not every browser has.
#[wasm_bindgen]
extern "C" {
    /// `FileSystemHandle` of a file, which IndexedDB can store, or of a folder.
    #[derive(Clone, Debug)]
    pub(crate) type FileHandle;

    #[wasm_bindgen(method, catch, js_name = getFile)]
    async fn get_file(this: &FileHandle) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = requestPermission)]
    async fn request_permission(this: &FileHandle) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn name(this: &FileHandle) -> String;

    type HandleItem;

    #[wasm_bindgen(method, catch, js_name = getAsFileSystemHandle)]
    fn get_as_file_system_handle(this: &HandleItem) -> Result<Promise, JsValue>;

    type PickerWindow;

    #[wasm_bindgen(method, catch, js_name = showOpenFilePicker)]
    async fn show_open_file_picker(this: &PickerWindow, options: &JsValue) -> Result<JsValue, JsValue>;
}

/// Whether the browser has a picker that returns handles.
pub(crate) fn has_picker() -> bool {
    web_sys::window()
        .is_some_and(|window| Reflect::has(&window, &"showOpenFilePicker".into()).unwrap_or_default())
}

/// What came of a picker.
pub(crate) enum Picked {
    /// These files, and what is left out.
    Files(Vec<Chosen>, Vec<(Reason, String)>),
    /// The user closed it.
    Nothing,
    /// The browser does not open it here, as in a frame of another site.
    Refused,
}

/// Lets the user pick files. It has to follow a click at once.
pub(crate) async fn pick() -> Picked {
    let Some(window) = web_sys::window() else {
        return Picked::Refused;
    };
    let options = Object::new();
    let _ = Reflect::set(&options, &"multiple".into(), &true.into());
    let window: PickerWindow = window.unchecked_into();
    match window.show_open_file_picker(&options).await {
        Ok(handles) => {
            let (mut files, mut left_out) = (Vec::new(), Vec::new());
            for handle in Array::from(&handles).iter() {
                let handle: FileHandle = handle.unchecked_into();
                if let Some(file) = file(&handle).await {
                    files.push(Chosen {
                        handle: Some(handle),
                        ..Chosen::alone(file)
                    });
                } else {
                    left_out.push((Reason::Unreadable, handle.name()));
                }
            }
            Picked::Files(files, left_out)
        }
        Err(error) => match error.dyn_ref::<DomException>() {
            Some(exception) if exception.name() == "AbortError" => Picked::Nothing,
            _ => Picked::Refused,
        },
    }
}

/// The file of a handle, if it is still there and may be read.
pub(crate) async fn file(handle: &FileHandle) -> Option<File> {
    handle.get_file().await.ok()?.dyn_into().ok()
}

/// Asks the user for permission to read the file. It has to follow a click.
pub(crate) async fn ask_to_read(handle: &FileHandle) -> bool {
    handle
        .request_permission()
        .await
        .is_ok_and(|state| state == "granted")
}

/// A handle that was asked for.
pub(crate) struct Pending(Promise);

/// Asks for the handle of something that was dropped, which has to happen while the drop is handled.
pub(crate) fn of_dropped(item: &DataTransferItem) -> Option<Pending> {
    let item: &HandleItem = item.unchecked_ref();
    item.get_as_file_system_handle().ok().map(Pending)
}

impl From<Promise> for Pending {
    fn from(promise: Promise) -> Self {
        Self(promise)
    }
}

impl Pending {
    /// The handle, if the browser has one.
    pub(crate) async fn received(self) -> Option<FileHandle> {
        let handle = JsFuture::from(self.0).await.ok()?;
        (!handle.is_null() && !handle.is_undefined()).then(|| handle.unchecked_into())
    }
}

#[cfg(test)]
mod tests {
    use js_sys::Function;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn a_picked_file_that_cannot_be_read_is_named() {
        let replace = "
            const handle = (name, getFile) => ({ name, kind: 'file', getFile });
            window.showOpenFilePicker = async () => [
                handle('a', async () => new File([], 'a')),
                handle('gone', async () => { throw new DOMException('', 'NotFoundError') }),
                handle('b', async () => new File([], 'b')),
            ];";
        let _ = Function::new_no_args(replace).call0(&JsValue::UNDEFINED);
        let Picked::Files(files, left_out) = pick().await else {
            panic!("files were picked");
        };
        let names: Vec<String> = files.into_iter().map(|chosen| chosen.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(left_out, [(Reason::Unreadable, "gone".to_owned())]);
    }
}
