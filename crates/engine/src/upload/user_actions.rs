//! What a user can do to a file.

use crate::{
    Command, Mismatch, Selection,
    upload::{
        file::{State, Work},
        upload_mut::UploadMut,
    },
};

impl UploadMut<'_> {
    pub(crate) fn pause(&mut self) {
        if matches!(
            self.file.state,
            State::Queued(_) | State::Active(_) | State::Unreadable { .. }
        ) {
            self.stop();
            self.change_state(|state| match state {
                State::Queued(work) | State::Active(work) | State::Unreadable { work, .. } => {
                    State::Paused(work)
                }
                other => other,
            });
        }
    }

    pub(crate) fn resume(&mut self) {
        if matches!(self.file.state, State::Paused(_)) {
            self.enqueue_again();
        }
    }

    pub(crate) fn cancel(&mut self) {
        // Nobody can take back a Complete: whichever way it ends is what is shown.
        let is_completing = |work: &Work| work.parts().is_some_and(|parts| parts.is_completing());
        if self.file.work().is_some_and(|work| !is_completing(work)) {
            self.file.record_object_of_parts();
            self.stop();
            self.clean_up();
            self.change_state(|_| State::Cancelled);
        }
    }

    pub(crate) fn retry(&mut self, selection: Selection) {
        match (&self.file.state, selection) {
            (State::Failed(..), _) => self.enqueue_again(),
            (State::Unreadable { .. }, _) => self.retry_reading(),
            (State::Interrupted(interrupted), _) if interrupted.mismatch == Some(Mismatch::Unreadable) => {
                self.retry_reading();
            }
            (State::Cancelled, Selection::File(_)) => {
                let work = self.file.all_work();
                self.file.restarts = 0;
                self.file.notice = None;
                self.change_state(|_| State::Queued(work));
                self.totals.remove(self.file);
                self.file.shown = 0;
                self.totals.add(self.file);
                self.enqueue_first();
            }
            _ => {}
        }
    }

    /// Lets go of what is kept of the file here and at S3. Returns whether it may go off the list.
    pub(crate) fn remove(&mut self, selection: Selection) -> bool {
        let may_go = matches!(
            (&self.file.state, selection),
            (State::Stored(_) | State::Cancelled, _)
                | (
                    State::Failed(..) | State::Interrupted(_),
                    Selection::File(_) | Selection::Batch(_)
                )
        );
        if may_go {
            if self.file.is_kept() {
                self.output.push(Command::Forget(self.id));
            }
            self.clean_up();
        }
        may_go
    }

    /// Puts a paused or failed file first in its queue, with all that is done of it.
    fn enqueue_again(&mut self) {
        self.file.restarts = 0;
        self.file.read_failures = 0;
        self.change_state(|state| match state {
            State::Paused(mut work) | State::Failed(mut work, _) => {
                work.reset_attempts();
                State::Queued(work)
            }
            other => other,
        });
        self.enqueue_first();
    }
}
