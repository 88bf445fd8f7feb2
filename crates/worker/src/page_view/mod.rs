//! What the page shows, and what it has to be sent for that.
//!
//! Changes are collected and sent a few times per second, so that neither a fast network nor 10,000 files
//! keep the page busy. Only rows that are on the screen are sent.

mod endings;
mod list;
mod row;
mod screen;

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use browser::Timer;
use engine::{Engine, FileId, FileStatus, Selection, Totals};
use messages::{Row, ToPage, Verdict, Viewport};
use wire::BatchId;

use crate::{
    manifests::Manifests,
    to_driver::{DriverHandle, ToDriver},
};
use endings::Endings;
use list::Place;
use screen::{Changed, Rows, Screen};

/// How long changes are collected before they are sent.
const COLLECTING: Duration = Duration::from_millis(50);

/// How often the totals, and which files pass the filter, are sent.
const TOTALS_INTERVAL: Duration = Duration::from_millis(500);

/// How often a row that waits for a retry is sent, so that it counts down.
const COUNTDOWN_INTERVAL: Duration = Duration::from_secs(1);

/// What the page shows, and when it is sent what has changed.
pub(crate) struct PageView {
    driver: DriverHandle,
    view: RefCell<View>,
    /// Set while an update is due.
    update: RefCell<Option<Timer>>,
    /// Set while a row on the screen counts down.
    countdown: RefCell<Option<Timer>>,
}

/// What the page shows.
#[derive(Default)]
struct View {
    screen: Screen,
    endings: Endings,
    /// What scans found in stored files.
    verdicts: HashMap<FileId, Verdict>,
    /// Files that have changed since the last update.
    changed: BTreeSet<FileId>,
    /// The totals as they were sent last.
    totals: Totals,
    totals_sent_at: Option<Duration>,
}

impl PageView {
    pub(crate) fn new(driver: DriverHandle) -> Self {
        Self {
            driver,
            view: RefCell::default(),
            update: RefCell::default(),
            countdown: RefCell::default(),
        }
    }

    /// Puts files at the end of the list.
    pub(crate) fn add(&self, ids: impl IntoIterator<Item = FileId>, engine: &Engine) {
        self.view.borrow_mut().screen.add(ids, engine);
    }

    /// Takes files off the list.
    pub(crate) fn remove(&self, removed: &HashSet<FileId>) {
        self.view.borrow_mut().remove(removed);
    }

    /// Sets the rows that are on the screen.
    pub(crate) fn set_viewport(&self, viewport: Viewport) {
        self.view.borrow_mut().set_viewport(viewport);
    }

    /// Shows or hides the files of a batch.
    pub(crate) fn set_open(&self, batch: BatchId, is_open: bool) {
        let mut view = self.view.borrow_mut();
        view.screen.set_open(batch, is_open);
        view.totals_sent_at = None;
    }

    /// An earlier page had more files of this batch.
    pub(crate) fn note_more(&self, batch: BatchId) {
        self.view.borrow_mut().screen.note_more(batch);
    }

    /// Whether the row of this file is on the screen.
    pub(crate) fn is_on_screen(&self, id: FileId) -> bool {
        self.view.borrow().screen.shows(id)
    }

    pub(crate) fn mark_changed(&self, id: FileId) {
        self.view.borrow_mut().changed.insert(id);
    }

    pub(crate) fn set_verdicts(&self, found: Vec<(FileId, Verdict)>) {
        let mut view = self.view.borrow_mut();
        view.changed.extend(found.iter().map(|(id, _)| *id));
        view.verdicts.extend(found);
    }

    /// Every row on the screen that waits for a retry has changed: it counts down.
    pub(crate) fn count_down(&self, engine: &Engine) {
        self.countdown.take();
        let view = &mut *self.view.borrow_mut();
        view.changed.extend(view.screen.waiting(engine));
    }

    /// Has the page updated in a moment.
    pub(crate) fn schedule_update(&self) {
        let mut update = self.update.borrow_mut();
        if update.is_none() {
            *update = Some(self.report_after(COLLECTING, ToDriver::UpdateDue));
        }
    }

