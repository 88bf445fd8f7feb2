//! A file that a person picked, and what was hashed of it.

use std::{cell::RefCell, collections::BTreeMap, ops::Range, rc::Rc};

use engine::{FileFailure, READ_TOGETHER_BYTES};
use js_sys::ArrayBuffer;
use wasm_bindgen::JsCast;
use web_sys::{File, WorkerNavigator};
use wire::Sha256Digest;

use super::{read, transport::Body};

/// A file while it is on the list.
///
/// A file that changed since it was picked is not to be read (W3C File API, section 4, "snapshot state"),
/// or parts of different times would make one object. Gecko reads it all the same, so that there what was
/// hashed is hashed once more before the upload is completed.
pub(crate) struct Source {
    file: File,
    /// The bytes of a small file between its hash and its request, since handing a file to the network costs a
    /// browser more than its bytes. The engine hashes no more than a hundred files ahead.
    kept: RefCell<Option<ArrayBuffer>>,
    /// The digest of each range but the whole file, by its start; nothing where the browser refuses a file
    /// that changed. S3 itself compares a whole file with its digest.
    hashed: Option<RefCell<BTreeMap<u64, (u64, Sha256Digest)>>>,
}

impl Source {
    /// A file that was just picked.
    pub(crate) fn new(file: File) -> Self {
        Self::watched(file, reads_what_changed())
    }

    fn watched(file: File, is_watched: bool) -> Self {
        Self {
            file,
            kept: RefCell::default(),
            hashed: is_watched.then(RefCell::default),
        }
    }

    /// The browser's file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn whole(&self) -> Range<u64> {
        0..self.file.size() as u64
    }

    /// The SHA-256 of a range.
    ///
    /// # Errors
    /// Where the file is gone or changed, or may not be read.
    pub(crate) async fn hash(&self, range: Range<u64>) -> Result<Sha256Digest, FileFailure> {
        let bytes = read::bytes(&self.file, &range).await?;
        let digest = read::sha256(&bytes).await?;
        if self.is_read_together(&range) {
            self.kept.replace(Some(bytes));
        } else if range != self.whole()
            && let Some(hashed) = &self.hashed
        {
            hashed.borrow_mut().insert(range.start, (range.end, digest));
        }
        Ok(digest)
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
        // Which of them is at fault is seen when each is read for itself.
        let mut results = Vec::new();
        for source in sources {
            results.push(source.hash(source.whole()).await);
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

    /// A request's body: a range of the file.
    pub(crate) fn body(&self, range: &Range<u64>) -> Body {
        if let Some(bytes) = self.kept.take().filter(|_| *range == self.whole()) {
            return Body::Bytes(bytes);
        }
        // A file that cannot be cut is sent as nothing, which S3 refuses by its length and checksum; hashing it
        // again then finds the reason.
        read::slice(&self.file, range).map_or(Body::Empty, Body::Blob)
    }

    /// Looks whether the file is what it was when its parts were hashed.
    ///
    /// # Errors
    /// Where it is gone or changed, or may not be read.
    pub(crate) async fn check(&self) -> Result<(), FileFailure> {
        let size = self.whole().end;
        // Browsers refuse the last byte of a file that changed since it was picked.
        read::bytes(&self.file, &(size.saturating_sub(1)..size)).await?;
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

/// Whether the browser is built on Gecko. It has no feature to tell this by; every other browser says
/// `like Gecko`, without a version (WHATWG HTML, section 8.10.1.1).
fn reads_what_changed() -> bool {
    let navigator = browser::global().navigator().unchecked_into::<WorkerNavigator>();
    navigator.user_agent().is_ok_and(|agent| agent.contains("Gecko/"))
}

#[cfg(test)]
mod tests {
    use js_sys::{Array, Object, Uint8Array};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn file(text: &str) -> File {
        File::new_with_str_sequence(&Array::of1(&text.into()), "name").expect("a file")
    }

    /// Hashes these ranges of a file, has it become another one, and looks at it.
    async fn check(ranges: &[Range<u64>], now: &str, expected: Result<(), FileFailure>) {
        let mut source = Source::watched(file("abcdef"), true);
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
    async fn a_small_file_is_sent_as_it_was_hashed_and_read_anew_for_another_try() {
        let source = Source::new(file("abc"));
        assert!(matches!(source.body(&(0..3)), Body::Blob(_)));
        source.hash(0..3).await.expect("a digest");
        let Body::Bytes(bytes) = source.body(&(0..3)) else {
            panic!("it is read again");
        };
        assert_eq!(bytes.byte_length(), 3);
        assert!(matches!(source.body(&(0..3)), Body::Blob(_)));
    }

    /// Hashes files together and each for itself.
    async fn check_together(files: Vec<File>) -> Vec<Rc<Source>> {
        let sources: Vec<Rc<Source>> = files.into_iter().map(|file| Rc::new(Source::new(file))).collect();
        let together = Source::hash_together(&sources).await;
        for (source, together) in sources.iter().zip(together) {
            let alone = Source::new(source.file.clone());
            assert_eq!(together, alone.hash(alone.whole()).await);
        }
        sources
    }

    #[wasm_bindgen_test]
    async fn small_files_are_hashed_together_as_they_are_alone_and_kept() {
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
    async fn a_file_that_cannot_be_read_costs_none_of_those_that_are_read_with_it() {
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
        let source = Source::new(file(&text));
        for range in [0..READ_TOGETHER_BYTES + 1, 0..3] {
            source.hash(range.clone()).await.expect("a digest");
            assert!(matches!(source.body(&range), Body::Blob(_)), "{range:?}");
        }
    }

    #[wasm_bindgen_test]
    async fn a_file_that_is_still_there_passes_the_check_even_if_it_is_empty() {
        assert_eq!(Source::new(file("abc")).check().await, Ok(()));
        assert_eq!(Source::new(file("")).check().await, Ok(()));
    }

    #[wasm_bindgen_test]
    async fn nothing_is_hashed_twice_where_the_browser_refuses_what_changed() {
        let mut source = Source::new(file("abcdef"));
        source.hash(0..3).await.expect("a digest");
        source.file = file("abXdef");
        assert_eq!(source.check().await, Ok(()));
    }
}
