//! The list: every file, batch by batch, and the rows that they make.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use engine::{Engine, FileId, Selection};
use messages::RowError;
use wire::BatchId;

/// A batch of more files than this, or with folders, shows only its own row until the user wants to see them.
const MANY_FILES: usize = 20;

/// Every file on the list. The files of a batch stand together, in the order in which they were added.
#[derive(Default)]
pub(super) struct List {
    groups: Vec<Group>,
    /// Which group a batch is.
    places: HashMap<BatchId, usize>,
    /// The position of the first row of each group, and behind the last one the number of rows; found again from the
    /// first group on that has changed.
    starts: Vec<usize>,
    /// Files whose batch is not known.
    without_batch: HashSet<FileId>,
    /// Batches of which earlier pages had more files. They have a row, however few are left.
    had_more: HashSet<BatchId>,
}

/// The files of one batch, or one whose batch is not known.
pub(super) struct Group {
    batch: Option<BatchId>,
    files: Vec<FileId>,
    /// The folder that all files are from, if there is one.
    pub(super) folder: Option<String>,
    /// Whether it has a row of its own, which it keeps once it had a second file.
    has_row: bool,
    pub(super) is_open: bool,
    /// Whether the user opened or closed it.
    is_chosen: bool,
    /// Why one of its files failed last.
    pub(super) error: Option<RowError>,
}

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file or the batch.
    pub(super) of: Selection,
    /// Whether it is a file below the row of its batch.
    pub(super) is_inside: bool,
}

impl Place {
    /// A file that is listed without its batch.
    pub(super) const fn alone(id: FileId) -> Self {
        Self {
            of: Selection::File(id),
            is_inside: false,
        }
    }
}

impl Group {
    const fn new(batch: Option<BatchId>) -> Self {
        Self {
            batch,
            files: Vec::new(),
            folder: None,
            has_row: false,
            is_open: true,
            is_chosen: false,
            error: None,
        }
    }

    fn add(&mut self, id: FileId, name: &str) {
        let folder = name.split_once('/').map(|(folder, _)| folder);
        if self.files.is_empty() {
            self.folder = folder.map(str::to_owned);
        } else if self.folder.as_deref() != folder {
            self.folder = None;
        }
        self.files.push(id);
        self.has_row |= self.files.len() > 1 && self.batch.is_some();
        if !self.is_chosen && (folder.is_some() || self.files.len() > MANY_FILES) {
            self.is_open = false;
        }
    }

    /// The batch, if it has a row.
    fn row(&self) -> Option<BatchId> {
        self.batch.filter(|_| self.has_row)
    }

    fn rows(&self) -> usize {
        match self.has_row {
            true if self.is_open => self.files.len() + 1,
            true => 1,
            false => self.files.len(),
        }
    }

    /// This many rows from the one at this position on, as far as there are any.
    fn places(&self, from: usize, count: usize) -> impl Iterator<Item = Place> {
        let is_inside = self.has_row;
        let own = self.row().filter(|_| from == 0).map(|batch| Place {
            of: Selection::Batch(batch),
            is_inside: false,
        });
        let first = from.saturating_sub(usize::from(is_inside));
        let files = self.files.iter().skip(first).map(move |id| Place {
            of: Selection::File(*id),
            is_inside,
        });
        let is_shown = self.is_open || !self.has_row;
        own.into_iter().chain(files.filter(move |_| is_shown)).take(count)
    }
}

impl List {
    /// Adds a file that the engine has.
    pub(super) fn add(&mut self, id: FileId, engine: &Engine) {
        let Some((file, batch)) = engine.listed(id) else {
            return;
        };
        let known = batch.and_then(|batch| self.places.get(&batch).copied());
        let place = known.unwrap_or(self.groups.len());
        if known.is_none() {
            self.groups.push(Group::new(batch));
        }
        match batch {
            Some(batch) => {
                self.places.insert(batch, place);
            }
            None => {
                self.without_batch.insert(id);
            }
        }
        let group = &mut self.groups[place];
        group.add(id, &file.name);
        group.has_row |= batch.is_some_and(|batch| self.had_more.contains(&batch));
        self.starts.truncate(place + 1);
    }

    /// Takes files off the list.
    pub(super) fn remove(&mut self, removed: &HashSet<FileId>) {
        for group in &mut self.groups {
            group.files.retain(|id| !removed.contains(id));
        }
        self.groups.retain(|group| !group.files.is_empty());
        let places = self.groups.iter().zip(0..);
        self.places = places
            .filter_map(|(group, place)| Some((group.batch?, place)))
            .collect();
        self.without_batch.retain(|id| !removed.contains(id));
        self.starts.clear();
    }

