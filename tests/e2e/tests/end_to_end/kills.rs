//! Browser and S3 are killed at random moments while many files of mixed size go up: each is stored exactly once.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use e2e::{Page, Row, Scenario, met, wait_until, with_page};
use fastrand::Rng;

/// The sizes of the files, in bytes, in turn: one request each but for the last, which has parts.
const SIZES: [usize; 4] = [10 << 10, 300 << 10, 3 << 20, 20 << 20];

const FILES: usize = 24;
const KILLS: usize = 8;

/// Slow enough that the files take longer than all kills.
const BYTES_PER_SECOND: u64 = 2 << 20;

/// A kill comes after at most this many more requests to S3.
const MOST_REQUESTS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn files_are_stored_once_whatever_is_killed_meanwhile() -> Result<()> {
    let seed = Rng::new().u64(..);
    with_page(async |scenario, page| {
        upload_with_kills(scenario, page, &mut Rng::with_seed(seed))
            .await
            .with_context(|| format!("the kills are of seed {seed}"))
    })
    .await
}

async fn upload_with_kills(scenario: &mut Scenario, page: &Page, random: &mut Rng) -> Result<()> {
    let files = (0..FILES).map(|number| {
        let name = format!("file-{number}.bin");
        scenario.files.add(&name, SIZES[number % SIZES.len()] + number)
    });
    let files = files.collect::<Result<Vec<_>>>()?;
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut expected: Vec<Vec<u8>> = files.into_iter().map(|file| file.bytes).collect();
    expected.sort();

    scenario.set_bytes_per_second(Some(BYTES_PER_SECOND));
    // The list hides the files of a larger batch.
    for half in paths.chunks(FILES / 2) {
        pick(page, half).await?;
    }
    for _ in 0..KILLS {
        let before = scenario.controls().s3_requests().len();
        let more = random.usize(1..=MOST_REQUESTS);
        wait_until("more requests, or the end", async || {
            let made = scenario.controls().s3_requests_after(before).len();
            let is_over = scenario.stored_files()?.len() == FILES;
            met(made >= more || is_over, made)
        })
        .await?;
        if scenario.stored_files()?.len() == FILES {
            break;
        }
        if random.bool() {
            go_on(scenario, &paths).await?;
        } else {
            scenario.stack().kill_s3().await;
            scenario.stack().start_s3().await?;
        }
    }
    scenario.set_bytes_per_second(None);
    wait_until("all files to be stored", async || {
        let stored = scenario.stored_files()?.len();
        met(stored >= FILES, stored)
    })
    .await?;
    // Whatever the page still has to do, such as a file that it takes for a new one, it does now.
    finish(&Page::wait(scenario.client()).await?, &paths).await?;
    let mut stored = scenario.stored_files()?;
    stored.sort();
    ensure!(stored == expected, "{} files are stored", stored.len());
    Ok(())
}

/// Kills the browser, and picks at once what S3 does not have, before the next page can show what the last one left.
async fn go_on(scenario: &mut Scenario, paths: &[PathBuf]) -> Result<()> {
    let page = scenario.crash_browser().await?;
    let stored = scenario.stored_files()?;
    let mut missing = Vec::new();
    for path in paths {
        if !stored.contains(&fs::read(path)?) {
            missing.push(path.clone());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    pick(&page, &missing).await
}

/// Picks what S3 has but the page does not know of, until nothing is left to do.
async fn finish(page: &Page, paths: &[PathBuf]) -> Result<()> {
    let is_done = |rows: &[Row]| rows.iter().all(|row| row.state == "stored");
    let is_idle = |row: &Row| ["stored", "interrupted"].contains(&row.state.as_str());
    loop {
        let rows = page
            .wait_for("each file to be stored or interrupted", |rows| {
                rows.iter().all(is_idle).then(|| rows.to_vec())
            })
            .await?;
        if is_done(&rows) {
            return Ok(());
        }
        let is_left = |path: &&PathBuf| {
            let mut left = rows.iter().filter(|row| row.state == "interrupted");
            left.any(|row| path.ends_with(&row.name))
        };
        let left: Vec<PathBuf> = paths.iter().filter(is_left).cloned().collect();
        pick(page, &left).await?;
        page.wait_for("what was picked again to be stored", |rows| {
            is_done(rows).then_some(())
        })
        .await?;
    }
}

async fn pick(page: &Page, paths: &[PathBuf]) -> Result<()> {
    let paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
    page.pick_paths(&paths).await
}
