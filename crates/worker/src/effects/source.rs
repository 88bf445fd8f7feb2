//! A file that the user picked, and what was hashed of it.

use std::{cell::RefCell, collections::BTreeMap, ops::Range, rc::Rc};

use engine::{FileDescription, FileFailure, READ_TOGETHER_BYTES};
use js_sys::ArrayBuffer;
use web_sys::File;
use wire::Sha256Digest;

use super::{
    description,
    handle::{self, FileHandle},
    platform, read,
    transport::Body,
};

/// A file while it is on the list.
///
/// A file that changed since it was picked must not be read (W3C File API, section 4, "snapshot state"), or
/// parts of different times would make one object. Gecko reads it all the same, so there what was hashed is
/// hashed once more before the upload is completed.
pub(crate) struct Source {
    file: File,
    /// When it was last changed, in milliseconds since 1970, as the browser said at first. Chromium says it anew each
    /// time of a file that was dropped.
    last_modified: f64,
    /// What the file can be taken anew from.
    handle: Option<FileHandle>,
    /// The bytes of a small file between its hash and its request, since sending a file costs a browser more
    /// than sending its bytes. The engine hashes no more than a hundred files ahead.
    kept: RefCell<Option<ArrayBuffer>>,
    /// The end and digest of each range except the whole file, by its start; `None` if the browser refuses a
    /// file that changed. S3 itself compares a whole file with its digest.
    hashed: Option<RefCell<Hashed>>,
}

type Hashed = BTreeMap<u64, (u64, Sha256Digest)>;

impl Source {
    /// A file that was just picked, with the browser's handle of it, if there is one.
    pub(crate) fn new(file: File, handle: Option<FileHandle>) -> Self {
        Self::watched(file, handle, platform::is_gecko())
    }

    fn watched(file: File, handle: Option<FileHandle>, is_watched: bool) -> Self {
        Self {
            last_modified: file.last_modified(),
            file,
            handle,
            kept: RefCell::default(),
            hashed: is_watched.then(RefCell::default),
        }
    }

    /// The browser's file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Takes the file anew by its handle. Without one it is the same as before, which some browsers refuse only for
    /// as long as they cannot read it.
    ///
    /// # Errors
    /// If it still cannot be read.
    pub(crate) async fn reopen(&self) -> Result<Self, FileFailure> {
        let file = match &self.handle {
            Some(handle) => handle::file(handle).await?,
            None => self.file.clone(),
        };
        read::last_byte(&file).await?;
        Ok(Self {
            last_modified: file.last_modified(),
            file,
            handle: self.handle.clone(),
            kept: RefCell::default(),
            // Whatever was hashed has to be in the file at the end.
            hashed: self.hashed.clone(),
        })
    }

    /// Describes the file as it is now, under this name.
    pub(crate) fn describe(&self, name: String) -> FileDescription {
        description::of(&self.file, name)
    }

    fn whole(&self) -> Range<u64> {
        0..self.file.size() as u64
    }

    /// The SHA-256 of a range, and its bytes.
    ///
    /// # Errors
    /// If the file is gone or changed, or may not be read.
    pub(crate) async fn hash(&self, range: Range<u64>) -> Result<(Sha256Digest, ArrayBuffer), FileFailure> {
        let bytes = read::bytes(&self.file, &range).await?;
        let digest = read::sha256(&bytes).await?;
        if self.is_read_together(&range) {
            self.kept.replace(Some(bytes.clone()));
        } else if range != self.whole()
            && let Some(hashed) = &self.hashed
        {
            hashed.borrow_mut().insert(range.start, (range.end, digest));
        }
        Ok((digest, bytes))
    }

    /// Whether a range is a whole file that [`Self::hash_together`] takes.
    pub(crate) fn is_read_together(&self, range: &Range<u64>) -> bool {
        *range == self.whole() && range.end <= READ_TOGETHER_BYTES
    }

    /// The SHA-256 of each of several small files, in order.
    pub(crate) async fn hash_together(sources: &[Rc<Self>]) -> Vec<Result<Sha256Digest, FileFailure>> {
        if let Ok(digests) = Self::hash_at_once(sources).await {
            return digests.into_iter().map(Ok).collect();
        }
        // Reading each by itself shows which of them is at fault.
        let mut results = Vec::new();
        for source in sources {
            let hashed = source.hash(source.whole()).await;
            results.push(hashed.map(|(digest, _)| digest));
        }
        results
    }

