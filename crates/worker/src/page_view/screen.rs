//! Which rows are on the screen.

use std::collections::{BTreeSet, HashSet};

use engine::{Engine, FileId, FileStatus, Selection};
use messages::{Filter, Viewport};
use wire::BatchId;

use super::list::{List, Place};

/// The list, and the part of it that is on the screen.
#[derive(Default)]
pub(super) struct Screen {
    pub(super) list: List,
    /// The files that pass the filter; unused while every file passes.
    filtered: Vec<FileId>,
    viewport: Viewport,
    /// The rows that the page shows, in order.
    shown: Vec<Place>,
    /// Whether the page may have to show other rows.
    is_moved: bool,
}

/// What has changed since the page was last sent rows.
pub(super) struct Changed<'a> {
    pub(super) files: &'a BTreeSet<FileId>,
    pub(super) batches: HashSet<BatchId>,
}

impl Changed<'_> {
    fn has(&self, of: Selection) -> bool {
        match of {
            Selection::File(id) => self.files.contains(&id),
            Selection::Batch(batch) => self.batches.contains(&batch),
            Selection::All => false,
        }
    }
}

/// The rows that the page has to be sent.
pub(super) enum Rows {
    /// The rows from the position `first` on, of a list that has `total`.
    All {
        first: usize,
        total: usize,
        shown: Vec<Place>,
    },
    /// Those on the screen that have changed.
    Changed(Vec<Place>),
}

impl Screen {
    pub(super) fn add(&mut self, ids: impl IntoIterator<Item = FileId>, engine: &Engine) {
        for id in ids {
            self.list.add(id, engine);
            self.is_moved = true;
        }
    }

    pub(super) fn remove(&mut self, removed: &HashSet<FileId>) {
        self.list.remove(removed);
        self.is_moved = true;
    }

    /// Files whose batch became known go to it.
    pub(super) fn regroup(&mut self, changed: &BTreeSet<FileId>, engine: &Engine) {
        self.is_moved |= self.list.regroup(changed, engine);
    }

    pub(super) fn set_open(&mut self, batch: BatchId, is_open: bool) {
        self.list.set_open(batch, is_open);
        self.is_moved = true;
    }

    /// An earlier page had more files of this batch.
    pub(super) fn note_more(&mut self, batch: BatchId) {
        self.list.note_more(batch);
        self.is_moved = true;
    }

    pub(super) const fn filter(&self) -> Filter {
        self.viewport.filter
    }

    pub(super) fn set_viewport(&mut self, viewport: Viewport) {
        self.is_moved |= self.viewport != viewport;
        self.viewport = viewport;
    }

    /// Whether the row of this file is on the screen.
    pub(super) fn shows(&self, id: FileId) -> bool {
        self.shown.iter().any(|place| place.of == Selection::File(id))
    }

    /// The files on the screen that wait for a retry.
    pub(super) fn waiting(&self, engine: &Engine) -> impl Iterator<Item = FileId> {
        let waiting = move |place: &Place| match place.of {
            Selection::File(id) => {
                let view = engine.view(id)?;
                matches!(view.status, FileStatus::Waiting { .. }).then_some(id)
            }
            _ => None,
        };
        self.shown.iter().filter_map(waiting)
    }

    /// Finds the files that pass the filter. That looks at every file, so it is done no more often than the
    /// totals are sent.
    pub(super) fn apply_filter(&mut self, engine: &Engine) {
        let filter = self.viewport.filter;
        if filter == Filter::All {
            return;
        }
        let passes = |id: &FileId| engine.view(*id).is_some_and(|view| passes(filter, &view.status));
        let filtered: Vec<FileId> = self.list.files().filter(passes).collect();
        self.is_moved |= filtered != self.filtered;
        self.filtered = filtered;
    }

    /// The rows that the page has to be sent: all that are on the screen if they are others than before, or
    /// else those that have changed. If they are the same, the list's length may be sent later.
    pub(super) fn update(&mut self, changed: &Changed<'_>, is_length_due: bool) -> Option<Rows> {
        if !self.is_moved {
            return self.changed(changed);
        }
        let total = match self.viewport.filter {
            Filter::All => self.list.rows(),
            _ => self.filtered.len(),
        };
        let first = (self.viewport.first as usize).min(total);
        let last = (first + self.viewport.count as usize).min(total);
        let on_screen = match self.viewport.filter {
            Filter::All => self.list.places(first..last),
            _ => self.filtered[first..last]
                .iter()
                .copied()
                .map(Place::alone)
                .collect(),
        };
        if !is_length_due && self.shown == on_screen {
            return self.changed(changed);
        }
        self.shown.clone_from(&on_screen);
        self.is_moved = false;
        Some(Rows::All {
            first,
            total,
            shown: on_screen,
        })
    }

    fn changed(&self, changed: &Changed<'_>) -> Option<Rows> {
        let places = self.shown.iter().filter(|place| changed.has(place.of));
        let places: Vec<Place> = places.copied().collect();
        (!places.is_empty()).then_some(Rows::Changed(places))
    }
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
