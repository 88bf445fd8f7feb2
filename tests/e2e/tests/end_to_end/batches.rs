//! Batches as the page shows them, what can be done to all of one, and the receipt of one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    Scenario, SourceFile, devtools, met, sha256_of, stored_paths, wait_until, with_page, with_scenario,
};
use fantoccini::Locator;
use serde_json::{Value, json};
use wire::{ChecksumType, Manifest, ManifestStatus, Sha256Digest, is_manifest_name};

/// So slow that a file of some mebibytes stays in flight.
const SLOW_BYTES_PER_SECOND: u64 = 64 << 10;

/// How many files the folder has.
const FILES: usize = 300;

/// Names that are kept as they are, although other systems trip over them.
const ODD_NAMES: [&str; 8] = [
    "=1+1.csv",
    "+49 30.txt",
    "-rf.txt",
    "@home, sweet home.txt",
    "تقرير 📎.pdf",
    "100% & more; it's #1.txt",
    "no extension",
    ".hidden",
];

/// The rows of batches, from top to bottom: each one's name, state, and line.
const BATCHES: &str = "
    return Array.from(document.querySelectorAll('.batch-row'), (row) => [
        row.querySelector('.file-name').textContent,
        row.dataset.state,
        row.querySelector('.file-state').textContent,
    ]);";

/// Waits until the only batch is this far, and returns its row.
async fn wait_for_batch(scenario: &Scenario, state: &str) -> Result<Vec<String>> {
    wait_until(&format!("a batch that is {state}"), async || {
        let batches = scenario.client().execute(BATCHES, Vec::new()).await?;
        let rows: Vec<Vec<String>> = serde_json::from_value(batches.clone())?;
        let found = rows.into_iter().find(|row| row[1] == state);
        Ok(found.ok_or_else(|| batches.to_string()))
    })
    .await
}

async fn press(scenario: &Scenario, action: &str) -> Result<()> {
    let button = format!(".batch-row [data-action={action}]:not([hidden])");
    let button = scenario
        .client()
        .wait()
        .for_element(Locator::Css(&button))
        .await?;
    Ok(button.click().await?)
}

/// The states of the files whose rows are there.
async fn states(scenario: &Scenario) -> Result<Vec<String>> {
    let read = "return Array.from(document.querySelectorAll('[data-file-id]'), (row) => row.dataset.state);";
    Ok(serde_json::from_value(
        scenario.client().execute(read, Vec::new()).await?,
    )?)
}

/// Writes a folder with files of odd names, some of them in folders of odd names.
fn write_folder(scenario: &Scenario) -> Result<PathBuf> {
    let folder = scenario.files.path("harbour, 2026");
    for number in 0..FILES {
        let place = folder.join(format!("day {}/=part {}", number % 7, number % 3));
        fs::create_dir_all(&place)?;
        let name = match ODD_NAMES.get(number) {
            Some(name) => (*name).to_owned(),
            None => format!("{number}.txt"),
        };
        fs::write(place.join(name), format!("file {number}"))?;
    }
    Ok(folder)
}

/// All files below a folder, by their paths from its parent on.
fn files_below(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let parent = folder.parent().context("a parent")?;
    let read = |path: PathBuf| {
        let relative = path.strip_prefix(parent)?.to_str().context("UTF-8")?.to_owned();
        Ok((relative, fs::read(path)?))
    };
    stored_paths(folder).into_iter().map(read).collect()
}

/// Where the browser saves what is downloaded. Only Chromium's DevTools can say so.
async fn allow_downloads(scenario: &Scenario) -> Result<PathBuf> {
    let folder = scenario.files.path("downloads");
    fs::create_dir_all(&folder)?;
    let allow = json!({ "behavior": "allow", "downloadPath": folder });
    devtools(scenario.client(), "Browser.setDownloadBehavior", allow).await?;
    Ok(folder)
}

