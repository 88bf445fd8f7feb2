//! What was found in files after they were stored. Another Lambda looks at them a moment later, so the API
//! is asked a few times, for many files at once.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

use browser::Timer;
use engine::{FileId, HttpAnswer};
use messages::{Ended, Outcome, Verdict};
use wasm_bindgen_futures::spawn_local;
use wire::{MAX_BATCH, VerdictOutcome, VerdictsRequest, VerdictsResponse};

use crate::{
    driver::{Driver, Inner, with},
    effects::transport::{Body, exchange},
};

/// How long the first verdict is waited for before the API is asked; each further time twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// So many times the API is asked for a file's verdict: for a minute in all.
const TRIES: u32 = 6;

/// The verdicts that are there, and those to ask for.
pub(crate) struct Verdicts {
    /// Whether the API has any.
    are_offered: bool,
    known: HashMap<FileId, Verdict>,
    awaited: Vec<Awaited>,
    timer: Option<Timer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Awaited {
    id: FileId,
    key: String,
    /// How often the API was asked.
    tries: u32,
}

impl Verdicts {
    pub(crate) fn new(are_offered: bool) -> Self {
        Self {
            are_offered,
            known: HashMap::new(),
            awaited: Vec::new(),
            timer: None,
        }
    }

    /// What was found in a file.
    pub(crate) fn of(&self, id: FileId) -> Option<Verdict> {
        self.known.get(&id).copied()
    }

    /// Files are off the list.
    pub(crate) fn remove(&mut self, removed: &HashSet<FileId>) {
        self.known.retain(|id, _| !removed.contains(id));
        self.awaited.retain(|awaited| !removed.contains(&awaited.id));
    }

    fn add(&mut self, files: &[Ended]) {
        if self.are_offered {
            self.awaited
                .extend(files.iter().filter_map(|file| match &file.outcome {
                    Outcome::Stored { key } => Some(Awaited {
                        id: file.id,
                        key: key.clone(),
                        tries: 0,
                    }),
                    Outcome::Failed { .. } => None,
                }));
        }
    }

    /// How long to wait before the API is asked again; nothing where there is nothing to ask.
    fn wait(&self) -> Option<Duration> {
        let tries = self.awaited.iter().map(|awaited| awaited.tries).min()?;
        Some(FIRST_WAIT * 2_u32.pow(tries))
    }

    /// Takes the files to ask for: those for which the API was asked least.
    fn take_batch(&mut self) -> Vec<Awaited> {
        self.awaited.sort_by_key(|awaited| awaited.tries);
        let count = self.awaited.len().min(MAX_BATCH);
        self.awaited.drain(..count).collect()
    }

