//! As many files as the disk can hold at once: written, uploaded, compared and deleted.

use std::{collections::HashMap, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{FaultyScenario, Page, met, sha256_of, stored_paths, wait_at_most, write_random_file};
use fastrand::Rng;

/// How long a batch may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(900);

/// What the page says about all files, and whether it offers to retry those that failed.
const READ_TOTALS: &str = "
    return [
        document.querySelector('.totals-summary')?.textContent ?? '',
        document.querySelector('[data-action=retryFailed]')?.checkVisibility() ?? false,
    ];";

/// Files on the disk, with their SHA-256.
pub(crate) struct Batch {
    hashes: HashMap<String, [u8; 32]>,
    paths: Vec<PathBuf>,
    bytes: u64,
}

/// The results of a batch.
pub(crate) struct Outcome {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) duplicates: u64,
    pub(crate) retries: u64,
}

impl Batch {
    /// Writes files until `most`, a number of files and one of bytes, is reached. The last file of
    /// all takes the bytes that are left.
    pub(crate) fn write(
        scenario: &FaultyScenario<'_>,
        random: &mut Rng,
        mean: u64,
        left: (u64, u64),
        most: (u64, u64),
    ) -> Result<Self> {
        let mut batch = Self {
            hashes: HashMap::new(),
            paths: Vec::new(),
            bytes: 0,
        };
        while batch.files() < left.0.min(most.0) && batch.bytes < most.1 {
            let remaining = (left.0 - batch.files(), left.1.saturating_sub(batch.bytes));
            let size = match remaining.0 {
                1 => remaining.1.min(most.1),
                _ => size(random, mean).min(remaining.1),
            };
            let name = format!("soak-{}.bin", left.0 - batch.files());
            let path = scenario.files.path(&name);
            write_random_file(&path, size, random)?;
            batch.hashes.insert(name, sha256_of(&path)?);
            batch.paths.push(path);
            batch.bytes += size;
        }
        Ok(batch)
    }

    pub(crate) fn files(&self) -> u64 {
        self.paths.len() as u64
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Uploads the files, retries those that failed for good as a user does, and compares what S3 has.
    pub(crate) async fn upload(self, scenario: &FaultyScenario<'_>, page: &Page) -> Result<Outcome> {
        let paths: Vec<_> = self.paths.iter().map(PathBuf::as_path).collect();
        page.pick_paths(&paths).await?;
        let retries = self.wait(scenario).await?;
        let duplicates = self.compare(scenario)?;
        ensure!(
            press(scenario, "clearFinished").await?,
            "finished files cannot be cleared"
        );
        for path in &self.paths {
            fs::remove_file(path)?;
        }
        Ok(Outcome {
            files: self.files(),
            bytes: self.bytes,
            duplicates,
            retries,
        })
    }

    async fn wait(&self, scenario: &FaultyScenario<'_>) -> Result<u64> {
        let count = self.files();
        let plural = if count == 1 { "file" } else { "files" };
        let done = format!("{count} of {count} {plural} uploaded");
        let mut retries = 0;
        wait_at_most(DEADLINE, "all files to be uploaded", async || {
            let totals = scenario.client().execute(READ_TOTALS, Vec::new()).await?;
            let (summary, has_failed): (String, bool) = serde_json::from_value(totals)?;
            if has_failed {
                // The button may be gone by now, if an earlier press retried all.
                retries += u64::from(press(scenario, "retryFailed").await?);
            }
            met(summary == done, summary)
        })
        .await?;
        Ok(retries)
    }

    /// Checks that each file has an object with its bytes and no object has other bytes, and deletes them all.
    /// Returns how many more objects there were.
    fn compare(&self, scenario: &FaultyScenario<'_>) -> Result<u64> {
        let mut found: HashMap<String, u64> = HashMap::new();
        for path in stored_paths(&scenario.bucket()) {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .context("a name")?;
            let expected = self
                .hashes
                .get(name)
                .with_context(|| format!("{name} was not sent"))?;
            ensure!(sha256_of(&path)? == *expected, "{name} has other bytes");
            *found.entry(name.to_owned()).or_default() += 1;
            fs::remove_file(&path)?;
        }
        let missing: Vec<_> = self
            .hashes
            .keys()
            .filter(|name| !found.contains_key(*name))
            .collect();
        ensure!(missing.is_empty(), "shown as stored, and not there: {missing:?}");
        Ok(found.values().map(|times| times - 1).sum())
    }
}

/// Of a hundred files two are large and one is empty; the sizes of the others are spread over nine powers of
/// two, so that their mean is about `mean`.
fn size(random: &mut Rng, mean: u64) -> u64 {
    match random.u32(..100) {
        0 => 0,
        1 | 2 => mean * random.u64(17..40),
        _ => (mean as f64 * 2.8 * (-9.0 * random.f64()).exp2()) as u64,
    }
}

/// Presses a button for all files, if it is there. A pointer could hit what takes its place meanwhile.
async fn press(scenario: &FaultyScenario<'_>, action: &str) -> Result<bool> {
    const PRESS: &str = "
        const button = document.querySelector(`[data-action=${arguments[0]}]:not([hidden])`);
        button?.click();
        return Boolean(button);";
    let client = scenario.client();
    let pressed = client.execute(PRESS, vec![action.into()]).await?;
    Ok(pressed == true)
}
