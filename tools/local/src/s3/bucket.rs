//! The bucket that the operations of S3's API work on.

use std::sync::Arc;

use super::{failure::Failure, upload_locks::UploadLocks};
use crate::{controls::Controls, notifications::Notifications, storage::Store};

/// The stack's one bucket.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(super) store: Arc<Store>,
    pub(super) upload_locks: Arc<UploadLocks>,
    pub(super) notifications: Notifications,
    pub(super) controls: Arc<Controls>,
}

impl Bucket {
    pub(crate) fn new(store: Arc<Store>, notifications: Notifications, controls: Arc<Controls>) -> Self {
        Self {
            store,
            upload_locks: Arc::default(),
            notifications,
            controls,
        }
    }

    /// Runs what waits for the disk on a thread that may wait.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = Arc::clone(&self.store);
        let outcome = tokio::task::spawn_blocking(move || work(&store)).await;
        outcome.unwrap_or_else(|_| Err(Failure::of("InternalError")))
    }
}
