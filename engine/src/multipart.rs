//! A large file: a multipart upload and the parts of it that are under way.

use std::{collections::BTreeMap, time::Duration};

use wire::SignedRequest;

use crate::{
    CallId, Ticket, UploadError,
    backoff::Attempts,
    part_layout::PartLayout,
    planted::{Bug, planted},
    resume::Resumption,
    s3_xml::{CompletedPart, ListedPart},
    server_clock::ServerClock,
    transfer::{Earlier, Stage, Transfer},
};

/// A small request that has to be signed and sent.
#[derive(Clone, Debug, Default)]
pub(crate) enum Errand {
    #[default]
    Unsigned,
    Signing(CallId),
    Signed(SignedRequest),
    Sending {
        attempt: u64,
        since: Duration,
    },
}

impl Errand {
    /// Puts a signed request on its way, unless its time is over: then it has to be signed again.
    pub(crate) fn begin(
        &mut self,
        ticket: Ticket,
        clock: &ServerClock,
        now: Duration,
    ) -> Option<SignedRequest> {
        let Self::Signed(request) = std::mem::take(self) else {
            return None;
        };
        if !clock.is_fresh(&request, now) {
            return None;
        }
        *self = Self::Sending {
            attempt: ticket.attempt,
            since: now,
        };
        Some(request)
    }

    /// Takes the request off the network, and gives the attempt to cancel.
    pub(crate) fn stop(&mut self) -> Option<u64> {
        match std::mem::take(self) {
            Self::Sending { attempt, .. } => Some(attempt),
            // After a pause or a sleep nobody knows how old a signature is. A new one brings the
            // servers' time with it.
            Self::Signed(_) | Self::Signing(_) | Self::Unsigned => None,
        }
    }
}

/// How far a large file has come.
#[derive(Clone, Debug)]
pub(crate) enum Multipart {
    /// The Lambda has to be asked for a key.
    Unplanned,
    /// The Lambda was asked.
    Planning(CallId),
    /// CreateMultipartUpload may be sent.
    Planned {
        key: String,
        part_size: u64,
        create: SignedRequest,
    },
    /// CreateMultipartUpload is on its way.
    Creating {
        key: String,
        part_size: u64,
        create: SignedRequest,
        attempt: u64,
        since: Duration,
    },
    /// S3 gave an upload id.
    Uploading(Box<Parts>),
}

/// Asking S3 which parts it has, page by page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) errand: Errand,
    /// The last part number of the page before.
    pub(crate) marker: Option<u32>,
    /// The parts without an answer that it is asked for. It says nothing of those that are lost later.
    pub(crate) lost: Vec<u32>,
    pub(crate) found: Vec<ListedPart>,
}

/// The way from the last part to the object.
#[derive(Clone, Debug)]
pub(crate) enum Finish {
    /// Parts are outstanding.
    Open,
    /// The file is read once more, so that no object is made of a file that changed.
    Checking { attempt: u64 },
    /// CompleteMultipartUpload.
    Completing(Errand),
    /// What became of CompleteMultipartUpload is not known: S3 is asked for its parts.
    Asking(Doubt),
}

/// What S3 is asked for after a CompleteMultipartUpload.
#[derive(Clone, Debug)]
pub(crate) enum Doubt {
    /// No answer came. If the upload is gone, that was a success.
    NoAnswer,
    /// The key is taken, and an earlier Complete got no answer. If the upload still exists, the object
    /// is somebody else's.
    KeyTaken(Box<UploadError>),
    /// S3 does not have a part as it was named. A late copy of a part replaces it, and where the
    /// bucket encrypts with a KMS key that changes its `ETag`.
    Parts,
}

/// A multipart upload that S3 knows.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) key: String,
    pub(crate) upload_id: String,
    pub(crate) layout: PartLayout,
    /// The parts that S3 stored, by number from 1.
    done: Vec<Option<CompletedPart>>,
    done_bytes: u64,
    /// The next part that was never under way.
    next: u32,
    /// The parts under way, in the order in which they began.
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) listing: Option<Listing>,
    pub(crate) finish: Finish,
    /// When S3 made the upload and when it last showed that it still has it, in seconds since 1970.
    pub(crate) created: Option<u64>,
    pub(crate) seen: Option<u64>,
    /// Whether S3 may have taken a Complete of which no answer came.
    pub(crate) complete_outcome_unknown: bool,
    pub(crate) resumption: Resumption,
}

