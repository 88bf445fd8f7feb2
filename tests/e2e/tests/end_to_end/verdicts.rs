//! A row shows the verdict on its file after it was stored.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::{wait_until, with_scenario};
use serde_json::{Value, json};

/// The start of a PNG (W3C PNG specification, section 5.2), and of a program for Windows.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const PROGRAM: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";

const READ_STATES: &str = "
    return Object.fromEntries(Array.from(document.querySelectorAll('[data-file-id]'), row =>
        [row.querySelector('.file-name').textContent, row.querySelector('.file-state').textContent]));";

#[tokio::test(flavor = "multi_thread")]
async fn each_row_shows_the_verdict_on_its_file() -> Result<()> {
    with_scenario(async |scenario| {
        let client = scenario.client();
        let page = scenario.open_page_with(json!({ "verdicts": true })).await?;
        let files = [
            ("right.png", PNG, "matches the file’s type"),
            ("wrong.png", PROGRAM, "Blocked"),
            ("really.jpg", PNG, "another type"),
            ("empty.png", b"", "could not be recognised"),
        ];
        let mut paths = Vec::new();
        for (name, bytes, _) in files {
            let path = scenario.files.path(name);
            fs::write(&path, bytes)?;
            paths.push(path);
        }
        let paths: Vec<_> = paths.iter().map(AsRef::as_ref).collect();
        page.pick_paths(&paths).await?;
        page.wait_until_stored(files.len()).await?;
        let states = wait_until("every row to have a verdict", async || {
            let states = client.execute(READ_STATES, Vec::new()).await?;
            let states = states.as_object().context("the rows")?.clone();
            let has_verdict = |state: &Value| state.as_str().is_some_and(|state| state.contains(':'));
            let is_ready = states.len() == files.len() && states.values().all(has_verdict);
            Ok(is_ready
                .then_some(states.clone())
                .ok_or_else(|| format!("{states:?}")))
        })
        .await?;
        for (name, _, says) in files {
            let state = states[name].as_str().unwrap_or_default();
            ensure!(state.contains(says), "{name}: {state}");
        }
        Ok(())
    })
    .await
}
