//! Which files wait and which are active.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    FileId,
    measure::{
        queue::Queue,
        turns::{Class, PerClass},
    },
};

/// The files that have something to do: those that wait to be admitted, in order, and those that were admitted.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    pub(crate) waiting: PerClass<Queue>,
    /// Few, however many files wait.
    pub(crate) active: Vec<FileId>,
    /// The files that could not be read, by when they are tried again.
    pub(crate) unreadable: BTreeSet<(Duration, FileId)>,
}

impl Roster {
    /// Takes the first waiting file of a class and makes it active.
    pub(crate) fn admit_next(&mut self, class: Class) -> Option<FileId> {
        let id = self.waiting[class].pop_first()?;
        self.active.push(id);
        Some(id)
    }

    /// Takes out the file that could not be read and is to be tried again by now.
    pub(crate) fn take_unreadable(&mut self, now: Duration) -> Option<FileId> {
        let (until, id) = *self.unreadable.first()?;
        if until > now {
            return None;
        }
        self.unreadable.remove(&(until, id));
        Some(id)
    }

    pub(crate) fn remove_active(&mut self, id: FileId) {
        self.active.retain(|active| *active != id);
    }
}
