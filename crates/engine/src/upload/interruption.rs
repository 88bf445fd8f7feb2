//! What becomes of a file when the network or the machine was away.

use crate::{
    ErrorKind,
    upload::{
        control_request::ControlRequest,
        parts::{Ambiguity, Completion},
        upload_mut::UploadMut,
    },
};

impl UploadMut<'_> {
    /// Takes the file off the network as after a lost connection, but without counting a failure.
    pub(crate) fn on_interruption(&mut self) {
        let now = self.env.now();
        self.stop();
        let Some(work) = self.file.work_mut() else { return };
        for transfer in work.transfers_mut() {
            transfer
                .attempts
                .record_interruption(ErrorKind::S3Unreachable, now);
        }
        work.attempts_mut()
            .record_interruption(ErrorKind::S3Unreachable, now);
        if let Some(parts) = work.parts_mut()
            && let Completion::Requesting(ControlRequest::Sending) = parts.completion
        {
            parts.complete_outcome_unknown = true;
            parts.ask_about(Ambiguity::NoAnswer);
            self.output.cancel(self.in_flight.stop_complete(self.id));
        }
        self.changed();
    }
}
