//! What S3 has received: objects, requests and parts.

use std::{collections::HashMap, path::Path};

use anyhow::{Result, ensure};
use s3_conformance::AnsweredRequest;
use sha2::{Digest, Sha256};

use crate::{
    files::{sha256_of, stored_files, stored_paths},
    page::Page,
    scenario::Scenario,
    wait::{met, wait_until},
};

/// So little that no part of some mebibytes ends during a test.
const TRICKLE_BYTES_PER_SECOND: u64 = 64 << 10;

/// How often S3 stored each part, by the part's number.
pub type StoredParts = HashMap<String, usize>;

impl Scenario {
    /// The bytes of all objects, sorted: as they lie on the disk of the local S3, or as Swift returns them.
    pub fn stored_files(&self) -> Result<Vec<Vec<u8>>> {
        let Some(service) = &self.storage().swift else {
            return stored_files(&self.bucket());
        };
        let mut objects = service.objects()?;
        objects.sort();
        Ok(objects)
    }

    /// Checks that a file is the only object.
    pub fn check_only_object(&self, path: &Path) -> Result<()> {
        let stored: Vec<[u8; 32]> = match &self.storage().swift {
            None => {
                let paths = stored_paths(&self.bucket());
                paths.iter().map(|path| sha256_of(path)).collect::<Result<_>>()?
            }
            Some(service) => {
                let objects = service.objects()?;
                objects.iter().map(|bytes| Sha256::digest(bytes).into()).collect()
            }
        };
        ensure!(stored.len() == 1, "{} objects are stored", stored.len());
        ensure!(stored[0] == sha256_of(path)?, "other bytes arrived");
        Ok(())
    }

    /// The requests that S3 has answered, in the order of the answers.
    pub fn s3_requests(&self) -> Result<Vec<AnsweredRequest>> {
        self.storage().requests()
    }

    /// How often S3 stored each part.
    pub fn stored_parts(&self) -> Result<StoredParts> {
        let mut parts = HashMap::new();
        for request in self.s3_requests()? {
            let mut fields = request.query.split('&');
            let number = fields.find_map(|field| field.strip_prefix("partNumber="));
            if let (Some(number), "PUT", 200) = (number, request.method.as_str(), request.status) {
                *parts.entry(number.to_owned()).or_default() += 1;
            }
        }
        Ok(parts)
    }

    /// Waits until S3 has at least `count` parts, and returns those that it has.
    pub async fn wait_for_parts(&self, count: usize) -> Result<StoredParts> {
        wait_until("some parts to be stored", async || {
            let stored = self.stored_parts()?;
            met(stored.len() >= count, stored)
        })
        .await
    }

    /// [`Self::wait_for_parts`], after which hardly any byte gets through until another rate is set, so that the
    /// upload is still in flight when the test interrupts it. By the end the browser keeps its record.
    pub async fn hold_after_parts(&self, count: usize) -> Result<StoredParts> {
        let stored = self.wait_for_parts(count).await?;
        self.set_bytes_per_second(Some(TRICKLE_BYTES_PER_SECOND));
        Page::wait(self.client())
            .await?
            .wait_until_kept("uploads")
            .await?;
        Ok(stored)
    }

    /// Waits until S3 has answered a request with this method and status.
    pub async fn wait_for_answer(&self, method: &str, status: u16) -> Result<()> {
        wait_until(&format!("S3 to answer {method} with {status}"), async || {
            let requests = self.s3_requests()?;
            let is_there = requests
                .iter()
                .any(|request| request.method == method && request.status == status);
            met(is_there, format!("{} requests", requests.len()))
        })
        .await?;
        Ok(())
    }

    /// Checks that the file arrived whole, in no more parts than were planned, and that none of those that S3 had
    /// answered by `finished` was sent a second time. A part whose answer was lost may have been, since
    /// S3 can take it after its parts were listed.
    pub fn check_arrived(&self, path: &Path, planned: usize, finished: &StoredParts) -> Result<()> {
        self.check_only_object(path)?;
        let stored = self.stored_parts()?;
        ensure!((1..=planned).contains(&stored.len()), "{stored:?}");
        let again = finished.keys().filter(|number| stored[*number] > 1).count();
        ensure!(again == 0, "finished: {finished:?}, in the end: {stored:?}");
        Ok(())
    }
}
