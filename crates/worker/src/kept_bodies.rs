//! Bytes that were hashed and are going to be sent, where bodies are sent from memory.
//!
//! A file that cannot be read any more after it was hashed, since its time changed, is sent nonetheless: these are the
//! very bytes that were hashed.

use std::{collections::VecDeque, ops::Range};

use engine::FileId;
use js_sys::ArrayBuffer;

/// The most bytes that are kept. They are for the requests that start next; what does not fit is read again.
const MAX_BYTES: u64 = 64 << 20;

/// Bytes that were hashed, the oldest first.
#[derive(Default)]
pub(crate) struct KeptBodies {
    bodies: VecDeque<KeptBody>,
}

struct KeptBody {
    file: FileId,
    range: Range<u64>,
    bytes: ArrayBuffer,
}

impl KeptBodies {
    /// Keeps a range of a file, in place of the oldest ones if there are too many bytes.
    pub(crate) fn keep(&mut self, file: FileId, range: Range<u64>, bytes: ArrayBuffer) {
        self.take(file, &range);
        self.bodies.push_back(KeptBody { file, range, bytes });
        while self.size() > MAX_BYTES {
            self.bodies.pop_front();
        }
    }

    fn size(&self) -> u64 {
        let sizes = self.bodies.iter().map(|body| u64::from(body.bytes.byte_length()));
        sizes.sum()
    }

    /// Takes a range of a file, if it was kept.
    pub(crate) fn take(&mut self, file: FileId, range: &Range<u64>) -> Option<ArrayBuffer> {
        let is_it = |body: &KeptBody| body.file == file && body.range == *range;
        let at = self.bodies.iter().position(is_it)?;
        self.bodies.remove(at).map(|body| body.bytes)
    }

    /// Drops all of a file.
    pub(crate) fn remove(&mut self, file: FileId) {
        self.bodies.retain(|body| body.file != file);
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    const PART: u64 = 8 << 20;

    #[wasm_bindgen_test]
    fn the_newest_bytes_are_kept_and_given_out_once() {
        let mut kept = KeptBodies::default();
        let range = |part: u64| part * PART..(part + 1) * PART;
        for part in 0..9 {
            kept.keep(FileId(1), range(part), ArrayBuffer::new(PART as u32));
        }
        for (part, expected) in [(0, false), (1, true), (1, false), (8, true), (9, false)] {
            let taken = kept.take(FileId(1), &range(part));
            assert_eq!(taken.is_some(), expected, "part {part}");
        }
        assert!(kept.take(FileId(2), &range(2)).is_none(), "of another file");
        assert!(kept.take(FileId(1), &(0..1)).is_none(), "another range");
        kept.remove(FileId(1));
        assert!(
            kept.take(FileId(1), &range(2)).is_none(),
            "of a file that is gone"
        );
    }
}
