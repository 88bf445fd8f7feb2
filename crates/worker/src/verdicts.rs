//! Asks the API what scans found in files after they were stored.
//!
//! The verdict Lambda scans an object a moment after it was stored, so the API is asked a few times, for many
//! files at once.

use std::{cell::RefCell, collections::HashSet, rc::Rc, time::Duration};

use browser::Timer;
use engine::{FileId, HttpAnswer};
use messages::{Ended, Outcome, Verdict};
use wasm_bindgen_futures::spawn_local;
use wire::{MAX_BATCH, VerdictOutcome, VerdictsRequest, VerdictsResponse};

use crate::{
    api::Api,
    effects::transport::{Body, exchange},
    to_driver::{DriverHandle, ToDriver},
};

/// How long after a file was stored the API is first asked for its verdict; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How many times the API is asked for the verdict of one file: over a minute in all.
const MAX_TRIES: u32 = 6;

/// Asks for verdicts and reports them.
pub(crate) struct Verdicts {
    driver: DriverHandle,
    api: Rc<Api>,
    /// Whether the API has any.
    are_offered: bool,
    awaited: RefCell<AwaitedVerdicts>,
    timer: RefCell<Option<Timer>>,
}

impl Verdicts {
    pub(crate) fn new(driver: DriverHandle, api: Rc<Api>, are_offered: bool) -> Rc<Self> {
        Rc::new(Self {
            driver,
            api,
            are_offered,
            awaited: RefCell::default(),
            timer: RefCell::default(),
        })
    }

    /// Awaits the verdicts of those of these files that were stored.
    pub(crate) fn await_stored(self: &Rc<Self>, files: &[Ended]) {
        if self.are_offered {
            self.awaited.borrow_mut().add(files);
            self.schedule();
        }
    }

    /// Files are off the list.
    pub(crate) fn remove(&self, removed: &HashSet<FileId>) {
        self.awaited.borrow_mut().remove(removed);
    }

    fn schedule(self: &Rc<Self>) {
        let mut timer = self.timer.borrow_mut();
        if timer.is_some() {
            return;
        }
        let verdicts = Rc::downgrade(self);
        *timer = self.awaited.borrow().wait().map(|wait| {
            Timer::after(wait, move || {
                if let Some(verdicts) = verdicts.upgrade() {
                    verdicts.ask();
                }
            })
        });
    }

    fn ask(self: &Rc<Self>) {
        let request = self.api.request("/verdicts");
        let batch = self.awaited.borrow_mut().take_batch();
        let keys = batch.iter().map(|awaited| awaited.key.clone()).collect();
        let body = serde_json::to_string(&VerdictsRequest { keys }).unwrap_or_default();
        let verdicts = Rc::downgrade(self);
        spawn_local(async move {
            let answer = exchange(&request, Body::Text(body), None).await;
            if let Some(verdicts) = verdicts.upgrade() {
                verdicts.on_answer(batch, answer.as_ref().ok());
            }
        });
    }

    fn on_answer(self: &Rc<Self>, batch: Vec<AwaitedVerdict>, answer: Option<&HttpAnswer>) {
        let found = self.awaited.borrow_mut().read(batch, answer);
        self.timer.take();
        self.driver.report(ToDriver::Verdicts(found));
        self.schedule();
    }
}