    /// Puts those of the files to their batches whose batch became known. Returns whether there are any.
    pub(super) fn regroup<'a>(
        &mut self,
        changed: impl IntoIterator<Item = &'a FileId>,
        engine: &Engine,
    ) -> bool {
        if self.without_batch.is_empty() {
            return false;
        }
        let has_batch = |id: &&FileId| {
            let batch = engine.listed(**id).and_then(|(_, batch)| batch);
            self.without_batch.contains(id) && batch.is_some()
        };
        let mut known: Vec<FileId> = changed.into_iter().filter(has_batch).copied().collect();
        if known.is_empty() {
            return false;
        }
        self.remove(&known.iter().copied().collect());
        for id in known.drain(..) {
            self.add(id, engine);
        }
        true
    }

    /// The group of a batch that is on the list.
    pub(super) fn group(&self, batch: BatchId) -> Option<&Group> {
        self.groups.get(*self.places.get(&batch)?)
    }

    /// Shows or hides the files of a batch, as the user wants it.
    pub(super) fn set_open(&mut self, batch: BatchId, is_open: bool) {
        if let Some(place) = self.places.get(&batch) {
            let group = &mut self.groups[*place];
            group.is_open = is_open;
            group.is_chosen = true;
            self.starts.truncate(place + 1);
        }
    }

    /// An earlier page had more files of this batch.
    pub(super) fn note_more(&mut self, batch: BatchId) {
        self.had_more.insert(batch);
        if let Some(place) = self.places.get(&batch) {
            self.groups[*place].has_row = true;
            self.starts.truncate(place + 1);
        }
    }

    /// A file of this batch failed.
    pub(super) fn set_error(&mut self, batch: BatchId, error: RowError) {
        if let Some(place) = self.places.get(&batch) {
            self.groups[*place].error = Some(error);
        }
    }

    /// Every file.
    pub(super) fn files(&self) -> impl Iterator<Item = FileId> {
        self.groups.iter().flat_map(|group| group.files.iter().copied())
    }

    /// How many rows there are.
    pub(super) fn rows(&mut self) -> usize {
        let mut last = self.starts.last().copied().unwrap_or_else(|| {
            self.starts.push(0);
            0
        });
        for group in self.groups.iter().skip(self.starts.len() - 1) {
            last += group.rows();
            self.starts.push(last);
        }
        last
    }

    /// The rows at these positions, of which there are as many.
    pub(super) fn places(&mut self, positions: Range<usize>) -> Vec<Place> {
        self.rows();
        let first = self.starts.partition_point(|start| *start <= positions.start);
        let mut places = Vec::with_capacity(positions.len());
        let groups = self.groups.iter().zip(&self.starts).skip(first.saturating_sub(1));
        for (group, start) in groups {
            let from = (positions.start + places.len()).saturating_sub(*start);
            let left = positions.len() - places.len();
            if left == 0 {
                break;
            }
            places.extend(group.places(from, left));
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::{Event, FileDescription, Settings};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// A list, and the engine that has its files.
    struct Listed {
        engine: Engine,
        list: List,
    }

    impl Listed {
        fn new() -> Self {
            Self {
                engine: Engine::new(Settings::default(), 1),
                list: List::default(),
            }
        }

        fn add(&mut self, batch: BatchId, names: &[&str]) {
            let files = names.iter().map(|name| FileDescription {
                name: (*name).to_owned(),
                size: 1,
                media_type: String::new(),
                last_modified: 0,
            });
            let first = self.engine.next_file_id().0;
            let files = files.collect();
            self.engine
                .handle(Event::FilesAdded { batch, files }, Duration::ZERO);
            for id in first..self.engine.next_file_id().0 {
                self.list.add(FileId(id), &self.engine);
            }
        }

        /// Checks all rows: each file by its number, a batch by the letter of its number.
        fn check(&mut self, expected: &str) {
            let rows = self.list.rows();
            let all = self.list.places(0..rows);
            let shown: Vec<String> = all
                .iter()
                .map(|place| match place.of {
                    Selection::File(id) if place.is_inside => format!("-{}", id.0),
                    Selection::File(id) => id.0.to_string(),
                    _ => "batch".to_owned(),
                })
                .collect();
            assert_eq!(shown.join(" "), expected);
            for start in 0..rows {
                assert_eq!(self.list.places(start..rows), all[start..], "from {start}");
                let one = start..start + 1;
                assert_eq!(self.list.places(one.clone()), all[one], "at {start}");
            }
        }
    }

    fn batch(number: u8) -> BatchId {
        BatchId::new(1_764_000_000_000, [number; 10])
    }

    #[wasm_bindgen_test]
    fn a_batch_has_a_row_once_it_has_two_files() {
        let mut listed = Listed::new();
        listed.add(batch(1), &["a"]);
        listed.add(batch(2), &["b"]);
        listed.check("0 1");
        listed.add(batch(1), &["c"]);
        listed.check("batch -0 -2 1");
        listed.list.remove(&HashSet::from([FileId(0)]));
        listed.check("batch -2 1");
        listed.list.remove(&HashSet::from([FileId(2)]));
        listed.check("1");
    }

    #[wasm_bindgen_test]
    fn what_is_left_of_a_batch_has_its_row() {
        let mut listed = Listed::new();
        listed.list.note_more(batch(1));
        listed.add(batch(1), &["a"]);
        listed.add(batch(2), &["b"]);
        listed.check("batch -0 1");
        listed.list.note_more(batch(2));
        listed.check("batch -0 batch -1");
    }

    #[wasm_bindgen_test]
    fn folders_and_many_files_are_hidden_until_the_user_looks() {
        let mut listed = Listed::new();
        listed.add(batch(1), &["holiday/1.jpg", "holiday/2.jpg"]);
        listed.add(batch(2), &["x"; MANY_FILES]);
        listed.list.set_open(batch(2), false);
        listed.check("batch batch");
        listed.list.set_open(batch(1), true);
        listed.add(batch(1), &["holiday/3.jpg"]);
        listed.check("batch -0 -1 -22 batch");
        let folder = |batch| listed.list.group(batch).and_then(|group| group.folder.clone());
        assert_eq!(
            (folder(batch(1)).as_deref(), folder(batch(2))),
            (Some("holiday"), None)
        );
        listed.add(batch(3), &["y"; MANY_FILES + 1]);
        listed.check("batch -0 -1 -22 batch batch");
    }

    #[wasm_bindgen_test]
    fn a_batch_of_two_folders_has_the_name_of_neither() {
        let mut listed = Listed::new();
        listed.add(batch(1), &["a/1", "b/1", "a/2"]);
        assert_eq!(
            listed.list.group(batch(1)).and_then(|group| group.folder.clone()),
            None
        );
    }
}