impl Parts {
    pub(crate) fn new(key: String, upload_id: String, layout: PartLayout) -> Self {
        Self {
            key,
            upload_id,
            layout,
            done: Vec::new(),
            done_bytes: 0,
            next: 1,
            transfers: Vec::new(),
            listing: None,
            finish: Finish::Open,
            created: None,
            seen: None,
            complete_outcome_unknown: false,
            resumption: Resumption::Over,
        }
    }

    /// Begins the next part, unless all are under way or done. While an upload is being resumed, that
    /// is the next part to compare, and no other: not a byte is sent of what may be another file.
    pub(crate) fn begin_next(&mut self) -> bool {
        if self.begin_next_comparison() {
            return true;
        }
        if self.is_resuming() {
            return false;
        }
        while self.has_more_to_begin() && self.is_begun(self.next) {
            self.next += 1;
        }
        let more = self.has_more_to_begin();
        if more {
            let range = self.layout.range(self.next);
            self.transfers.push(Transfer::new(Some(self.next), range));
            self.next += 1;
        }
        more
    }

    /// Gives the parts that have not begun another size, if the one wanted is larger than theirs, or much
    /// smaller. Gives whether that changed anything.
    pub(crate) fn resize(&mut self, wanted: u64) -> bool {
        let current = self.layout.size_at(self.next);
        let is_other = wanted > current || wanted.saturating_mul(2) < current;
        let changes =
            is_other && !self.is_resuming() && self.has_more_to_begin() && !self.is_begun_from(self.next);
        if changes {
            self.layout.change(self.next, wanted);
        }
        changes
    }

    /// Whether this part or one behind it has begun. Nothing of it may move any more.
    fn is_begun_from(&self, number: u32) -> bool {
        let mut begun = self.transfers.iter().filter_map(|transfer| transfer.part);
        self.done.len() >= number as usize || begun.any(|begun| begun >= number)
    }

    fn is_begun(&self, number: u32) -> bool {
        let is_done = self.done.get(number as usize - 1).is_some_and(Option::is_some);
        is_done
            || self
                .transfers
                .iter()
                .any(|transfer| transfer.part == Some(number))
    }

    pub(crate) fn has_more_to_begin(&self) -> bool {
        self.is_resuming() || u64::from(self.next) <= self.layout.count()
    }

    pub(crate) const fn all_stored(&self) -> bool {
        self.done_bytes == self.layout.file_size()
    }

    /// Whether S3 has every part, and nothing is being asked about them any more.
    pub(crate) const fn is_ready_to_finish(&self) -> bool {
        self.all_stored() && self.listing.is_none() && matches!(self.finish, Finish::Open)
    }

    /// Moves a part that S3 stored from those under way to those done.
    pub(crate) fn stored(&mut self, part: CompletedPart) {
        let index = part.number as usize - 1;
        self.transfers
            .retain(|transfer| transfer.part != Some(part.number));
        if self.done.len() <= index {
            self.done.resize(index + 1, None);
        }
        if self.done[index].is_none() {
            let range = self.layout.range(part.number);
            self.done_bytes += range.end - range.start;
        }
        self.done[index] = Some(part);
    }

    /// What S3 stored of this number.
    pub(crate) fn completed_part(&self, number: u32) -> Option<&CompletedPart> {
        self.done.get(number.checked_sub(1)? as usize)?.as_ref()
    }

    /// Every stored part in the order of its number.
    pub(crate) fn completed(&self) -> impl Iterator<Item = &CompletedPart> {
        self.done.iter().flatten()
    }

    /// Bytes that S3 has or that are on their way.
    pub(crate) fn sent(&self) -> u64 {
        self.done_bytes + self.transfers.iter().map(Transfer::sent).sum::<u64>()
    }

