//! A multipart upload that S3 knows, and the parts of it.

use std::collections::{BTreeMap, BTreeSet};

use wire::Sha256Digest;

use crate::{
    CompletedPart, CompletedUpload, ListedPart, MultipartRecord, ObjectChecksum, PartRules, SaveId,
    StoredObject, UploadError,
    limits::{LIFECYCLE_SECONDS, SEEN_SECONDS},
    upload::{
        control_request::ControlRequest,
        part_layout::PartLayout,
        resumption::{Origin, Resumption, Settled},
        transfer::{OnMatch, PriorHash, Stage, Transfer},
    },
};

/// Asking S3 which parts it has, page by page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) request: ControlRequest,
    /// The last part number of the page before.
    pub(crate) marker: Option<u32>,
    /// The parts without an answer that it is asked for. It says nothing of those that are lost later.
    pub(crate) lost: Vec<u32>,
    pub(crate) found: Vec<ListedPart>,
}

/// The way from the last part to the object.
#[derive(Clone, Debug)]
pub(crate) enum Completion {
    /// Parts are outstanding.
    Open,
    /// The file is read once more, so that no object is made of a file that changed.
    Checking,
    /// All parts have to be on record first: a later page knows by that whether an upload that is gone was completed.
    Recording(SaveId),
    /// CompleteMultipartUpload.
    Requesting(ControlRequest),
    /// What became of CompleteMultipartUpload is not known: S3 is asked for its parts.
    Asking(Ambiguity),
}

/// What S3 is asked for after a CompleteMultipartUpload.
#[derive(Clone, Debug)]
pub(crate) enum Ambiguity {
    /// No answer came. If the upload is gone, that was a success.
    NoAnswer,
    /// The key is taken, and an earlier Complete got no answer. If the upload still exists, the object
    /// is somebody else's.
    KeyTaken(Box<UploadError>),
    /// S3 does not have a part as it was named. A late copy of a part replaces it, and if the
    /// bucket encrypts with a KMS key, that changes its `ETag`.
    Parts,
}

/// What S3's list says of the parts that were lost.
pub(crate) struct SettledParts {
    /// Those that count: their number, size and checksum are those of the bytes that were sent.
    pub(crate) stored: Vec<u32>,
    /// Those that S3 took, and does not list.
    pub(crate) without_etag: Vec<u32>,
}

/// A multipart upload that S3 knows.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) key: String,
    pub(crate) upload_id: String,
    pub(crate) layout: PartLayout,
    pub(crate) rules: PartRules,
    /// The parts that S3 stored, by number from 1.
    done: Vec<Option<CompletedPart>>,
    done_bytes: u64,
    /// The next part that was never started.
    next: u32,
    /// The parts that were started and are not stored, in the order in which they started.
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) listing: Option<Listing>,
    pub(crate) completion: Completion,
    /// When S3 made the upload and when it last showed that it still has it, in seconds since 1970.
    pub(crate) created: Option<u64>,
    pub(crate) seen: Option<u64>,
    /// Whether S3 may have carried out a Complete of which no answer came.
    pub(crate) complete_outcome_unknown: bool,
    pub(crate) resumption: Resumption,
    /// The parts that S3 listed, by number, and that do not fit the layout on record: the page that sent them crashed before
    /// it was on record how it went on to divide the file. It may come to be divided like that once more.
    unplaced: BTreeMap<u32, ListedPart>,
}

impl Parts {
    pub(crate) fn new(key: String, upload_id: String, layout: PartLayout, rules: PartRules) -> Self {
        Self {
            key,
            upload_id,
            layout,
            rules,
            done: Vec::new(),
            done_bytes: 0,
            next: 1,
            transfers: Vec::new(),
            listing: None,
            completion: Completion::Open,
            created: None,
            seen: None,
            complete_outcome_unknown: false,
            resumption: Resumption::Over,
            unplaced: BTreeMap::new(),
        }
    }