    /// What has to be sent to the page now. What may be sent later schedules another update.
    pub(crate) fn update(&self, engine: &Engine, manifests: &Manifests, now: Duration) -> Vec<ToPage> {
        self.update.take();
        let (messages, is_more) = self.view.borrow_mut().update(engine, manifests, now);
        if is_more {
            self.schedule_update();
        }
        let mut countdown = self.countdown.borrow_mut();
        if countdown.is_none() && self.view.borrow().screen.waiting(engine).next().is_some() {
            *countdown = Some(self.report_after(COUNTDOWN_INTERVAL, ToDriver::CountdownDue));
        }
        messages
    }

    fn report_after(&self, delay: Duration, report: ToDriver) -> Timer {
        let driver = self.driver.clone();
        Timer::after(delay, move || driver.report(report))
    }
}

impl View {
    fn remove(&mut self, removed: &HashSet<FileId>) {
        self.screen.remove(removed);
        self.endings.remove(removed);
        self.verdicts.retain(|id, _| !removed.contains(id));
        self.changed.retain(|id| !removed.contains(id));
    }

    fn set_viewport(&mut self, viewport: Viewport) {
        if self.screen.filter() != viewport.filter {
            self.totals_sent_at = None;
        }
        self.screen.set_viewport(viewport);
    }

    /// What has to be sent to the page now, and whether there is more to send later.
    fn update(&mut self, engine: &Engine, manifests: &Manifests, now: Duration) -> (Vec<ToPage>, bool) {
        let totals = engine.totals();
        let are_totals_due = self.is_turning_point(&totals)
            || self
                .totals_sent_at
                .is_none_or(|sent| now.saturating_sub(sent) >= TOTALS_INTERVAL);
        if are_totals_due {
            self.screen.apply_filter(engine);
        }
        let files = std::mem::take(&mut self.changed);
        self.screen.regroup(&files, engine);
        let changed = Changed {
            batches: self.note_errors(&files, engine),
            files: &files,
        };
        let rows = self.screen.update(&changed, are_totals_due);
        let row = |place: &Place| self.row(*place, engine, manifests, now);
        let mut messages = Vec::new();
        messages.extend(rows.map(|rows| match rows {
            Rows::All { first, total, shown } => ToPage::Rows {
                filter: self.screen.filter(),
                total: total as u32,
                first: first as u32,
                rows: shown.iter().filter_map(row).collect(),
            },
            Rows::Changed(places) => ToPage::RowsChanged(places.iter().filter_map(row).collect()),
        }));
        messages.extend(self.endings.ended(engine, &files));
        if are_totals_due {
            self.totals_sent_at = Some(now);
            self.totals = totals;
            messages.push(ToPage::Totals(totals));
        }
        (messages, !are_totals_due)
    }

    /// The batches of files that have changed; why a file failed is noted for the row of its batch.
    fn note_errors(&mut self, changed: &BTreeSet<FileId>, engine: &Engine) -> HashSet<BatchId> {
        let mut batches = HashSet::new();
        for id in changed {
            let Some((_, Some(batch))) = engine.listed(*id) else {
                continue;
            };
            batches.insert(batch);
            if let Some(FileStatus::Failed(error)) = engine.view(*id).map(|view| view.status) {
                self.screen.list.set_error(batch, row::error(error));
            }
        }
        batches
    }

    fn row(&self, place: Place, engine: &Engine, manifests: &Manifests, now: Duration) -> Option<Row> {
        match place.of {
            Selection::File(id) => {
                let verdict = self.verdicts.get(&id).copied();
                let row = row::of_file(id, engine.view(id)?, verdict, now);
                Some(Row {
                    is_inside: place.is_inside,
                    ..row
                })
            }
            Selection::Batch(batch) => {
                let totals = engine.batch_totals(batch)?;
                let group = self.screen.list.group(batch)?;
                Some(row::of_batch(batch, group, totals, manifests.receipt(batch)))
            }
            Selection::All => None,
        }
    }

    /// Whether uploading started or ended or the list became shorter, which the page has to learn at once.
    /// Thousands of files that are added make the list longer many times per second.
    const fn is_turning_point(&self, totals: &Totals) -> bool {
        let is_busy = totals.unfinished() > 0;
        let has_begun = self.totals.files == 0 && totals.files > 0;
        has_begun || totals.files < self.totals.files || is_busy != (self.totals.unfinished() > 0)
    }
}
