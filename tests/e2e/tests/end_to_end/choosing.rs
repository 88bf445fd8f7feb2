//! All the ways to choose files, and how the page shows them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use base64ct::{Base64, Encoding};
use e2e::{
    Page, Scenario, content_security_policy, devtools, met, path_of, stored_paths, wait_until, with_page,
    with_scenario,
};
use fantoccini::Locator;
use serde_json::{Value, json};

/// So slow that a file of some mebibytes stays in flight.
const SLOW_BYTES_PER_SECOND: u64 = 64 << 10;

/// A picture of one pixel (PNG, RFC 2083), in base64.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGOQj78GAAH1AV\
    XIZIadAAAAAElFTkSuQmCC";

async fn execute(scenario: &Scenario, script: &str) -> Result<Value> {
    Ok(scenario.client().execute(script, Vec::new()).await?)
}

/// Waits until a script returns this.
async fn wait_for(scenario: &Scenario, script: &str, expected: Value) -> Result<()> {
    wait_until(script, async || {
        let value = execute(scenario, script).await?;
        met(value == expected, value)
    })
    .await
    .map(drop)
}

/// Writes a folder with a file in it and another one two folders further down.
fn write_survey(scenario: &Scenario) -> Result<PathBuf> {
    let folder = scenario.files.path("survey");
    fs::create_dir_all(folder.join("2026/notes"))?;
    fs::write(folder.join("readme.txt"), "read me")?;
    fs::write(folder.join("2026/notes/first.txt"), "first")?;
    Ok(folder)
}