/// The files whose verdict is not known yet.
#[derive(Default)]
struct AwaitedVerdicts(Vec<AwaitedVerdict>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct AwaitedVerdict {
    id: FileId,
    key: String,
    /// How often the API was asked.
    tries: u32,
}

impl AwaitedVerdicts {
    fn add(&mut self, files: &[Ended]) {
        let stored = files.iter().filter_map(|file| match &file.outcome {
            Outcome::Stored { key } => Some(AwaitedVerdict {
                id: file.id,
                key: key.clone(),
                tries: 0,
            }),
            Outcome::Failed { .. } => None,
        });
        self.0.extend(stored);
    }

    fn remove(&mut self, removed: &HashSet<FileId>) {
        self.0.retain(|awaited| !removed.contains(&awaited.id));
    }

    /// How long to wait before the API is asked again; `None` if there is nothing to ask.
    fn wait(&self) -> Option<Duration> {
        let tries = self.0.iter().map(|awaited| awaited.tries).min()?;
        Some(FIRST_WAIT * 2_u32.pow(tries))
    }

    /// Takes the files to ask for: those for which the API was asked least often.
    fn take_batch(&mut self) -> Vec<AwaitedVerdict> {
        self.0.sort_by_key(|awaited| awaited.tries);
        let count = self.0.len().min(MAX_BATCH);
        self.0.drain(..count).collect()
    }

    /// Reads the API's answer about a batch, and returns the verdicts that are there. A file whose verdict is
    /// pending is asked for again; one that the API refuses to answer for is not.
    fn read(&mut self, batch: Vec<AwaitedVerdict>, answer: Option<&HttpAnswer>) -> Vec<(FileId, Verdict)> {
        let answer = answer.filter(|answer| answer.status == 200);
        let response = answer.and_then(|answer| serde_json::from_str::<VerdictsResponse>(&answer.body).ok());
        let outcomes = response.map(|response| response.verdicts).unwrap_or_default();
        let mut outcomes = outcomes.into_iter();
        let mut found = Vec::new();
        for mut awaited in batch {
            match outcomes.next() {
                Some(VerdictOutcome::Verdict(verdict)) => found.push((awaited.id, verdict)),
                Some(VerdictOutcome::Error(_)) => {}
                Some(VerdictOutcome::Pending) | None => {
                    awaited.tries += 1;
                    if awaited.tries < MAX_TRIES {
                        self.0.push(awaited);
                    }
                }
            }
        }
        found
    }
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

    fn awaiting(files: &[Ended]) -> AwaitedVerdicts {
        let mut awaited = AwaitedVerdicts::default();
        awaited.add(files);
        awaited
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
        let mut awaited = awaiting(&[stored(1), stored(2), stored(3)]);
        assert_eq!(awaited.wait(), Some(FIRST_WAIT));
        let batch = awaited.take_batch();
        let refused = r#"{"error":{"code":"Forbidden","message":""}}"#;
        let answer = answer(&format!(
            r#"{{"verdicts":[{{"verdict":"mismatch"}},"pending",{refused}]}}"#
        ));
        let found = awaited.read(batch, Some(&answer));
        assert_eq!(found, [(FileId(1), Verdict::Mismatch)]);
        assert_eq!(awaited.wait(), Some(FIRST_WAIT * 2));
        let keys: Vec<String> = awaited.take_batch().into_iter().map(|file| file.key).collect();
        assert_eq!(keys, ["key 2"]);
    }

    #[wasm_bindgen_test]
    fn a_silent_api_is_asked_a_few_times_and_never_for_removed_files() {
        let mut awaited = awaiting(&[stored(1), stored(2)]);
        awaited.remove(&[FileId(2)].into());
        for tries in 0..MAX_TRIES {
            assert_eq!(awaited.wait(), Some(FIRST_WAIT * 2_u32.pow(tries)));
            let batch = awaited.take_batch();
            assert_eq!(batch.len(), 1);
            assert!(awaited.read(batch, None).is_empty());
        }
        assert_eq!(awaited.wait(), None);
    }

    #[wasm_bindgen_test]
    fn a_batch_is_as_large_as_the_api_takes() {
        let files: Vec<Ended> = (0..=MAX_BATCH as u32).map(stored).collect();
        let mut awaited = awaiting(&files);
        assert_eq!(awaited.take_batch().len(), MAX_BATCH);
        assert_eq!(awaited.take_batch().len(), 1);
    }

    #[wasm_bindgen_test]
    fn an_api_without_verdicts_is_not_asked() {
        let api = Rc::new(Api::default());
        let verdicts = Verdicts::new(DriverHandle::new(|_| {}), api, false);
        verdicts.await_stored(&[stored(1)]);
        assert_eq!(verdicts.awaited.borrow().wait(), None);
    }
}
