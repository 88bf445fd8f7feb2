//! All the ways in which files are chosen, and what the page shows of them.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use e2e::{Page, Scenario, devtools, stored_paths, wait_until, with_page};
use fantoccini::Locator;
use local::BUCKET;
use serde_json::{Value, json};

/// So slow that a file of some mebibytes stays on its way.
const SLOW_BYTES_PER_SECOND: u64 = 64 << 10;

/// A picture of one pixel (PNG, RFC 2083), in base64.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGOQj78GAAH1AV\
    XIZIadAAAAAElFTkSuQmCC";

async fn execute(scenario: &Scenario, script: &str) -> Result<Value> {
    Ok(scenario.browser().client().execute(script, Vec::new()).await?)
}

/// Waits until a script gives this.
async fn wait_for(scenario: &Scenario, script: &str, expected: Value) -> Result<()> {
    wait_until(script, async || {
        let value = execute(scenario, script).await?;
        Ok(if value == expected {
            Ok(())
        } else {
            Err(value.to_string())
        })
    })
    .await
}

/// A folder with a folder in it, and a file in each.
fn write_survey(scenario: &Scenario) -> Result<PathBuf> {
    let folder = scenario.files.path("survey");
    fs::create_dir_all(folder.join("2026/notes"))?;
    fs::write(folder.join("readme.txt"), "read me")?;
    fs::write(folder.join("2026/notes/first.txt"), "first")?;
    Ok(folder)
}

