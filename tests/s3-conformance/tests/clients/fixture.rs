//! A local stack, and files to upload to it.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use local::{RecordedRequest, Stack, StackOptions};
use tempfile::TempDir;

/// The size of the parts that the programs make, in bytes.
pub(crate) const PART_BYTES: usize = 5 << 20;

/// Two parts and a half.
pub(crate) const MULTIPART_BYTES: usize = PART_BYTES * 5 / 2;

/// A running stack and a folder of files.
pub(crate) struct Fixture {
    stack: Stack,
    files: TempDir,
    _data: TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let stack = Stack::start(StackOptions::new(data.path().to_owned()));
        Ok(Self {
            stack: stack.await?,
            files: tempfile::tempdir()?,
            _data: data,
        })
    }

    /// Where S3 is.
    pub(crate) fn s3(&self) -> String {
        self.stack.s3_url()
    }

    /// Where the API is.
    pub(crate) fn api(&self) -> String {
        self.stack.api_url()
    }

    /// A folder that a program may take for a user's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.files.path().join("home")
    }

    /// Writes a file of `size` random bytes and returns its path.
    pub(crate) fn write(&self, name: &str, size: usize) -> Result<String> {
        let mut bytes = vec![0; size];
        fastrand::Rng::with_seed(size as u64).fill(&mut bytes);
        let path = self.files.path().join(name);
        fs::write(&path, bytes)?;
        path.into_os_string()
            .into_string()
            .ok()
            .context("the path is not UTF-8")
    }

    /// Writes a folder that has one with these files, and returns its path.
    pub(crate) fn folder(&self, name: &str, files: &[&str]) -> Result<String> {
        fs::create_dir_all(self.files.path().join(name).join("inner"))?;
        for file in files {
            self.write(&format!("{name}/inner/{file}"), file.len())?;
        }
        let path = self.files.path().join(name).into_os_string();
        path.into_string().ok().context("the path is not UTF-8")
    }

    /// Writes the pieces of a file that become its parts, and returns their paths.
    pub(crate) fn split(&self, path: &str) -> Result<Vec<String>> {
        let bytes = fs::read(path)?;
        let pieces = bytes.chunks(PART_BYTES).enumerate();
        pieces
            .map(|(index, piece)| {
                let path = format!("{path}.{index}");
                fs::write(&path, piece)?;
                Ok(path)
            })
            .collect()
    }

    /// How many multipart uploads S3 has completed.
    pub(crate) fn multipart_uploads(&self) -> usize {
        let is_complete = |request: &RecordedRequest| {
            request.method == "POST" && request.query.contains("uploadId=") && request.status == 200
        };
        self.stack
            .controls()
            .s3_requests()
            .into_iter()
            .filter(is_complete)
            .count()
    }

    /// Checks that an object has the bytes of a file.
    pub(crate) fn check_stored(&self, key: &str, path: &str) -> Result<()> {
        let keys = self.stack.object_keys();
        ensure!(
            keys.iter().any(|found| found == key),
            "{key} is not among {keys:?}"
        );
        let stored = fs::read(self.stack.object_path(key))?;
        ensure!(stored == fs::read(path)?, "{key} has other bytes than were sent");
        Ok(())
    }
}
