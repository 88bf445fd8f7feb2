//! Which rows are on the screen.

use std::collections::{BTreeSet, HashSet};

use engine::{Engine, FileId, FileStatus};
use messages::{Filter, Row, ToPage, Viewport};

/// The list, and the part of it that is on the screen.
#[derive(Default)]
pub(super) struct Screen {
    /// Every file, in the order in which they were added.
    list: Vec<FileId>,
    /// Those that pass the filter; unused while every file passes.
    filtered: Vec<FileId>,
    viewport: Viewport,
    /// The rows that the page shows, in order.
    shown: Vec<FileId>,
    /// Whether the page may have to show other rows.
    is_moved: bool,
}

impl Screen {
    pub(super) fn add(&mut self, ids: impl IntoIterator<Item = FileId>) {
        let before = self.list.len();
        self.list.extend(ids);
        self.is_moved |= self.list.len() > before;
    }

    pub(super) fn remove(&mut self, removed: &HashSet<FileId>) {
        self.list.retain(|listed| !removed.contains(listed));
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
        self.shown.contains(&id)
    }

    /// The rows on the screen that wait for a retry.
    pub(super) fn waiting(&self, engine: &Engine) -> impl Iterator<Item = FileId> {
        let is_waiting = move |id: &FileId| {
            let view = engine.view(*id);
            view.is_some_and(|view| matches!(view.status, FileStatus::Waiting { .. }))
        };
        self.shown.iter().copied().filter(is_waiting)
    }

    /// Finds the files that pass the filter. That looks at every file, so it is done no more often than the
    /// totals are sent.
    pub(super) fn apply_filter(&mut self, engine: &Engine) {
        let filter = self.viewport.filter;
        if filter == Filter::All {
            return;
        }
        let passes = |id: &FileId| engine.view(*id).is_some_and(|view| passes(filter, &view.status));
        let filtered: Vec<FileId> = self.list.iter().copied().filter(passes).collect();
        self.is_moved |= filtered != self.filtered;
        self.filtered = filtered;
    }

    /// The rows that the page has to be sent: all that are on the screen if they are others than before, or
    /// else those that have changed. If they are the same, the list's length may be sent later.
    pub(super) fn update(
        &mut self,
        changed: &BTreeSet<FileId>,
        is_length_due: bool,
        row: impl Fn(&FileId) -> Option<Row>,
    ) -> Option<ToPage> {
        let files = match self.viewport.filter {
            Filter::All => &self.list,
            _ => &self.filtered,
        };
        let first = (self.viewport.first as usize).min(files.len());
        let last = (first + self.viewport.count as usize).min(files.len());
        let on_screen = files.get(first..last).unwrap_or_default();
        if !self.is_moved || !is_length_due && self.shown == on_screen {
            let changed = self.shown.iter().filter(|id| changed.contains(id));
            let rows: Vec<Row> = changed.filter_map(row).collect();
            return (!rows.is_empty()).then_some(ToPage::RowsChanged(rows));
        }
        let total = files.len();
        self.shown = on_screen.to_vec();
        self.is_moved = false;
        Some(ToPage::Rows {
            filter: self.viewport.filter,
            total: total as u32,
            first: first as u32,
            rows: self.shown.iter().filter_map(row).collect(),
        })
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