/// Checks that the folder is stored as it was, in one folder of the bucket.
async fn survey_is_stored(scenario: &Scenario, page: &Page) -> Result<()> {
    page.wait_until_stored(2).await?;
    let mut names: Vec<String> = page.rows().await?.into_iter().map(|row| row.name).collect();
    names.sort();
    ensure!(
        names == ["survey/2026/notes/first.txt", "survey/readme.txt"],
        "{names:?}"
    );
    let stored = stored_paths(&scenario.bucket());
    let mut batches = BTreeSet::new();
    for name in names {
        let path = stored.iter().find(|path| path.ends_with(&name));
        let path = path.with_context(|| format!("{name} is not among {stored:?}"))?;
        let depth = Path::new(&name).components().count();
        batches.extend(path.ancestors().nth(depth).map(Path::to_owned));
    }
    ensure!(batches.len() == 1, "{batches:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picked_folder_keeps_its_paths_on_the_page_and_in_the_keys() -> Result<()> {
    with_page(async |scenario, page| {
        let folder = write_survey(scenario)?;
        let client = scenario.client();
        let picker = client.find(Locator::Id("folder-picker")).await?;
        picker.send_keys(folder.to_str().context("UTF-8")?).await?;
        survey_is_stored(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_folder_keeps_its_paths() -> Result<()> {
    with_page(async |scenario, page| {
        page.drop_path(&write_survey(scenario)?).await?;
        survey_is_stored(scenario, page).await
    })
    .await
}

/// What was left out of the last choice, one text for each reason.
const LEFT_OUT: &str = "
    return Array.from(document.querySelectorAll('.rejections li'), (group) =>
        Array.from(group.children, (child) => child.textContent).join('|'));";

#[tokio::test(flavor = "multi_thread")]
async fn clutter_and_empty_folders_are_left_out_and_named() -> Result<()> {
    const CLUTTER: &str = "Left in the folder by a system or a program, such as .DS_Store or Thumbs.db.";
    with_page(async |scenario, page| {
        let folder = write_survey(scenario)?;
        fs::write(folder.join(".DS_Store"), "clutter")?;
        fs::write(folder.join("2026/~$first.docx"), "clutter")?;
        fs::create_dir(folder.join("nothing"))?;
        page.drop_path(&folder).await?;
        survey_is_stored(scenario, page).await?;
        let left_out = execute(scenario, LEFT_OUT).await?;
        let left_out: Vec<String> = serde_json::from_value(left_out)?;
        let [clutter, empty] = &left_out[..] else {
            bail!("{left_out:?}")
        };
        ensure!(clutter.starts_with("2 files were left out|"), "{clutter}");
        ensure!(clutter.contains(CLUTTER), "{clutter}");
        ensure!(empty.starts_with("1 folder is empty|"), "{empty}");
        ensure!(empty.ends_with("|survey/nothing"), "{empty}");
        let again = Locator::Css("[data-action=addClutter]");
        scenario.client().find(again).await?.click().await?;
        page.wait_until_stored(4).await?;
        wait_for(scenario, LEFT_OUT, json!(["1 folder is empty||survey/nothing"])).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_on_the_list_is_added_again_only_once_it_is_stored() -> Result<()> {
    with_page(async |scenario, page| {
        let controls = scenario.controls();
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        let file = scenario.files.add("report.pdf", 2 << 20)?;
        page.pick_paths(&[&file.path]).await?;
        page.wait_for_states(&["sending"]).await?;
        page.pick_paths(&[&file.path]).await?;
        let expected = "1 file was left out|Already on the list, and not finished.|report.pdf";
        wait_for(scenario, LEFT_OUT, json!([expected])).await?;
        controls.set_s3_bytes_per_second(None);
        page.wait_until_stored(1).await?;
        page.pick_paths(&[&file.path]).await?;
        page.wait_until_stored(2).await?;
        ensure!(scenario.stored_files()?.len() == 2);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_that_carries_text_is_left_alone() -> Result<()> {
    const PASTE: &str = "
        const paste = (text, name) => {
            const clipboardData = new DataTransfer();
            if (text) clipboardData.setData('text/plain', text);
            clipboardData.items.add(new File([name], name));
            document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
        };
        paste('1\\t2', 'image.png');
        paste('named.txt', 'named.txt');
        paste('', 'alone.txt');";
    with_page(async |scenario, page| {
        execute(scenario, PASTE).await?;
        page.wait_until_stored(2).await?;
        let names: Vec<String> = page.rows().await?.into_iter().map(|row| row.name).collect();
        ensure!(names == ["named.txt", "alone.txt"], "{names:?}");
        Ok(())
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
async fn each_filter_counts_and_shows_exactly_its_files() -> Result<()> {
    const COUNTS: &str =
        "return Array.from(document.querySelectorAll('.filter-count'), (count) => count.textContent);";
    with_page(async |scenario, page| {
        let (files, controls) = (&scenario.files, scenario.controls());
        page.pick(&[files.add("stored.txt", 100)?]).await?;
        page.wait_for_states(&["stored"]).await?;
        scenario.expect_console_errors("403");
        controls.fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        page.pick(&[files.add("failed.txt", 100)?]).await?;
        page.wait_for_states(&["stored", "failed"]).await?;
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        page.pick(&[files.add("slow.bin", 9 << 20)?]).await?;
        page.wait_for_states(&["stored", "failed", "sending"]).await?;
        wait_for(scenario, COUNTS, json!(["3", "1", "1", "1"])).await?;
        let filters = scenario.client().find_all(Locator::Css(".filter")).await?;
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
        let client = scenario.client();
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
        ensure!(scenario.bucket().join(key).is_file(), "{key}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tab_shows_the_progress_until_the_end() -> Result<()> {
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
async fn a_notification_is_offered_only_to_users_never_asked_before() -> Result<()> {
    const IS_OFFERED: &str = "
        const button = document.querySelector('[data-action=notifyWhenDone]');
        return button ? !button.hidden : null;";
    with_scenario(async |scenario| {
        let client = scenario.client();
        let controls = scenario.controls();
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        scenario.expect_console_errors("beforeunload");
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

/// Whether the page has the browser ask before it is left.
const ASKS: &str = "
    const event = new Event('beforeunload', { cancelable: true });
    dispatchEvent(event);
    return event.defaultPrevented;";

#[tokio::test(flavor = "multi_thread")]
async fn leaving_the_page_asks_while_a_manifest_is_on_its_way() -> Result<()> {
    const HOLD: &str = "
        const plain = self.fetch;
        const isHeld = (request) => String(request.url ?? request).endsWith('/manifests');
        self.fetch = (request, ...more) => isHeld(request) ? new Promise(() => {}) : plain(request, ...more);";
    with_scenario(async |scenario| {
        scenario.run_before_workers(HOLD);
        let page = scenario.open_page_with(json!({ "manifests": true })).await?;
        page.pick(&[scenario.files.add("stored.txt", 10)?]).await?;
        page.wait_until_stored(1).await?;
        wait_for(scenario, ASKS, json!(true)).await?;
        // Nobody is there to answer the question.
        scenario.expect_console_errors("beforeunload");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_the_page_asks_only_while_something_is_in_flight() -> Result<()> {
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
async fn an_image_shows_a_thumbnail_and_any_other_file_an_icon() -> Result<()> {
    const ICONS: &str = "
        return Array.from(document.querySelectorAll('[data-file-id] .file-icon'), (icon) => {
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
async fn a_long_name_is_shortened_in_the_middle_unless_focused() -> Result<()> {
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

/// The page is served at an origin from which the browser has nothing in its cache yet.
#[tokio::test(flavor = "multi_thread")]
async fn files_chosen_before_the_webassembly_arrives_are_stored() -> Result<()> {
    const NAMES: &str = "return document.querySelector('.drop-zone-notice').textContent;";
    with_page(async |scenario, page| {
        let policy = content_security_policy(&scenario.api(), &scenario.s3());
        let (site, url) = scenario.serve_elsewhere(&path_of("SLIPWAY_PAGE")?, &policy)?;
        site.set_settings(&json!({ "apiUrl": scenario.api() }));
        site.hold_back(".wasm");
        let client = scenario.client();
        client.goto(&url).await?;
        let picked = scenario.files.add("picked.txt", 10)?;
        let picker = client.find(Locator::Id("early-file-picker")).await?;
        picker.send_keys(picked.path.to_str().context("UTF-8")?).await?;
        page.drop_files(&[scenario.files.add("dropped.txt", 10)?]).await?;
        wait_for(scenario, NAMES, json!("picked.txt, dropped.txt")).await?;
        site.release();
        page.wait_until_stored(2).await
    })
    .await
}
