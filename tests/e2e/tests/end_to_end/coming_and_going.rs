//! Files that are not quite there: away or unreadable for a while, touched, replaced, and picked again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use e2e::{
    Away, Page, Scenario, StoredParts, make_unreadable, replace_by_equal_bytes, replace_by_other_bytes,
    take_away, touch, with_page, write_large_file,
};

/// The bytes of a part as planned; parts grow when the network gets fast.
const PART_SIZE: u64 = 8 << 20;

/// Slow enough for something to happen to the file in the middle of it.
const SLOW_BYTES_PER_SECOND: u64 = 2 << 20;

/// How the page gets a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// By the picker of every browser, which returns the file as it is now.
    Picker,
    /// By a drop, with a handle by which the file can be opened again.
    Handle,
}

impl By {
    /// How many parts a large file has. One with a handle has more than are sent at once, so that the first ones are
    /// stored long before the last ones are sent. WebKit, which has no handles, would report a missing file late then.
    const fn parts(self) -> usize {
        match self {
            Self::Picker => 8,
            Self::Handle => 20,
        }
    }
}

/// Picks or drops a large file on a slow stack, and waits until S3 has some of its parts but not all, and the page knows.
async fn add_large_file(scenario: &Scenario, page: &Page, by: By) -> Result<PathBuf> {
    // Chromium has a line for each request that fails, in either form.
    for expected in ["net::ERR_", "Failed to load resource", "beforeunload"] {
        scenario.expect_console_errors(expected);
    }
    scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let path = scenario.files.path("restless.bin");
    write_large_file(&path, by.parts() as u64 * PART_SIZE)?;
    match by {
        By::Picker => page.pick_paths(&[&path]).await?,
        By::Handle => page.drop_path(&path).await?,
    }
    scenario.wait_for_parts(1).await?;
    page.wait_until_kept("parts").await?;
    Ok(path)
}

/// Checks that the file arrives and that no part that is finished now is sent again.
async fn arrives(
    by: By,
    scenario: &Scenario,
    page: &Page,
    path: &Path,
    finished: &StoredParts,
) -> Result<()> {
    scenario.set_bytes_per_second(None);
    page.wait_until_stored(1).await?;
    scenario.check_arrived(path, by.parts(), finished)
}

/// Has the file go in mid-upload, and come back once the row says that it cannot be read.
async fn goes_and_comes_back(go: fn(&Path) -> Result<Away>) -> Result<()> {
    with_page(async |scenario, page| {
        let path = add_large_file(scenario, page, By::Picker).await?;
        let finished = scenario.stored_parts()?;
        let away = go(&path)?;
        scenario.set_bytes_per_second(None);
        page.wait_for_state("unreadable").await?;
        ensure!(scenario.stored_files()?.is_empty());
        away.bring_back()?;
        arrives(By::Picker, scenario, page, &path, &finished).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_away_for_a_while_loses_no_part() -> Result<()> {
    goes_and_comes_back(take_away).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_locked_for_a_while_loses_no_part() -> Result<()> {
    goes_and_comes_back(make_unreadable).await
}

/// Has something happen to the file in mid-upload that leaves its bytes as they are, and checks that the upload goes on
/// by itself if the page has a handle, and else at the latest when the user picks the file again.
async fn goes_on_after(trick: fn(&Path) -> Result<()>, by: By) -> Result<()> {
    with_page(async |scenario, page| {
        let path = add_large_file(scenario, page, by).await?;
        let finished = scenario.stored_parts()?;
        trick(&path)?;
        if by == By::Picker {
            let row = page
                .wait_for("the file to be stored or asked for", |rows| {
                    let row = rows.first()?;
                    let has_come = ["stored", "unreadable", "interrupted"].contains(&row.state.as_str());
                    has_come.then(|| row.clone())
                })
                .await?;
            if row.state != "stored" {
                page.pick_paths(&[&path]).await?;
            }
        }
        arrives(by, scenario, page, &path, &finished).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_touched_file_goes_on_by_itself_with_a_handle() -> Result<()> {
    goes_on_after(touch, By::Handle).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_replaced_by_equal_bytes_goes_on_with_a_handle() -> Result<()> {
    goes_on_after(replace_by_equal_bytes, By::Handle).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_touched_file_that_is_picked_again_loses_no_part() -> Result<()> {
    goes_on_after(touch, By::Picker).await
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_bytes_that_are_picked_again_lose_no_part() -> Result<()> {
    goes_on_after(replace_by_equal_bytes, By::Picker).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_replaced_by_other_bytes_is_not_stored() -> Result<()> {
    with_page(async |scenario, page| {
        let path = add_large_file(scenario, page, By::Handle).await?;
        scenario.hold_after_parts(1).await?;
        replace_by_other_bytes(&path)?;
        scenario.set_bytes_per_second(None);
        let row = page.wait_for_state("failed").await?;
        ensure!(row.error.contains("changed since you picked it"), "{row:?}");
        ensure!(scenario.stored_files()?.is_empty(), "a mixture was stored");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_picked_again_with_another_time_resumes() -> Result<()> {
    with_page(async |scenario, page| {
        let path = add_large_file(scenario, page, By::Picker).await?;
        let stored_before = scenario.hold_after_parts(2).await?;
        let page = scenario.open_page().await?;
        page.wait_for_state("interrupted").await?;
        touch(&path)?;
        page.pick_paths(&[&path]).await?;
        arrives(By::Picker, scenario, &page, &path, &stored_before).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unreadable_file_of_a_folder_is_named() -> Result<()> {
    /// Has a file of a dropped folder be locked.
    const LOCKED: &str = "
        const { webkitGetAsEntry } = DataTransferItem.prototype;
        const lock = (entries) => {
            const locked = entries.find((entry) => entry.name === 'locked.txt');
            const error = new DOMException('It is locked', 'NotReadableError');
            if (locked) locked.file = (_, onError) => onError(error);
            return entries;
        };
        DataTransferItem.prototype.webkitGetAsEntry = function () {
            const folder = webkitGetAsEntry.call(this);
            const reader = folder.createReader();
            const { readEntries } = Object.getPrototypeOf(reader);
            reader.readEntries = (onEntries, onError) =>
                readEntries.call(reader, (entries) => onEntries(lock(entries)), onError);
            folder.createReader = () => reader;
            return folder;
        };";
    with_page(async |scenario, page| {
        let folder = scenario.files.path("survey");
        fs::create_dir(&folder)?;
        for name in ["first.txt", "locked.txt", "second.txt"] {
            fs::write(folder.join(name), name)?;
        }
        let client = scenario.client();
        client.execute(LOCKED, Vec::new()).await?;
        page.drop_path(&folder).await?;
        page.wait_until_stored(2).await?;
        let words = client
            .execute("return document.body.innerText;", Vec::new())
            .await?;
        let words = words.as_str().unwrap_or_default();
        ensure!(words.contains("locked.txt"), "it is not named: {words}");
        Ok(())
    })
    .await
}
