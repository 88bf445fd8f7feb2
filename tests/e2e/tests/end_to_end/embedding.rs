//! The uploader in other people's pages, as `examples/` shows it.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use e2e::{Scenario, Site, content_security_policy, met, path_of, wait_until, with_scenario, with_sign_in};
use fantoccini::Client;
use oidc_provider::ProviderOptions;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The example with the custom element, as it is in the checkout.
const EMBEDDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/html");

/// Records the uploader's events.
pub(crate) const LISTEN: &str = "
    window.received = [];
    for (const name of ['uploaded', 'failed', 'progress', 'unauthorized']) {
        document.addEventListener(name, ({ type, detail }) => received.push({ type, detail }));
    }";

/// Picks files with these names and texts in the uploader with this number.
const CHOOSE: &str = "
    const [number, files] = arguments;
    const host = document.querySelectorAll('slipway-upload, div.slipway')[number];
    const picker = (host?.shadowRoot ?? host)?.querySelector('input[type=file]');
    if (!picker) return false;
    const transfer = new DataTransfer();
    for (const [name, text] of files) transfer.items.add(new File([text], name));
    picker.files = transfer.files;
    picker.dispatchEvent(new Event('change'));
    return true;";

/// What an embedding page has to allow, as `docs/embedding.md` says.
pub(crate) fn embedding_policy(scenario: &Scenario) -> String {
    let (page, api, s3) = (scenario.url(), scenario.api(), scenario.s3());
    [
        "default-src 'none'",
        &format!("script-src 'self' {page} 'wasm-unsafe-eval'"),
        &format!("worker-src blob: {page}"),
        &format!("style-src 'self' {page}"),
        &format!("connect-src {page} {api} {s3}"),
        "img-src data:",
        "require-trusted-types-for 'script'",
        "trusted-types slipway",
    ]
    .join("; ")
}

/// The example page at an origin of its own, with the stack's addresses in it.
pub(crate) async fn open_embedding(scenario: &mut Scenario) -> Result<(TempDir, Site)> {
    let folder = tempfile::tempdir()?;
    for entry in fs::read_dir(Path::new(EMBEDDING))? {
        let entry = entry?;
        let text = fs::read_to_string(entry.path())?
            .replace("https://uploads.example.com", scenario.url())
            .replace("https://api.example.com", &scenario.api());
        fs::write(folder.path().join(entry.file_name()), text)?;
    }
    let policy = embedding_policy(scenario);
    let (site, url) = scenario.serve_elsewhere(folder.path(), &policy)?;
    let client = scenario.client();
    client.goto(&url).await?;
    client.execute(LISTEN, Vec::new()).await?;
    Ok((folder, site))
}

pub(crate) async fn choose(client: &Client, uploader: usize, files: &[(&str, &str)]) -> Result<()> {
    wait_until("the uploader to be there", async || {
        let chosen = client
            .execute(CHOOSE, vec![json!(uploader), json!(files)])
            .await?;
        met(chosen == true, "it has no picker")
    })
    .await
    .map(drop)
}

