//! Where the parts of a file lie in it.

use std::{collections::BTreeSet, ops::Range};

use wire::{MAX_PARTS, MIN_PART_BYTES};

use crate::{CompletedPart, PartSizeChange};

/// The sizes of a file's parts. There are never more of them than S3 takes: none is smaller than was planned, unless
/// something on the way lets nothing larger pass and there are few enough nonetheless.
#[derive(Clone, Debug)]
pub(crate) struct PartLayout {
    file_size: u64,
    /// The planned size, and behind it those that took its place, in the order of their first parts. Each has
    /// the offset of its first part.
    sizes: Vec<(PartSizeChange, u64)>,
}

impl PartLayout {
    /// Parts that all have the planned size.
    pub(crate) fn new(file_size: u64, planned: u64) -> Self {
        let planned = PartSizeChange {
            first_part: 1,
            part_size: planned,
        };
        Self {
            file_size,
            sizes: vec![(planned, 0)],
        }
    }

    /// The layout of a record, unless it cannot be right.
    pub(crate) fn recorded(file_size: u64, planned: u64, changes: &[PartSizeChange]) -> Option<Self> {
        if file_size == 0 || planned == 0 || file_size.div_ceil(planned) > MAX_PARTS {
            return None;
        }
        let mut layout = Self::new(file_size, planned);
        let mut earlier = 0;
        for change in changes {
            let goes_on = change.first_part > earlier && u64::from(change.first_part) <= layout.count();
            if change.part_size < planned.min(MIN_PART_BYTES) || !goes_on {
                return None;
            }
            layout.change(change.first_part, change.part_size);
            earlier = change.first_part;
        }
        (layout.count() <= MAX_PARTS).then_some(layout)
    }

    /// The size in bytes of the whole file.
    pub(crate) const fn file_size(&self) -> u64 {
        self.file_size
    }

    /// The size in bytes that was planned.
    pub(crate) fn planned(&self) -> u64 {
        self.sizes[0].0.part_size
    }

    /// The size in bytes of a part that is not the last one.
    pub(crate) fn size_at(&self, number: u32) -> u64 {
        self.at(number).0.part_size
    }

    /// What differs from parts that all have the planned size.
    pub(crate) fn changes(&self) -> Vec<PartSizeChange> {
        self.sizes[1..].iter().map(|(change, _)| *change).collect()
    }

    /// Changes the size of a part and of all behind it.
    pub(crate) fn change(&mut self, first_part: u32, part_size: u64) {
        let offset = self.range(first_part).start;
        let behind = self.sizes[1..].partition_point(|(size, _)| size.first_part < first_part);
        self.sizes.truncate(1 + behind);
        let change = PartSizeChange {
            first_part,
            part_size,
        };
        self.sizes.push((change, offset));
    }

    /// Whether S3 takes as many parts as there would be if those from this one on had this size.
    pub(crate) fn takes(&self, first_part: u32, part_size: u64) -> bool {
        let rest = self.file_size - self.range(first_part).start;
        u64::from(first_part - 1) + rest.div_ceil(part_size) <= MAX_PARTS
    }

    /// How many parts the file has.
    pub(crate) fn count(&self) -> u64 {
        let (size, offset) = self.last();
        u64::from(size.first_part - 1) + (self.file_size - offset).div_ceil(size.part_size)
    }

    /// Where a part lies; empty behind the last one.
    pub(crate) fn range(&self, number: u32) -> Range<u64> {
        let (size, offset) = self.at(number);
        let begin = u64::from(number.saturating_sub(size.first_part))
            .saturating_mul(size.part_size)
            .saturating_add(offset)
            .min(self.file_size);
        begin..begin.saturating_add(size.part_size).min(self.file_size)
    }

    /// Whether the file has a part of this number.
    pub(crate) fn has_part(&self, number: u32) -> bool {
        number > 0 && u64::from(number) <= self.count()
    }

    /// The size in bytes of a part.
    pub(crate) fn bytes_of(&self, number: u32) -> u64 {
        let range = self.range(number);
        range.end - range.start
    }

