//! Any answers of the Lambda and of S3 to one small and one large file: the engine never panics, and
//! never calls a file stored that S3 did not take.
#![no_main]

use std::time::Duration;

use engine::{Command, Engine, Event, FileDescription, FileId, FileStatus, HttpAnswer, Settings};
use libfuzzer_sys::fuzz_target;
use wire::Sha256Digest;

/// Events to give one engine at most.
const MOST_EVENTS: usize = 64;

fuzz_target!(|answers: Vec<(u16, &str)>| {
    let mut engine = Engine::new(Settings::default(), 1);
    let mut answers = answers.into_iter();
    let mut pending = Vec::new();
    let mut taken_by_s3 = false;
    let mut now = Duration::ZERO;
    let sizes = [5, 20 << 20];
    engine.handle(Event::FilesAdded(sizes.map(describe).to_vec()), now, &mut pending);
    for _ in 0..MOST_EVENTS {
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
                taken_by_s3 |= (200..300).contains(&answer.status) || answer.status == 412;
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
        engine.handle(event, now, &mut pending);
    }
    for id in [FileId(0), FileId(1)] {
        let view = engine.view(id).expect("the file is on the list");
        assert!(taken_by_s3 || view.status != FileStatus::Stored);
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
