//! The page, as a user sees and uses it.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use fantoccini::{Client, Locator};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    driver_command::devtools,
    files::SourceFile,
    wait::{WAIT, met, wait_at_most, wait_until},
};

/// The page in a browser's tab.
pub struct Page {
    client: Client,
}

/// One file's row.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Row {
    /// The page's own name for the file.
    pub id: String,
    pub state: String,
    /// The file's name as it is shown.
    pub name: String,
    /// How much is done, from 0 to 1; `None` if no bar is shown.
    pub progress: Option<f64>,
    /// The message; empty if there is none.
    pub error: String,
    /// S3's error code and request id; empty if there are none.
    pub error_details: String,
}

/// A function that reads a row.
pub(crate) const READ_ROW: &str = "
    const text = (row, selector) => row.querySelector(selector)?.textContent.trim() ?? '';
    const read = (row) => {
        const bar = row.querySelector('progress');
        return {
            id: row.dataset.fileId,
            state: row.dataset.state,
            name: text(row, '.file-name'),
            progress: bar ? bar.value / bar.max : null,
            error: text(row, '.file-error:not([hidden]) > span'),
            error_details: text(row, '.file-error-details'),
        };
    };";

/// Opens every batch that hides its files, which the next look then sees, and reads the rows of the files.
const READ_ROWS: &str = "
    for (const toggle of document.querySelectorAll('.batch-row [aria-expanded=false]')) toggle.click();
    return Array.from(document.querySelectorAll('[data-file-id]'), read);";