    /// Whether the bucket's lifecycle may have dropped the upload: that happens a day after it was
    /// created at the earliest (Amazon S3 User Guide, "Configuring a bucket lifecycle configuration to
    /// delete incomplete multipart uploads"), and hardly in the very hour in which S3 last had it.
    pub(crate) fn may_have_been_dropped(&self, now: Option<u64>) -> bool {
        const HOUR: u64 = 3600;
        let since = |then: Option<u64>| Some(now?.saturating_sub(then?));
        since(self.created) >= Some(24 * HOUR)
            && since(self.seen) >= Some(HOUR)
            && !planted(Bug::LifecycleForgotten)
    }

    /// Asks S3 for its parts because of a Complete.
    pub(crate) fn ask(&mut self, doubt: Doubt) {
        self.finish = Finish::Asking(doubt);
        self.listing = Some(Listing::default());
    }

    /// Asks S3 for its parts from the first lost one on.
    pub(crate) fn ask_for_lost_parts(&mut self) {
        let lost = self
            .transfers
            .iter()
            .filter(|transfer| matches!(transfer.stage, Stage::Lost(_)));
        let lost: Vec<u32> = lost.filter_map(|transfer| transfer.part).collect();
        if let Some(first) = lost.iter().min()
            && self.listing.is_none()
        {
            self.listing = Some(Listing {
                marker: Some(first - 1),
                lost,
                ..Listing::default()
            });
        }
    }

    /// Makes what is called done what S3 listed: a part that is there with other bytes, or not at
    /// all, is sent again.
    pub(crate) fn reconcile(&mut self, found: &[ListedPart]) {
        let found: BTreeMap<u32, &ListedPart> = found.iter().map(|part| (part.number, part)).collect();
        for index in 0..self.done.len() {
            let Some(done) = &mut self.done[index] else {
                continue;
            };
            let listed = found
                .get(&done.number)
                .filter(|part| part.sha256 == Some(done.sha256));
            if let Some(listed) = listed {
                done.etag.clone_from(&listed.etag);
                continue;
            }
            let (number, digest) = (done.number, done.sha256);
            self.done[index] = None;
            let range = self.layout.range(number);
            self.done_bytes -= range.end - range.start;
            self.transfers
                .push(Transfer::new_with_digest(number, range, digest));
        }
    }

    /// Settles the parts that were lost when S3 was asked, by what it listed: a part counts only if its
    /// number, size and checksum are those of the bytes that were sent. Gives the numbers of those that do.
    pub(crate) fn settle_lost_parts(&mut self, asked: &[u32], found: &[ListedPart]) -> Vec<u32> {
        let mut settled = Vec::new();
        let lost: Vec<(u32, u64, Earlier)> = self
            .transfers
            .iter()
            .filter_map(|transfer| match (&transfer.stage, transfer.part) {
                (Stage::Lost(earlier), Some(number)) if asked.contains(&number) => {
                    Some((number, transfer.size(), earlier.clone()))
                }
                _ => None,
            })
            .collect();
        for (number, size, earlier) in lost {
            let listed = found.iter().find(|part| {
                let same_bytes = part.size == size && part.sha256 == Some(earlier.digest);
                part.number == number && (same_bytes || planted(Bug::ListedWithoutChecksum))
            });
            if let Some(listed) = listed {
                self.stored(CompletedPart {
                    number,
                    etag: listed.etag.clone(),
                    sha256: earlier.digest,
                });
                settled.push(number);
            } else if let Some(transfer) = self
                .transfers
                .iter_mut()
                .find(|transfer| transfer.part == Some(number))
            {
                transfer.stage = Stage::Unhashed(Some(earlier));
                transfer.outcome_unknown = false;
            }
        }
        settled
    }

