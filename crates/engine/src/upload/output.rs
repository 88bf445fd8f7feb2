//! What the engine wants done and what has not been drained yet.

use std::{time::Duration, vec::Drain};

use crate::{Command, FileId, Ticket};

/// The commands that nobody has drained yet.
#[derive(Debug, Default)]
pub(crate) struct Output {
    commands: Vec<Command>,
    /// When the engine has asked to be woken.
    wake_at: Option<Duration>,
}

impl Output {
    pub(crate) fn push(&mut self, command: Command) {
        self.commands.push(command);
    }

    pub(crate) fn changed(&mut self, id: FileId) {
        self.push(Command::Changed(id));
    }

    pub(crate) fn cancel(&mut self, tickets: impl IntoIterator<Item = Ticket>) {
        let cancels = tickets.into_iter().map(|ticket| Command::Cancel { ticket });
        self.commands.extend(cancels);
    }

    /// Asks to be woken then, unless that is asked for already.
    pub(crate) fn wake_at(&mut self, then: Duration, now: Duration) {
        let is_news = |asked| then < asked || asked <= now;
        if self.wake_at.is_none_or(is_news) {
            self.wake_at = Some(then);
            self.push(Command::WakeAt(then));
        }
    }

    /// The time that was asked for has come.
    pub(crate) const fn mark_woken(&mut self) {
        self.wake_at = None;
    }

    pub(crate) fn drain(&mut self) -> Drain<'_, Command> {
        self.commands.drain(..)
    }
}
