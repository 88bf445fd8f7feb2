//! Hashes and checks of files.

use std::{ops::Range, time::Duration};

use engine::{Event, FileFailure, FileId, Ticket};
use wire::Sha256Digest;

use crate::{
    models::{disk::Content, network::chance},
    violation::Violation,
    world::{World, sim_event::SimEvent},
};

/// The probability that the page reports two hashes at once.
const HASHED_TOGETHER: f64 = 0.3;

impl World<'_> {
    pub(crate) fn start_hash(&mut self, ticket: Ticket, range: Range<u64>) {
        let millis = 1 + (range.end - range.start) * self.random.u64(2..30) / (1024 * 1024);
        self.schedule_in(Duration::from_millis(millis), SimEvent::Hashed(ticket, range));
    }

    pub(crate) fn start_check(&mut self, ticket: Ticket) {
        let millis = self.random.u64(1..20);
        self.schedule_in(Duration::from_millis(millis), SimEvent::Checked(ticket));
    }

    pub(crate) fn start_reopen(&mut self, ticket: Ticket) {
        let millis = self.random.u64(1..20);
        self.schedule_in(Duration::from_millis(millis), SimEvent::Reopened(ticket));
    }

    /// Whether the result of a hash or a check is delivered: it was not cancelled, or comes all the same.
    fn delivers_read(&mut self, ticket: Ticket) -> bool {
        !self.cancelled_reads.remove(&ticket.attempt) || chance(&mut self.random, self.network.rates.late)
    }

    pub(crate) fn on_hashed(&mut self, ticket: Ticket, range: Range<u64>) -> Result<(), Violation> {
        let mut hashed = Vec::new();
        let mut next = Some((ticket, range));
        while let Some((ticket, range)) = next {
            if self.delivers_read(ticket) {
                let result = self.read(ticket.file, range).map(|content| content.digest());
                hashed.push((ticket, result));
            }
            next = self.take_hashed_together(&hashed);
        }
        if hashed.is_empty() {
            return Ok(());
        }
        self.deliver(Event::Hashed(hashed))
    }

    /// Takes the next hash if the page reports it together with these. Only whole files are hashed
    /// together, never two parts of one.
    fn take_hashed_together(
        &mut self,
        hashed: &[(Ticket, Result<Sha256Digest, FileFailure>)],
    ) -> Option<(Ticket, Range<u64>)> {
        let next = self.queue.first_entry()?;
        let SimEvent::Hashed(ticket, range) = next.get() else {
            return None;
        };
        let (ticket, range) = (*ticket, range.clone());
        let is_another = hashed.iter().all(|(other, _)| other.file != ticket.file);
        let is_together = is_another && chance(&mut self.random, HASHED_TOGETHER);
        is_together.then(|| {
            next.remove();
            (ticket, range)
        })
    }

    pub(crate) fn on_checked(&mut self, ticket: Ticket) -> Result<(), Violation> {
        if !self.delivers_read(ticket) {
            return Ok(());
        }
        let result = match self.disk.get(ticket.file.0 as usize) {
            Some(disk) => disk.check(),
            None => Err(FileFailure::Missing),
        };
        self.deliver(Event::Checked { ticket, result })
    }

    pub(crate) fn on_reopened(&mut self, ticket: Ticket) -> Result<(), Violation> {
        if !self.delivers_read(ticket) {
            return Ok(());
        }
        let result = match self.disk.get_mut(ticket.file.0 as usize) {
            Some(disk) => disk.reopen(ticket.file),
            None => Err(FileFailure::Missing),
        };
        self.deliver(Event::Reopened { ticket, result })
    }

    pub(crate) fn read(&self, file: FileId, range: Range<u64>) -> Result<Content, FileFailure> {
        match self.disk.get(file.0 as usize) {
            Some(disk) => disk.read(file, range),
            None => Err(FileFailure::Missing),
        }
    }
}
