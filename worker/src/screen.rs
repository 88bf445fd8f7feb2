//! What the page shows, and what it has to be told for that.
//!
//! Changes are gathered and told a few times a second, so that neither a fast network nor 10,000 files
//! keep the page busy. Only rows on the screen are told.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use engine::{Engine, ErrorKind, FileId, FileStatus, FileView, Totals};
use messages::{Ended, Filter, Outcome, ToPage, Window};

use crate::{row, verdicts::Verdicts};

/// How often the totals, and which files a filter shows, are told.
const TOTALS_INTERVAL: Duration = Duration::from_millis(500);

/// What the page shows.
#[derive(Default)]
pub(crate) struct Screen {
    /// Every file, in the order in which they were added.
    list: Vec<FileId>,
    /// Those that the filter shows; unused where it shows all.
    filtered: Vec<FileId>,
    window: Window,
    /// The rows that the page was told of last, in order.
    shown: Vec<FileId>,
    /// Files that changed since the page was told.
    changed: BTreeSet<FileId>,
    /// Files whose end was told; a file that is tried again can end again.
    ended: HashSet<FileId>,
    /// Whether other rows are to be shown than the page was told of.
    is_moved: bool,
    /// Whether the page was told that the set-up may be at fault.
    suspected: bool,
    totals_told_at: Option<Duration>,
    /// What was told then.
    totals: Totals,
}

impl Screen {
    /// Files were added.
    pub(crate) fn add(&mut self, ids: impl IntoIterator<Item = FileId>) {
        self.list.extend(ids);
        self.is_moved = true;
    }

    /// Files are off the list.
    pub(crate) fn remove(&mut self, removed: &HashSet<FileId>) {
        self.list.retain(|listed| !removed.contains(listed));
        self.ended.retain(|ended| !removed.contains(ended));
        self.changed.retain(|changed| !removed.contains(changed));
        self.is_moved = true;
    }

    /// The page shows these rows from now on.
    pub(crate) fn show(&mut self, window: Window) {
        if self.window != window {
            self.is_moved = true;
            self.totals_told_at = self
                .totals_told_at
                .filter(|_| self.window.filter == window.filter);
            self.window = window;
        }
    }

    /// Something of a file changed.
    pub(crate) fn change(&mut self, id: FileId) {
        self.changed.insert(id);
    }

    /// Whether a row on the screen waits for another try.
    pub(crate) fn counts_down(&self, engine: &Engine) -> bool {
        self.shown.iter().any(|id| is_waiting(engine, *id))
    }

    /// Every row on the screen that waits for another try changes, so that it counts down.
    pub(crate) fn count_down(&mut self, engine: &Engine) {
        let waiting = self.shown.iter().filter(|id| is_waiting(engine, **id));
        self.changed.extend(waiting);
    }

    /// What the page has to be told now, and whether there is more to tell in a while.
    pub(crate) fn tell(
        &mut self,
        engine: &Engine,
        verdicts: &Verdicts,
        now: Duration,
    ) -> (Vec<ToPage>, bool) {
        let totals = engine.totals();
        let is_time = self.is_turn(&totals)
            || self
                .totals_told_at
                .is_none_or(|told| now.saturating_sub(told) >= TOTALS_INTERVAL);
        if is_time && self.window.filter != Filter::All {
            self.filter(engine);
        }
        let changed = std::mem::take(&mut self.changed);
        let mut told = Vec::new();
        told.extend(self.rows(engine, verdicts, &changed, now, is_time));
        told.extend(self.ends(engine, &changed));
        told.extend(self.suspect(engine, &changed));
        if is_time {
            self.totals_told_at = Some(now);
            self.totals = totals;
            told.push(ToPage::Totals(totals));
        }
        (told, !is_time)
    }

    /// Whether the list began, ended or got shorter, which is not to be told late. Thousands of files that are added
    /// make it longer many times a second.
    const fn is_turn(&self, totals: &Totals) -> bool {
        let is_busy = totals.unfinished() > 0;
        let has_begun = self.totals.files == 0 && totals.files > 0;
        has_begun || totals.files < self.totals.files || is_busy != (self.totals.unfinished() > 0)
    }

