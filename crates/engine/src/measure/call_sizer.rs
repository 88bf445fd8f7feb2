//! How large a call of the API may be.

use crate::limits::MAX_CALL_BYTES;

/// How many bytes of JSON a call may have. A firewall on the way may refuse larger ones.
#[derive(Debug)]
pub(crate) struct CallSizer {
    limit: usize,
    /// Whether a call passed since one of a single entry was refused.
    has_passed: bool,
}

impl CallSizer {
    /// The most bytes that an entry has besides its texts: names, numbers and a checksum.
    const ENTRY_BYTES: usize = 160;

    pub(crate) const fn new() -> Self {
        Self {
            limit: MAX_CALL_BYTES,
            has_passed: false,
        }
    }

    /// How many entries with texts of these lengths, in bytes of JSON, one call takes; the first always goes. `others`
    /// is what the call has besides its entries.
    pub(crate) fn entries(&self, others: usize, texts: impl IntoIterator<Item = usize>) -> usize {
        let mut bytes = others + Self::ENTRY_BYTES;
        let mut fits = |text| {
            bytes += text + Self::ENTRY_BYTES;
            bytes <= self.limit
        };
        texts.into_iter().take_while(|text| fits(*text)).count().max(1)
    }

    /// The API answered a call.
    pub(crate) const fn record_passed(&mut self) {
        self.has_passed = true;
    }

    /// Something on the way refused a call of this many bytes and entries. Returns whether a smaller one can be tried.
    /// What refuses a single entry, and lets other calls pass, minds what is in it and not its size.
    pub(crate) fn record_refused(&mut self, bytes: usize, entries: usize) -> bool {
        let can_shrink = entries > 1;
        if can_shrink {
            self.limit = self.limit.min(bytes / 2);
        } else if self.has_passed {
            *self = Self::new();
        }
        can_shrink
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_as_many_entries_as_its_bytes_allow() {
        let sizer = CallSizer::new();
        for (others, text, expected) in [
            (0, 0, 49),
            (0, 40, 39),
            (2_000, 40, 29),
            (0, 7_900, 1),
            (9_000, 40, 1),
        ] {
            assert_eq!(sizer.entries(others, [text; 100]), expected, "{others} {text}");
        }
    }

    #[test]
    fn a_refused_call_is_halved_down_to_one_entry() {
        let mut sizer = CallSizer::new();
        for (bytes, entries, can_shrink, limit) in [
            (8_000, 40, true, 4_000),
            (3_900, 20, true, 1_950),
            (190, 1, false, 1_950),
            (400, 2, true, 200),
        ] {
            assert_eq!(sizer.record_refused(bytes, entries), can_shrink);
            assert_eq!(sizer.limit, limit);
        }
        sizer.record_passed();
        assert!(
            !sizer.record_refused(190, 1),
            "it is this one entry that is refused"
        );
        assert_eq!(sizer.limit, MAX_CALL_BYTES);
    }
}
