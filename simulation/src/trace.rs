//! A run as a person reads it.

use std::time::Duration;

use engine::{Command, Event, HttpAnswer, Ticket, TransportFailure};

use crate::lambda::{Lambda, Operation};

/// The lines of a run, if they are wanted.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) wanted: bool,
    pub(crate) lines: Vec<String>,
}

impl Trace {
    /// Adds a line at this time since the beginning of the world.
    pub(crate) fn line(&mut self, time: Duration, text: impl FnOnce() -> String) {
        if self.wanted {
            self.lines
                .push(format!("{:>11.3} s  {}", time.as_secs_f64(), text()));
        }
    }
}

pub(crate) fn describe_event(event: &Event) -> String {
    match event {
        Event::FilesAdded(files) => {
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

/// A command in words; nothing for the commands that only concern the page's rows.
pub(crate) fn describe_command(command: &Command, lambda: &Lambda) -> Option<String> {
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
        Command::Call { call, route, body } => format!("call {} {route:?} {body}", call.0),
        Command::Put {
            ticket,
            request,
            range,
        } => {
            let operation = operation(request);
            format!("put {} #{} {range:?}: {operation}", ticket.file.0, ticket.attempt)
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
        Command::WakeAt(time) => format!("wake at {:.3} s", time.as_secs_f64()),
    };
    Some(format!("    < {text}"))
}
