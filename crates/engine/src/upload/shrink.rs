//! What becomes of requests that are larger than something on the way lets through.

use crate::{
    ErrorKind, UploadError,
    measure::request_sizer::RequestSizer,
    protocol::recovery::Recovery,
    upload::{
        file::Work,
        multipart::{Multipart, MultipartWork},
        upload_mut::UploadMut,
    },
};

impl Work {
    /// Whether any of it is larger than a request may be, and is not known to be on its way or stored.
    pub(crate) fn exceeds(&self, limit: u64) -> bool {
        match self {
            Self::Single { transfer } => {
                transfer.size() > limit && !transfer.is_sending() && !transfer.outcome_unknown
            }
            Self::Multipart(work) => work
                .parts()
                .is_some_and(|parts| parts.first_beyond(limit).is_some()),
        }
    }
}

impl UploadMut<'_> {
    /// Something on the way, or S3, refused a request because of its size. The request is tried once more if one as large
    /// has passed, or if it cannot be made smaller: a single such answer may be chance.
    pub(crate) fn on_too_large(&mut self, part: Option<u32>, error: UploadError) {
        let transfer = self.file.work_mut().and_then(|work| work.transfer_mut(part));
        let Some(transfer) = transfer else { return };
        let size = transfer.size();
        let sizer = &mut self.env.sizer;
        let is_first = transfer.last_failure() != Some(ErrorKind::RequestTooLarge);
        if sizer.is_known_to_pass(size) || (is_first && !RequestSizer::can_shrink(size)) {
            sizer.record_contradiction(size);
            let decision = transfer.on_failure(Recovery::Retry(error), &mut self.env.conditions);
            self.decide(decision);
            return;
        }
        transfer.mark_refused();
        if !RequestSizer::can_shrink(size) {
            self.fail_as_too_large(size, error);
            return;
        }
        sizer.record_too_large(size);
        if part.is_none() {
            self.shrink();
        }
    }

    /// Makes what is larger than a request may be smaller: a whole file becomes a multipart upload, and parts are
    /// divided anew.
    pub(crate) fn shrink(&mut self) {
        let limit = self.env.sizer.limit();
        let Some(work) = self.file.work_mut() else { return };
        match work {
            Work::Single { .. } => {
                *work = Work::Multipart(MultipartWork::new(Multipart::Unplanned));
                self.output.cancel(self.in_flight.stop(self.id));
            }
            Work::Multipart(work) => {
                let Some(parts) = work.parts_mut() else { return };
                let Some(first) = parts.first_beyond(limit) else {
                    return;
                };
                let is_whole_file = parts.rules.constant_size;
                let first = if is_whole_file { 1 } else { first };
                if !parts.layout.takes(first, limit) {
                    self.fail_as_too_large(limit, UploadError::new(ErrorKind::RequestTooLarge));
                    return;
                }
                if !parts.can_divide_anew(first) {
                    self.start_over(UploadError::new(ErrorKind::RequestTooLarge));
                    return;
                }
                parts.divide_anew(first, limit);
                self.output.cancel(self.in_flight.stop_parts(self.id, first));
                self.save();
            }
        }
        self.changed();
    }

    /// What passed is known; if nothing did, what did not.
    fn fail_as_too_large(&mut self, bytes: u64, error: UploadError) {
        self.fail(UploadError {
            kind: ErrorKind::RequestTooLarge,
            limit: self.env.sizer.largest_stored().or(Some(bytes)),
            ..error
        });
    }
}