/// Presses the button for a receipt, and waits for the file.
async fn save_receipt(
    scenario: &Scenario,
    downloads: &Path,
    action: &str,
    extension: &str,
) -> Result<String> {
    press(scenario, action).await?;
    let path = wait_until("the receipt", async || {
        let found = fs::read_dir(downloads)?.filter_map(|entry| Some(entry.ok()?.path()));
        let is_it = |path: &PathBuf| path.extension().is_some_and(|has| has == extension);
        let found: Vec<PathBuf> = found.collect();
        let receipt = found.iter().find(|path| is_it(path)).cloned();
        Ok(receipt.ok_or_else(|| format!("{found:?}")))
    })
    .await?;
    wait_until("all of it", async || {
        let text = fs::read_to_string(&path)?;
        met(!text.is_empty(), text)
    })
    .await
}

/// Reads a table as RFC 4180 has it.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

/// A cell as it was before an apostrophe kept a spreadsheet from taking it for a formula.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_comes_back_as_it_was_with_a_receipt() -> Result<()> {
    with_scenario(async |scenario| {
        let page = scenario.open_page_with(json!({ "manifests": true })).await?;
        let downloads = allow_downloads(scenario).await?;
        let folder = write_folder(scenario)?;
        page.drop_path(&folder).await?;
        let row = wait_for_batch(scenario, "stored").await?;
        ensure!(row[0] == "harbour, 2026", "{row:?}");
        ensure!(
            row[2].starts_with(&format!("{FILES} of {FILES} files")),
            "{row:?}"
        );
        ensure!(
            states(scenario).await?.is_empty(),
            "the files of a folder are hidden"
        );

        let manifest_path = wait_until("the manifest", async || {
            let paths = stored_paths(&scenario.bucket());
            let is_manifest = |path: &&PathBuf| {
                path.file_name()
                    .and_then(|name| name.to_str())
                    .is_some_and(is_manifest_name)
            };
            let manifest = paths.iter().find(is_manifest).cloned();
            Ok(manifest.ok_or_else(|| format!("{} objects", paths.len())))
        })
        .await?;
        let manifest: Manifest = serde_json::from_slice(&fs::read(&manifest_path)?)?;
        let batch = manifest.batch.to_string();
        let prefix = manifest_path.with_file_name(&batch);
        let (sent, stored) = (files_below(&folder)?, files_below(&prefix.join("harbour, 2026"))?);
        ensure!(sent.len() == FILES, "{}", sent.len());
        let missing: Vec<_> = sent.keys().filter(|path| !stored.contains_key(*path)).collect();
        ensure!(sent == stored, "not there as they were: {missing:?}");
        ensure!(
            stored_paths(&prefix).len() == FILES,
            "nothing else is in the folder"
        );
        check_manifest(&manifest, &folder)?;

        let receipt = receipt_sentence(scenario).await?;
        ensure!(
            receipt.contains(&batch) && receipt.contains("300 files"),
            "{receipt}"
        );
        let json = save_receipt(scenario, &downloads, "saveJson", "json").await?;
        ensure!(serde_json::from_str::<Manifest>(&json)?.files.len() == FILES);
        let csv = save_receipt(scenario, &downloads, "saveCsv", "csv").await?;
        check_csv(&csv, &manifest)
    })
    .await
}

/// Each file is in the manifest, with the checksum of its bytes.
fn check_manifest(manifest: &Manifest, folder: &Path) -> Result<()> {
    let parent = folder.parent().context("a parent")?;
    ensure!(manifest.files.len() == FILES, "{}", manifest.files.len());
    for file in &manifest.files {
        let ManifestStatus::Stored {
            checksum: Some(checksum),
            ..
        } = &file.status
        else {
            anyhow::bail!("{file:?}");
        };
        let sha256 = Sha256Digest::new(sha256_of(&parent.join(&file.path))?).to_string();
        ensure!(checksum.value == sha256, "{file:?}");
        ensure!(checksum.kind == ChecksumType::FullObject, "{file:?}");
    }
    Ok(())
}

async fn receipt_sentence(scenario: &Scenario) -> Result<String> {
    let receipt = Locator::Css(".batch-row .file-error:not([hidden]) > span");
    Ok(scenario
        .client()
        .wait()
        .for_element(receipt)
        .await?
        .text()
        .await?)
}