    /// The upload of a record; `None` if the record cannot be right.
    pub(crate) fn resume(record: MultipartRecord, file_size: u64, origin: Origin) -> Option<Self> {
        let MultipartRecord {
            key,
            upload_id,
            part_size,
            part_size_changes,
            rules,
            created,
            seen,
            parts: recorded,
        } = record;
        let layout = PartLayout::recorded(file_size, part_size, &part_size_changes)?;
        Some(Self {
            created,
            seen,
            // Once its last part is stored, an upload may be completed at any moment.
            complete_outcome_unknown: layout.is_whole(&recorded),
            listing: Some(Listing::default()),
            resumption: Resumption::Asking { recorded, origin },
            ..Self::new(key, upload_id, layout, rules)
        })
    }

    /// The upload once its file was changed: S3 is asked for its parts, and they are compared with the file as it is
    /// now.
    pub(crate) fn compared(self) -> Option<Self> {
        let origin = match self.resumption.origin() {
            Some(Origin::Picked) => Origin::Picked,
            Some(Origin::Same | Origin::Touched) | None => Origin::Touched,
        };
        let parts = Self::resume(self.record(), self.layout.file_size(), origin)?;
        Some(Self {
            complete_outcome_unknown: self.complete_outcome_unknown,
            ..parts
        })
    }

    /// What is kept of it, so that it can be resumed.
    pub(crate) fn record(&self) -> MultipartRecord {
        MultipartRecord {
            key: self.key.clone(),
            upload_id: self.upload_id.clone(),
            part_size: self.layout.planned(),
            part_size_changes: self.layout.changes(),
            rules: self.rules,
            created: self.created,
            seen: self.seen,
            parts: self.recorded_parts(),
        }
    }

    /// What is kept of it once it may have been completed; `None` if not every part is known.
    pub(crate) fn completed_upload(&self) -> Option<CompletedUpload> {
        let mut multipart = self.record();
        let parts = std::mem::take(&mut multipart.parts);
        // Whether S3 dropped it is no question any more once an object lies under its key.
        multipart.created = None;
        let is_whole = self.layout.is_whole(&parts);
        is_whole.then_some(CompletedUpload { multipart, parts })
    }

    /// Every part that S3 stored, as far as is known, by number.
    fn recorded_parts(&self) -> Vec<CompletedPart> {
        let all: BTreeMap<u32, &CompletedPart> = self
            .resumption
            .recorded()
            .iter()
            .chain(self.completed())
            .map(|part| (part.number, part))
            .collect();
        all.into_values().cloned().collect()
    }

    /// Starts the next part, unless all are started. While an upload is being resumed, that is the next part to
    /// compare, and no other: not a byte is sent of what may be another file.
    pub(crate) fn start_next(&mut self) -> bool {
        if let Some((number, prior)) = self.resumption.next_comparison() {
            self.start_again(number, prior);
            return true;
        }
        if !self.resumption.is_asking() && !self.transfers.iter().any(Transfer::is_comparing) {
            self.resumption = Resumption::Over;
        }
        if !self.resumption.is_over() {
            return false;
        }
        while self.has_more_to_start() && self.is_started(self.next) {
            self.next += 1;
        }
        let more = self.has_more_to_start();
        if more {
            let range = self.layout.range(self.next);
            self.transfers.push(Transfer::new(Some(self.next), range));
            self.next += 1;
        }
        more
    }

    /// Starts a part that was hashed before.
    fn start_again(&mut self, number: u32, prior: PriorHash) {
        let range = self.layout.range(number);
        self.transfers
            .push(Transfer::with_prior_hash(number, range, prior));
    }

    /// Changes the size of the parts that have not started, if the one wanted is larger than theirs, or much
    /// smaller, and the service lets parts differ. Returns whether that changed anything.
    pub(crate) fn resize(&mut self, wanted: u64) -> bool {
        if self.rules.constant_size {
            return false;
        }
        let current = self.layout.size_at(self.next);
        let is_other = wanted > current || wanted.saturating_mul(2) < current;
        let changes = is_other
            && self.resumption.is_over()
            && self.has_more_to_start()
            && !self.is_started_from(self.next);
        if changes {
            self.layout.change(self.next, wanted);
        }
        changes
    }

