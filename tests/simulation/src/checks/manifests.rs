//! What must hold of the manifests.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Command, Engine, FileStatus};
use wire::BatchId;

use crate::{
    checks::{ground_truth::GroundTruth, page::Page},
    models::{
        manifests::{Manifest, batch_of},
        records::Records,
        s3::{Object, S3},
    },
    violation::Violation,
};

/// The keys that the manifests have to name.
#[derive(Debug, Default)]
pub(crate) struct Manifests(BTreeMap<BatchId, BTreeSet<String>>);

impl Manifests {
    /// A new page knows only what is on record, and does not have to know what a manifest names already.
    pub(crate) fn on_tab_crash(&mut self, records: &Records, s3: &S3) {
        let is_known = |batch, key: &String| {
            let is_recorded = records
                .values()
                .filter_map(|record| record.stored.as_ref())
                .any(|stored| stored.key == *key);
            is_recorded || s3.manifests(batch).any(|manifest| manifest.keys.contains(key))
        };
        for (batch, keys) in &mut self.0 {
            keys.retain(|key| is_known(*batch, key));
        }
    }

    pub(crate) fn check_command(
        &mut self,
        command: &Command,
        engine: &Engine,
        world: &GroundTruth<'_>,
    ) -> Result<(), Violation> {
        match command {
            Command::Stored(id) if engine.settings().manifests => {
                if let Some((_, batch, stored)) = engine.stored(*id) {
                    self.0.entry(batch).or_default().insert(stored.key.clone());
                }
                Ok(())
            }
            Command::ManifestStored { batch, key } => match world.s3.objects.get(key) {
                Some(Object::Manifest(manifest)) if manifest.batch == *batch => Ok(()),
                _ => Err(Violation::ManifestWithoutObject { key: key.clone() }),
            },
            _ => Ok(()),
        }
    }

    /// At the end of a world without faults, each batch of which nothing is unfinished has a manifest that names all that
    /// is stored of it, and no manifest names anything else or is there twice.
    pub(crate) fn check_end(&self, page: &Page, world: &GroundTruth<'_>) -> Result<(), Violation> {
        let unfinished = page.unfinished();
        let unfinished: BTreeSet<BatchId> = unfinished
            .filter_map(|id| Some(world.file(id).ok()?.batch))
            .collect();
        for (batch, keys) in &self.0 {
            let manifests: Vec<&Manifest> = world.s3.manifests(*batch).collect();
            let is_complete = |manifest: &&Manifest| keys.is_subset(&manifest.keys);
            let is_due = !keys.is_empty() && !unfinished.contains(batch);
            if is_due && !manifests.iter().any(is_complete) {
                let keys = keys.iter().cloned().collect();
                return Err(Violation::NotInManifest { keys });
            }
            let is_there = |key: &&String| matches!(world.s3.objects.get(*key), Some(Object::Uploaded(_)));
            let mut named = manifests.iter().flat_map(|manifest| &manifest.keys);
            if let Some(key) = named.find(|key| !is_there(key) || batch_of(key) != Some(*batch)) {
                return Err(Violation::ManifestWrong { key: key.clone() });
            }
            let count = manifests.len();
            if manifests
                .into_iter()
                .collect::<std::collections::HashSet<_>>()
                .len()
                < count
            {
                return Err(Violation::ManifestTwice { batch: *batch });
            }
        }
        Ok(())
    }
}

/// Whether a file's batch has not ended because of it.
pub(crate) const fn is_unfinished(status: &FileStatus) -> bool {
    !matches!(
        status,
        FileStatus::Stored | FileStatus::Failed(_) | FileStatus::Cancelled | FileStatus::Elsewhere
    )
}
