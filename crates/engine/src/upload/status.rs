//! How the page shows a file.

use std::time::Duration;

use crate::{
    FileStatus, FileView,
    measure::backoff::Attempts,
    upload::{
        control_request::ControlRequest,
        file::{File, State, Work},
        multipart::{Multipart, MultipartWork},
        parts::{Completion, Parts},
        tally::is_much_less,
        transfer::{Stage, Transfer},
    },
};

/// What a row can say besides: what all files wait for.
pub(crate) struct Surroundings<'a> {
    pub(crate) now: Duration,
    /// Whether there is no network and S3 is answering no request of this file any more.
    pub(crate) is_cut_off: bool,
    /// Bytes per second that S3 answered of late, of all files together.
    pub(crate) answered_speed: Option<u64>,
    pub(crate) api: &'a Attempts,
}

impl File {
    /// The file as the page shows it.
    pub(crate) fn view(&self, surroundings: &Surroundings<'_>) -> FileView {
        let status = self.status(surroundings);
        let bytes_per_second = match status {
            FileStatus::Sending => {
                let sent = self.speed.bytes_per_second().unwrap_or(0);
                let answered = surroundings.answered_speed;
                answered
                    .filter(|answered| is_much_less(*answered, sent))
                    .unwrap_or(sent)
            }
            _ => 0,
        };
        FileView {
            name: self.description.name.clone(),
            size: self.size(),
            media_type: self.description.media_type.clone(),
            status,
            sent: self.shown,
            bytes_per_second,
            key: match &self.state {
                State::Stored(stored) => Some(stored.key.clone()),
                _ => None,
            },
            notice: self.notice,
        }
    }

    fn status(&self, surroundings: &Surroundings<'_>) -> FileStatus {
        let &Surroundings { now, api, .. } = surroundings;
        match &self.state {
            State::Queued(_) => FileStatus::Queued,
            State::Unreadable { until, .. } => FileStatus::Unreadable { until: *until },
            State::Paused(_) => FileStatus::Paused,
            State::Failed(_, error) => FileStatus::Failed(error.clone()),
            State::Stored(_) => FileStatus::Stored,
            State::Cancelled => FileStatus::Cancelled,
            State::Interrupted(interrupted) => FileStatus::Interrupted(interrupted.mismatch),
            State::Elsewhere => FileStatus::Elsewhere,
            State::Active(_) if surroundings.is_cut_off => FileStatus::Offline,
            State::Active(Work::Single { transfer }) => transfer_status(transfer, now, api),
            State::Active(Work::Multipart(work)) => multipart_status(work, now, api),
        }
    }
}

fn waiting(attempts: &Attempts, now: Duration) -> Option<FileStatus> {
    attempts.waiting(now).map(|(until, error)| FileStatus::Waiting {
        until,
        error: error.clone(),
    })
}

/// What a file that needs the API waits for.
fn waiting_for_api(api: &Attempts, now: Duration) -> Option<FileStatus> {
    api.locked_out().or_else(|| waiting(api, now))
}

fn transfer_status(transfer: &Transfer, now: Duration, api: &Attempts) -> FileStatus {
    if transfer.is_sending() {
        return sending(std::slice::from_ref(transfer));
    }
    if let Some(status) = waiting(&transfer.attempts, now) {
        return status;
    }
    match transfer.stage {
        Stage::Unhashed(_) | Stage::Hashing(_) => FileStatus::Hashing,
        Stage::Hashed(_) => waiting_for_api(api, now).unwrap_or(FileStatus::Preparing),
        Stage::Signing { .. } => api.locked_out().unwrap_or(FileStatus::Preparing),
        Stage::Recording { .. } | Stage::Lost { .. } => FileStatus::Preparing,
        Stage::Signed { .. } => FileStatus::Ready,
        Stage::Sending { .. } => FileStatus::Sending,
    }
}

fn sending(transfers: &[Transfer]) -> FileStatus {
    let mut in_flight = transfers.iter().filter(|transfer| transfer.is_sending());
    if in_flight.all(|transfer| transfer.sent() == transfer.size()) {
        FileStatus::Confirming
    } else {
        FileStatus::Sending
    }
}

fn multipart_status(work: &MultipartWork, now: Duration, api: &Attempts) -> FileStatus {
    let parts = work.parts().map_or(&[][..], |parts| &parts.transfers);
    if parts.iter().any(Transfer::is_sending) {
        return sending(parts);
    }
    if let Some(status) = waiting(&work.attempts, now) {
        return status;
    }
    match &work.stage {
        Multipart::Unplanned => waiting_for_api(api, now).unwrap_or(FileStatus::Preparing),
        Multipart::Planning(..) => api.locked_out().unwrap_or(FileStatus::Preparing),
        Multipart::Planned(_) | Multipart::Creating(_) => FileStatus::Preparing,
        Multipart::Uploading(parts) => parts_status(parts, now, api),
    }
}

fn parts_status(parts: &Parts, now: Duration, api: &Attempts) -> FileStatus {
    if parts.resumption.is_asking() {
        return waiting_for_api(api, now).unwrap_or(FileStatus::Preparing);
    }
    if !parts.resumption.is_over() && !parts.all_stored() {
        return FileStatus::Comparing;
    }
    match parts.completion {
        Completion::Checking | Completion::Recording(_) | Completion::Asking(_) => {
            return FileStatus::Finishing;
        }
        Completion::Requesting(ControlRequest::Unsigned) => {
            return waiting_for_api(api, now).unwrap_or(FileStatus::Finishing);
        }
        Completion::Requesting(ControlRequest::Signing(..)) => {
            return api.locked_out().unwrap_or(FileStatus::Finishing);
        }
        Completion::Requesting(_) => return FileStatus::Finishing,
        Completion::Open => {}
    }
    let statuses = || {
        parts
            .transfers
            .iter()
            .map(|transfer| transfer_status(transfer, now, api))
    };
    if let Some(locked_out) = api.locked_out()
        && statuses().any(|status| status == locked_out)
    {
        return locked_out;
    }
    // A file whose every part waits shows the part that goes on first.
    let waits_until = |status: &FileStatus| match status {
        FileStatus::Waiting { until, .. } => Some(*until),
        _ => None,
    };
    if statuses().all(|status| waits_until(&status).is_some()) {
        return statuses().min_by_key(waits_until).unwrap_or(FileStatus::Sending);
    }
    FileStatus::Sending
}