/// Drops files on the page as a browser does: `dragenter` and `dragover` before `drop`, on the
/// element in the middle.
const DROP_FILES: &str = "
    const transfer = new DataTransfer();
    for (const [name, base64] of arguments[0]) {
        const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
    }
    const target = document.elementFromPoint(innerWidth / 2, innerHeight / 2) ?? document.body;
    for (const type of ['dragenter', 'dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }";

/// How many entries of a kind the browser keeps for the next page.
const COUNT_KEPT: &str = "
    const [kind, done] = arguments;
    // To open a database that is not there would create it, and disturb the page that does.
    indexedDB.databases().then((databases) => {
        if (!databases.some(({ name }) => name === 'slipway')) return done(0);
        const opening = indexedDB.open('slipway');
        opening.onerror = () => done(0);
        opening.onsuccess = () => {
            const counting = opening.result.transaction(kind).objectStore(kind).count();
            counting.onsuccess = () => { opening.result.close(); done(counting.result); };
        };
    });";

impl Page {
    /// Waits until the browser keeps something of this kind for the next page: `uploads` or `parts`.
    pub async fn wait_until_kept(&self, kind: &str) -> Result<()> {
        self.wait_until_as_many_are_kept(kind, 1).await
    }

    /// Waits until the browser keeps this many of them at least.
    pub async fn wait_until_as_many_are_kept(&self, kind: &str, least: usize) -> Result<()> {
        wait_until(&format!("{least} {kind} to be kept"), async || {
            let kept = self.kept(kind).await?;
            met(kept >= least as u64, kept)
        })
        .await?;
        Ok(())
    }

    /// Waits until the browser keeps no upload for the next page.
    pub async fn wait_until_nothing_is_kept(&self) -> Result<()> {
        wait_until("nothing to be kept", async || {
            let kept = self.kept("uploads").await?;
            met(kept == 0, kept)
        })
        .await?;
        Ok(())
    }

    async fn kept(&self, kind: &str) -> Result<u64> {
        let kept = self.client.execute_async(COUNT_KEPT, vec![json!(kind)]).await?;
        kept.as_u64().context("what is kept cannot be counted")
    }

    /// Opens the page and waits until it has started.
    pub async fn open(client: &Client, url: &str) -> Result<Self> {
        client.goto(url).await?;
        Self::wait(client).await
    }

    /// Waits until the page that is open shows its file picker.
    pub async fn wait(client: &Client) -> Result<Self> {
        client
            .wait()
            .for_element(Locator::Css("input#file-picker"))
            .await
            .context("the page does not start")?;
        Ok(Self {
            client: client.clone(),
        })
    }

    /// Picks files all at once.
    pub async fn pick(&self, files: &[SourceFile]) -> Result<()> {
        let paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        self.pick_paths(&paths).await
    }

    /// Picks the files at these paths all at once.
    pub async fn pick_paths(&self, paths: &[&Path]) -> Result<()> {
        let paths: Vec<&str> = paths
            .iter()
            .map(|path| path.to_str().context("the path is not UTF-8"))
            .collect::<Result<_>>()?;
        let picker = self.client.find(Locator::Css("input#file-picker")).await?;
        // WebDriver takes the files of a multiple input as lines.
        picker.send_keys(&paths.join("\n")).await?;
        Ok(())
    }

    /// Drops files on the page all at once.
    pub async fn drop_files(&self, files: &[SourceFile]) -> Result<()> {
        let files: Vec<Value> = files
            .iter()
            .map(|file| Value::from(vec![file.name.clone(), Base64::encode_string(&file.bytes)]))
            .collect();
        self.client.execute(DROP_FILES, vec![Value::from(files)]).await?;
        Ok(())
    }

    /// Drops the file or folder at a path on the page, as from a file manager, so that the page gets a handle of it. Only
    /// Chromium's DevTools can.
    pub async fn drop_path(&self, path: &Path) -> Result<()> {
        let data = json!({ "items": [], "files": [path], "dragOperationsMask": 1 });
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({ "type": kind, "x": 40, "y": 300, "data": data });
            devtools(&self.client, "Input.dispatchDragEvent", event).await?;
        }
        Ok(())
    }

    /// The rows of files as they are now, from top to bottom. Those of a batch that hides its files are there later.
    pub async fn rows(&self) -> Result<Vec<Row>> {
        let read = [READ_ROW, READ_ROWS].concat();
        let rows = self.client.execute(&read, Vec::new()).await?;
        serde_json::from_value(rows).context("the page's rows are not as agreed")
    }

    /// Waits until `condition` returns a value for the rows. After a minute, the error shows the last rows.
    pub async fn wait_for<T>(&self, what: &str, mut condition: impl FnMut(&[Row]) -> Option<T>) -> Result<T> {
        self.wait_long_for(what, WAIT, &mut condition).await
    }

    async fn wait_long_for<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut condition: impl FnMut(&[Row]) -> Option<T>,
    ) -> Result<T> {
        wait_at_most(deadline, what, async || {
            let rows = self.rows().await?;
            Ok(condition(&rows).ok_or_else(|| format!("{rows:#?}")))
        })
        .await
    }

    /// Waits until this many files, and no others, are shown as stored.
    ///
    /// # Errors
    /// If one of them fails.
    pub async fn wait_until_stored(&self, count: usize) -> Result<()> {
        let rows = self
            .wait_for(&format!("{count} files to be stored"), |rows| {
                let has_failed = rows.iter().any(|row| row.state == "failed");
                let are_stored = rows.len() == count && rows.iter().all(|row| row.state == "stored");
                (has_failed || are_stored).then(|| rows.to_vec())
            })
            .await?;
        ensure!(
            rows.iter().all(|row| row.state == "stored"),
            "a file failed: {rows:#?}"
        );
        Ok(())
    }

    /// Waits until the files are in these states, in the order of the rows.
    pub async fn wait_for_states(&self, states: &[&str]) -> Result<()> {
        self.wait_for(&format!("files that are {states:?}"), |rows| {
            let are: Vec<&str> = rows.iter().map(|row| row.state.as_str()).collect();
            (are == states).then_some(())
        })
        .await
    }

    /// Waits until the only file is in a state.
    pub async fn wait_for_state(&self, state: &str) -> Result<Row> {
        self.wait_long_for_state(state, WAIT).await
    }

    /// [`Self::wait_for_state`] with a deadline of its own.
    pub async fn wait_long_for_state(&self, state: &str, deadline: Duration) -> Result<Row> {
        self.wait_long_for(&format!("the file to be {state}"), deadline, |rows| match rows {
            [row] if row.state == state => Some(row.clone()),
            _ => None,
        })
        .await
    }

    /// Presses a button of the only file: `cancel`, `retry`, `remove`, `pause` or `resume`.
    pub async fn press(&self, action: &str) -> Result<()> {
        let selector = format!("[data-file-id] [data-action={action}]");
        let button = self.client.find(Locator::Css(&selector)).await?;
        // A click goes to where the button was when it was found, so it has to stand still.
        let mut before = None;
        wait_at_most(WAIT, "the button to stand still", async || {
            let now = Some(button.rectangle().await?);
            met(std::mem::replace(&mut before, now) == now, now)
        })
        .await?;
        button.click().await?;
        Ok(())
    }
}
