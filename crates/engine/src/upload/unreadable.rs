//! A file that cannot be read: it is taken anew from where it came, and waited for with all that S3 has of it.

use std::time::Duration;

use crate::{
    Command, ErrorKind, FileDescription, FileFailure, Mismatch, UploadError,
    limits::MAX_REOPENS,
    upload::{
        file::{Interrupted, State, Work},
        in_flight::Slot,
        parts::Parts,
        resumption::Origin,
        upload_mut::UploadMut,
    },
};

impl UploadMut<'_> {
    /// The file could not be read. Requests in flight go on; other files take its place meanwhile.
    pub(crate) fn on_unreadable(&mut self) {
        if let Some(work) = self.file.work_mut() {
            work.hold();
        }
        self.output.cancel(self.in_flight.stop_reading(self.id));
        self.file.read_failures += 1;
        if self.file.read_failures > MAX_REOPENS {
            self.wait_for_file(Mismatch::Unreadable);
            return;
        }
        let until = self.env.now() + delay(self.file.read_failures);
        self.change_state(|state| match state {
            State::Active(work) | State::Unreadable { work, .. } => State::Unreadable {
                work,
                until: Some(until),
            },
            other => other,
        });
    }

    /// Takes the file anew.
    pub(crate) fn reopen(&mut self) {
        if let State::Unreadable { until, .. } = &mut self.file.state {
            *until = None;
            let ticket = self.in_flight.start(self.id, Slot::Reopen, self.env.now());
            self.output.push(Command::Reopen { ticket });
            self.changed();
        }
    }

    /// The file was taken anew, or still cannot be read.
    pub(crate) fn on_reopened(&mut self, result: Result<FileDescription, FileFailure>) {
        let Ok(description) = result else {
            self.on_unreadable();
            return;
        };
        let size = self.file.size();
        if description.size != size {
            self.fail(UploadError::new(ErrorKind::FileChanged));
            return;
        }
        let is_touched = description.last_modified != self.file.description.last_modified;
        if is_touched {
            self.file.set_last_modified(description.last_modified);
            self.stop();
        }
        self.change_state(|state| match state {
            State::Unreadable { work, .. } if is_touched => State::Queued(work.compared(size)),
            State::Unreadable { work, .. } => State::Queued(work),
            other => other,
        });
        self.enqueue_first();
    }

    /// The file is of no use as it is. The upload waits for one that is.
    pub(crate) fn wait_for_file(&mut self, mismatch: Mismatch) {
        self.stop();
        if let Some(record) = self.file.record() {
            let mismatch = Some(mismatch);
            self.change_state(|_| State::Interrupted(Box::new(Interrupted { record, mismatch })));
        }
    }

    /// A user wants the file to be tried again.
    pub(crate) fn retry_reading(&mut self) {
        let size = self.file.size();
        self.file.read_failures = 0;
        if matches!(self.file.state, State::Unreadable { until: None, .. }) {
            return;
        }
        let until = Some(self.env.now());
        let all_work = self.file.all_work();
        self.change_state(|state| match state {
            State::Interrupted(interrupted) => {
                let multipart = interrupted.record.multipart;
                // Whether it is the right one may not have been settled when it could not be read.
                let parts = multipart.and_then(|record| Parts::resume(record, size, Origin::Picked));
                let work = parts.map_or(all_work, Work::resumed);
                State::Unreadable { work, until }
            }
            State::Unreadable { work, .. } => State::Unreadable { work, until },
            other => other,
        });
    }
}

/// How long to wait after as many failures in a row.
fn delay(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        more => Duration::from_secs(1 << (more - 2).min(16)),
    }
}