    /// Takes what the API said of a batch, and gives the files whose verdict is there. What has none yet is
    /// asked for again; a file of which the API will not speak is not.
    fn hear(&mut self, batch: Vec<Awaited>, answer: Option<&HttpAnswer>) -> Vec<FileId> {
        let answer = answer.filter(|answer| answer.status == 200);
        let response = answer.and_then(|answer| serde_json::from_str::<VerdictsResponse>(&answer.body).ok());
        let outcomes = response.map(|response| response.verdicts).unwrap_or_default();
        let mut outcomes = outcomes.into_iter();
        let mut found = Vec::new();
        for mut awaited in batch {
            match outcomes.next() {
                Some(VerdictOutcome::Verdict(verdict)) => {
                    self.known.insert(awaited.id, verdict);
                    found.push(awaited.id);
                }
                Some(VerdictOutcome::Error(_)) => {}
                Some(VerdictOutcome::Pending) | None => {
                    awaited.tries += 1;
                    if awaited.tries < TRIES {
                        self.awaited.push(awaited);
                    }
                }
            }
        }
        found
    }
}

/// Awaits the verdicts of those of these files that were stored.
pub(crate) fn await_stored(driver: &Rc<Driver>, files: &[Ended]) {
    driver.inner.borrow_mut().verdicts.add(files);
    ask_later(driver);
}

fn ask_later(driver: &Rc<Driver>) {
    let weak = Rc::downgrade(driver);
    let verdicts = &mut driver.inner.borrow_mut().verdicts;
    if verdicts.timer.is_some() {
        return;
    }
    verdicts.timer = verdicts
        .wait()
        .map(|wait| Timer::after(wait, move || with(&weak, ask)));
}

fn ask(driver: &Rc<Driver>) {
    let (request, batch) = {
        let inner = &mut *driver.inner.borrow_mut();
        (inner.api_request("/verdicts"), inner.verdicts.take_batch())
    };
    let driver = Rc::downgrade(driver);
    spawn_local(async move {
        let keys = batch.iter().map(|awaited| awaited.key.clone()).collect();
        let body = serde_json::to_string(&VerdictsRequest { keys }).unwrap_or_default();
        let answer = exchange(&request, Body::Text(body), None).await;
        with(&driver, |driver| {
            {
                let inner = &mut *driver.inner.borrow_mut();
                let Inner { verdicts, screen, .. } = inner;
                verdicts.timer = None;
                for id in verdicts.hear(batch, answer.as_ref().ok()) {
                    screen.change(id);
                }
            }
            driver.gather();
            ask_later(driver);
        });
    });
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn stored(id: u32) -> Ended {
        Ended {
            id: FileId(id),
            name: String::new(),
            size: 1,
            outcome: Outcome::Stored {
                key: format!("key {id}"),
            },
        }
    }

    fn answer(body: &str) -> HttpAnswer {
        HttpAnswer {
            status: 200,
            body: body.to_owned(),
            ..HttpAnswer::default()
        }
    }

    #[wasm_bindgen_test]
    fn what_is_pending_is_asked_for_again_and_what_is_refused_is_not() {
        let mut verdicts = Verdicts::new(true);
        verdicts.add(&[stored(1), stored(2), stored(3)]);
        assert_eq!(verdicts.wait(), Some(FIRST_WAIT));
        let batch = verdicts.take_batch();
        let refused = r#"{"error":{"code":"Forbidden","message":""}}"#;
        let heard = answer(&format!(
            r#"{{"verdicts":[{{"verdict":"mismatch"}},"pending",{refused}]}}"#
        ));
        assert_eq!(verdicts.hear(batch, Some(&heard)), [FileId(1)]);
        assert_eq!(verdicts.of(FileId(1)), Some(Verdict::Mismatch));
        assert_eq!(verdicts.wait(), Some(FIRST_WAIT * 2));
        let keys: Vec<String> = verdicts.take_batch().into_iter().map(|file| file.key).collect();
        assert_eq!(keys, ["key 2"]);
    }

    #[wasm_bindgen_test]
    fn a_silent_api_is_asked_a_few_times_and_files_off_the_list_no_more() {
        let mut verdicts = Verdicts::new(true);
        verdicts.add(&[stored(1), stored(2)]);
        verdicts.remove(&[FileId(2)].into());
        for tries in 0..TRIES {
            assert_eq!(verdicts.wait(), Some(FIRST_WAIT * 2_u32.pow(tries)));
            let batch = verdicts.take_batch();
            assert_eq!(batch.len(), 1);
            assert!(verdicts.hear(batch, None).is_empty());
        }
        assert_eq!(verdicts.wait(), None);
    }

    #[wasm_bindgen_test]
    fn a_batch_is_as_large_as_the_api_takes_and_an_api_without_verdicts_is_not_asked() {
        let files: Vec<Ended> = (0..=MAX_BATCH as u32).map(stored).collect();
        let mut verdicts = Verdicts::new(true);
        verdicts.add(&files);
        assert_eq!(verdicts.take_batch().len(), MAX_BATCH);
        assert_eq!(verdicts.take_batch().len(), 1);
        let mut verdicts = Verdicts::new(false);
        verdicts.add(&files);
        assert_eq!(verdicts.wait(), None);
    }
}