    /// Whether these parts are the whole file.
    pub(crate) fn is_whole<'a>(&self, parts: impl IntoIterator<Item = &'a CompletedPart>) -> bool {
        self.total_bytes_of(parts) == self.file_size
    }

    /// How many bytes these parts hold, each counted once.
    pub(crate) fn total_bytes_of<'a>(&self, parts: impl IntoIterator<Item = &'a CompletedPart>) -> u64 {
        let numbers: BTreeSet<u32> = parts.into_iter().map(|part| part.number).collect();
        let known = numbers.into_iter().filter(|number| self.has_part(*number));
        known.map(|number| self.bytes_of(number)).sum()
    }

    fn at(&self, number: u32) -> (PartSizeChange, u64) {
        let behind = self.sizes.partition_point(|(size, _)| size.first_part <= number);
        self.sizes[behind.saturating_sub(1)]
    }

    fn last(&self) -> (PartSizeChange, u64) {
        self.sizes[self.sizes.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(layout: &PartLayout, expected: &[Range<u64>]) {
        let ranges: Vec<Range<u64>> = (1..=layout.count() as u32)
            .map(|number| layout.range(number))
            .collect();
        assert_eq!(ranges, expected);
    }

    #[test]
    fn parts_lie_one_behind_the_other_whatever_their_sizes() {
        let mut layout = PartLayout::new(100, 10);
        layout.change(3, 20);
        layout.change(4, 30);
        check(&layout, &[0..10, 10..20, 20..40, 40..70, 70..100]);
        layout.change(4, 50);
        check(&layout, &[0..10, 10..20, 20..40, 40..90, 90..100]);
        assert_eq!(
            (layout.planned(), layout.size_at(3), layout.size_at(4)),
            (10, 20, 50)
        );
        layout.change(2, 40);
        check(&layout, &[0..10, 10..50, 50..90, 90..100]);
        layout.change(1, 60);
        check(&layout, &[0..60, 60..100]);
        assert_eq!(layout.planned(), 10);
    }

    #[test]
    fn smaller_parts_may_be_too_many_for_s3() {
        const MIB: u64 = 1024 * 1024;
        for (file_size, first_part, part_size, expected) in [
            (MAX_PARTS * 8 * MIB, 1, 8 * MIB, true),
            (MAX_PARTS * 8 * MIB, 1, 5 * MIB, false),
            (MAX_PARTS * 5 * MIB, 1, 5 * MIB, true),
            (MAX_PARTS * 5 * MIB + 1, 1, 5 * MIB, false),
            (MAX_PARTS * 5 * MIB + 1, 2, 5 * MIB, true),
        ] {
            let layout = PartLayout::new(file_size, 8 * MIB);
            assert_eq!(
                layout.takes(first_part, part_size),
                expected,
                "{file_size} {first_part}"
            );
        }
    }

    #[test]
    fn behind_the_last_part_there_is_nothing() {
        assert_eq!(PartLayout::new(100, 30).range(5), 100..100);
        assert_eq!(PartLayout::new(u64::MAX, 1 << 63).range(u32::MAX).end, u64::MAX);
    }

    #[test]
    fn a_record_that_cannot_be_right_gives_no_layout() {
        let change = |first_part, part_size| PartSizeChange {
            first_part,
            part_size,
        };
        let is_right =
            |file_size, planned, changes: &[_]| PartLayout::recorded(file_size, planned, changes).is_some();
        assert!(is_right(100, 10, &[]));
        assert!(is_right(100, 10, &[change(1, 20), change(2, 10), change(4, 30)]));
        for (file_size, planned, changes) in [
            (0, 10, vec![]),
            (100, 0, vec![]),
            (MAX_PARTS + 1, 1, vec![]),
            (100, 10, vec![change(3, 9)]),
            (100, 10, vec![change(0, 20)]),
            (100, 10, vec![change(11, 20)]),
            (100, 10, vec![change(3, 20), change(2, 20)]),
        ] {
            assert!(
                !is_right(file_size, planned, &changes),
                "{file_size} {planned} {changes:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_record_gives_either_no_layout_or_one_without_a_gap(
            file_size in 1..200_u64,
            planned in 1..50_u64,
            changes in prop::collection::vec((0..30_u32, 0..80_u64), 0..5),
        ) {
            let changes: Vec<_> = changes
                .into_iter()
                .map(|(first_part, part_size)| PartSizeChange { first_part, part_size })
                .collect();
            if let Some(layout) = PartLayout::recorded(file_size, planned, &changes) {
                prop_assert!(layout.count() <= file_size.div_ceil(planned));
                let mut end = 0;
                for number in 1..=layout.count() {
                    let range = layout.range(number as u32);
                    prop_assert_eq!(range.start, end);
                    prop_assert!(!range.is_empty());
                    end = range.end;
                }
                prop_assert_eq!(end, file_size);
            }
        }
    }
}