    /// The first part that has to become smaller, because it is not stored and larger than any request may be. What S3
    /// may have of the file is settled first.
    pub(crate) fn first_beyond(&self, limit: u64) -> Option<u32> {
        let is_lost = |transfer: &Transfer| matches!(transfer.stage, Stage::Lost { .. });
        if !self.resumption.is_over() || self.transfers.iter().any(is_lost) {
            return None;
        }
        let started = self.transfers.iter().filter_map(|transfer| transfer.part);
        let next = Some(self.next).filter(|next| !self.is_started(*next));
        let unstored = started.chain(next);
        unstored
            .filter(|number| self.layout.bytes_of(*number) > limit)
            .min()
    }

    /// Whether the file can be divided anew from this part on: where all parts have one size, only as long as none is
    /// stored.
    pub(crate) fn can_divide_anew(&self, first_part: u32) -> bool {
        !self.rules.constant_size || first_part == 1 && self.completed().next().is_none()
    }

    /// Divides the file anew from this part on, whatever has started or is stored behind it. A stored part that happens to
    /// remain the same counts.
    pub(crate) fn divide_anew(&mut self, first_part: u32, part_size: u64) {
        self.transfers.retain(|transfer| transfer.part < Some(first_part));
        let before = self.layout.clone();
        self.layout.change(first_part, part_size);
        let behind = self.done.get_mut((first_part - 1) as usize..).unwrap_or_default();
        for stored in behind {
            let is_other = |part: &mut CompletedPart| {
                let number = part.number;
                !self.layout.has_part(number) || self.layout.range(number) != before.range(number)
            };
            if let Some(other) = stored.take_if(is_other) {
                self.done_bytes -= before.bytes_of(other.number);
            }
        }
        self.next = self.next.min(first_part);
    }

    /// Whether this part or one behind it has started. Nothing of it may move any more.
    fn is_started_from(&self, number: u32) -> bool {
        let mut started = self.transfers.iter().filter_map(|transfer| transfer.part);
        self.done.len() >= number as usize || started.any(|started| started >= number)
    }

    fn is_started(&self, number: u32) -> bool {
        self.completed_part(number).is_some()
            || self
                .transfers
                .iter()
                .any(|transfer| transfer.part == Some(number))
    }

    pub(crate) fn has_more_to_start(&self) -> bool {
        !self.resumption.is_over() || u64::from(self.next) <= self.layout.count()
    }

    pub(crate) const fn all_stored(&self) -> bool {
        self.done_bytes == self.layout.file_size()
    }

    /// Whether S3 has every part, and nothing is being asked about them any more.
    pub(crate) const fn is_ready_to_complete(&self) -> bool {
        self.all_stored() && self.listing.is_none() && matches!(self.completion, Completion::Open)
    }

