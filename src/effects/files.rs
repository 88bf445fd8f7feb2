//! Files that a person picked or dropped.

use engine::FileDescription;
use js_sys::Promise;
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, File, FileList, FileSystemEntry, HtmlElement, HtmlInputElement};

use super::handle;

/// Takes the files out of a picker, and empties it: otherwise picking the same file again would
/// change nothing and so be no event.
pub(crate) fn take_picked(picker: &HtmlInputElement) -> Vec<File> {
    let files = picker.files().map(|list| to_vec(&list)).unwrap_or_default();
    picker.set_value("");
    files
}

/// A file that was dropped, with what its handle will be.
pub(crate) type Dropped = (File, Option<Promise>);

/// What was dropped: the files, and how many folders were among them. Browsers list a folder like a
/// file that cannot be read.
pub(crate) fn dropped(transfer: &DataTransfer) -> (Vec<Dropped>, usize) {
    let items = transfer.items();
    let (entries, mut handles): (Vec<Option<FileSystemEntry>>, Vec<Option<Promise>>) = (0..items.length())
        .filter_map(|index| items.get(index))
        .filter(|item| item.kind() == "file")
        .map(|item| {
            (
                item.webkit_get_as_entry().ok().flatten(),
                handle::of_dropped(&item),
            )
        })
        .unzip();
    let is_folder = |index: usize| matches!(entries.get(index), Some(Some(entry)) if entry.is_directory());
    let all = transfer.files().map(|list| to_vec(&list)).unwrap_or_default();
    let folders = (0..all.len()).filter(|index| is_folder(*index)).count();
    let files = all
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !is_folder(*index))
        .map(|(index, file)| (file, handles.get_mut(index).and_then(Option::take)))
        .collect();
    (files, folders)
}

/// What the engine has to know of a file.
pub(crate) fn describe(file: &File) -> FileDescription {
    FileDescription {
        name: file.name(),
        // Browsers keep sizes as whole numbers below 2^53.
        size: file.size() as u64,
        media_type: file.type_(),
        // A whole number of milliseconds.
        last_modified: file.last_modified() as i64,
    }
}

/// Opens the picker of this input, as a click on it does.
pub(crate) fn open_picker(id: &str) {
    let element = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id(id));
    if let Some(picker) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        picker.click();
    }
}

/// Whether something that is dragged over the page holds files.
pub(crate) fn holds_files(event: &web_sys::Event) -> bool {
    event
        .dyn_ref::<web_sys::DragEvent>()
        .and_then(web_sys::DragEvent::data_transfer)
        .is_some_and(|transfer| transfer.types().includes(&"Files".into(), 0))
}

fn to_vec(list: &FileList) -> Vec<File> {
    (0..list.length()).filter_map(|index| list.get(index)).collect()
}

#[cfg(test)]
mod tests {
    use js_sys::Array;
    use wasm_bindgen::JsValue;
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
    fn what_is_dropped_keeps_its_order_and_names() {
        let (files, folders) = dropped(&transfer_of(&["b", "a", "مرحبا 🎉"]));
        let names: Vec<String> = files.iter().map(|(file, _)| file.name()).collect();
        assert_eq!(names, ["b", "a", "مرحبا 🎉"]);
        assert_eq!(folders, 0);
    }

    #[wasm_bindgen_test]
    fn a_file_is_described_with_its_size_in_bytes_and_an_unknown_type_is_empty() {
        let file = File::new_with_str_sequence(&Array::of1(&JsValue::from_str("é")), "n").expect("a file");
        let description = describe(&file);
        assert_eq!((description.size, description.media_type.as_str()), (2, ""));
    }
}
