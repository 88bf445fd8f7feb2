//! What the page, its worker and its process need.

use anyhow::{Context, Result};
use e2e::Browser;
use fantoccini::Client;
use serde::{Deserialize, Serialize};

/// Has the worker tell what its WebAssembly holds, whenever it is asked. Chromium does not tell a worker of its
/// JavaScript heap, which is in the process's memory.
pub(crate) const IN_WORKER: &str = "
    {
        const channel = new BroadcastChannel('soak');
        const { instantiate, instantiateStreaming } = WebAssembly;
        let memory;
        const keep = result => {
            memory = (result.instance ?? result).exports.memory;
            return result;
        };
        WebAssembly.instantiate = async (...given) => keep(await instantiate(...given));
        WebAssembly.instantiateStreaming = async (...given) => keep(await instantiateStreaming(...given));
        channel.onmessage = ({ data }) => data === 'measure' && channel.postMessage({
            worker_wasm: memory?.buffer.byteLength ?? 0,
        });
    }
";

const PREPARE: &str = "
    window.testChannel = new BroadcastChannel('soak');
    window.testLooks = { push() {} };";

const MEASURE: &str = "
    const done = arguments[0];
    window.testChannel.onmessage = ({ data }) => done({
        page_heap: performance.memory.usedJSHeapSize,
        ...data,
    });
    window.testChannel.postMessage('measure');";

/// Bytes at one moment; at the most of several where they are put together.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// The JavaScript heap of the page.
    pub(crate) page_heap: u64,
    /// The linear memory of the worker's WebAssembly.
    pub(crate) worker_wasm: u64,
    /// What of the tab's process is resident.
    pub(crate) resident: u64,
}

/// Makes the page ready to be asked, and has it forget how its rows looked.
pub(crate) async fn prepare(client: &Client) -> Result<()> {
    client.execute(PREPARE, Vec::new()).await?;
    Ok(())
}

impl Memory {
    pub(crate) async fn measure(browser: &Browser) -> Result<Self> {
        let told = browser.client().execute_async(MEASURE, Vec::new()).await;
        let told = told.context("the worker does not tell its memory")?;
        Ok(Self {
            resident: browser.tab_memory()?,
            ..serde_json::from_value(told)?
        })
    }

    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            page_heap: self.page_heap.max(other.page_heap),
            worker_wasm: self.worker_wasm.max(other.worker_wasm),
            resident: self.resident.max(other.resident),
        }
    }
}
