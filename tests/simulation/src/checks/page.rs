//! What the page shows: the view of every file on the list, as it was last read, and what must hold of it.

use std::{collections::BTreeMap, time::Duration};

use engine::{Engine, ErrorKind, Event, FileId, FileStatus, FileView, Selection, Totals};
use wire::BatchId;

use crate::{
    checks::{ground_truth::GroundTruth, manifests::is_unfinished},
    models::{
        disk::DiskFile,
        lambda::REFUSED_TYPE,
        s3::{Object, S3},
    },
    violation::{Found, Violation},
};

/// Every file on the list, as the page last read it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    views: BTreeMap<FileId, FileView>,
}

impl Page {
    pub(crate) fn files(&self) -> usize {
        self.views.len()
    }

    pub(crate) fn status(&self, id: FileId) -> Option<&FileStatus> {
        self.views.get(&id).map(|view| &view.status)
    }

    /// The files that have not ended.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = FileId> {
        let views = self.views.iter();
        views
            .filter(|(_, view)| is_unfinished(&view.status))
            .map(|(id, _)| *id)
    }

    /// Reads a file's view after an event, and checks it. Returns the file's status if it is a new one.
    pub(crate) fn read(
        &mut self,
        event: &Event,
        id: FileId,
        engine: &Engine,
    ) -> Result<Option<FileStatus>, Violation> {
        let Some(view) = engine.view(id) else {
            self.views.remove(&id);
            return Ok(None);
        };
        let FileView { size, sent, .. } = view;
        if sent > size {
            return Err(Violation::SentTooMuch { file: id, size, sent });
        }
        let before = self.views.get(&id);
        // A cancelled file that is retried starts from nothing.
        let starts_over = matches!(event, Event::Retry(Selection::File(_)))
            && before.is_some_and(|before| before.status == FileStatus::Cancelled);
        if let Some(before) = before
            && before.sent > sent
            && !starts_over
        {
            return Err(Violation::ProgressWentBack {
                file: id,
                from: before.sent,
                to: sent,
            });
        }
        let is_new = before.is_none_or(|before| before.status != view.status);
        let status = is_new.then(|| view.status.clone());
        self.views.insert(id, view);
        Ok(status)
    }

    /// A file is shown as stored only if S3 has it, and not as it was before the page had it as it is now.
    pub(crate) fn check_stored(&self, id: FileId, disk: &DiskFile, s3: &S3) -> Result<(), Violation> {
        let key = self.views.get(&id).and_then(|view| view.key.as_deref());
        let found = match s3.objects.get(key.unwrap_or_default()) {
            Some(Object::Uploaded(contents)) if contents.iter().all(|content| content.file == id) => {
                let is_outdated = contents.iter().any(|content| disk.is_before_opened(content));
                let violation = Violation::StoredAsItWas { file: id };
                return if is_outdated { Err(violation) } else { Ok(()) };
            }
            Some(Object::Uploaded(_) | Object::Manifest(_)) => Found::AnotherFile,
            Some(Object::Foreign) => Found::ForeignObject,
            None => Found::Nothing,
        };
        Err(Violation::StoredWithoutObject { file: id, found })
    }

    /// What the page last read has to be what it would read now, except for a wait that is over.
    pub(crate) fn check_views(&self, engine: &Engine, now: Duration) -> Result<(), Violation> {
        for (id, shown) in &self.views {
            let current = engine.view(*id);
            let wait_is_over = matches!(shown.status, FileStatus::Waiting { until, .. } if until <= now);
            let is_same = current.as_ref().is_some_and(|view| {
                shown.sent == view.sent
                    && shown.key == view.key
                    && shown.notice == view.notice
                    && (shown.status == view.status || wait_is_over)
            });
            if !is_same {
                return Err(Violation::ViewOutdated {
                    file: *id,
                    shown: format!("{shown:?}"),
                    current: current.map(|view| format!("{view:?}")),
                });
            }
        }
        Ok(())
    }

    /// The totals are the sums over all files, and those of each batch are the sums over its files.
    pub(crate) fn check_totals(&self, engine: &Engine) -> Result<(), Violation> {
        let mut all = Totals::default();
        let mut batches = BTreeMap::<BatchId, Totals>::new();
        for (id, view) in &self.views {
            add(&mut all, view);
            if let Some((_, Some(batch))) = engine.listed(*id) {
                add(batches.entry(batch).or_default(), view);
            }
        }
        let totals = engine.totals();
        all.bytes_per_second = totals.bytes_per_second;
        all.time_left = totals.time_left;
        all.is_closing = totals.is_closing;
        check_sums(totals, all)?;
        for (batch, expected) in batches {
            check_sums(engine.batch_totals(batch).unwrap_or_default(), expected)?;
        }
        Ok(())
    }

    /// At rest, every file has ended or waits for the user.
    pub(crate) fn check_rest(&self, disk: &[DiskFile]) -> Result<(), Violation> {
        for (id, view) in &self.views {
            let is_settled = match view.status {
                FileStatus::Stored | FileStatus::Failed(_) | FileStatus::Cancelled | FileStatus::Paused => {
                    true
                }
                // A file that changed or vanished never comes back.
                FileStatus::Interrupted(_) => disk.get(id.0 as usize).is_some_and(DiskFile::is_lost),
                _ => false,
            };
            if !is_settled {
                let status = format!("{:?}", view.status);
                return Err(Violation::StuckAtRest { file: *id, status });
            }
        }
        Ok(())
    }

    /// At the end of a world without faults, every file that can be stored is stored.
    pub(crate) fn check_all_stored(&self, world: &GroundTruth<'_>) -> Result<(), Violation> {
        for (id, view) in &self.views {
            let disk = world.file(*id)?;
            let is_good = match &view.status {
                FileStatus::Stored | FileStatus::Cancelled => true,
                FileStatus::Failed(error) => {
                    disk.is_lost()
                        || disk.description.media_type == REFUSED_TYPE
                        || error.kind == ErrorKind::AlreadyExists
                }
                FileStatus::Interrupted(_) => disk.is_lost(),
                _ => false,
            };
            if !is_good {
                let status = format!("{:?}", view.status);
                return Err(Violation::NotStored { file: *id, status });
            }
        }
        Ok(())
    }
}

/// Adds a file to the sums that it is part of.
const fn add(sums: &mut Totals, view: &FileView) {
    sums.files += 1;
    sums.sent += view.sent;
    sums.bytes += match view.status {
        FileStatus::Cancelled => view.sent,
        _ => view.size,
    };
    match view.status {
        FileStatus::Stored => sums.stored += 1,
        FileStatus::Failed(_) => sums.failed += 1,
        FileStatus::Cancelled => sums.cancelled += 1,
        FileStatus::Paused => sums.paused += 1,
        FileStatus::Interrupted(_) => sums.interrupted += 1,
        FileStatus::Elsewhere => sums.elsewhere += 1,
        _ => {}
    }
}

fn check_sums(totals: Totals, expected: Totals) -> Result<(), Violation> {
    if totals == expected {
        Ok(())
    } else {
        Err(Violation::TotalsWrong {
            totals: Box::new(totals),
            expected: Box::new(expected),
        })
    }
}
