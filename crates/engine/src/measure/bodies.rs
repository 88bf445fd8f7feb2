//! How bodies are handed to the browser.
//!
//! Some browsers send a slice of a file and never report its answer, though S3 gave one. Bytes out of memory do not
//! suffer from that, and cost memory.

use crate::BodySource;

/// What of slices and bytes has been answered.
#[derive(Debug)]
pub(crate) struct Bodies {
    way: Way,
    was_slice_answered: bool,
    /// How often bytes were answered after a slice was not.
    answered_as_bytes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Slices,
    /// A slice got no answer: bytes are to show whether the slice was at fault.
    TryingBytes,
    /// For as long as the page lives.
    Bytes,
}

impl Bodies {
    /// How often bytes have to be answered where a slice was not, if other slices were.
    const ENOUGH: u32 = 2;

    pub(crate) const fn new(always_bytes: bool) -> Self {
        Self {
            way: if always_bytes { Way::Bytes } else { Way::Slices },
            was_slice_answered: false,
            answered_as_bytes: 0,
        }
    }

    /// How the next body is handed over.
    pub(crate) const fn next(&self) -> BodySource {
        match self.way {
            Way::Slices => BodySource::Slice,
            Way::TryingBytes | Way::Bytes => BodySource::Bytes,
        }
    }

    /// Whether S3 ever answered a slice.
    pub(crate) const fn was_slice_answered(&self) -> bool {
        self.was_slice_answered
    }

    /// S3 answered a request with such a body.
    pub(crate) fn record_answer(&mut self, body: BodySource) {
        match (body, self.way) {
            (BodySource::Slice, _) => self.was_slice_answered = true,
            (BodySource::Bytes, Way::TryingBytes | Way::Slices) => {
                self.answered_as_bytes += 1;
                let is_certain = !self.was_slice_answered || self.answered_as_bytes >= Self::ENOUGH;
                self.way = if is_certain { Way::Bytes } else { Way::Slices };
            }
            (BodySource::Bytes, Way::Bytes) => {}
        }
    }

    /// Such a body was out, or may have been, and no answer came: until the patience was over if it stalled.
    pub(crate) fn record_silence(&mut self, body: BodySource, has_stalled: bool) {
        self.way = match (body, self.way) {
            (BodySource::Slice, Way::Slices) if has_stalled || !self.was_slice_answered => Way::TryingBytes,
            // The way was at fault, not the slice.
            (BodySource::Bytes, Way::TryingBytes) => Way::Slices,
            (_, way) => way,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BodySource::{Bytes, Slice};

    #[test]
    fn a_page_whose_slices_are_never_answered_keeps_to_bytes() {
        let mut bodies = Bodies::new(false);
        assert_eq!(bodies.next(), Slice);
        bodies.record_silence(Slice, true);
        assert_eq!(bodies.next(), Bytes);
        bodies.record_answer(Bytes);
        bodies.record_silence(Bytes, true);
        assert_eq!(bodies.next(), Bytes);
    }

    #[test]
    fn one_answer_that_got_lost_does_not_change_the_way_for_good() {
        let mut bodies = Bodies::new(false);
        bodies.record_answer(Slice);
        bodies.record_silence(Slice, false);
        assert_eq!(bodies.next(), Slice);
        for expected in [Slice, Bytes] {
            bodies.record_silence(Slice, true);
            assert_eq!(bodies.next(), Bytes);
            bodies.record_answer(Bytes);
            assert_eq!(bodies.next(), expected);
        }
    }

    #[test]
    fn where_bytes_get_no_answer_either_slices_are_not_at_fault() {
        let mut bodies = Bodies::new(false);
        bodies.record_silence(Slice, true);
        bodies.record_silence(Bytes, true);
        assert_eq!(bodies.next(), Slice);
    }
}
