//! The custom element in the hands of a framework: moved, removed, set up late, handed a token.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::{Scenario, Site, devtools, met, wait_until, with_scenario, with_sign_in};
use oidc_provider::ProviderOptions;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::embedding::{LISTEN, choose, embedding_policy, open_embedding, wait_for_event};

/// So slow that a file of a mebibyte stays in flight.
const SLOW_BYTES_PER_SECOND: u64 = 64 << 10;

/// Too large to be sent at once, and small enough for the example's page.
const SIZE: usize = 900_000;

/// The element's description for editors and other tools.
const MANIFEST: &str = include_str!("../../../../crates/embed/npm/custom-elements.json");

/// The state of each row of the first uploader.
const STATES: &str = "
    const rows = document.querySelector('slipway-upload')?.shadowRoot?.querySelectorAll('[data-file-id]') ?? [];
    return Array.from(rows, (row) => row.dataset.state);";

/// How many sessions hold a lock, which a page does for as long as it has uploads.
const LOCKS: &str = "
    const [done] = arguments;
    navigator.locks.query().then(({ held }) => done(held.filter(({ name }) => name.startsWith('slipway-')).length));";

/// A page of another site with this body, which loads the element's script once `load()` is called.
async fn open_host(scenario: &mut Scenario, body: &str) -> Result<(TempDir, Site)> {
    let folder = tempfile::tempdir()?;
    let script = format!(
        "window.load = () => import('{}/slipway-upload.js').then(() => true);",
        scenario.url()
    );
    fs::write(folder.path().join("host.js"), script)?;
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>Host</title><link rel=\"icon\" href=\"data:,\">\
         <script src=\"host.js\"></script><body>{body}</body></html>"
    );
    fs::write(folder.path().join("index.html"), html)?;
    let policy = embedding_policy(scenario);
    let (site, url) = scenario.serve_elsewhere(folder.path(), &policy)?;
    scenario.client().goto(&url).await?;
    scenario.client().execute(LISTEN, Vec::new()).await?;
    Ok((folder, site))
}

async fn run(scenario: &Scenario, script: &str, arguments: Vec<Value>) -> Result<Value> {
    Ok(scenario.client().execute(script, arguments).await?)
}

async fn load_element(scenario: &Scenario) -> Result<()> {
    let script = "const [done] = arguments; load().then(done);";
    scenario.client().execute_async(script, Vec::new()).await?;
    Ok(())
}

/// Waits until a script returns this.
async fn wait_for(scenario: &Scenario, what: &str, script: &str, expected: Value) -> Result<()> {
    wait_until(what, async || {
        let found = run(scenario, script, Vec::new()).await?;
        met(found == expected, found)
    })
    .await
    .map(drop)
}

/// Picks a file and waits until some of it is sent, but not all.
async fn pick_slowly(scenario: &Scenario) -> Result<()> {
    scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let text = "x".repeat(SIZE);
    choose(scenario.client(), 0, &[("slow.txt", &text)]).await?;
    wait_until("the file to be sent", async || {
        let states = run(scenario, STATES, Vec::new()).await?;
        // WebKit takes a whole body at once.
        let is_sent = states == json!(["sending"]) || states == json!(["confirming"]);
        met(is_sent, states)
    })
    .await
    .map(drop)
}