/// The table says of each file what the manifest does, and none of its cells is a formula.
fn check_csv(csv: &str, manifest: &Manifest) -> Result<()> {
    let rows = parse_csv(csv.strip_prefix('\u{feff}').context("a byte order mark")?);
    ensure!(
        rows.iter()
            .flatten()
            .all(|cell| !cell.starts_with(['=', '+', '-', '@']))
    );
    let head = ["path", "key", "size", "type", "status"];
    ensure!(rows[0][..5] == head, "{:?}", rows[0]);
    let listed: BTreeSet<Vec<&str>> = rows[1..]
        .iter()
        .map(|row| [0, 1, 2, 4, 7].map(|column| plain(&row[column])).to_vec())
        .collect();
    ensure!(listed.len() == FILES, "{}", listed.len());
    for file in &manifest.files {
        let ManifestStatus::Stored {
            checksum: Some(checksum),
            ..
        } = &file.status
        else {
            anyhow::bail!("{file:?}");
        };
        let size = file.size.to_string();
        let key = file.key.as_deref().unwrap_or_default();
        let expected = vec![&*file.path, key, &*size, "stored", &*checksum.value];
        ensure!(listed.contains(&expected), "{expected:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_a_batch_is_done_to_all_its_files() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        let add = |name: &str| scenario.files.add(name, 9 << 20);
        let alone = add("alone.bin")?;
        let files = ["one.bin", "two.bin"].map(add);
        let files = files.into_iter().collect::<Result<Vec<SourceFile>>>()?;
        page.pick(std::slice::from_ref(&alone)).await?;
        page.wait_for_states(&["sending"]).await?;
        page.pick(&files).await?;
        let row = wait_for_batch(scenario, "sending").await?;
        ensure!(row[0] == "2 files", "{row:?}");
        press(scenario, "pause").await?;
        page.wait_for_states(&["sending", "paused", "paused"]).await?;
        wait_for_batch(scenario, "paused").await?;
        press(scenario, "resume").await?;
        wait_for_batch(scenario, "sending").await?;
        press(scenario, "cancel").await?;
        page.wait_for_states(&["sending", "cancelled", "cancelled"])
            .await?;
        press(scenario, "remove").await?;
        page.wait_for_states(&["sending"]).await?;
        wait_until("the row of the batch to be gone", async || {
            let batches = scenario.client().execute(BATCHES, Vec::new()).await?;
            met(batches == json!([]), batches)
        })
        .await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_shows_and_hides_its_files_as_the_user_wants() -> Result<()> {
    with_page(async |scenario, page| {
        let files = ["one.txt", "two.txt"].map(|name| scenario.files.add(name, 1000));
        page.pick(&files.into_iter().collect::<Result<Vec<_>>>()?).await?;
        page.wait_until_stored(2).await?;
        press(scenario, "files").await?;
        wait_until("no file to be shown", async || {
            let shown = states(scenario).await?;
            met(shown.is_empty(), shown)
        })
        .await?;
        // A user who looks at what is stored sees files, whatever was hidden.
        scenario.client().find_all(Locator::Css(".filter")).await?[2]
            .click()
            .await?;
        wait_until("the stored files", async || {
            let shown = states(scenario).await?;
            met(shown == ["stored", "stored"], shown)
        })
        .await?;
        let receipt = scenario.client().execute(BATCHES, Vec::new()).await?;
        ensure!(receipt == Value::Array(Vec::new()), "{receipt}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_manifests_gives_receipts() -> Result<()> {
    with_page(async |scenario, page| {
        let downloads = allow_downloads(scenario).await?;
        let files = ["one.txt", "two.txt"].map(|name| scenario.files.add(name, 1000));
        page.pick(&files.into_iter().collect::<Result<Vec<_>>>()?).await?;
        page.wait_until_stored(2).await?;
        let json = save_receipt(scenario, &downloads, "saveJson", "json").await?;
        let receipt: Manifest = serde_json::from_str(&json)?;
        ensure!(receipt.files.len() == 2, "{receipt:?}");
        ensure!(
            receipt_sentence(scenario)
                .await?
                .contains(&receipt.batch.to_string())
        );
        Ok(())
    })
    .await
}
