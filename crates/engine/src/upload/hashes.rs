//! What the bytes of a file turn out to be.

use wire::Sha256Digest;

use crate::{
    CompletedPart, ErrorKind, FileFailure, Mismatch, UploadError,
    upload::{
        file::Work,
        parts::Completion,
        resumption::Origin,
        transfer::{OnMatch, PriorHash, Stage},
        upload_mut::UploadMut,
    },
};

impl UploadMut<'_> {
    /// A range was hashed, or could not be read.
    pub(crate) fn on_hashed(&mut self, part: Option<u32>, result: Result<Sha256Digest, FileFailure>) {
        let transfer = self.file.active_mut().and_then(|work| work.transfer_mut(part));
        let Some(transfer) = transfer else { return };
        let Stage::Hashing(prior) = &mut transfer.stage else {
            return;
        };
        match (result, prior.take()) {
            (Err(_), prior) => {
                transfer.stage = Stage::Unhashed(prior);
                self.on_unreadable();
            }
            (Ok(digest), None) => {
                transfer.stage = Stage::Hashed(digest);
                self.keep_unplaced(part, digest);
            }
            (Ok(digest), Some(prior)) if prior.is_of_interrupted() => self.on_compared(part, digest, prior),
            (Ok(digest), Some(prior)) if digest != prior.digest => {
                self.fail(UploadError::new(ErrorKind::FileChanged));
            }
            (Ok(digest), Some(prior)) => {
                transfer.stage = match prior.on_match {
                    OnMatch::Send(request) => Stage::Signed { digest, request },
                    _ => Stage::Hashed(digest),
                };
            }
        }
        self.changed();
    }

    /// A part was compared with what S3 has of it since before an interruption.
    fn on_compared(&mut self, part: Option<u32>, digest: Sha256Digest, prior: PriorHash) {
        let is_same = digest == prior.digest;
        let sha256 = prior.digest;
        match prior.on_match {
            OnMatch::KeepRecorded { etag } | OnMatch::KeepListed { etag } if is_same => {
                self.on_part_matches(part, etag, sha256);
            }
            OnMatch::KeepListed { .. } => self.on_part_differs(part),
            _ => self.on_other_bytes(),
        }
    }

    /// A part is about to be signed. It counts as stored if an earlier page sent just these bytes as this part, and did not
    /// live to record how it divided the file.
    fn keep_unplaced(&mut self, part: Option<u32>, digest: Sha256Digest) {
        let parts = self.file.active_mut().and_then(Work::parts_mut);
        let etag = parts
            .zip(part)
            .and_then(|(parts, number)| parts.take_unplaced(number, digest));
        if let Some(etag) = etag {
            self.on_part_matches(part, etag, digest);
        }
    }

    /// A part that S3 has is what the file has there.
    fn on_part_matches(&mut self, part: Option<u32>, etag: String, sha256: Sha256Digest) {
        let parts = self.file.active_mut().and_then(Work::parts_mut);
        if let (Some(parts), Some(number)) = (parts, part) {
            parts.mark_stored(CompletedPart { number, etag, sha256 });
            self.save_part(number);
            self.show_progress();
        }
    }

    /// A part that S3 has and nobody remembers is not what the file has there: it is sent in its turn.
    fn on_part_differs(&mut self, part: Option<u32>) {
        if let Some(parts) = self.file.active_mut().and_then(Work::parts_mut) {
            parts.transfers.retain(|transfer| transfer.part != part);
        }
    }

    /// The file does not have the bytes that were sent of it. What it has gets a key of its own if S3 has made an object of
    /// those.
    fn on_other_bytes(&mut self) {
        if self.file.is_compared_with_object() {
            self.start_over_as_copy(UploadError::new(ErrorKind::AlreadyExists));
            return;
        }
        let parts = self.file.work().and_then(Work::parts);
        match parts.and_then(|parts| parts.resumption.origin()) {
            Some(Origin::Touched) => self.fail(UploadError::new(ErrorKind::FileChanged)),
            _ => self.wait_for_file(Mismatch::Content),
        }
    }

    /// The file was read once more before it is completed.
    pub(crate) fn on_checked(&mut self, result: Result<(), FileFailure>) {
        if let Some(parts) = self.file.active_mut().and_then(Work::parts_mut) {
            match result {
                Ok(()) => {
                    let save = self.in_flight.new_save_id();
                    parts.completion = Completion::Recording(save);
                    self.report_saved(save);
                }
                Err(_) => self.on_unreadable(),
            }
            self.changed();
        }
    }
}
