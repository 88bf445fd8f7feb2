//! A page that dies in the middle of an upload, and the next one that resumes it.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use e2e::{Page, Scenario, StoredParts, run_before_pages, with_page, write_large_file};
use fantoccini::{Locator, wd::WindowHandle};
use serde_json::json;

const SIZE: u64 = 200 << 20;

/// As planned, with 8 MiB each; they grow when the network gets fast.
const PARTS: usize = 25;

/// When S3 has more parts than there are requests in flight, the page learned of the first ones a while
/// ago and has recorded them.
const KNOWN_PARTS: usize = 8;

/// Slow enough to kill a browser in the middle of a file of 25 parts.
const SLOW_BYTES_PER_SECOND: u64 = 8 << 20;

/// How long the upload may take on a busy machine.
const LONG: Duration = Duration::from_secs(150);

/// Copies the file from another input to the browser's own file system, whose handles need no user to grant
/// them, and answers the page's picker with its handle.
const PICK_BY_HANDLE: &str = "
    const done = arguments[0];
    (async () => {
        const source = document.getElementById('test-source').files[0];
        const folder = await navigator.storage.getDirectory();
        const handle = await folder.getFileHandle(source.name, { create: true });
        await source.stream().pipeTo(await handle.createWritable());
        window.showOpenFilePicker = async () => [handle];
        document.querySelector('label[for=file-picker]').click();
    })().then(() => done(''), error => done(String(error)));";

const ADD_SOURCE: &str = "
    const source = document.createElement('input');
    source.type = 'file';
    source.id = 'test-source';
    document.body.append(source);";

fn large_file(scenario: &Scenario) -> Result<PathBuf> {
    // A page that was never touched may not ask before it is left, and Chromium reports that.
    scenario.expect_console_errors("beforeunload");
    scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let path = scenario.files.path("interrupted.bin");
    write_large_file(&path, SIZE)?;
    Ok(path)
}

/// Checks that the file arrives whole and that no part that S3 had stored was stored a second time. One that was in
/// flight when the page died may have been: S3 can take it after its parts were listed.
async fn arrives(scenario: &Scenario, page: &Page, path: &Path, stored_before: &StoredParts) -> Result<()> {
    scenario.set_bytes_per_second(None);
    page.wait_long_for_state("stored", LONG).await?;
    scenario.check_arrived(path, PARTS, stored_before)
}

/// Opens the page in a second tab, where the user is from then on. Returns it, and the handles of both tabs.
async fn open_second_tab(scenario: &Scenario) -> Result<(Page, [WindowHandle; 2])> {
    let client = scenario.client();
    let first = client.window().await?;
    let second = client.new_window(true).await?.handle;
    client.switch_to_window(second.clone()).await?;
    Ok((scenario.open_page().await?, [first, second]))
}

/// Closes a tab and returns to the one behind it.
async fn close_tab_before(scenario: &Scenario, closed: WindowHandle, next: WindowHandle) -> Result<()> {
    let client = scenario.client();
    client.switch_to_window(closed).await?;
    client.close_window().await?;
    Ok(client.switch_to_window(next).await?)
}