async fn wait_for_locks(scenario: &Scenario, count: usize) -> Result<()> {
    wait_until("the locks", async || {
        let held = scenario.client().execute_async(LOCKS, Vec::new()).await?;
        met(held == count, held)
    })
    .await
    .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_element_goes_on_with_its_list() -> Result<()> {
    const MOVE: &str = "
        const element = document.querySelector('slipway-upload');
        window.uploader = element.shadowRoot.querySelector('.slipway');
        const place = document.createElement('section');
        document.body.append(place);
        place.append(element);
        const other = document.createElement('section');
        document.body.append(other);
        if (other.moveBefore) other.moveBefore(element, null);
        return true;";
    const IS_SAME_LIST: &str = "
        const root = document.querySelector('section slipway-upload').shadowRoot;
        return root.querySelectorAll('[data-file-id]').length === 1 && root.contains(uploader);";
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        pick_slowly(scenario).await?;
        run(scenario, MOVE, Vec::new()).await?;
        scenario.set_bytes_per_second(None);
        wait_for_event(scenario, "uploaded", "slow.txt").await?;
        ensure!(
            run(scenario, IS_SAME_LIST, Vec::new()).await? == true,
            "the list is another"
        );
        wait_for_locks(scenario, 1).await?;
        ensure!(scenario.stored_files()?.len() == 1);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_element_ends_its_uploads() -> Result<()> {
    const REMOVE: &str = "window.removed = document.querySelector('slipway-upload'); removed.remove();";
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        pick_slowly(scenario).await?;
        wait_for_locks(scenario, 1).await?;
        run(scenario, REMOVE, Vec::new()).await?;
        wait_for_locks(scenario, 0).await?;
        scenario.set_bytes_per_second(None);
        // What it has left is no longer anybody's, and the element can be used again.
        run(scenario, "document.body.append(removed);", Vec::new()).await?;
        wait_for(scenario, "the file to be left", STATES, json!(["interrupted"])).await?;
        let text = "x".repeat(SIZE);
        choose(scenario.client(), 0, &[("slow.txt", &text)]).await?;
        wait_for_event(scenario, "uploaded", "slow.txt").await?;
        ensure!(scenario.stored_files()?.len() == 1);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_before_the_script_loads_is_taken() -> Result<()> {
    const SET: &str = "
        const element = document.querySelector('slipway-upload');
        Object.assign(element, { api: arguments[0], accept: '.txt', maxFileBytes: 5 });";
    const ATTRIBUTES: &str = "
        const element = document.querySelector('slipway-upload');
        return Array.from(element.attributes, ({ name, value }) => [name, value]).sort();";
    with_scenario(async |scenario| {
        let _site = open_host(scenario, "<slipway-upload></slipway-upload>").await?;
        run(scenario, SET, vec![json!(scenario.api())]).await?;
        load_element(scenario).await?;
        let expected = json!([
            ["accept", ".txt"],
            ["api", scenario.api()],
            ["max-file-bytes", "5"]
        ]);
        ensure!(run(scenario, ATTRIBUTES, Vec::new()).await? == expected);
        choose(
            scenario.client(),
            0,
            &[("a.txt", "12345"), ("b.txt", "123456"), ("c.exe", "1")],
        )
        .await?;
        wait_for_event(scenario, "uploaded", "a.txt").await?;
        ensure!(scenario.stored_files()? == [b"12345".to_vec()]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_changed_settings_are_taken() -> Result<()> {
    const HAS_NOTHING: &str = "return !document.querySelector('slipway-upload').shadowRoot;";
    const ACCEPTS: &str =
        "return document.querySelector('slipway-upload').shadowRoot.querySelector('input')?.accept;";
    with_scenario(async |scenario| {
        let _site = open_host(scenario, "<slipway-upload accept='.txt'></slipway-upload>").await?;
        load_element(scenario).await?;
        ensure!(run(scenario, HAS_NOTHING, Vec::new()).await? == true);
        let set = "document.querySelector('slipway-upload')[arguments[0]] = arguments[1];";
        // Nothing answers there, and what waits for it has to go to the other address.
        run(scenario, set, vec![json!("api"), json!("http://127.0.0.1:9")]).await?;
        wait_for(scenario, "the element to start", ACCEPTS, json!(".txt")).await?;
        run(scenario, set, vec![json!("api"), json!(scenario.api())]).await?;
        wait_for(scenario, "the element to start", ACCEPTS, json!(".txt")).await?;
        pick_slowly(scenario).await?;
        run(scenario, set, vec![json!("accept"), json!(".csv")]).await?;
        ensure!(
            run(scenario, ACCEPTS, Vec::new()).await? == ".txt",
            "an upload was ended"
        );
        scenario.set_bytes_per_second(None);
        wait_for_event(scenario, "uploaded", "slow.txt").await?;
        wait_for(scenario, "other types to be accepted", ACCEPTS, json!(".csv")).await?;
        choose(scenario.client(), 0, &[("table.csv", "1;2")]).await?;
        wait_for_event(scenario, "uploaded", "table.csv").await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_handed_over_lets_refused_files_go_on() -> Result<()> {
    const HAND_OVER: &str = "document.querySelector('slipway-upload').accessToken = arguments[0];";
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        scenario.expect_console_errors("401");
        let _site = open_embedding(scenario).await?;
        choose(scenario.client(), 0, &[("early.txt", "too early")]).await?;
        wait_for_event(scenario, "unauthorized", "").await?;
        let token = provider.token_for("tool-a", "upload")?;
        run(scenario, HAND_OVER, vec![json!(token)]).await?;
        let uploaded = wait_for_event(scenario, "uploaded", "early.txt").await?;
        let key = uploaded["key"].as_str().context("a key")?;
        ensure!(key.contains("/tool-a/"), "{uploaded}");
        choose(scenario.client(), 0, &[("later.txt", "in time")]).await?;
        wait_for_event(scenario, "uploaded", "later.txt").await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_document_takes_drops_if_it_is_asked_to() -> Result<()> {
    /// Drops a file on an element, and returns whether something took it.
    const DROP: &str = "
        const [selector, name] = arguments;
        const transfer = new DataTransfer();
        transfer.items.add(new File(['dropped'], name));
        const options = { bubbles: true, cancelable: true, composed: true, dataTransfer: transfer };
        const root = document.querySelector('slipway-upload').shadowRoot;
        const target = document.querySelector(selector) ?? root.querySelector(selector);
        const drop = (type) => target.dispatchEvent(new DragEvent(type, options));
        return ['dragenter', 'dragover', 'drop'].map((type) => !drop(type));";
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        choose(scenario.client(), 0, &[("chosen.txt", "chosen")]).await?;
        wait_for_event(scenario, "uploaded", "chosen.txt").await?;
        let drop =
            async |selector: &str, name: &str| run(scenario, DROP, vec![json!(selector), json!(name)]).await;
        ensure!(drop("h1", "beside.txt").await? == json!([false, false, false]));
        let set = "document.querySelector('slipway-upload').dropTarget = 'document';";
        run(scenario, set, Vec::new()).await?;
        ensure!(drop("h1", "taken.txt").await? == json!([true, true, true]));
        wait_for_event(scenario, "uploaded", "taken.txt").await?;
        ensure!(drop(".drop-zone", "once.txt").await? == json!([true, true, true]));
        wait_for_event(scenario, "uploaded", "once.txt").await?;
        let stored = scenario.stored_files()?;
        ensure!(stored == [&b"chosen"[..], b"dropped", b"dropped"]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_dropped_beside_the_element_is_read() -> Result<()> {
    const BESIDE: &str = "
        document.querySelector('slipway-upload').dropTarget = 'document';
        const { x, y } = document.querySelector('h1').getBoundingClientRect();
        return [x + 5, y + 5];";
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        choose(scenario.client(), 0, &[("chosen.txt", "chosen")]).await?;
        wait_for_event(scenario, "uploaded", "chosen.txt").await?;
        let folder = scenario.files.path("reports");
        fs::create_dir(&folder)?;
        fs::write(folder.join("inside.txt"), "inside")?;
        let at = run(scenario, BESIDE, Vec::new()).await?;
        let data = json!({ "items": [], "files": [folder], "dragOperationsMask": 1 });
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({ "type": kind, "x": at[0], "y": at[1], "data": data });
            devtools(scenario.client(), "Input.dispatchDragEvent", event).await?;
        }
        wait_until("the folder's file to be stored", async || {
            let stored = scenario.stored_files()?;
            met(stored == [&b"chosen"[..], b"inside"], stored.len())
        })
        .await
        .map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_says_what_the_element_has() -> Result<()> {
    const ELEMENT: &str = "
        const element = document.querySelector('slipway-upload');
        const { prototype, observedAttributes } = customElements.get('slipway-upload');
        const properties = Object.entries(Object.getOwnPropertyDescriptors(prototype));
        const parts = Array.from(element.shadowRoot.querySelectorAll('[part]'), (part) => part.part.value);
        return {
            attributes: observedAttributes.toSorted(),
            members: properties.filter(([, { set }]) => set).map(([name]) => name).sort(),
            cssParts: [...new Set(parts)].sort(),
            cssProperties: Array.from(element.computedStyleMap?.() ?? [], ([name]) => name)
                .filter((name) => name.startsWith('--')).sort(),
        };";
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        choose(scenario.client(), 0, &[("report.txt", "all is well")]).await?;
        wait_for_event(scenario, "uploaded", "report.txt").await?;
        let manifest: Value = serde_json::from_str(MANIFEST)?;
        let declared = &manifest["modules"][0]["declarations"][0];
        let names = |kind: &str| {
            let declared = declared[kind].as_array().into_iter().flatten();
            let mut names: Vec<_> = declared.map(|item| item["name"].clone()).collect();
            names.sort_by_key(Value::to_string);
            names
        };
        let element = run(scenario, ELEMENT, Vec::new()).await?;
        for kind in ["attributes", "members", "cssParts"] {
            ensure!(element[kind] == json!(names(kind)), "{kind}: {}", element[kind]);
        }
        let styled = element["cssProperties"].as_array().context("a list")?;
        let is_missing = |name: &&Value| !styled.is_empty() && !styled.contains(name);
        let properties = names("cssProperties");
        ensure!(!properties.iter().any(|name| is_missing(&name)), "{styled:?}");
        ensure!(names("events") == ["failed", "progress", "unauthorized", "uploaded"]);
        Ok(())
    })
    .await
}
