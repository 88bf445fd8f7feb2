//! What a person can do to the files.

use crate::{
    Command, Engine, FileId, Selection,
    file::{File, State, Work},
};

impl Engine {
    pub(crate) fn each(&mut self, selection: Selection, mut action: impl FnMut(&mut Self, FileId)) {
        match selection {
            Selection::File(id) => action(self, id),
            Selection::All => (0..self.next_file_id().0).for_each(|id| action(self, FileId(id))),
        }
    }

    /// As [`Self::each`], from the last file to the first: each is put first in its queue, so that in
    /// the end they stand there in order.
    pub(crate) fn each_from_last(&mut self, selection: Selection, mut action: impl FnMut(&mut Self, FileId)) {
        match selection {
            Selection::File(id) => action(self, id),
            Selection::All => (0..self.next_file_id().0)
                .rev()
                .for_each(|id| action(self, FileId(id))),
        }
    }

    pub(crate) fn pause(&mut self, id: FileId, commands: &mut Vec<Command>) {
        let is_going = self
            .files
            .get(id)
            .is_some_and(|file| matches!(file.state, State::Queued(_) | State::Active(_)));
        if !is_going {
            return;
        }
        self.stop(id, commands);
        let work = self.files.get(id).and_then(File::work);
        if work.is_some_and(|work| work.requests_in_flight() > 0) && !self.detached.contains(&id) {
            self.detached.push(id);
        }
        self.change_state(id, commands, |state| match state {
            State::Queued(work) | State::Active(work) => State::Paused(work),
            other => other,
        });
    }

    pub(crate) fn resume(&mut self, id: FileId, commands: &mut Vec<Command>) {
        let is_paused = self
            .files
            .get(id)
            .is_some_and(|file| matches!(file.state, State::Paused(_)));
        if is_paused {
            self.enqueue_again(id, commands);
        }
    }

    pub(crate) fn cancel(&mut self, id: FileId, commands: &mut Vec<Command>) {
        let Some(work) = self.files.get(id).and_then(File::work) else {
            return;
        };
        // Nobody can take back a Complete: whichever way it ends is what is shown.
        if work.parts().is_some_and(|parts| parts.is_completing()) {
            return;
        }
        self.stop(id, commands);
        self.clean_up_after(id);
        self.change_state(id, commands, |_| State::Cancelled);
    }

    pub(crate) fn retry(&mut self, id: FileId, selection: Selection, commands: &mut Vec<Command>) {
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        match (&file.state, selection) {
            (State::Failed(..), _) => self.enqueue_again(id, commands),
            (State::Cancelled, Selection::File(_)) => {
                let (size, shown) = (file.size(), file.shown);
                file.restarts = 0;
                file.notice = None;
                self.change_state(id, commands, |_| State::Queued(Work::new(size)));
                if let Some(file) = self.files.get_mut(id) {
                    file.shown = 0;
                }
                self.totals.sent -= shown;
                self.enqueue_first(id);
            }
            _ => {}
        }
    }

    pub(crate) fn remove(&mut self, id: FileId, selection: Selection, commands: &mut Vec<Command>) {
        let Some(file) = self.files.get(id) else { return };
        let may_go = matches!(
            (&file.state, selection),
            (State::Stored { .. } | State::Cancelled, _)
                | (State::Failed(..) | State::Interrupted(_), Selection::File(_))
        );
        if !may_go {
            return;
        }
        if file.is_kept() {
            commands.push(Command::Forget(id));
        }
        self.clean_up_after(id);
        self.take_off(id, commands);
    }

    /// Takes a file off the list.
    pub(crate) fn take_off(&mut self, id: FileId, commands: &mut Vec<Command>) {
        let Some(file) = self.files.get(id) else { return };
        let (size, shown) = (file.size(), file.shown);
        self.count_state(id, false);
        self.totals.files -= 1;
        self.totals.bytes -= size;
        self.totals.sent -= shown;
        self.files.remove(id);
        commands.push(Command::Removed(id));
    }

    /// Puts a paused or failed file first in its queue, with all that is done of it.
    fn enqueue_again(&mut self, id: FileId, commands: &mut Vec<Command>) {
        if let Some(file) = self.files.get_mut(id) {
            file.restarts = 0;
        }
        self.change_state(id, commands, |state| match state {
            State::Paused(mut work) | State::Failed(mut work, _) => {
                work.attempts_mut().reset();
                for transfer in work.transfers_mut() {
                    transfer.attempts.reset();
                }
                State::Queued(work)
            }
            other => other,
        });
        self.enqueue_first(id);
    }
}