    async fn hash_at_once(sources: &[Rc<Self>]) -> Result<Vec<Sha256Digest>, FileFailure> {
        let files: Vec<&File> = sources.iter().map(|source| &source.file).collect();
        let bytes = read::bytes_of_all(&files).await?;
        let digests = read::sha256_of_all(&bytes).await?;
        for (source, bytes) in sources.iter().zip(bytes) {
            source.kept.replace(Some(bytes));
        }
        Ok(digests)
    }

    /// The bytes of a whole small file, if they are still in memory.
    pub(crate) fn take_kept(&self, range: &Range<u64>) -> Option<ArrayBuffer> {
        self.kept.take().filter(|_| *range == self.whole())
    }

    /// The bytes of a range, read now.
    ///
    /// # Errors
    /// If the file is gone or changed, or may not be read.
    pub(crate) async fn read(&self, range: &Range<u64>) -> Result<ArrayBuffer, FileFailure> {
        read::bytes(&self.file, range).await
    }

    /// A request's body: a range of the file, which the browser reads as it sends.
    pub(crate) fn body(&self, range: &Range<u64>) -> Body {
        if let Some(bytes) = self.take_kept(range) {
            return Body::Bytes(bytes);
        }
        // A file that cannot be sliced is sent as nothing, which S3 refuses by its length and checksum; hashing it
        // again then finds the reason.
        read::slice(&self.file, range).map_or(Body::Empty, Body::Blob)
    }

