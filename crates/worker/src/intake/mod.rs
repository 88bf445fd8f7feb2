//! What of the user's choice goes onto the list, and what is left out of it.

mod acceptance;
mod clutter;
mod listed;

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::{Engine, FileDescription, FileId, Selection};
use messages::{LeftOut, Limits, Reason};
use wire::BatchId;

use crate::{effects::batch_id, picked::Picked};
pub(crate) use clutter::IfClutter;
use listed::Listed;

/// How many names are kept of what was left out for one reason.
const NAMES: usize = 5;

/// Decides what goes onto the list, and knows what was left out of the user's last choice.
pub(crate) struct Intake {
    limits: Limits,
    listed: Listed,
    /// The batch of each of the user's choices.
    batches: HashMap<u32, BatchId>,
    /// Those that the user cancelled: more of their files may come, of a folder that is being read.
    cancelled: HashSet<BatchId>,
    left_out: Vec<LeftOut>,
    /// Whether the page still has to be sent all that.
    is_news: bool,
    /// What was left out as clutter, which the user may take back in.
    clutter: BTreeMap<BatchId, Vec<Picked>>,
}

impl Intake {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            listed: Listed::default(),
            batches: HashMap::new(),
            cancelled: HashSet::new(),
            left_out: Vec::new(),
            is_news: false,
            clutter: BTreeMap::new(),
        }
    }

    /// Forgets what was left out of the choice before.
    pub(crate) fn forget_left_out(&mut self) {
        self.left_out.clear();
        self.clutter.clear();
    }

    /// The batch of the files of a choice.
    pub(crate) fn batch(&mut self, choice: u32) -> BatchId {
        *self.batches.entry(choice).or_insert_with(batch_id::new)
    }

    /// The user cancels these files, and with them what still comes of their choice.
    pub(crate) fn cancel(&mut self, selection: Selection) {
        match selection {
            Selection::All => self.cancelled.extend(self.batches.values()),
            Selection::Batch(batch) => self.cancelled.extend([batch]),
            Selection::File(_) => {}
        }
    }

    /// Whether the user cancelled all of this batch.
    pub(crate) fn is_cancelled(&self, batch: BatchId) -> bool {
        self.cancelled.contains(&batch)
    }

    /// Takes what was left out as clutter, which then is left out no more.
    pub(crate) fn take_clutter(&mut self) -> BTreeMap<BatchId, Vec<Picked>> {
        self.left_out.retain(|group| group.reason != Reason::Clutter);
        self.is_news = true;
        std::mem::take(&mut self.clutter)
    }

    /// All that was left out of the last choice, if that has changed.
    pub(crate) fn news(&mut self) -> Option<Vec<LeftOut>> {
        std::mem::take(&mut self.is_news).then(|| self.left_out.clone())
    }

    /// Leaves something out; its name is empty if nobody knows it.
    pub(crate) fn leave_out(&mut self, reason: Reason, name: String) {
        self.is_news = true;
        let at = self.left_out.iter().position(|group| group.reason == reason);
        let at = at.unwrap_or_else(|| {
            self.left_out.push(LeftOut {
                reason,
                count: 0,
                names: Vec::new(),
            });
            self.left_out.len() - 1
        });
        let group = &mut self.left_out[at];
        group.count += 1;
        if group.names.len() < NAMES && !name.is_empty() {
            group.names.push(name);
        }
    }

    /// Returns those of the files that go onto the list, where they get the engine's next ids, in order.
    pub(crate) fn sort_out(
        &mut self,
        engine: &Engine,
        batch: BatchId,
        picked: Vec<Picked>,
        if_clutter: IfClutter,
    ) -> Vec<Picked> {
        let totals = engine.totals();
        let unfinished = totals.unfinished() + totals.paused;
        let mut new = Vec::new();
        for picked in picked {
            let description = &picked.description;
            let Some(reason) = self.refuse(engine, description, unfinished + new.len(), if_clutter) else {
                let id = FileId(engine.next_file_id().0 + new.len() as u32);
                self.listed.add(id, description);
                new.push(picked);
                continue;
            };
            self.leave_out(reason, description.name.clone());
            if reason == Reason::Clutter {
                self.clutter.entry(batch).or_default().push(picked);
            }
        }
        new
    }

    /// Returns why a file does not go onto the list, or `None` if it does; `unfinished` files are on it before.
    fn refuse(
        &self,
        engine: &Engine,
        file: &FileDescription,
        unfinished: usize,
        if_clutter: IfClutter,
    ) -> Option<Reason> {
        let limits = &self.limits;
        if if_clutter == IfClutter::LeaveOut && clutter::is_clutter(&file.name) {
            Some(Reason::Clutter)
        } else if !acceptance::accepts(&limits.accept, &file.name, &file.media_type) {
            Some(Reason::Type)
        } else if limits.max_file_bytes.is_some_and(|most| file.size > most) {
            Some(Reason::Size)
        } else if self.listed.has(engine, file) {
            Some(Reason::Listed)
        } else if limits.max_files.is_some_and(|most| unfinished >= most as usize) {
            Some(Reason::Count)
        } else {
            None
        }
    }

    /// Notes a file that got onto the list in another way.
    pub(crate) fn note_listed(&mut self, id: FileId, file: &FileDescription) {
        self.listed.add(id, file);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::{Event, Selection, Settings};
    use js_sys::Array;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::File;

    use super::*;

    fn picked(name: &str, size: u64) -> Picked {
        Picked {
            file: File::new_with_str_sequence(&Array::new(), name).expect("a file"),
            description: FileDescription {
                name: name.to_owned(),
                size,
                media_type: String::new(),
                last_modified: 7,
            },
            handle: None,
        }
    }

    /// A list, and what decides what goes onto it.
    struct List {
        engine: Engine,
        intake: Intake,
    }

    impl List {
        fn new(limits: Limits) -> Self {
            Self {
                engine: Engine::new(Settings::default(), 1),
                intake: Intake::new(limits),
            }
        }

        fn add(&mut self, picked: Vec<Picked>, if_clutter: IfClutter) {
            let batch = self.intake.batch(1);
            let new = self.intake.sort_out(&self.engine, batch, picked, if_clutter);
            let files = new.into_iter().map(|picked| picked.description).collect();
            let added = Event::FilesAdded { batch, files };
            self.engine.handle(added, Duration::ZERO);
        }

        /// Checks the number of files on the list, and what was left out.
        fn check(&self, files: usize, left_out: &[(Reason, u32)]) {
            assert_eq!(self.engine.totals().files, files);
            let groups = &self.intake.left_out;
            let groups: Vec<_> = groups.iter().map(|group| (group.reason, group.count)).collect();
            assert_eq!(groups, left_out);
        }
    }

    #[wasm_bindgen_test]
    fn what_the_limits_refuse_is_left_out_by_reason() {
        let mut list = List::new(Limits {
            accept: ".txt".to_owned(),
            max_file_bytes: Some(2),
            max_files: Some(2),
        });
        let names = ["a.exe", "a.txt", "b.txt", "c.txt"];
        let files = names.map(|name| picked(name, 2)).into_iter();
        let files = files.chain([picked("large.txt", 3)]).collect();
        list.add(files, IfClutter::LeaveOut);
        list.check(2, &[(Reason::Type, 1), (Reason::Count, 1), (Reason::Size, 1)]);
        assert_eq!(list.intake.left_out[1].names, ["c.txt"]);
    }

    #[wasm_bindgen_test]
    fn a_file_is_added_again_only_after_it_has_ended() {
        let mut list = List::new(Limits::default());
        list.add(vec![picked("a", 1), picked("a", 1)], IfClutter::LeaveOut);
        list.check(1, &[(Reason::Listed, 1)]);
        list.add(
            vec![picked("a", 1), picked("a", 2), picked("folder/a", 1)],
            IfClutter::LeaveOut,
        );
        list.check(3, &[(Reason::Listed, 2)]);
        list.engine.handle(Event::Cancel(Selection::All), Duration::ZERO);
        list.intake.forget_left_out();
        list.add(vec![picked("a", 1)], IfClutter::LeaveOut);
        list.check(4, &[]);
    }

    #[wasm_bindgen_test]
    fn clutter_is_left_out_until_the_user_takes_it_back_in() {
        let mut list = List::new(Limits::default());
        let files = vec![
            picked("a/.DS_Store", 1),
            picked("a/b", 1),
            picked("a/c/Thumbs.db", 1),
        ];
        list.add(files, IfClutter::LeaveOut);
        list.check(1, &[(Reason::Clutter, 2)]);
        let clutter = list.intake.take_clutter();
        let clutter = clutter.into_values().flatten().collect();
        list.add(clutter, IfClutter::Take);
        list.check(3, &[]);
    }

    #[wasm_bindgen_test]
    fn the_page_hears_of_what_was_left_out_once() {
        let mut list = List::new(Limits::default());
        assert_eq!(list.intake.news(), None);
        list.intake.leave_out(Reason::EmptyFolder, "a/b".to_owned());
        let expected = LeftOut {
            reason: Reason::EmptyFolder,
            count: 1,
            names: vec!["a/b".to_owned()],
        };
        assert_eq!(list.intake.news(), Some(vec![expected]));
        assert_eq!(list.intake.news(), None);
    }
}
