//! Asking a service every row.

use std::{sync::Mutex, thread, time::Duration};

use anyhow::{Result, ensure};
use s3_conformance::{Service, SwiftOptions};
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    PAGE,
    table::{Difference, Fact, Line},
};

/// Rows at once: most of their time is waiting.
const THREADS: usize = 8;

/// How long Swift waits for the next bytes of a body. One row sends none for a while and goes on, and
/// another sends none at all.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Local,
    Swift,
}

impl Kind {
    fn difference(self, fact: &Fact) -> Option<Difference> {
        match self {
            Self::Local => fact.local,
            Self::Swift => fact.swift,
        }
    }
}

/// Asks a service every row and prints what it answers.
///
/// # Errors
/// Where an answer is not as listed.
pub(crate) async fn check(kind: Kind, facts: &[Fact]) -> Result<()> {
    let shared = match kind {
        Kind::Local => None,
        Kind::Swift => Some(start_swift().await?),
    };
    let facts = facts.to_vec();
    let runtime = Handle::current();
    spawn_blocking(move || {
        let lines = ask(kind, &facts, &runtime, shared.as_ref());
        println!("{kind:?}:");
        for line in &lines {
            println!("{line}");
        }
        let wrong: Vec<String> = lines
            .iter()
            .filter(|line| !line.is_as_listed())
            .map(Line::to_string)
            .collect();
        ensure!(wrong.is_empty(), "not as listed:\n{}", wrong.join("\n"));
        Ok(())
    })
    .await?
}

async fn start_swift() -> Result<Service> {
    Service::start_swift(&SwiftOptions {
        allowed_origins: vec![PAGE.to_owned()],
        all_answers_allowed: false,
        client_timeout: CLIENT_TIMEOUT,
    })
    .await
}

/// The answers in the order of the rows. Each row has a local S3 of its own, as rows can plan faults.
fn ask<'a>(kind: Kind, facts: &'a [Fact], runtime: &Handle, shared: Option<&Service>) -> Vec<Line<'a>> {
    let next = Mutex::new(facts.iter().enumerate());
    let lines = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some((number, fact)) = next.lock().expect("no panic").next() else {
                        return;
                    };
                    let line = Line {
                        fact,
                        difference: kind.difference(fact),
                        answer: ask_one(fact, runtime, shared).unwrap_or_else(|error| format!("{error:#}")),
                    };
                    lines.lock().expect("no panic").push((number, line));
                }
            });
        }
    });
    let mut lines = lines.into_inner().expect("no panic");
    lines.sort_by_key(|(number, _)| *number);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn ask_one(fact: &Fact, runtime: &Handle, shared: Option<&Service>) -> Result<String> {
    match shared {
        Some(service) => (fact.probe)(service),
        None => {
            let service = runtime.block_on(Service::start_local(PAGE))?;
            // The stack ends on its own runtime.
            let _inside = runtime.enter();
            let answer = (fact.probe)(&service);
            drop(service);
            answer
        }
    }
}