    /// Checks whether the file is what it was when its parts were hashed.
    ///
    /// # Errors
    /// If it is gone or changed, or may not be read.
    pub(crate) async fn check(&self) -> Result<(), FileFailure> {
        read::last_byte(&self.file).await?;
        if let Some(handle) = &self.handle {
            // Chromium reads a file that was dropped even if it has changed.
            let now = handle::file(handle).await?;
            if (now.last_modified(), now.size()) != (self.last_modified, self.file.size()) {
                return Err(FileFailure::Unreadable);
            }
        }
        let Some(hashed) = &self.hashed else {
            return Ok(());
        };
        let hashed = hashed.borrow().clone();
        for (start, (end, digest)) in hashed {
            let bytes = read::bytes(&self.file, &(start..end)).await?;
            if read::sha256(&bytes).await? != digest {
                return Err(FileFailure::Unreadable);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use js_sys::{Array, Object, Uint8Array};
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn file(text: &str) -> File {
        File::new_with_str_sequence(&Array::of1(&text.into()), "name").expect("a file")
    }

    /// Hashes these ranges of a file, replaces its contents, and checks it.
    async fn check(ranges: &[Range<u64>], now: &str, expected: Result<(), FileFailure>) {
        let mut source = Source::watched(file("abcdef"), None, true);
        for range in ranges {
            source.hash(range.clone()).await.expect("a digest");
        }
        source.file = file(now);
        assert_eq!(source.check().await, expected, "{now}");
    }

    #[wasm_bindgen_test]
    async fn a_file_that_changed_where_it_was_hashed_is_noticed() {
        check(&[0..3, 3..6], "abcdef", Ok(())).await;
        check(&[0..3, 3..6], "abXdef", Err(FileFailure::Unreadable)).await;
        check(&[0..3, 3..6], "abcdeX", Err(FileFailure::Unreadable)).await;
        check(&[0..3, 3..6], "abcde", Err(FileFailure::Unreadable)).await;
    }

    #[wasm_bindgen_test]
    async fn a_whole_file_is_left_to_s3_to_compare() {
        check(std::slice::from_ref(&(0..6)), "abcdeX", Ok(())).await;
    }

    #[wasm_bindgen_test]
    async fn a_small_file_is_sent_as_hashed_and_read_again_for_a_retry() {
        let source = Source::new(file("abc"), None);
        assert!(matches!(source.body(&(0..3)), Body::Blob(_)));
        source.hash(0..3).await.expect("a digest");
        let Body::Bytes(bytes) = source.body(&(0..3)) else {
            panic!("it is read again");
        };
        assert_eq!(bytes.byte_length(), 3);
        assert!(matches!(source.body(&(0..3)), Body::Blob(_)));
    }

    /// Hashes files together and each by itself.
    async fn check_together(files: Vec<File>) -> Vec<Rc<Source>> {
        let sources: Vec<Rc<Source>> = files
            .into_iter()
            .map(|file| Rc::new(Source::new(file, None)))
            .collect();
        let together = Source::hash_together(&sources).await;
        for (source, together) in sources.iter().zip(together) {
            let alone = Source::new(source.file.clone(), None);
            let digest = alone.hash(alone.whole()).await.map(|(digest, _)| digest);
            assert_eq!(together, digest);
        }
        sources
    }

    #[wasm_bindgen_test]
    async fn small_files_hashed_together_get_their_digests_and_are_kept() {
        let texts = ["abc", "", "d", "abcdef"];
        let sources = check_together(texts.iter().map(|text| file(text)).collect()).await;
        for (source, text) in sources.iter().zip(texts) {
            let Body::Bytes(bytes) = source.body(&source.whole()) else {
                panic!("{text} is read again");
            };
            assert_eq!(Uint8Array::new(&bytes).to_vec(), text.as_bytes());
        }
    }

    #[wasm_bindgen_test]
    async fn an_unreadable_file_does_not_fail_those_that_are_read_with_it() {
        let shortened = file("abc");
        let size =
            Object::from_entries(&Array::of1(&Array::of2(&"value".into(), &5.into()))).expect("an object");
        Object::define_property(&shortened, &"size".into(), &size);
        let sources = check_together(vec![file("before"), shortened, file("after")]).await;
        let again = Source::hash_together(&sources).await;
        assert!(again[0].is_ok() && again[2].is_ok());
        assert_eq!(again[1], Err(FileFailure::Unreadable));
    }

    #[wasm_bindgen_test]
    async fn a_part_and_a_large_file_are_not_kept_in_memory() {
        let text = "a".repeat(READ_TOGETHER_BYTES as usize + 1);
        let source = Source::new(file(&text), None);
        for range in [0..READ_TOGETHER_BYTES + 1, 0..3] {
            source.hash(range.clone()).await.expect("a digest");
            assert!(matches!(source.body(&range), Body::Blob(_)), "{range:?}");
        }
    }

    #[wasm_bindgen_test]
    async fn a_file_that_is_still_there_passes_the_check_even_if_empty() {
        assert_eq!(Source::new(file("abc"), None).check().await, Ok(()));
        assert_eq!(Source::new(file(""), None).check().await, Ok(()));
    }

    #[wasm_bindgen_test]
    async fn nothing_is_hashed_twice_if_the_browser_refuses_what_changed() {
        let mut source = Source::new(file("abcdef"), None);
        source.hash(0..3).await.expect("a digest");
        source.file = file("abXdef");
        assert_eq!(source.check().await, Ok(()));
    }

    /// A handle whose `getFile` does what the script says.
    fn handle(get_file: &str) -> FileHandle {
        let script = format!("return {{ kind: 'file', getFile: async () => {{ {get_file} }} }}");
        let handle = js_sys::Function::new_no_args(&script).call0(&JsValue::UNDEFINED);
        handle.expect("an object").unchecked_into()
    }

    #[wasm_bindgen_test]
    async fn a_file_is_taken_anew_by_its_handle_and_else_tried_again() {
        let thrown = |name: &str| format!("throw new DOMException('', '{name}')");
        let there = "return new File(['replaced'], 'name')";
        for (get_file, expected) in [
            (None, Ok(6)),
            (Some(there.to_owned()), Ok(8)),
            (Some("return new File([], 'name')".to_owned()), Ok(0)),
            (Some(thrown("NotFoundError")), Err(FileFailure::Missing)),
            (Some(thrown("NotReadableError")), Err(FileFailure::Unreadable)),
            (Some(thrown("NotAllowedError")), Err(FileFailure::Unreadable)),
        ] {
            let source = Source::new(file("abcdef"), get_file.as_deref().map(handle));
            let reopened = source.reopen().await;
            let size = reopened.map(|source| source.describe(String::new()).size);
            assert_eq!(size, expected, "{get_file:?}");
        }
    }

    #[wasm_bindgen_test]
    async fn a_file_with_a_handle_may_not_have_another_time_or_size() {
        let picked = file("abcdef");
        let time = picked.last_modified();
        for (now, time, expected) in [
            ("abcdef", time, Ok(())),
            ("abcdef", time + 1.0, Err(FileFailure::Unreadable)),
            ("abcde", time, Err(FileFailure::Unreadable)),
        ] {
            let get_file = format!("return new File(['{now}'], 'name', {{ lastModified: {time} }})");
            let source = Source::new(picked.clone(), Some(handle(&get_file)));
            assert_eq!(source.check().await, expected, "{now} {time}");
        }
    }

    #[wasm_bindgen_test]
    async fn what_was_hashed_has_to_be_in_a_file_that_was_taken_anew() {
        for (now, expected) in [("abcdef", Ok(())), ("abcXef", Err(FileFailure::Unreadable))] {
            let get_file = format!("return new File(['{now}'], 'name', {{ lastModified: 1 }})");
            let source = Source::watched(file("abcdef"), Some(handle(&get_file)), true);
            source.hash(3..6).await.expect("a digest");
            let reopened = source.reopen().await.expect("a file");
            assert_eq!(reopened.check().await, expected, "{now}");
        }
    }
}