/// The details of the first event of this name about this file; of any, if the name of the file is empty.
pub(crate) async fn wait_for_event(scenario: &Scenario, name: &str, file: &str) -> Result<Value> {
    let client = scenario.client();
    wait_until(&format!("{name} of {file}"), async || {
        let received = client.execute("return received;", Vec::new()).await?;
        let events = received.as_array().context("a list")?;
        let found = events
            .iter()
            .find(|event| event["type"] == name && (file.is_empty() || event["detail"]["name"] == file));
        Ok(found
            .map(|event| event["detail"].clone())
            .ok_or_else(|| received.to_string()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_in_a_page_of_another_site_uploads_and_reports() -> Result<()> {
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        choose(scenario.client(), 0, &[("report.txt", "all is well")]).await?;
        let uploaded = wait_for_event(scenario, "uploaded", "report.txt").await?;
        ensure!(uploaded["size"] == 11, "{uploaded}");
        let key = uploaded["key"].as_str().unwrap_or_default();
        ensure!(key.ends_with("/report.txt"), "{uploaded}");
        ensure!(scenario.stored_files()? == [b"all is well".to_vec()]);

        let client = scenario.client();
        let last = "return received.findLast(({ type }) => type === 'progress').detail;";
        wait_until("the progress to be complete", async || {
            let progress = client.execute(last, Vec::new()).await?;
            let expected = json!({ "files": 1, "uploaded": 1, "failed": 0, "size": 11, "sent": 11 });
            met(progress == expected, progress)
        })
        .await?;
        scenario.save_screenshot("embedding").await?;

        scenario.expect_console_errors("403");
        scenario
            .controls()
            .fail_next_s3_requests(1, "PUT", 403, "AccessDenied");
        choose(scenario.client(), 0, &[("refused.txt", "not today")]).await?;
        let failed = wait_for_event(scenario, "failed", "refused.txt").await?;
        ensure!(failed["code"] == "accessDenied", "{failed}");
        let message = failed["message"].as_str().unwrap_or_default();
        ensure!(message.contains("does not let this page write"), "{failed}");
        let details = failed["details"].as_str().unwrap_or_default();
        ensure!(details.contains("AccessDenied"), "{failed}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_follows_its_attributes_and_the_pages_style() -> Result<()> {
    const LOOK: &str = "
        const root = document.querySelector('slipway-upload').shadowRoot;
        const zone = getComputedStyle(root.querySelector('.drop-zone'));
        const primary = getComputedStyle(root.querySelector('.button.primary'));
        return {
            left_out: Array.from(root.querySelectorAll('.rejections li strong'), (item) => item.textContent),
            rows: root.querySelectorAll('[data-file-id]').length,
            radius: zone.borderRadius,
            border: zone.borderTopStyle,
            accent: primary.backgroundColor,
        };";
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        let large = "x".repeat(1_000_001);
        let files = [("program.exe", "MZ"), ("large.txt", &large)];
        choose(scenario.client(), 0, &files).await?;
        let client = scenario.client();
        let expected = json!({
            "left_out": ["1 file was left out", "1 file was left out"],
            "rows": 0,
            "radius": "0px",
            "border": "dashed",
            "accent": "rgb(122, 31, 92)",
        });
        wait_until("the element to look as its page wants", async || {
            let look = client.execute(LOOK, Vec::new()).await?;
            met(look == expected, look)
        })
        .await
        .map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_works_when_put_back_and_beside_another() -> Result<()> {
    const TAKE_OUT_AND_PUT_BACK: &str = "
        const element = document.querySelector('slipway-upload');
        const place = element.parentNode;
        element.remove();
        place.prepend(element);
        element.remove();
        place.prepend(element);";
    const ADD_ANOTHER: &str = "
        const another = document.createElement('slipway-upload');
        another.setAttribute('api', document.querySelector('slipway-upload').getAttribute('api'));
        document.body.append(another);";
    with_scenario(async |scenario| {
        let _site = open_embedding(scenario).await?;
        choose(scenario.client(), 0, &[("before.txt", "before")]).await?;
        wait_for_event(scenario, "uploaded", "before.txt").await?;
        let client = scenario.client();
        client.execute(TAKE_OUT_AND_PUT_BACK, Vec::new()).await?;
        choose(scenario.client(), 0, &[("again.txt", "again")]).await?;
        wait_for_event(scenario, "uploaded", "again.txt").await?;
        client.execute(ADD_ANOTHER, Vec::new()).await?;
        choose(scenario.client(), 1, &[("beside.exe", "beside")]).await?;
        wait_for_event(scenario, "uploaded", "beside.exe").await?;
        choose(scenario.client(), 0, &[("both.txt", "both")]).await?;
        wait_for_event(scenario, "uploaded", "both.txt").await?;
        let stored = scenario.stored_files()?;
        ensure!(stored == [&b"again"[..], b"before", b"beside", b"both"]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leptos_component_uploads_and_reports() -> Result<()> {
    const RECEIVED: &str = "return document.getElementById('received')?.textContent ?? '';";
    with_scenario(async |scenario| {
        let policy = content_security_policy(&scenario.api(), &scenario.s3());
        let (site, url) = scenario.serve_elsewhere(&path_of("SLIPWAY_LEPTOS_EXAMPLE")?, &policy)?;
        site.set_settings(&json!({ "apiUrl": scenario.api() }));
        let client = scenario.client();
        client.goto(&url).await?;
        choose(scenario.client(), 0, &[("report.txt", "all is well")]).await?;
        wait_until("the page to get the callback", async || {
            let received = client.execute(RECEIVED, Vec::new()).await?;
            let is_there = received.as_str().is_some_and(|key| key.ends_with("/report.txt"));
            met(is_there, received)
        })
        .await?;
        scenario.save_screenshot("leptos-example").await?;
        ensure!(scenario.stored_files()? == [b"all is well".to_vec()]);
        Ok(())
    })
    .await
}

/// Opens an example whose API wants a token that the page has, and uploads a file there.
async fn check_example(name: &str) -> Result<()> {
    const RECEIVED: &str = "return document.getElementById('received')?.textContent ?? '';";
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        scenario.expect_console_errors("401");
        let policy = [
            "default-src 'self'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "img-src data:",
            &format!("connect-src 'self' {} {}", scenario.api(), scenario.s3()),
        ]
        .join("; ");
        let folder = path_of("SLIPWAY_EXAMPLES")?.join(name).join("dist");
        let (site, url) = scenario.serve_elsewhere(&folder, &policy)?;
        let token = provider.token_for("tool-a", "upload")?;
        site.set_settings(&json!({ "apiUrl": scenario.api(), "accessToken": token }));
        let client = scenario.client();
        client.goto(&url).await?;
        choose(client, 0, &[("report.txt", "all is well")]).await?;
        wait_until("the page to get the event", async || {
            let received = client.execute(RECEIVED, Vec::new()).await?;
            let is_there = received.as_str().is_some_and(|key| key.ends_with("/report.txt"));
            met(is_there, received)
        })
        .await?;
        scenario.save_screenshot(&format!("{name}-example")).await?;
        ensure!(scenario.stored_files()? == [b"all is well".to_vec()]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_react_page_sets_up_the_element_and_gets_its_events() -> Result<()> {
    check_example("react").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_svelte_page_sets_up_the_element_and_gets_its_events() -> Result<()> {
    check_example("svelte").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vue_page_sets_up_the_element_and_gets_its_events() -> Result<()> {
    check_example("vue").await
}
