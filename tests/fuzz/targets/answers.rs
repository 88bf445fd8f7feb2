//! Any answers of the Lambda and of S3, for one small and one large file: the engine never panics, and
//! never shows a file as stored that S3 did not accept.
#![no_main]

use std::time::Duration;

use engine::{Command, Engine, Event, FileDescription, FileId, FileStatus, HttpAnswer, Settings};
use libfuzzer_sys::fuzz_target;
use wire::{BatchId, Sha256Digest};

/// How many events one engine receives at most.
const MAX_EVENTS: usize = 64;

fuzz_target!(|answers: Vec<(u16, &str)>| {
    let mut engine = Engine::new(Settings::default(), 1);
    let mut answers = answers.into_iter();
    let mut pending: Vec<Command> = Vec::new();
    let mut accepted_by_s3 = false;
    let mut now = Duration::ZERO;
    let sizes = [5, 20 << 20];
    let batch = BatchId::new(0, [0; 10]);
    let files = sizes.map(describe).to_vec();
    engine.handle(Event::FilesAdded { batch, files }, now);
    pending.extend(engine.drain_commands());
    for _ in 0..MAX_EVENTS {
        let Some(command) = pending.pop() else { break };
        let mut answer = || {
            let (status, body) = answers.next().unwrap_or((503, ""));
            HttpAnswer {
                status: 100 + status % 500,
                etag: Some("etag".to_owned()),
                body: body.to_owned(),
                ..HttpAnswer::default()
            }
        };
        let event = match command {
            Command::Hash { ticket, .. } => Event::Hashed(vec![(ticket, Ok(Sha256Digest::new([1; 32])))]),
            Command::ReportSaved(save) => Event::Saved(save),
            Command::Check { ticket } => Event::Checked {
                ticket,
                result: Ok(()),
            },
            Command::Call { call, .. } => Event::CallAnswered {
                call,
                answer: Ok(answer()),
            },
            Command::Put { ticket, .. } | Command::Send { ticket, .. } => {
                let answer = answer();
                accepted_by_s3 |= (200..300).contains(&answer.status) || answer.status == 412;
                Event::Answered {
                    ticket,
                    answer: Ok(answer),
                }
            }
            Command::WakeAt(then) => {
                now = now.max(then);
                Event::Tick
            }
            _ => continue,
        };
        engine.handle(event, now);
        pending.extend(engine.drain_commands());
    }
    for id in [FileId(0), FileId(1)] {
        let view = engine.view(id).expect("the file is on the list");
        assert!(accepted_by_s3 || view.status != FileStatus::Stored);
        assert!(view.sent <= view.size);
    }
});

fn describe(size: u64) -> FileDescription {
    FileDescription {
        name: "name".to_owned(),
        size,
        media_type: String::new(),
        last_modified: 0,
    }
}