    /// Takes everything off the network but a Complete, which cannot be taken back, and gives the
    /// attempts to cancel.
    pub(crate) fn stop(&mut self) -> Vec<u64> {
        let mut attempts: Vec<u64> = self.transfers.iter_mut().filter_map(Transfer::stop).collect();
        if planted(Bug::ResendAfterPause) {
            (self.done_bytes, self.next) = (0, 1);
            self.done.clear();
            self.transfers.clear();
        }
        attempts.extend(self.listing.as_mut().and_then(|listing| listing.errand.stop()));
        match &mut self.finish {
            Finish::Checking { attempt } => {
                attempts.push(*attempt);
                self.finish = Finish::Open;
            }
            Finish::Completing(errand @ (Errand::Signing(_) | Errand::Signed(_))) => {
                *errand = Errand::Unsigned;
            }
            Finish::Open | Finish::Completing(_) | Finish::Asking(_) => {}
        }
        attempts
    }

    /// Whether a Complete is on its way.
    pub(crate) const fn is_completing(&self) -> bool {
        matches!(self.finish, Finish::Completing(Errand::Sending { .. }))
    }
}

/// A large file on its way.
#[derive(Clone, Debug)]
pub(crate) struct MultipartWork {
    pub(crate) stage: Multipart,
    /// Of the plan and the small requests; each part has its own.
    pub(crate) attempts: Attempts,
}

impl MultipartWork {
    pub(crate) fn new() -> Self {
        Self::at(Multipart::Unplanned)
    }

    pub(crate) fn at(stage: Multipart) -> Self {
        Self {
            stage,
            attempts: Attempts::default(),
        }
    }

    pub(crate) const fn parts(&self) -> Option<&Parts> {
        match &self.stage {
            Multipart::Uploading(parts) => Some(parts),
            _ => None,
        }
    }

    pub(crate) const fn parts_mut(&mut self) -> Option<&mut Parts> {
        match &mut self.stage {
            Multipart::Uploading(parts) => Some(parts),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::Sha256Digest;

    use super::*;
    use crate::transfer::Then;

    fn parts(file_size: u64, part_size: u64) -> Parts {
        Parts::new("key".into(), "id".into(), PartLayout::new(file_size, part_size))
    }

    fn stored(number: u32) -> CompletedPart {
        CompletedPart {
            number,
            etag: "etag".into(),
            sha256: Sha256Digest::new([0; 32]),
        }
    }

    #[test]
    fn parts_cover_the_file_without_a_gap_even_above_32_bits() {
        let size = 50_000_000_001;
        let mut parts = parts(size, 8_388_608);
        while parts.begin_next() {}
        let mut end = 0;
        for (transfer, number) in parts.transfers.iter().zip(1..) {
            assert_eq!(transfer.part, Some(number));
            assert_eq!(transfer.range.start, end);
            end = transfer.range.end;
        }
        assert_eq!(end, size);
        assert_eq!(parts.transfers.len(), 5961);
    }

    #[test]
    fn a_part_that_is_stored_twice_counts_once() {
        let mut parts = parts(20, 10);
        while parts.begin_next() {}
        parts.stored(stored(2));
        parts.stored(stored(2));
        assert!(!parts.all_stored());
        assert_eq!(parts.sent(), 10);
        parts.stored(stored(1));
        assert!(parts.all_stored());
        assert_eq!(
            parts.completed().map(|part| part.number).collect::<Vec<_>>(),
            [1, 2]
        );
    }

    #[test]
    fn a_lost_part_counts_only_with_the_size_and_checksum_that_were_sent() {
        let digest = Sha256Digest::new([1; 32]);
        let listed = |size, sha256| ListedPart {
            number: 1,
            size,
            etag: "etag".into(),
            sha256,
        };
        for (found, counts) in [
            (vec![listed(10, Some(digest))], true),
            (vec![listed(9, Some(digest))], false),
            (vec![listed(10, Some(Sha256Digest::new([2; 32])))], false),
            (vec![listed(10, None)], false),
            (vec![], false),
        ] {
            let mut parts = parts(20, 10);
            parts.begin_next();
            parts.transfers[0].stage = Stage::Lost(Earlier {
                digest,
                then: Then::Sign,
            });
            parts.settle_lost_parts(&[1], &found);
            assert_eq!(parts.sent(), if counts { 10 } else { 0 }, "{found:?}");
            parts.ask_for_lost_parts();
            assert!(parts.listing.is_none(), "{found:?}");
        }
    }
}
