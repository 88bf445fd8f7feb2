//! What S3 has had of a large file.

use std::{collections::HashMap, path::Path};

use anyhow::{Result, ensure};

use crate::{scenario::Scenario, wait::wait_until};

/// So little that no part of some mebibytes ends during a test.
const TRICKLE_BYTES_PER_SECOND: u64 = 64 << 10;

/// How often S3 stored each part, by the part's number.
pub type StoredParts = HashMap<String, usize>;

impl Scenario {
    /// How often S3 stored each part.
    ///
    /// # Errors
    /// Where S3 does not tell.
    pub fn stored_parts(&self) -> Result<StoredParts> {
        let mut parts = HashMap::new();
        for request in self.s3_requests()? {
            let number = request
                .query
                .split('&')
                .find_map(|field| field.strip_prefix("partNumber="));
            if let (Some(number), "PUT", 200) = (number, request.method.as_str(), request.status) {
                *parts.entry(number.to_owned()).or_default() += 1;
            }
        }
        Ok(parts)
    }

    /// Waits until S3 has so many parts, and gives those that it has.
    ///
    /// # Errors
    /// Where it has not within a minute.
    pub async fn wait_for_parts(&self, count: usize) -> Result<StoredParts> {
        wait_until("some parts to be stored", async || {
            let stored = self.stored_parts()?;
            Ok(if stored.len() >= count {
                Ok(stored)
            } else {
                Err(format!("{stored:?}"))
            })
        })
        .await
    }

    /// Waits until S3 has so many parts, and gives those that it has. From then on hardly any byte gets through
    /// until another pace is set, so that the upload is still under way when the test interrupts it.
    ///
    /// # Errors
    /// As [`Self::wait_for_parts`].
    pub async fn hold_after_parts(&self, count: usize) -> Result<StoredParts> {
        let stored = self.wait_for_parts(count).await?;
        self.set_bytes_per_second(Some(TRICKLE_BYTES_PER_SECOND));
        Ok(stored)
    }

    /// Waits until S3 has answered an AbortMultipartUpload with success.
    ///
    /// # Errors
    /// Where it has not within a minute.
    pub async fn wait_for_abort(&self) -> Result<()> {
        wait_until("S3 to be asked to abort the upload", async || {
            let requests = self.s3_requests()?;
            let is_aborted = requests
                .iter()
                .any(|request| request.method == "DELETE" && request.status == 204);
            Ok(if is_aborted {
                Ok(())
            } else {
                Err(format!("{} requests", requests.len()))
            })
        })
        .await
    }

    /// Checks that the file arrived whole, in no more parts than were planned, and that none of those that S3 had
    /// answered by `finished` was sent a second time. A part whose answer was lost may have been, since
    /// S3 can take it after it was asked.
    ///
    /// # Errors
    /// Where it did not, or one was.
    pub fn check_arrived(&self, path: &Path, planned: usize, finished: &StoredParts) -> Result<()> {
        self.check_only_object(path)?;
        let stored = self.stored_parts()?;
        ensure!((1..=planned).contains(&stored.len()), "{stored:?}");
        let again = finished.keys().filter(|number| stored[*number] > 1).count();
        ensure!(again == 0, "finished: {finished:?}, in the end: {stored:?}");
        Ok(())
    }
}
