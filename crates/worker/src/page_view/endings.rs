//! Which files have ended.

use std::collections::{BTreeSet, HashMap, HashSet};

use engine::{Engine, FileId, FileStatus, FileView};
use messages::{Ended, Outcome, ToPage};

use super::row;

/// What the page has learned about the end of files.
#[derive(Default)]
pub(super) struct Endings {
    /// Files whose end was sent, and whether they were stored. A file that is tried again can end again, also before
    /// the page has learned that it went on.
    ended: HashMap<FileId, bool>,
}

impl Endings {
    pub(super) fn remove(&mut self, removed: &HashSet<FileId>) {
        self.ended.retain(|ended, _| !removed.contains(ended));
    }

    /// The files among those that have changed whose end the page does not know.
    pub(super) fn ended(&mut self, engine: &Engine, changed: &BTreeSet<FileId>) -> Option<ToPage> {
        let mut endings = Vec::new();
        for id in changed {
            let ending = engine.view(*id).and_then(|view| ending(*id, view));
            let is_stored = ending
                .as_ref()
                .map(|ending| matches!(ending.outcome, Outcome::Stored { .. }));
            if self.is_news(*id, is_stored) {
                endings.extend(ending);
            }
        }
        (!endings.is_empty()).then_some(ToPage::Ended(endings))
    }

    /// Whether the page does not know yet that this file has ended, stored or not; `None` if it has not.
    fn is_news(&mut self, id: FileId, is_stored: Option<bool>) -> bool {
        let before = match is_stored {
            Some(is_stored) => self.ended.insert(id, is_stored),
            None => self.ended.remove(&id),
        };
        is_stored.is_some() && is_stored != before
    }
}

fn ending(id: FileId, view: FileView) -> Option<Ended> {
    let outcome = match view.status {
        FileStatus::Stored => Outcome::Stored {
            key: view.key.unwrap_or_default(),
        },
        FileStatus::Failed(error) => Outcome::Failed {
            error: row::error(error),
        },
        _ => return None,
    };
    Some(Ended {
        id,
        name: view.name,
        size: view.size,
        outcome,
    })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn each_end_is_news_once_also_right_after_another() {
        let mut endings = Endings::default();
        let (failed, stored, goes_on) = (Some(false), Some(true), None);
        for (step, is_stored, expected) in [
            (1, failed, true),
            (2, failed, false),
            (3, stored, true),
            (4, stored, false),
            (5, goes_on, false),
            (6, stored, true),
        ] {
            assert_eq!(endings.is_news(FileId(7), is_stored), expected, "step {step}");
        }
    }
}
