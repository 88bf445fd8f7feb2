//! What the engine has to know about a file.

use engine::FileDescription;
use web_sys::File;

/// Describes a file. Its name includes the folders above it if a folder was picked.
pub(crate) fn of(file: &File, name: String) -> FileDescription {
    FileDescription {
        name,
        // Browsers store sizes as integers below 2^53.
        size: file.size() as u64,
        media_type: file.type_(),
        // An integer, in milliseconds since 1970.
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
    fn a_size_is_in_bytes_and_an_unknown_type_is_empty() {
        let file = File::new_with_str_sequence(&Array::of1(&JsValue::from_str("é")), "n").expect("a file");
        let description = of(&file, "folder/n".to_owned());
        assert_eq!((description.size, description.media_type.as_str()), (2, ""));
        assert_eq!(description.name, "folder/n");
    }
}
