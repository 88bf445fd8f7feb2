//! What S3 has to be asked to throw away: the multipart uploads of files that were cancelled.

use std::time::Duration;

use crate::{
    CallId, Command, ErrorKind, FileId, HttpAnswer, Ticket, TransportFailure, UploadError,
    backoff::{Attempts, Decision},
    conditions::Conditions,
    multipart::Errand,
    planted::{Bug, planted},
    retry::{Verdict, judge},
    s3_xml,
};

/// A multipart upload to abort.
#[derive(Debug)]
pub(crate) struct Cleanup {
    /// The file that it was for; it may be off the list by now.
    pub(crate) file: FileId,
    pub(crate) key: String,
    pub(crate) upload_id: String,
    pub(crate) errand: Errand,
    pub(crate) attempts: Attempts,
}

/// A CreateMultipartUpload whose file was cancelled before S3 answered.
#[derive(Debug)]
struct Orphan {
    file: FileId,
    key: String,
    attempt: u64,
    since: Duration,
}

/// All that is to be aborted. Each try that fails is repeated, up to the settings' limit; what then
/// is left, the bucket's lifecycle rule removes.
#[derive(Debug, Default)]
pub(crate) struct Cleanups {
    pub(crate) aborts: Vec<Cleanup>,
    orphans: Vec<Orphan>,
}

impl Cleanups {
    pub(crate) fn abort(&mut self, file: FileId, key: String, upload_id: String) {
        if planted(Bug::NoAbort) {
            return;
        }
        self.aborts.push(Cleanup {
            file,
            key,
            upload_id,
            errand: Errand::Unsigned,
            attempts: Attempts::default(),
        });
    }

    /// The request goes on: without its answer nobody would know which upload to abort.
    pub(crate) fn abort_once_created(&mut self, file: FileId, key: String, attempt: u64, since: Duration) {
        self.orphans.push(Orphan {
            file,
            key,
            attempt,
            since,
        });
    }

    /// Requests under way.
    pub(crate) fn requests_in_flight(&self) -> usize {
        let aborts = self
            .aborts
            .iter()
            .filter(|cleanup| matches!(cleanup.errand, Errand::Sending { .. }))
            .count();
        aborts + self.orphans.len()
    }

    /// Takes what S3 answered to an Abort or to the Create of a cancelled file, if it is that.
    pub(crate) fn answered(
        &mut self,
        ticket: Ticket,
        answer: Result<HttpAnswer, TransportFailure>,
        conditions: &mut Conditions,
    ) {
        let orphan = self
            .orphans
            .iter()
            .position(|orphan| orphan.attempt == ticket.attempt);
        if let Some(index) = orphan {
            let orphan = self.orphans.swap_remove(index);
            let created = judge(answer)
                .ok()
                .and_then(|answer| s3_xml::parse_create_result(&answer.body).ok());
            if let Some(upload_id) = created {
                self.abort(orphan.file, orphan.key, upload_id);
            }
            return;
        }
        let abort = self.aborts.iter().position(
            |cleanup| matches!(cleanup.errand, Errand::Sending { attempt, .. } if attempt == ticket.attempt),
        );
        if let Some(index) = abort {
            self.abort_answered(index, answer, conditions);
        }
    }

    fn abort_answered(
        &mut self,
        index: usize,
        answer: Result<HttpAnswer, TransportFailure>,
        conditions: &mut Conditions,
    ) {
        let cleanup = &mut self.aborts[index];
        cleanup.errand = Errand::Unsigned;
        let decision = match judge(answer) {
            Ok(_) | Err(Verdict::UploadGone(_)) => {
                self.aborts.swap_remove(index);
                return;
            }
            Err(Verdict::Resign(error)) => cleanup.attempts.resign(error, conditions),
            Err(Verdict::Retry(error)) if error.s3.is_none() && !conditions.online => {
                cleanup.attempts.interrupted(error.kind, conditions.now);
                Decision::Again
            }
            Err(
                Verdict::Retry(error)
                | Verdict::Throttled(error)
                | Verdict::HashAgain(error)
                | Verdict::StartOver(error)
                | Verdict::PartsDiffer(error)
                | Verdict::AlreadyExists(error)
                | Verdict::Final(error),
            ) => cleanup.attempts.failed(error, conditions),
        };
        if let Decision::GiveUp(_) = decision {
            self.aborts.swap_remove(index);
        }
    }

    /// The Lambda would not, or could not, sign an Abort.
    pub(crate) fn not_signed(&mut self, call: CallId, error: UploadError, conditions: &mut Conditions) {
        let signing = |cleanup: &Cleanup| matches!(cleanup.errand, Errand::Signing(id) if id == call);
        let Some(index) = self.aborts.iter().position(signing) else {
            return;
        };
        let cleanup = &mut self.aborts[index];
        cleanup.errand = Errand::Unsigned;
        if !conditions.online {
            cleanup.attempts.interrupted(error.kind, conditions.now);
        } else if let Decision::GiveUp(_) = cleanup.attempts.failed(error, conditions) {
            self.aborts.swap_remove(index);
        }
    }

    /// Gives up requests without an answer for too long.
    pub(crate) fn stalled(&mut self, conditions: &mut Conditions, commands: &mut Vec<Command>) {
        self.orphans.retain(|orphan| {
            let is_stalled = conditions.is_stalled(orphan.since);
            if is_stalled {
                let ticket = Ticket {
                    file: orphan.file,
                    attempt: orphan.attempt,
                };
                commands.push(Command::Cancel { ticket });
            }
            !is_stalled
        });
        let stalled: Vec<Ticket> = self
            .aborts
            .iter()
            .filter_map(|cleanup| match cleanup.errand {
                Errand::Sending { attempt, since } if conditions.is_stalled(since) => Some(Ticket {
                    file: cleanup.file,
                    attempt,
                }),
                _ => None,
            })
            .collect();
        for ticket in stalled {
            commands.push(Command::Cancel { ticket });
            self.answered(ticket, Err(TransportFailure::Stalled), conditions);
        }
    }

    /// The network or the machine was away: every Abort begins again at once.
    pub(crate) fn interrupt(&mut self, commands: &mut Vec<Command>, now: Duration) {
        for cleanup in &mut self.aborts {
            if let Some(attempt) = cleanup.errand.stop() {
                let ticket = Ticket {
                    file: cleanup.file,
                    attempt,
                };
                commands.push(Command::Cancel { ticket });
            }
            cleanup.attempts.interrupted(ErrorKind::S3Unreachable, now);
        }
    }

    /// Since when each request under way has been waited for.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Duration> {
        let aborts = self.aborts.iter().filter_map(|cleanup| match cleanup.errand {
            Errand::Sending { since, .. } => Some(since),
            _ => None,
        });
        aborts.chain(self.orphans.iter().map(|orphan| orphan.since))
    }

    /// When each Abort that is not under way may be tried again.
    pub(crate) fn retry_times(&self) -> impl Iterator<Item = Duration> {
        let waiting = self
            .aborts
            .iter()
            .filter(|cleanup| matches!(cleanup.errand, Errand::Unsigned));
        waiting.map(|cleanup| cleanup.attempts.not_before)
    }
}
