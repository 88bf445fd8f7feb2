//! Reading a range of a file, and the SHA-256 of bytes.

use std::ops::Range;

use engine::FileFailure;
use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException, File};
use wire::Sha256Digest;

/// A range of a file, without reading it. A whole file is not sliced: in a worker, Chromium's `Blob.slice`
/// waits for the browser's main process, which costs a small file more than sending it.
///
/// # Errors
/// [`FileFailure::Unreadable`] if the browser refuses the range.
pub(crate) fn slice(file: &File, range: &Range<u64>) -> Result<Blob, FileFailure> {
    if *range == (0..file.size() as u64) {
        return Ok(file.clone().into());
    }
    file.slice_with_f64_and_f64(range.start as f64, range.end as f64)
        .map_err(|_| FileFailure::Unreadable)
}

/// The bytes of a range. They are in the browser's memory for as long as they are held, and never in
/// WebAssembly's.
///
/// # Errors
/// If the file is gone, may not be read, or is shorter than it was when it was picked.
pub(crate) async fn bytes(file: &File, range: &Range<u64>) -> Result<ArrayBuffer, FileFailure> {
    let buffer = buffer_of(&slice(file, range)?).await?;
    if u64::from(buffer.byte_length()) == range.end - range.start {
        Ok(buffer)
    } else {
        Err(FileFailure::Unreadable)
    }
}

/// Reads the last byte of a file, which browsers refuse if the file changed since it was picked.
///
/// # Errors
/// As [`bytes`].
pub(crate) async fn last_byte(file: &File) -> Result<(), FileFailure> {
    let size = file.size() as u64;
    bytes(file, &(size.saturating_sub(1)..size)).await.map(drop)
}

/// The bytes of several whole files, each in memory of its own. A browser reads them much faster together than
/// one by one.
///
/// # Errors
/// As [`bytes`], without saying which file is at fault.
pub(crate) async fn bytes_of_all(files: &[&File]) -> Result<Vec<ArrayBuffer>, FileFailure> {
    let sizes: Vec<u32> = files.iter().map(|file| file.size() as u32).collect();
    let blobs: Array = files.iter().copied().collect();
    let blob = Blob::new_with_blob_sequence(&blobs).map_err(|error| failure(&error))?;
    let all = buffer_of(&blob).await?;
    if all.byte_length() != sizes.iter().sum::<u32>() {
        return Err(FileFailure::Unreadable);
    }
    let mut start = 0;
    let slices = sizes.into_iter().map(|size| {
        let begin = start;
        start += size;
        all.slice_with_end(begin, start)
    });
    Ok(slices.collect())
}

async fn buffer_of(blob: &Blob) -> Result<ArrayBuffer, FileFailure> {
    let buffer = JsFuture::from(blob.array_buffer())
        .await
        .map_err(|error| failure(&error))?;
    buffer.dyn_into().map_err(|_| FileFailure::Unreadable)
}

/// The SHA-256 of bytes, by WebCrypto, outside this thread.
///
/// # Errors
/// [`FileFailure::Unreadable`] if the browser does not hash them.
pub(crate) async fn sha256(bytes: &ArrayBuffer) -> Result<Sha256Digest, FileFailure> {
    let digest = JsFuture::from(hashing(bytes)?).await;
    Ok(read_digest(&digest.map_err(|error| failure(&error))?))
}

/// The SHA-256 of each of these, in parallel.
///
/// # Errors
/// As [`sha256`].
pub(crate) async fn sha256_of_all(all: &[ArrayBuffer]) -> Result<Vec<Sha256Digest>, FileFailure> {
    let hashing = all.iter().map(hashing).collect::<Result<Array, FileFailure>>()?;
    let digests = JsFuture::from(Promise::all(&hashing)).await;
    let digests = Array::from(&digests.map_err(|error| failure(&error))?);
    Ok(digests.iter().map(|digest| read_digest(&digest)).collect())
}

fn hashing(bytes: &ArrayBuffer) -> Result<Promise, FileFailure> {
    let crypto = browser::global().crypto().map_err(|error| failure(&error))?;
    let subtle = crypto.subtle();
    subtle
        .digest_with_str_and_buffer_source("SHA-256", bytes)
        .map_err(|error| failure(&error))
}

fn read_digest(digest: &JsValue) -> Sha256Digest {
    let mut out = [0; 32];
    Uint8Array::new(digest).copy_to(&mut out);
    Sha256Digest::new(out)
}

/// Why something could not be read, by what the browser threw.
pub(crate) fn failure(error: &JsValue) -> FileFailure {
    match error.dyn_ref::<DomException>() {
        Some(exception) if exception.name() == "NotFoundError" => FileFailure::Missing,
        _ => FileFailure::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn file(text: &str) -> File {
        File::new_with_str_sequence(&Array::of1(&text.into()), "name").expect("a file")
    }

    async fn check_sha256(text: &str, range: Range<u64>, expected: &str) {
        let bytes = bytes(&file(text), &range).await.expect("the bytes");
        let digest = sha256(&bytes).await.expect("a digest");
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
    fn a_whole_file_is_not_sliced() {
        let file = file("abc");
        let whole: JsValue = slice(&file, &(0..3)).expect("a blob").into();
        assert!(whole == JsValue::from(file.clone()));
        let part: JsValue = slice(&file, &(0..2)).expect("a blob").into();
        assert!(part != JsValue::from(file));
    }

    #[wasm_bindgen_test]
    async fn a_file_that_is_shorter_than_it_was_is_unreadable() {
        let read = bytes(&file("abc"), &(0..4)).await;
        assert_eq!(read.err(), Some(FileFailure::Unreadable));
    }
}
