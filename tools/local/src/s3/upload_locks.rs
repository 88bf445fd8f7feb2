//! Who may work on a multipart upload at the same time.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::RwLock;

/// One lock for each multipart upload: parts are stored side by side, but not while the upload ends. And what
/// is being completed, which some requests are refused for instead of waiting.
#[derive(Default)]
pub(crate) struct UploadLocks {
    locks: Mutex<HashMap<String, Arc<RwLock<()>>>>,
    completing: Mutex<HashSet<Completing>>,
}

/// What a CompleteMultipartUpload is assembling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Completing {
    /// The upload with this id.
    Upload(String),
    /// An object that must not replace another one, with this key.
    NewKey(String),
}

/// Ends a [`Completing`] when it is dropped.
pub(super) struct CompletingGuard {
    locks: Arc<UploadLocks>,
    completing: Completing,
}

impl UploadLocks {
    /// The lock of an upload.
    pub(super) fn of(&self, upload_id: &str) -> Arc<RwLock<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        // A lock that only the map knows is one that nobody holds or waits for.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(upload_id.to_owned()).or_default())
    }

    /// Marks what is being completed; `None` if it is marked already.
    pub(super) fn mark_completing(self: &Arc<Self>, completing: Completing) -> Option<CompletingGuard> {
        let is_first = self.completing().insert(completing.clone());
        is_first.then(|| CompletingGuard {
            locks: Arc::clone(self),
            completing,
        })
    }

    /// Whether an upload is being completed.
    pub(super) fn is_completing(&self, upload_id: &str) -> bool {
        self.completing()
            .contains(&Completing::Upload(upload_id.to_owned()))
    }

    fn completing(&self) -> MutexGuard<'_, HashSet<Completing>> {
        self.completing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CompletingGuard {
    fn drop(&mut self) {
        self.locks.completing().remove(&self.completing);
    }
}
