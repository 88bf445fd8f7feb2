//! The network goes and comes, and the machine sleeps.

use std::collections::BTreeSet;

use crate::{Command, Engine, FileId, upload::in_flight::Slot};

impl Engine {
    pub(super) fn on_offline(&mut self) {
        self.env.conditions.online = false;
        self.show_active();
    }

    pub(super) fn on_online(&mut self) {
        if !self.env.conditions.online {
            self.env.conditions.online = true;
            self.on_interruption();
        }
    }

    /// The network or the machine was away: whatever is in flight is most likely dead, and whatever
    /// waits need not wait longer. Nothing of it is anybody's failure.
    pub(super) fn on_interruption(&mut self) {
        self.drop_calls();
        for (ticket, slot) in self.in_flight.take_aborts_and_manifests() {
            self.output.push(Command::Cancel { ticket });
            match slot {
                Slot::Abort(abort) => self.aborts.put_back(abort),
                Slot::Manifest { manifest, .. } => self.manifests.put_back_sent(manifest),
                _ => {}
            }
        }
        self.aborts.on_interruption(self.env.now());
        self.manifests.on_interruption(self.env.now());
        // A file that was paused may still have a Create or a Complete in flight.
        let paused: BTreeSet<FileId> = self.in_flight.files().collect();
        let active = self.roster.active.iter().copied();
        let paused = paused.into_iter().filter(|id| !self.roster.active.contains(id));
        let ids: Vec<FileId> = active.chain(paused).collect();
        for id in ids {
            self.with_upload(id, |upload| upload.on_interruption());
        }
        self.totals.speed.mark_idle();
        self.env.on_interruption();
    }

    /// Reports that every active file may look different: what they share has changed.
    pub(super) fn show_active(&mut self) {
        for id in &self.roster.active {
            self.output.changed(*id);
        }
    }
}