async fn pick_by_handle(scenario: &Scenario, path: &Path) -> Result<()> {
    let client = scenario.client();
    client.execute(ADD_SOURCE, Vec::new()).await?;
    let source = client.find(Locator::Id("test-source")).await?;
    source.send_keys(path.to_str().context("UTF-8")?).await?;
    let error = client.execute_async(PICK_BY_HANDLE, Vec::new()).await?;
    ensure!(error == "", "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_resumes_an_upload_that_needs_permission() -> Result<()> {
    /// The handles of a browser's own file system need no permission; after a reload, those of files on the disk
    /// do.
    const MUST_ASK: &str = "FileSystemHandle.prototype.queryPermission = async () => 'prompt';";
    const ASK: &str = "FileSystemHandle.prototype.requestPermission = async () => 'granted';";

    with_page(async |scenario, _| {
        let path = large_file(scenario)?;
        pick_by_handle(scenario, &path).await?;
        let stored_before = scenario.hold_after_parts(2).await?;
        // Only the worker checks whether permission is needed, and only the page can ask for it.
        scenario.run_before_workers(MUST_ASK);
        run_before_pages(scenario.client(), ASK).await?;
        let page = scenario.open_page().await?;
        page.wait_for_state("interrupted").await?;
        page.press("resume").await?;
        arrives(scenario, &page, &path, &stored_before).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_browser_resumes_by_the_handle_of_the_file() -> Result<()> {
    with_page(async |scenario, _| {
        let path = large_file(scenario)?;
        pick_by_handle(scenario, &path).await?;
        let stored_before = scenario.hold_after_parts(KNOWN_PARTS).await?;

        let page = scenario.crash_browser().await?;
        arrives(scenario, &page, &path, &stored_before).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_browser_resumes_once_the_file_is_picked_again() -> Result<()> {
    with_page(async |scenario, page| {
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        let stored_before = scenario.hold_after_parts(KNOWN_PARTS).await?;

        let page = scenario.crash_browser().await?;
        let row = page.wait_for_state("interrupted").await?;
        ensure!(row.name == "interrupted.bin", "{row:?}");
        ensure!(row.progress > Some(0.0), "{row:?}");
        page.pick_paths(&[&path]).await?;
        arrives(scenario, &page, &path, &stored_before).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_of_the_same_name_size_and_time_is_refused() -> Result<()> {
    with_page(async |scenario, page| {
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        let stored_before = scenario.hold_after_parts(KNOWN_PARTS).await?;
        let page = scenario.open_page().await?;
        page.wait_for_state("interrupted").await?;

        let modified = fs::metadata(&path)?.modified()?;
        let original = scenario.files.path("original.bin");
        fs::copy(&path, &original)?;
        let mut file = File::options().write(true).open(&path)?;
        for part in 0..PARTS as u64 {
            file.seek(SeekFrom::Start(part * SIZE / PARTS as u64))?;
            file.write_all(b"another")?;
        }
        file.set_modified(modified)?;
        page.pick_paths(&[&path]).await?;
        page.wait_for("the file to be refused", |rows| {
            let row = rows.first()?;
            (row.state == "interrupted" && row.error.contains("another file")).then_some(())
        })
        .await?;

        fs::copy(&original, &path)?;
        File::options().write(true).open(&path)?.set_modified(modified)?;
        page.pick_paths(&[&path]).await?;
        arrives(scenario, &page, &path, &stored_before).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_takes_an_upload_over_once_the_first_is_closed() -> Result<()> {
    with_page(async |scenario, page| {
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        let stored_before = scenario.hold_after_parts(2).await?;
        let (page, [first, second]) = open_second_tab(scenario).await?;
        page.wait_for_state("elsewhere").await?;

        close_tab_before(scenario, first, second).await?;
        page.wait_for_state("interrupted").await?;
        page.pick_paths(&[&path]).await?;
        arrives(scenario, &page, &path, &stored_before).await
    })
    .await
}

/// A tab looks at what the others do when its user comes to it, which is when the one before it is closed.
#[tokio::test(flavor = "multi_thread")]
async fn looking_while_another_tab_closes_loses_no_upload() -> Result<()> {
    const KEEP_LOOKING: &str = "setInterval(() => window.dispatchEvent(new Event('focus')), 1);";

    with_page(async |scenario, page| {
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        scenario.hold_after_parts(1).await?;
        let (page, [first, second]) = open_second_tab(scenario).await?;
        page.wait_for_state("elsewhere").await?;
        scenario.client().execute(KEEP_LOOKING, Vec::new()).await?;

        close_tab_before(scenario, first, second).await?;
        page.wait_for_state("interrupted").await.map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_tab_learns_of_an_upload_elsewhere_and_of_its_end() -> Result<()> {
    with_page(async |scenario, page| {
        let (open, [first, second]) = open_second_tab(scenario).await?;
        let client = scenario.client();
        client.switch_to_window(first.clone()).await?;
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        scenario.hold_after_parts(1).await?;

        client.switch_to_window(second.clone()).await?;
        open.wait_for_state("elsewhere").await?;
        scenario.set_bytes_per_second(None);
        client.switch_to_window(first).await?;
        page.wait_for_state("stored").await?;
        client.switch_to_window(second).await?;
        open.wait_for_states(&[]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_upload_is_aborted_and_does_not_come_back() -> Result<()> {
    with_page(async |scenario, page| {
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        scenario.hold_after_parts(1).await?;
        let page = scenario.open_page().await?;
        page.wait_for_state("interrupted").await?;
        page.press("forget").await?;
        scenario.wait_for_answer("DELETE", 204).await?;
        ensure!(page.rows().await?.is_empty());

        // A file that is added now is listed first by the next page, unless something else is.
        scenario.set_bytes_per_second(Some(256 << 10));
        let file = scenario.files.add("later.bin", 4 << 20)?;
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_for_state("sending").await?;
        let page = scenario.open_page().await?;
        let row = page.wait_for_state("interrupted").await?;
        ensure!(row.name == "later.bin", "{row:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_resume_off_nothing_is_kept_or_offered() -> Result<()> {
    with_page(async |scenario, page| {
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        scenario.hold_after_parts(1).await?;

        // What was kept before goes, and nothing comes in its place.
        let page = scenario.open_page_with(json!({ "resume": false })).await?;
        page.wait_until_nothing_is_kept().await?;
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick_paths(&[&path]).await?;
        page.wait_for("the only file to be on its way", |rows| match rows {
            [row] => (row.state == "sending" && row.progress > Some(0.05)).then_some(()),
            _ => None,
        })
        .await?;
        page.wait_until_nothing_is_kept().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_that_were_not_stored_come_back_after_a_crash() -> Result<()> {
    with_page(async |scenario, page| {
        // More than are in flight at once, and not more than the list shows.
        let files = (0..16)
            .map(|number| scenario.files.add(&format!("file-{number}.bin"), 1 << 20))
            .collect::<Result<Vec<_>>>()?;
        scenario.set_bytes_per_second(Some(256 << 10));
        page.pick(&files).await?;
        page.wait_for("a few files to be stored", |rows| {
            let stored = rows.iter().filter(|row| row.state == "stored").count();
            (stored >= 3).then_some(())
        })
        .await?;
        let page = scenario.crash_browser().await?;
        page.wait_for("the rest to come back", |rows| {
            let is_back = rows.iter().all(|row| row.state == "interrupted");
            (is_back && !rows.is_empty()).then_some(())
        })
        .await?;
        let back: Vec<String> = page.rows().await?.into_iter().map(|row| row.name).collect();
        ensure!(back.len() < files.len(), "{back:?}");
        scenario.set_bytes_per_second(None);
        let left: Vec<_> = files
            .iter()
            .filter(|file| back.contains(&file.name))
            .cloned()
            .collect();
        page.pick(&left).await?;
        page.wait_for("the rest to be stored", |rows| {
            rows.iter().all(|row| row.state == "stored").then_some(())
        })
        .await?;
        let stored = scenario.stored_files()?;
        let mut sent: Vec<_> = files.into_iter().map(|file| file.bytes).collect();
        sent.sort();
        ensure!(stored == sent, "a file is missing, wrong or there twice");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_expire_during_an_upload_are_replaced() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.expect_console_errors("Failed to load resource");
        let path = large_file(scenario)?;
        page.pick_paths(&[&path]).await?;
        let stored_before = scenario.wait_for_parts(2).await?;
        scenario.controls().set_lambda_session_expired(true);
        scenario.wait_for_answer("PUT", 400).await?;
        scenario.controls().set_lambda_session_expired(false);
        arrives(scenario, page, &path, &stored_before).await
    })
    .await
}
