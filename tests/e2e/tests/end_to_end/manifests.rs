//! The manifest that a batch ends with.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    Scenario, SourceFile, met, sha256_of, stored_paths, wait_until, with_page, with_scenario,
    write_large_file,
};
use fantoccini::{Locator, key::Key};
use serde_json::{Value, json};
use wire::{
    Checksum, ChecksumType, MANIFEST_SUFFIX, Manifest, ManifestFile, ManifestStatus, Sha256Digest,
    is_manifest_name,
};

const PART_BYTES: usize = 8 << 20;

fn manifests(scenario: &Scenario) -> Vec<PathBuf> {
    let mut paths = stored_paths(&scenario.bucket());
    paths.retain(|path| path.to_string_lossy().ends_with(MANIFEST_SUFFIX));
    paths.sort();
    paths
}

/// Waits for this many manifests, and returns what the last one says.
async fn wait_for_manifests(scenario: &Scenario, count: usize) -> Result<Manifest> {
    wait_until(&format!("{count} manifests"), async || {
        let found = manifests(scenario);
        met(found.len() == count, found)
    })
    .await?;
    let path = manifests(scenario).pop().context("a manifest")?;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .context("a name")?;
    ensure!(is_manifest_name(name), "{name}");
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// The files of a manifest by their paths.
fn by_path(manifest: &Manifest) -> BTreeMap<&str, &ManifestFile> {
    let files = manifest.files.iter();
    files.map(|file| (&*file.path, file)).collect()
}

/// Checks that a file of the manifest lies under its key, beside the manifest, with this checksum.
fn check_stored(scenario: &Scenario, manifest: &Manifest, source: &Path, path: &str) -> Result<()> {
    let files = by_path(manifest);
    let file = files.get(path).with_context(|| format!("{path} is missing"))?;
    let ManifestStatus::Stored {
        checksum: Some(checksum),
        etag: Some(etag),
    } = &file.status
    else {
        bail!("{file:?}")
    };
    let key = file.key.as_deref().context("a key")?;
    ensure!(key.ends_with(&format!("{}/{path}", manifest.batch)), "{key}");
    let (sent, stored) = (fs::read(source)?, fs::read(scenario.bucket().join(key))?);
    ensure!(sent == stored && file.size == sent.len() as u64, "{path} differs");
    ensure!(!etag.is_empty() && !etag.contains('"'), "{etag}");
    ensure!(*checksum == expected_checksum(scenario, source)?, "{checksum:?}");
    Ok(())
}

/// The checksum as S3 reports it: of the whole, or of the digests of the parts.
fn expected_checksum(scenario: &Scenario, source: &Path) -> Result<Checksum> {
    let sent = fs::read(source)?;
    let algorithm = wire::ChecksumAlgorithm::Sha256;
    if sent.len() <= PART_BYTES {
        return Ok(Checksum {
            algorithm,
            kind: ChecksumType::FullObject,
            value: Sha256Digest::new(sha256_of(source)?).to_string(),
        });
    }
    let mut digests = Vec::new();
    let piece = scenario.files.path("piece");
    for part in sent.chunks(PART_BYTES) {
        fs::write(&piece, part)?;
        digests.extend(sha256_of(&piece)?);
    }
    fs::write(&piece, &digests)?;
    let (sha256, parts) = (Sha256Digest::new(sha256_of(&piece)?), digests.len() / 32);
    Ok(Checksum {
        algorithm,
        kind: ChecksumType::Composite,
        value: format!("{sha256}-{parts}"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_ends_with_a_manifest_of_all_its_files() -> Result<()> {
    with_scenario(async |scenario| {
        let page = scenario.open_page_with(json!({ "manifests": true })).await?;
        let small = ["one.txt", "تقرير 📎.pdf"].map(|name| scenario.files.add(name, 1000));
        let small = small.into_iter().collect::<Result<Vec<SourceFile>>>()?;
        let large = scenario.files.path("large.bin");
        write_large_file(&large, 20 << 20)?;
        let paths: Vec<&Path> = small.iter().map(|file| &*file.path).chain([&*large]).collect();
        page.pick_paths(&paths).await?;
        page.wait_until_stored(3).await?;
        let manifest = wait_for_manifests(scenario, 1).await?;
        ensure!(manifest.files.len() == 3, "{manifest:?}");
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).context("UTF-8")?;
            // The page leaves the names of files as they are, and the Lambda makes keys of them.
            if name.is_ascii() {
                check_stored(scenario, &manifest, path, name)?;
            }
        }
        ensure!(by_path(&manifest).contains_key(&*small[1].name), "{manifest:?}");
        page.wait_until_nothing_is_kept().await
    })
    .await
}

/// Settings of a page that asks two questions, of which the first one needs an answer.
fn asking() -> Value {
    json!({ "manifests": true, "fields": [
        { "name": "order", "label": { "en": "Order number" }, "required": true, "maxLength": 20 },
        { "name": "mail", "label": "Your email", "kind": "email" },
    ] })
}

fn fields(manifest: &Manifest) -> Vec<(&str, &str)> {
    let fields = manifest.fields.iter();
    fields.map(|(name, answer)| (&**name, &**answer)).collect()
}

/// Types an answer into a field of the page's form, and leaves it.
async fn answer(scenario: &Scenario, name: &str, answer: &str) -> Result<()> {
    let selector = format!(".fields [name={name}]");
    let field = scenario
        .client()
        .wait()
        .for_element(Locator::Css(&selector))
        .await?;
    field.send_keys(&(answer.to_owned() + &Key::Tab)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_of_the_uploader_are_in_the_manifest() -> Result<()> {
    with_scenario(async |scenario| {
        let page = scenario.open_page_with(asking()).await?;
        answer(scenario, "order", "4711").await?;
        answer(scenario, "mail", "ada@example.com").await?;
        page.pick(&[scenario.files.add("one.txt", 1000)?]).await?;
        page.wait_until_stored(1).await?;
        let manifest = wait_for_manifests(scenario, 1).await?;
        let expected = [("mail", "ada@example.com"), ("order", "4711")];
        ensure!(fields(&manifest) == expected, "{manifest:?}");
        page.wait_until_nothing_is_kept().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_wait_for_a_required_answer_and_are_not_lost() -> Result<()> {
    with_scenario(async |scenario| {
        let page = scenario.open_page_with(asking()).await?;
        page.pick(&[scenario.files.add("one.txt", 1000)?]).await?;
        let client = scenario.client();
        wait_until("the field to have the focus", async || {
            let focused = client.active_element().await?.attr("name").await?;
            met(focused.as_deref() == Some("order"), focused)
        })
        .await?;
        ensure!(page.rows().await?.is_empty());
        answer(scenario, "order", "4711").await?;
        page.wait_until_stored(1).await?;
        let manifest = wait_for_manifests(scenario, 1).await?;
        ensure!(fields(&manifest) == [("order", "4711")], "{manifest:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_the_manifest_names_what_was_stored_before() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.expect_console_errors("beforeunload");
        let page = scenario.open_page_with(asking()).await?;
        answer(scenario, "order", "4711").await?;
        let first = scenario.files.add("first.txt", 1000)?;
        let second = scenario.files.add("second.bin", 7 << 20)?;
        scenario.set_bytes_per_second(Some(256 << 10));
        page.pick(&[first.clone(), second.clone()]).await?;
        page.wait_for("the first file to be stored", |rows| {
            rows.iter().any(|row| row.state == "stored").then_some(())
        })
        .await?;
        let page = scenario.crash_browser().await?;
        page.wait_for_states(&["interrupted"]).await?;
        ensure!(manifests(scenario).is_empty());
        scenario.set_bytes_per_second(None);
        // The user need not answer again.
        let read = "return document.querySelector('.fields [name=order]')?.value ?? null;";
        wait_until("the answer to be there", async || {
            let kept = scenario.client().execute(read, Vec::new()).await?;
            met(kept == "4711", kept)
        })
        .await?;
        page.pick(std::slice::from_ref(&second)).await?;
        page.wait_until_stored(1).await?;
        let manifest = wait_for_manifests(scenario, 1).await?;
        ensure!(manifest.files.len() == 2, "{manifest:?}");
        ensure!(fields(&manifest) == [("order", "4711")], "{manifest:?}");
        for file in [first, second] {
            check_stored(scenario, &manifest, &file.path, &file.name)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_the_setting_stores_no_manifest() -> Result<()> {
    with_page(async |scenario, page| {
        page.pick(&[scenario.files.add("one.txt", 1000)?]).await?;
        page.wait_until_stored(1).await?;
        page.wait_until_nothing_is_kept().await?;
        ensure!(manifests(scenario).is_empty());
        Ok(())
    })
    .await
}