/// The files of such a folder are stored, below its name.
async fn survey_is_stored(scenario: &Scenario, page: &Page) -> Result<()> {
    page.wait_until_stored(2).await?;
    let mut names: Vec<String> = page.rows().await?.into_iter().map(|row| row.name).collect();
    names.sort();
    ensure!(
        names == ["survey/2026/notes/first.txt", "survey/readme.txt"],
        "{names:?}"
    );
    let stored = stored_paths(&scenario.data().join(BUCKET));
    for name in names {
        ensure!(
            stored.iter().any(|path| path.ends_with(&name)),
            "{name} is not among {stored:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_its_paths_on_the_page_and_in_the_keys() -> Result<()> {
    with_page(async |scenario, page| {
        let folder = write_survey(scenario)?;
        let client = scenario.browser().client();
        let picker = client.find(Locator::Id("folder-picker")).await?;
        picker.send_keys(folder.to_str().context("UTF-8")?).await?;
        survey_is_stored(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_dropped_from_the_desktop_keeps_its_paths() -> Result<()> {
    with_page(async |scenario, page| {
        let folder = write_survey(scenario)?;
        let client = scenario.browser().client();
        let data = json!({ "items": [], "files": [folder], "dragOperationsMask": 1 });
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({ "type": kind, "x": 40, "y": 300, "data": data });
            devtools(client, "Input.dispatchDragEvent", event).await?;
        }
        survey_is_stored(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn pasted_files_are_stored() -> Result<()> {
    const PASTE: &str = "
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File(['pasted'], 'from the clipboard.txt'));
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));";
    with_page(async |scenario, page| {
        execute(scenario, PASTE).await?;
        page.wait_until_stored(1).await?;
        ensure!(scenario.stored_files()? == [b"pasted".to_vec()]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_counts_and_shows_its_files_and_no_others() -> Result<()> {
    const COUNTS: &str =
        "return Array.from(document.querySelectorAll('.filter-count'), (count) => count.textContent);";
    with_page(async |scenario, page| {
        let (files, controls) = (&scenario.files, scenario.controls());
        page.pick(&[files.add("stored.txt", 100)?]).await?;
        page.wait_for_states(&["stored"]).await?;
        scenario.browser().expect_console_errors("403");
        controls.fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        page.pick(&[files.add("failed.txt", 100)?]).await?;
        page.wait_for_states(&["stored", "failed"]).await?;
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick(&[files.add("slow.bin", 9 << 20)?]).await?;
        page.wait_for_states(&["stored", "failed", "sending"]).await?;
        wait_for(scenario, COUNTS, json!(["3", "1", "1", "1"])).await?;
        let filters = scenario
            .browser()
            .client()
            .find_all(Locator::Css(".filter"))
            .await?;
        let expected: [&[&str]; 4] = [
            &["stored", "failed", "sending"],
            &["sending"],
            &["stored"],
            &["failed"],
        ];
        for (filter, states) in filters.iter().zip(expected).rev() {
            filter.click().await?;
            page.wait_for_states(states).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_stored_file_can_be_copied() -> Result<()> {
    const READ: &str =
        "navigator.clipboard.readText().then(arguments[0], (error) => arguments[0](String(error)));";
    with_page(async |scenario, page| {
        let client = scenario.browser().client();
        let granted = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        devtools(client, "Browser.grantPermissions", granted).await?;
        page.pick(&[scenario.files.add("kept.txt", 10)?]).await?;
        page.wait_until_stored(1).await?;
        page.press("copyKey").await?;
        let state = "return document.querySelector('.file-state').textContent;";
        wait_for(scenario, state, json!("Key copied")).await?;
        let key = client.execute_async(READ, Vec::new()).await?;
        let key = key.as_str().context("a text")?;
        ensure!(key.ends_with("/kept.txt"), "{key}");
        ensure!(scenario.data().join(BUCKET).join(key).is_file(), "{key}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tab_shows_the_progress_and_then_its_own_title_and_icon_again() -> Result<()> {
    const ICON: &str = "return document.querySelector('link[rel=icon]').getAttribute('href').slice(0, 4);";
    const HAS_PERCENT: &str = r"return /^\d+% – Upload files$/.test(document.title);";
    with_page(async |scenario, page| {
        let controls = scenario.controls();
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick(&[scenario.files.add("slow.bin", 4 << 20)?]).await?;
        wait_for(scenario, HAS_PERCENT, json!(true)).await?;
        wait_for(scenario, ICON, json!("data")).await?;
        controls.set_s3_bytes_per_second(None);
        page.wait_until_stored(1).await?;
        wait_for(scenario, "return document.title;", json!("Upload files")).await?;
        wait_for(scenario, ICON, json!("icon")).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_offered_only_to_a_person_who_was_never_asked() -> Result<()> {
    const IS_OFFERED: &str = "
        const button = document.querySelector('[data-action=notifyWhenDone]');
        return button ? !button.hidden : null;";
    with_page(async |scenario, _| {
        let client = scenario.browser().client();
        let controls = scenario.controls();
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        scenario.browser().expect_console_errors("beforeunload");
        for (setting, is_offered) in [("prompt", true), ("denied", false)] {
            let permission = json!({ "permission": { "name": "notifications" }, "setting": setting });
            devtools(client, "Browser.setPermission", permission).await?;
            let page = scenario.open_page().await?;
            page.pick(&[scenario.files.add("slow.bin", 9 << 20)?]).await?;
            let state = "return document.querySelector('[data-state=sending]') !== null;";
            wait_for(scenario, state, json!(true)).await?;
            wait_for(scenario, IS_OFFERED, json!(is_offered)).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_asks_while_something_is_under_way_and_not_before_or_after() -> Result<()> {
    const ASKS: &str = "
        const event = new Event('beforeunload', { cancelable: true });
        dispatchEvent(event);
        return event.defaultPrevented;";
    with_page(async |scenario, page| {
        ensure!(execute(scenario, ASKS).await? == false);
        let controls = scenario.controls();
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick(&[scenario.files.add("slow.bin", 2 << 20)?]).await?;
        wait_for(scenario, ASKS, json!(true)).await?;
        controls.set_s3_bytes_per_second(None);
        page.wait_until_stored(1).await?;
        wait_for(scenario, ASKS, json!(false)).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_shows_a_small_picture_of_itself_and_what_is_none_shows_a_sign() -> Result<()> {
    const ICONS: &str = "
        return Array.from(document.querySelectorAll('.file-icon'), (icon) => {
            const canvas = icon.querySelector('canvas');
            return canvas ? canvas.width > 0 : 'sign';
        });";
    with_page(async |scenario, page| {
        let picture = scenario.files.path("pixel.png");
        fs::write(&picture, Base64::decode_vec(PIXEL)?)?;
        let broken = scenario.files.add("broken.png", 100)?;
        page.pick_paths(&[&picture, &broken.path]).await?;
        page.wait_until_stored(2).await?;
        wait_for(scenario, ICONS, json!([true, "sign"])).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_loses_its_middle_and_is_whole_while_its_row_has_the_focus() -> Result<()> {
    const NAME: &str = "
        const [head, tail] = document.querySelector('.file-name').children;
        return {
            is_cut: head.scrollWidth > head.clientWidth,
            end: tail.textContent,
            is_end_seen: tail.scrollWidth <= tail.clientWidth,
            title: document.querySelector('.file-name').title.length,
        };";
    const FOCUS: &str = "
        document.querySelector('[data-action=copyKey]').focus();
        const name = document.querySelector('.file-name');
        const { display } = getComputedStyle(name);
        return name.scrollWidth <= name.clientWidth && display === 'block';";
    with_page(async |scenario, page| {
        let name = format!("{}.tar.gz", "a long name ".repeat(15));
        page.pick(&[scenario.files.add(&name, 10)?]).await?;
        page.wait_until_stored(1).await?;
        let shown = execute(scenario, NAME).await?;
        let expected = json!({
            "is_cut": true,
            "end": "me .tar.gz",
            "is_end_seen": true,
            "title": name.len(),
        });
        ensure!(shown == expected, "{shown}");
        ensure!(execute(scenario, FOCUS).await? == true, "it is not whole");
        Ok(())
    })
    .await
}
