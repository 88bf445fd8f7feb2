//! Reading a file: a range of it for its SHA-256, or a byte of it to see that it is still there.

use std::ops::Range;

use engine::FileFailure;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException, File};
use wire::Sha256Digest;

/// A range of a file, without reading it. A whole file is not cut: in a worker, Chromium's `Blob.slice` waits
/// for the browser's main process, which costs a small file more than sending it.
///
/// # Errors
/// [`FileFailure::Unreadable`] where the browser refuses the range.
pub(crate) fn slice(file: &File, range: &Range<u64>) -> Result<Blob, FileFailure> {
    if *range == (0..file.size() as u64) {
        return Ok(file.clone().into());
    }
    file.slice_with_f64_and_f64(range.start as f64, range.end as f64)
        .map_err(|_| FileFailure::Unreadable)
}

/// The SHA-256 of a range, by WebCrypto, outside the main thread. The bytes are in the browser's
/// memory for as long as that takes, and never in that of the wasm.
pub(crate) async fn sha256(file: File, range: Range<u64>) -> Result<Sha256Digest, FileFailure> {
    let bytes = bytes(&file, &range).await?;
    if u64::from(bytes.byte_length()) != range.end - range.start {
        // The file is shorter than it was when it was picked.
        return Err(FileFailure::Unreadable);
    }
    let subtle = browser::global()
        .crypto()
        .map_err(|error| failure(&error))?
        .subtle();
    let digest = subtle
        .digest_with_str_and_buffer_source("SHA-256", &bytes)
        .map_err(|error| failure(&error))?;
    let digest = JsFuture::from(digest).await.map_err(|error| failure(&error))?;
    let mut out = [0; 32];
    Uint8Array::new(&digest).copy_to(&mut out);
    Ok(Sha256Digest::new(out))
}

/// Reads the last byte of a file, which browsers refuse where the file changed since it was picked.
pub(crate) async fn check(file: File) -> Result<(), FileFailure> {
    let size = file.size() as u64;
    let range = size.saturating_sub(1)..size;
    let bytes = bytes(&file, &range).await?;
    if u64::from(bytes.byte_length()) == range.end - range.start {
        Ok(())
    } else {
        Err(FileFailure::Unreadable)
    }
}

async fn bytes(file: &File, range: &Range<u64>) -> Result<ArrayBuffer, FileFailure> {
    let promise = slice(file, range)?.array_buffer();
    let buffer = JsFuture::from(promise).await.map_err(|error| failure(&error))?;
    buffer.dyn_into().map_err(|_| FileFailure::Unreadable)
}

fn failure(error: &JsValue) -> FileFailure {
    match error.dyn_ref::<DomException>() {
        Some(exception) if exception.name() == "NotFoundError" => FileFailure::Missing,
        _ => FileFailure::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use js_sys::Array;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn file(text: &str) -> File {
        File::new_with_str_sequence(&Array::of1(&text.into()), "name").expect("a file")
    }

    async fn check_sha256(text: &str, range: Range<u64>, expected: &str) {
        let digest = sha256(file(text), range).await.expect("a digest");
        assert_eq!(digest.to_string(), expected);
    }

    #[wasm_bindgen_test]
    async fn a_range_is_hashed_and_nothing_but_the_range() {
        let digest_of_abc = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        check_sha256("abc", 0..3, digest_of_abc).await;
        check_sha256("--abc--", 2..5, digest_of_abc).await;
        check_sha256("", 0..0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").await;
    }

    #[wasm_bindgen_test]
    fn a_whole_file_is_not_cut() {
        let file = file("abc");
        let whole: JsValue = slice(&file, &(0..3)).expect("a blob").into();
        assert!(whole == JsValue::from(file.clone()));
        let part: JsValue = slice(&file, &(0..2)).expect("a blob").into();
        assert!(part != JsValue::from(file));
    }

    #[wasm_bindgen_test]
    async fn a_file_that_is_shorter_than_it_was_is_unreadable() {
        assert_eq!(sha256(file("abc"), 0..4).await, Err(FileFailure::Unreadable));
    }

    #[wasm_bindgen_test]
    async fn a_file_that_is_still_there_passes_the_check_even_if_it_is_empty() {
        assert_eq!(check(file("abc")).await, Ok(()));
        assert_eq!(check(file("")).await, Ok(()));
    }
}
