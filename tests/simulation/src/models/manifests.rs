//! The manifests that the simulated page writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use wire::{BatchId, Sha256Digest};

/// The keys of each batch that the page has noted for its manifest.
pub(crate) type Noted = BTreeMap<BatchId, BTreeSet<String>>;

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Manifest {
    pub(crate) batch: BatchId,
    /// The keys of the stored files.
    pub(crate) keys: BTreeSet<String>,
    /// The names of the others.
    pub(crate) not_stored: Vec<String>,
}

impl Manifest {
    pub(crate) fn size(&self) -> u64 {
        100 * (1 + self.keys.len() + self.not_stored.len()) as u64
    }

    /// Stands for the SHA-256. No content of a file has one that ends like this.
    pub(crate) fn digest(&self) -> Sha256Digest {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        let mut bytes = [0xff; 32];
        bytes[..8].copy_from_slice(&hasher.finish().to_le_bytes());
        Sha256Digest::new(bytes)
    }
}

/// The batch that a key is of.
pub(crate) fn batch_of(key: &str) -> Option<BatchId> {
    key.split('/').nth(1)?.parse().ok()
}
