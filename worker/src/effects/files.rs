//! What the engine has to know of a file.

use engine::FileDescription;
use web_sys::File;

/// Describes a file under this name, which has the folders above it where a folder was picked.
pub(crate) fn describe(file: &File, name: String) -> FileDescription {
    FileDescription {
        name,
        // Browsers keep sizes as whole numbers below 2^53.
        size: file.size() as u64,
        media_type: file.type_(),
        // A whole number of milliseconds.
        last_modified: file.last_modified() as i64,
    }
}

#[cfg(test)]
mod tests {
    use js_sys::Array;
    use wasm_bindgen::JsValue;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_file_is_described_with_its_size_in_bytes_and_an_unknown_type_is_empty() {
        let file = File::new_with_str_sequence(&Array::of1(&JsValue::from_str("é")), "n").expect("a file");
        let description = describe(&file, "folder/n".to_owned());
        assert_eq!((description.size, description.media_type.as_str()), (2, ""));
        assert_eq!(description.name, "folder/n");
    }
}
