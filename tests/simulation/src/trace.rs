//! A run as lines to read.

use std::time::Duration;

use engine::{Command, Event, HttpAnswer, Ticket, TransportFailure};

use crate::models::lambda::{Lambda, Operation};

/// The lines of a run; none unless `enabled`.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) enabled: bool,
    pub(crate) lines: Vec<String>,
}

impl Trace {
    /// Adds a line with the time since the start of the world.
    pub(crate) fn line(&mut self, time: Duration, text: impl FnOnce() -> String) {
        if self.enabled {
            self.lines
                .push(format!("{:>11.3} s  {}", time.as_secs_f64(), text()));
        }
    }

    /// Adds a line for each command.
    pub(crate) fn commands(&mut self, time: Duration, commands: &[Command], lambda: &Lambda) {
        if self.enabled {
            for text in commands
                .iter()
                .filter_map(|command| describe_command(command, lambda))
            {
                self.line(time, || text);
            }
        }
    }
}

pub(crate) fn describe_event(event: &Event) -> String {
    match event {
        Event::FilesAdded { files, .. } => {
            let sizes: Vec<_> = files.iter().map(|file| (&*file.name, file.size)).collect();
            format!("> files added {sizes:?}")
        }
        Event::Hashed(hashed) => {
            let one = |(ticket, result): &(Ticket, Result<_, _>)| {
                let result = result.map(|_| "digest");
                format!("file {} #{} {result:?}", ticket.file.0, ticket.attempt)
            };
            format!(
                "> hashed {}",
                hashed.iter().map(one).collect::<Vec<_>>().join(", ")
            )
        }
        Event::Checked { ticket, result } => {
            format!("> file {} #{} checked {result:?}", ticket.file.0, ticket.attempt)
        }
        Event::CallAnswered { call, answer } => {
            format!("> call {} answered {}", call.0, describe_answer(answer))
        }
        Event::Progress { ticket, sent } => {
            format!("> file {} #{} sent {sent}", ticket.file.0, ticket.attempt)
        }
        Event::Answered { ticket, answer } => {
            format!(
                "> file {} #{} answered {}",
                ticket.file.0,
                ticket.attempt,
                describe_answer(answer)
            )
        }
        other => format!("> {other:?}"),
    }
}

fn describe_answer(answer: &Result<HttpAnswer, TransportFailure>) -> String {
    match answer {
        Ok(answer) => format!("{} {}", answer.status, answer.body),
        Err(failure) => format!("{failure:?}"),
    }
}

/// A command in words; `None` for the commands that only concern the page's rows.
fn describe_command(command: &Command, lambda: &Lambda) -> Option<String> {
    let operation = |request| match lambda.grant(request).map(|grant| (&grant.operation, &grant.key)) {
        Some((
            Operation::UploadPart {
                upload_id, number, ..
            },
            _,
        )) => format!("part {number} of {upload_id}"),
        Some((operation, key)) => format!("{operation:?} {key}"),
        None => "an unsigned request".to_owned(),
    };
    let text = match command {
        Command::Changed(_) | Command::Removed(_) => return None,
        Command::Hash { ticket, range } => format!("hash {} #{} {range:?}", ticket.file.0, ticket.attempt),
        Command::Check { ticket } => format!("check {} #{}", ticket.file.0, ticket.attempt),
        Command::Reopen { ticket } => format!("reopen {} #{}", ticket.file.0, ticket.attempt),
        Command::Call { call, route, body } => format!("call {} {route:?} {body}", call.0),
        Command::Put {
            ticket,
            request,
            range,
            body,
        } => {
            let operation = operation(request);
            format!(
                "put {} #{} {range:?} {body:?}: {operation}",
                ticket.file.0, ticket.attempt
            )
        }
        Command::Send { ticket, request, .. } => {
            let operation = operation(request);
            format!("send {} #{}: {operation}", ticket.file.0, ticket.attempt)
        }
        Command::Cancel { ticket } => format!("cancel {} #{}", ticket.file.0, ticket.attempt),
        Command::CancelCall { call } => format!("cancel call {}", call.0),
        Command::Save(id) => format!("save {}", id.0),
        Command::SavePart(id, number) => format!("save part {number} of {}", id.0),
        Command::Forget(id) => format!("forget {}", id.0),
        Command::ForgetBatch(batch) => format!("forget batch {batch}"),
        Command::Stored(id) => format!("note {} as stored", id.0),
        Command::WriteManifest { manifest, batch } => format!("write manifest {} of {batch}", manifest.0),
        Command::ManifestStored { key, .. } => format!("manifest {key} is stored"),
        Command::ReportSaved(save) => format!("report save {}", save.0),
        Command::WakeAt(time) => format!("wake at {:.3} s", time.as_secs_f64()),
    };
    Some(format!("    < {text}"))
}
