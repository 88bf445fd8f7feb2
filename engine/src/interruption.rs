//! The network goes and comes, and the machine sleeps.

use std::time::Duration;

use crate::{
    Command, Engine, ErrorKind, FileId, Ticket,
    file::{File, Work},
    multipart::{Doubt, Errand, Finish},
};

impl Engine {
    pub(crate) fn went_offline(&mut self, commands: &mut Vec<Command>) {
        self.conditions.online = false;
        self.show_active(commands);
    }

    pub(crate) fn came_online(&mut self, commands: &mut Vec<Command>) {
        if !self.conditions.online {
            self.conditions.online = true;
            self.interrupt_all(commands);
        }
    }

    /// The network or the machine was away: whatever is under way is most likely dead, and whatever
    /// waits need not wait longer. Nothing of it is anybody's failure.
    pub(crate) fn interrupt_all(&mut self, commands: &mut Vec<Command>) {
        let now = self.conditions.now;
        self.drop_calls(commands);
        self.api.reset();
        self.cleanups.interrupt(commands, now);
        let working: Vec<FileId> = self.active.iter().chain(&self.detached).copied().collect();
        for id in working {
            if let Some(work) = self.files.get_mut(id).and_then(File::work_mut) {
                let attempts = interrupt(work, now);
                commands.extend(attempts.into_iter().map(|attempt| Command::Cancel {
                    ticket: Ticket { file: id, attempt },
                }));
            }
            commands.push(Command::Changed(id));
        }
        self.speed.stopped();
        // What comes back may be another network.
        self.pace.lost();
        self.endpoints.network_changed(now);
    }

    /// Says that every active file may look different: what they share has changed.
    pub(crate) fn show_active(&self, commands: &mut Vec<Command>) {
        commands.extend(self.active.iter().map(|id| Command::Changed(*id)));
    }
}

/// Takes a file off the network as after a lost connection, but without counting a failure,
/// and gives the attempts to cancel.
fn interrupt(work: &mut Work, now: Duration) -> Vec<u64> {
    let mut attempts = work.stop();
    for transfer in work.transfers_mut() {
        transfer.attempts.interrupted(ErrorKind::S3Unreachable, now);
    }
    work.attempts_mut().interrupted(ErrorKind::S3Unreachable, now);
    if let Some(parts) = work.parts_mut()
        && let Finish::Completing(Errand::Sending { attempt, .. }) = parts.finish
    {
        attempts.push(attempt);
        parts.complete_outcome_unknown = true;
        parts.ask(Doubt::NoAnswer);
    }
    attempts
}
