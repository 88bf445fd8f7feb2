//! Files that a person picked, dropped or pasted.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DataTransfer, File, FileList, HtmlInputElement};

use super::handle::FileHandle;

/// A file that a person chose.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// Its name, with the folders above it where a folder was chosen.
    pub(crate) name: String,
    pub(crate) file: File,
    /// By which it can be read again after a reload, where the browser gives one.
    pub(crate) handle: Option<FileHandle>,
}

impl Chosen {
    /// A file by itself.
    pub(crate) fn alone(file: File) -> Self {
        // The path below the folder that was picked (W3C File and Directory Entries API).
        let path = Reflect::get(&file, &JsValue::from_str("webkitRelativePath")).unwrap_or_default();
        let path = path.as_string().filter(|path| !path.is_empty());
        Self {
            name: path.unwrap_or_else(|| file.name()),
            file,
            handle: None,
        }
    }
}

/// Takes the files out of a picker, and empties it: otherwise picking the same file again would
/// change nothing and so be no event.
pub(crate) fn take_picked(picker: &HtmlInputElement) -> Vec<Chosen> {
    let files = picker.files().map(|list| to_vec(&list)).unwrap_or_default();
    picker.set_value("");
    files
}

/// The files of a drop or of the clipboard, without what is in folders.
pub(crate) fn of_transfer(transfer: &DataTransfer) -> Vec<Chosen> {
    transfer.files().map(|list| to_vec(&list)).unwrap_or_default()
}

/// Whether something that is dragged over the page holds files.
pub(crate) fn holds_files(event: &web_sys::Event) -> bool {
    event
        .dyn_ref::<web_sys::DragEvent>()
        .and_then(web_sys::DragEvent::data_transfer)
        .is_some_and(|transfer| transfer.types().includes(&"Files".into(), 0))
}

fn to_vec(list: &FileList) -> Vec<Chosen> {
    (0..list.length())
        .filter_map(|index| list.get(index))
        .map(Chosen::alone)
        .collect()
}

#[cfg(test)]
mod tests {
    use js_sys::Array;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn transfer_of(names: &[&str]) -> DataTransfer {
        let transfer = DataTransfer::new().expect("a DataTransfer");
        for name in names {
            let file = File::new_with_str_sequence(&Array::of1(&"abc".into()), name).expect("a file");
            transfer.items().add_with_file(&file).expect("room");
        }
        transfer
    }

    #[wasm_bindgen_test]
    fn taking_the_picked_files_empties_the_picker() {
        let picker: HtmlInputElement = web_sys::window()
            .and_then(|window| window.document())
            .expect("a document")
            .create_element("input")
            .expect("an input")
            .unchecked_into();
        picker.set_type("file");
        picker.set_multiple(true);
        picker.set_files(transfer_of(&["a", "b"]).files().as_ref());
        assert_eq!(take_picked(&picker).len(), 2);
        assert_eq!(take_picked(&picker).len(), 0);
    }

    #[wasm_bindgen_test]
    fn files_keep_their_order_and_names() {
        let names: Vec<String> = of_transfer(&transfer_of(&["b", "a", "مرحبا 🎉"]))
            .into_iter()
            .map(|chosen| chosen.name)
            .collect();
        assert_eq!(names, ["b", "a", "مرحبا 🎉"]);
    }
}
