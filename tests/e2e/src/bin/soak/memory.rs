//! How much memory the page, its worker and its process have.

use anyhow::{Context, Result};
use e2e::Browser;
use serde::Serialize;

const PAGE_HEAP: &str = "return performance.memory.usedJSHeapSize;";

/// Bytes at one moment, or the most of several moments.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Memory {
    /// The JavaScript heap of the page.
    pub(crate) page_heap: u64,
    /// The linear memory of the worker's WebAssembly.
    pub(crate) worker_wasm: u64,
    /// The resident memory of the tab's process.
    pub(crate) resident: u64,
}

impl Memory {
    pub(crate) async fn measure(browser: &Browser) -> Result<Self> {
        let heap = browser.client().execute(PAGE_HEAP, Vec::new()).await?;
        Ok(Self {
            page_heap: heap.as_u64().context("a size")?,
            worker_wasm: browser.worker_memory().await?,
            resident: browser.tab_memory()?,
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
