//! Files that the user picked, dropped or pasted.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DataTransfer, File, FileList, HtmlInputElement};

use super::handle::FileHandle;

/// A file that the user chose.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// Its name, with the folders above it if a folder was chosen.
    pub(crate) name: String,
    pub(crate) file: File,
    /// Its handle, by which it can be read again after a reload, if the browser returned one.
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

/// Whether something that is dragged over the page holds files.
pub(crate) fn holds_files(event: &web_sys::Event) -> bool {
    event
        .dyn_ref::<web_sys::DragEvent>()
        .and_then(web_sys::DragEvent::data_transfer)
        .is_some_and(|transfer| transfer.types().includes(&"Files".into(), 0))
}

/// Whether a paste is text. A spreadsheet adds a picture of the text, and a file manager adds the names or paths of the
/// files as text.
pub(crate) fn is_text(pasted: &DataTransfer) -> bool {
    let text = pasted.get_data("text/plain").unwrap_or_default();
    let files = pasted.files().map(|list| to_vec(&list)).unwrap_or_default();
    let is_file = |line: &str| files.iter().any(|chosen| line.ends_with(&chosen.name));
    text.split(['\r', '\n'])
        .any(|line| !line.is_empty() && !is_file(line))
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
    fn a_paste_is_text_unless_that_names_its_files() {
        for (text, names, expected) in [
            ("", &["a.png"][..], false),
            ("1\t2\n3\t4", &["image.png"], true),
            ("a.txt\rb c.txt", &["a.txt", "b c.txt"], false),
            ("/home/me/a.txt\r\n", &["a.txt"], false),
            ("a.txt\nand more", &["a.txt"], true),
            ("only text", &[], true),
        ] {
            let pasted = transfer_of(names);
            pasted.set_data("text/plain", text).expect("room");
            assert_eq!(is_text(&pasted), expected, "{text:?} {names:?}");
        }
    }

    #[wasm_bindgen_test]
    fn taking_the_picked_files_in_order_empties_the_picker() {
        let picker: HtmlInputElement = web_sys::window()
            .and_then(|window| window.document())
            .expect("a document")
            .create_element("input")
            .expect("an input")
            .unchecked_into();
        picker.set_type("file");
        picker.set_multiple(true);
        let expected = ["b", "a", "مرحبا 🎉"];
        picker.set_files(transfer_of(&expected).files().as_ref());
        let names: Vec<String> = take_picked(&picker)
            .into_iter()
            .map(|chosen| chosen.name)
            .collect();
        assert_eq!(names, expected);
        assert_eq!(take_picked(&picker).len(), 0);
    }
}
