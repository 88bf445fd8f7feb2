//! How much memory the WebAssembly of a page's worker has. Chromium does not tell a worker of its JavaScript
//! heap.

use anyhow::{Context, Result};

use crate::Browser;

/// Run before a worker, it has the worker tell its memory to [`Browser::worker_memory`].
pub const TELL_WORKER_MEMORY: &str = "{
    const { instantiateStreaming, instantiate } = WebAssembly;
    let know;
    const known = new Promise((resolve) => { know = resolve; });
    const keep = (made) => { know((made.instance ?? made).exports.memory); return made; };
    WebAssembly.instantiateStreaming = (...all) => instantiateStreaming(...all).then(keep);
    WebAssembly.instantiate = (...all) => instantiate(...all).then(keep);
    const channel = new BroadcastChannel('memory');
    channel.onmessage = async ({ data }) => {
        if (data === 'ask') channel.postMessage((await known).buffer.byteLength);
    };
}";

const ASK: &str = "
    const channel = new BroadcastChannel('memory');
    // A worker that has not begun does not hear the first time.
    const asking = setInterval(() => channel.postMessage('ask'), 100);
    channel.onmessage = ({ data }) => { clearInterval(asking); channel.close(); arguments[0](data); };";

impl Browser {
    /// The linear memory, in bytes, of the one worker of the page in the tab, which [`TELL_WORKER_MEMORY`] was run
    /// before. A worker that has not begun is waited for.
    ///
    /// # Errors
    /// Where it does not tell.
    pub async fn worker_memory(&self) -> Result<u64> {
        let told = self.client().execute_async(ASK, Vec::new()).await;
        let bytes = told.context("the worker does not tell its memory")?;
        bytes.as_u64().context("a size")
    }
}