    /// Moves a part that S3 stored from those that were started to those done.
    pub(crate) fn mark_stored(&mut self, part: CompletedPart) {
        let index = part.number as usize - 1;
        self.transfers
            .retain(|transfer| transfer.part != Some(part.number));
        if self.done.len() <= index {
            self.done.resize(index + 1, None);
        }
        if self.done[index].is_none() {
            self.done_bytes += self.layout.bytes_of(part.number);
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

    /// The object that S3 has made of the parts, with the `ETag` that it answered.
    pub(crate) fn stored_object(&self, etag: Option<String>) -> StoredObject {
        StoredObject {
            key: self.key.clone(),
            checksum: self
                .all_stored()
                .then(|| ObjectChecksum::of_parts(self.completed())),
            etag,
        }
    }

    /// Bytes that S3 has or that are on their way.
    pub(crate) fn sent(&self) -> u64 {
        self.done_bytes + self.transfers.iter().map(Transfer::sent).sum::<u64>()
    }

    /// Whether the bucket's lifecycle may have dropped the upload: not before its time, and hardly so shortly
    /// after S3 last had it.
    pub(crate) fn may_have_been_dropped(&self, now: Option<u64>) -> bool {
        let since = |then: Option<u64>| Some(now?.saturating_sub(then?));
        since(self.created) >= Some(LIFECYCLE_SECONDS) && since(self.seen) >= Some(SEEN_SECONDS)
    }

    /// All parts are on record, if that is waited for. Returns whether the upload can be completed now.
    pub(crate) fn on_saved(&mut self, saved: SaveId) -> bool {
        let is_saved = matches!(self.completion, Completion::Recording(save) if save == saved);
        if is_saved {
            self.completion = Completion::Requesting(ControlRequest::Unsigned);
        }
        is_saved
    }

    /// Asks S3 for its parts because of a Complete.
    pub(crate) fn ask_about(&mut self, ambiguity: Ambiguity) {
        self.completion = Completion::Asking(ambiguity);
        self.listing = Some(Listing::default());
    }

    /// Asks S3 for its parts from the first lost one on.
    pub(crate) fn ask_for_lost_parts(&mut self) {
        let lost = self
            .transfers
            .iter()
            .filter(|transfer| matches!(transfer.stage, Stage::Lost { .. }));
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

    /// Takes what S3 listed when an upload is resumed, or what the record says if S3 has completed it.
    pub(crate) fn settle_resumed(&mut self, settled: Option<Settled>) {
        if let Some(Settled {
            stored,
            unplaced,
            resumption,
        }) = settled
        {
            stored.into_iter().for_each(|part| self.mark_stored(part));
            self.unplaced = unplaced.into_iter().map(|part| (part.number, part)).collect();
            self.resumption = resumption;
        }
    }

    /// The `ETag` of the unplaced part of this number, if it has these bytes. If it has others, it is forgotten: the part
    /// that is sent now replaces it.
    pub(crate) fn take_unplaced(&mut self, number: u32, digest: Sha256Digest) -> Option<String> {
        let listed = self.unplaced.remove(&number)?;
        let is_same = listed.size == self.layout.bytes_of(number) && listed.sha256 == Some(digest);
        is_same.then_some(listed.etag)
    }

    /// An upload that lacks a part was not completed, whatever the record says. One that may be just being completed has
    /// them all, also if one of them was replaced since, by a request that was late.
    pub(crate) fn doubt_completion(&mut self, found: &[ListedPart]) {
        let found: BTreeSet<u32> = found.iter().map(|part| part.number).collect();
        let mut numbers = 1..=self.layout.count();
        self.complete_outcome_unknown &=
            numbers.all(|number| u32::try_from(number).is_ok_and(|number| found.contains(&number)));
    }

    /// Makes what is called done what S3 listed: a part that is there with other bytes, or not at all, is sent again.
    pub(crate) fn reconcile(&mut self, found: &[ListedPart]) {
        let found: BTreeMap<u32, &ListedPart> = found.iter().map(|part| (part.number, part)).collect();
        for index in 0..self.done.len() {
            let Some(done) = &mut self.done[index] else {
                continue;
            };
            let is_same = |part: &ListedPart| part.sha256_or(&done.etag, done.sha256) == Some(done.sha256);
            let listed = found.get(&done.number).filter(|part| is_same(part));
            if let Some(listed) = listed {
                done.etag.clone_from(&listed.etag);
                continue;
            }
            let (number, digest) = (done.number, done.sha256);
            self.done[index] = None;
            self.done_bytes -= self.layout.bytes_of(number);
            let on_match = OnMatch::Sign;
            self.start_again(number, PriorHash { digest, on_match });
        }
    }

    /// Whether S3 is asked for the `ETag` of a part that it has.
    pub(crate) fn needs_etag(&self) -> bool {
        let is_accepted = |stage: &Stage| {
            matches!(
                stage,
                Stage::Lost {
                    is_accepted: true,
                    ..
                }
            )
        };
        self.transfers.iter().any(|transfer| is_accepted(&transfer.stage))
    }

    /// Settles the parts that were lost when S3 was asked, by what it listed.
    pub(crate) fn settle_lost_parts(&mut self, asked: &[u32], found: &[ListedPart]) -> SettledParts {
        let (mut settled, mut without_etag) = (Vec::new(), Vec::new());
        for transfer in &mut self.transfers {
            let size = transfer.size();
            let (Stage::Lost { prior, is_accepted }, Some(number)) = (&transfer.stage, transfer.part) else {
                continue;
            };
            if !asked.contains(&number) {
                continue;
            }
            // The checksum of a part that S3 took was checked by S3, if the service that lists none knows any.
            let listed = found.iter().find(|part| {
                let same_checksum =
                    part.sha256 == Some(prior.digest) || *is_accepted && part.sha256.is_none();
                let same_bytes = part.size == size && same_checksum;
                part.number == number && same_bytes
            });
            if let Some(listed) = listed {
                settled.push(CompletedPart {
                    number,
                    etag: listed.etag.clone(),
                    sha256: prior.digest,
                });
                continue;
            }
            if *is_accepted {
                without_etag.push(number);
            }
            transfer.stage = Stage::Unhashed(Some(prior.clone()));
            transfer.outcome_unknown = false;
        }
        let stored = settled.iter().map(|part| part.number).collect();
        settled.into_iter().for_each(|part| self.mark_stored(part));
        SettledParts { stored, without_etag }
    }

    /// Takes everything off the disk and lets go of signatures that were asked for. Requests go on.
    pub(crate) fn hold(&mut self) {
        self.transfers.iter_mut().for_each(Transfer::hold);
        if let Some(listing) = &mut self.listing
            && let ControlRequest::Signing(..) = listing.request
        {
            listing.request = ControlRequest::Unsigned;
        }
        if let Completion::Checking | Completion::Recording(_) = self.completion {
            self.completion = Completion::Open;
        }
    }

    /// Takes everything off the network but a Complete, which cannot be taken back.
    pub(crate) fn stop(&mut self) {
        self.transfers.iter_mut().for_each(Transfer::stop);
        // After a pause or a sleep nobody knows how old a signature is. A new one brings the servers' time with it.
        if let Some(listing) = &mut self.listing {
            listing.request = ControlRequest::Unsigned;
        }
        match &mut self.completion {
            Completion::Checking | Completion::Recording(_) => self.completion = Completion::Open,
            Completion::Requesting(request @ (ControlRequest::Signing(..) | ControlRequest::Signed(..))) => {
                *request = ControlRequest::Unsigned;
            }
            Completion::Open | Completion::Requesting(_) | Completion::Asking(_) => {}
        }
    }

    /// Whether a Complete is on its way.
    pub(crate) const fn is_completing(&self) -> bool {
        matches!(self.completion, Completion::Requesting(ControlRequest::Sending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(file_size: u64, part_size: u64) -> Parts {
        let layout = PartLayout::new(file_size, part_size);
        Parts::new("key".into(), "id".into(), layout, PartRules::default())
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
        while parts.start_next() {}
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
        while parts.start_next() {}
        parts.mark_stored(stored(2));
        parts.mark_stored(stored(2));
        assert!(!parts.all_stored());
        assert_eq!(parts.sent(), 10);
        parts.mark_stored(stored(1));
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
            parts.start_next();
            parts.transfers[0].stage = Stage::Lost {
                is_accepted: false,
                prior: PriorHash {
                    digest,
                    on_match: OnMatch::Sign,
                },
            };
            parts.settle_lost_parts(&[1], &found);
            assert_eq!(parts.sent(), if counts { 10 } else { 0 }, "{found:?}");
            parts.ask_for_lost_parts();
            assert!(parts.listing.is_none(), "{found:?}");
        }
    }
}
