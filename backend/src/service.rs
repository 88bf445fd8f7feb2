//! In what the S3 service differs from Amazon S3, as far as it was said to.

use wire::{DEFAULT_PART_BYTES, GROWN_PART_MAX_BYTES, IF_NONE_MATCH, PartSizes};

use crate::{
    plan::{PART_STEP_BYTES, part_size},
    s3_request::S3Request,
};

/// About how many parts of one size a file gets, as long as they are not larger than parts may grow.
const CONSTANT_PARTS: u64 = 1_000;

/// What every header of a checksum begins with.
const CHECKSUM_PREFIX: &str = "x-amz-checksum-";

/// What the service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Whether the parts of an upload may differ in size.
    pub(crate) part_sizes: PartSizes,
    /// Whether it takes `If-None-Match`.
    pub(crate) has_conditional_writes: bool,
    /// Whether it takes `x-amz-checksum-*`.
    pub(crate) has_checksums: bool,
}

impl Service {
    /// The request without what the service refuses.
    pub(crate) fn adapt(self, mut request: S3Request) -> S3Request {
        if !self.has_conditional_writes {
            let is_condition = |name: &str| name.eq_ignore_ascii_case(IF_NONE_MATCH);
            request.headers.retain(|name, _| !is_condition(name));
            request.query.retain(|(name, _)| !is_condition(name));
        }
        if !self.has_checksums {
            request
                .headers
                .retain(|name, _| !name.starts_with(CHECKSUM_PREFIX));
        }
        request
    }

    /// The size in bytes with which the parts of a file start. Those that cannot grow are larger for larger files.
    pub(crate) fn part_size(self, file_size: u64) -> u64 {
        let smallest = part_size(file_size);
        if self.part_sizes.may_grow() {
            return smallest;
        }
        let sized = file_size
            .div_ceil(CONSTANT_PARTS)
            .next_multiple_of(PART_STEP_BYTES);
        sized
            .clamp(DEFAULT_PART_BYTES, GROWN_PART_MAX_BYTES)
            .max(smallest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn check(part_sizes: PartSizes, file_size: u64, expected: u64) {
        let service = Service {
            part_sizes,
            has_conditional_writes: true,
            has_checksums: true,
        };
        assert_eq!(
            service.part_size(file_size),
            expected,
            "{part_sizes:?} {file_size}"
        );
    }

    #[test]
    fn parts_that_cannot_grow_are_sized_for_the_file() {
        check(PartSizes::Growing, 20_000 * MIB, 8 * MIB);
        check(PartSizes::Constant, 100 * MIB, 8 * MIB);
        check(PartSizes::Constant, 20_000 * MIB, 20 * MIB);
        check(PartSizes::Constant, 200_000 * MIB, 32 * MIB);
        check(PartSizes::Constant, 400_000 * MIB, 40 * MIB);
    }
}
