//! What the page does for the manifests of its batches.

use std::{collections::BTreeMap, time::Duration};

use engine::{Event, FileId, ManifestRecord};
use wire::BatchId;

use crate::{
    models::manifests::Manifest,
    violation::Violation,
    world::{World, sim_event::SimEvent},
};

impl World<'_> {
    pub(crate) fn note_stored(&mut self, id: FileId) {
        if let Some((_, batch, stored)) = self.engine.stored(id) {
            let key = stored.key.clone();
            self.noted.entry(batch).or_default().insert(key);
        }
    }

    /// Writes a manifest, which takes a moment.
    pub(crate) fn write_manifest(&mut self, id: FileId, batch: BatchId) {
        let keys = self.noted.get(&batch).cloned().unwrap_or_default();
        let not_stored = self.engine.not_stored(batch);
        let not_stored = not_stored.map(|(file, _)| file.name.clone()).collect();
        let manifest = Manifest {
            batch,
            keys,
            not_stored,
        };
        self.manifests.insert(id, manifest);
        let takes = Duration::from_millis(self.random.u64(1..50));
        self.schedule_in(takes, SimEvent::ManifestWritten(id));
    }

    pub(crate) fn on_manifest_written(&mut self, id: FileId) -> Result<(), Violation> {
        let Some(manifest) = self.manifests.get(&id) else {
            return Ok(());
        };
        // What is written now would be too little.
        if self.engine.is_unfinished(manifest.batch) {
            self.manifests.remove(&id);
            return self.deliver(Event::ManifestNotWritten(id));
        }
        let (size, sha256) = (manifest.size(), manifest.digest());
        self.deliver(Event::ManifestWritten {
            manifest: id,
            size,
            sha256,
        })
    }

    /// A new tab notes what is on record for the manifests.
    pub(crate) fn restore_batches(&mut self) -> Result<(), Violation> {
        if !self.scenario.settings.manifests {
            return Ok(());
        }
        let mut batches = BTreeMap::<BatchId, Option<ManifestRecord>>::new();
        for record in self.records.values().filter(|record| record.has_ended) {
            let Some(batch) = record.batch else { continue };
            match (record.manifest, &record.stored) {
                (Some(manifest), _) => {
                    let last = batches.entry(batch).or_default();
                    if last.is_none_or(|last| last.edition < manifest.edition) {
                        *last = Some(manifest);
                    }
                }
                (None, Some(stored)) => {
                    batches.entry(batch).or_default();
                    self.noted.entry(batch).or_default().insert(stored.key.clone());
                }
                (None, None) => {}
            }
        }
        for (batch, manifest) in batches {
            self.deliver(Event::BatchRestored { batch, manifest })?;
        }
        Ok(())
    }
}
