//! How much memory the WebAssembly of a page's worker has. Chromium does not report the JavaScript heap of a worker.

use anyhow::{Context, Result};

use crate::Browser;

/// Run before a worker's script, it makes the worker answer [`Browser::worker_memory`].
pub const REPORT_WORKER_MEMORY: &str = "{
    const { instantiateStreaming, instantiate } = WebAssembly;
    let resolveMemory;
    const memory = new Promise((resolve) => { resolveMemory = resolve; });
    // A release build gives its exports other names.
    const isMemory = (exported) => exported instanceof WebAssembly.Memory;
    const keep = (made) => {
        resolveMemory(Object.values((made.instance ?? made).exports).find(isMemory));
        return made;
    };
    WebAssembly.instantiateStreaming = (...all) => instantiateStreaming(...all).then(keep);
    WebAssembly.instantiate = (...all) => instantiate(...all).then(keep);
    const channel = new BroadcastChannel('memory');
    channel.onmessage = async ({ data }) => {
        if (data === 'ask') channel.postMessage((await memory).buffer.byteLength);
    };
}";

const ASK: &str = "
    const channel = new BroadcastChannel('memory');
    // A worker that has not started yet misses the first question.
    const asking = setInterval(() => channel.postMessage('ask'), 100);
    channel.onmessage = ({ data }) => { clearInterval(asking); channel.close(); arguments[0](data); };";

impl Browser {
    /// The linear memory, in bytes, of the only worker of the current page, which must have run
    /// [`REPORT_WORKER_MEMORY`]. Waits for a worker that has not started yet.
    pub async fn worker_memory(&self) -> Result<u64> {
        let answer = self.client().execute_async(ASK, Vec::new()).await;
        let bytes = answer.context("the worker does not report its memory")?;
        bytes.as_u64().context("a size")
    }
}