    /// Finds the files that the filter shows. That looks at every file, and so is done no more often than
    /// the totals are told.
    fn filter(&mut self, engine: &Engine) {
        let filter = self.window.filter;
        let passes = |id: &FileId| engine.view(*id).is_some_and(|view| passes(filter, &view.status));
        let filtered: Vec<FileId> = self.list.iter().copied().filter(passes).collect();
        self.is_moved |= filtered != self.filtered;
        self.filtered = filtered;
    }

    fn rows(
        &mut self,
        engine: &Engine,
        verdicts: &Verdicts,
        changed: &BTreeSet<FileId>,
        now: Duration,
        is_time: bool,
    ) -> Option<ToPage> {
        let row = |id: &FileId| {
            let view = engine.view(*id)?;
            Some(row::row(*id, view, verdicts.of(*id), now))
        };
        let files = match self.window.filter {
            Filter::All => &self.list,
            _ => &self.filtered,
        };
        let first = (self.window.first as usize).min(files.len());
        let last = (first + self.window.count as usize).min(files.len());
        let on_screen = files.get(first..last).unwrap_or_default();
        // Where the rows stay the same, how long the list is can be told later.
        if !self.is_moved || !is_time && self.shown == on_screen {
            let rows: Vec<_> = self
                .shown
                .iter()
                .filter(|id| changed.contains(id))
                .filter_map(row)
                .collect();
            return (!rows.is_empty()).then_some(ToPage::Changed(rows));
        }
        let total = files.len();
        self.shown = on_screen.to_vec();
        self.is_moved = false;
        Some(ToPage::Rows {
            filter: self.window.filter,
            total: total as u32,
            first: first as u32,
            rows: self.shown.iter().filter_map(row).collect(),
        })
    }

    fn ends(&mut self, engine: &Engine, changed: &BTreeSet<FileId>) -> Option<ToPage> {
        let mut ends = Vec::new();
        for id in changed {
            let ended = engine.view(*id).and_then(|view| end(*id, view));
            match ended {
                Some(ended) if self.ended.insert(*id) => ends.push(ended),
                Some(_) => {}
                None => {
                    self.ended.remove(id);
                }
            }
        }
        (!ends.is_empty()).then_some(ToPage::Ended(ends))
    }

    /// Tells once that the set-up may be at fault.
    fn suspect(&mut self, engine: &Engine, changed: &BTreeSet<FileId>) -> Option<ToPage> {
        let is_suspect = |id: &FileId| match engine.view(*id).map(|view| view.status) {
            Some(FileStatus::Failed(error) | FileStatus::Waiting { error, .. }) => is_of_setup(error.kind),
            _ => false,
        };
        let is_new = !self.suspected && changed.iter().any(is_suspect);
        self.suspected |= is_new;
        is_new.then_some(ToPage::SetupSuspected)
    }
}

/// Whether a mistake of the set-up causes such an error, and no fault of the file or the moment.
const fn is_of_setup(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ApiUnreachable
            | ErrorKind::ApiUnexpectedAnswer
            | ErrorKind::S3Unreachable
            | ErrorKind::Expired
            | ErrorKind::ClockSkewed
            | ErrorKind::AccessDenied
            | ErrorKind::SignatureRefused
            | ErrorKind::EtagHidden
            | ErrorKind::S3UnexpectedAnswer
            | ErrorKind::S3Refused
    )
}

fn end(id: FileId, view: FileView) -> Option<Ended> {
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

fn is_waiting(engine: &Engine, id: FileId) -> bool {
    let view = engine.view(id);
    view.is_some_and(|view| matches!(view.status, FileStatus::Waiting { .. }))
}

const fn passes(filter: Filter, status: &FileStatus) -> bool {
    match filter {
        Filter::All => true,
        Filter::Stored => matches!(status, FileStatus::Stored),
        Filter::NeedsAttention => matches!(status, FileStatus::Failed(_) | FileStatus::Interrupted(_)),
        Filter::Unfinished => !matches!(
            status,
            FileStatus::Stored
                | FileStatus::Failed(_)
                | FileStatus::Cancelled
                | FileStatus::Interrupted(_)
                | FileStatus::Elsewhere
        ),
    }
}
