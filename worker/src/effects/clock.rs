//! The page's clock, and how it notices that the machine slept.

use std::time::Duration;

use wasm_bindgen::UnwrapThrowExt;

/// The monotonic clock of the page (W3C High Resolution Time) beside the wall clock. Some platforms
/// stop the former while the machine sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    performance: web_sys::Performance,
    /// How far the wall clock was ahead of the page's, in milliseconds.
    lead: f64,
}

impl Clock {
    /// A wall clock that runs ahead by more than this has not been adjusted: the machine slept.
    const SLEEP_MILLISECONDS: f64 = 10_000.0;

    pub(crate) fn new() -> Self {
        let performance = browser::global()
            .performance()
            .expect_throw("windows and workers have a clock");
        let lead = js_sys::Date::now() - performance.now();
        Self { performance, lead }
    }

    /// The time since the page began to load.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_secs_f64(self.performance.now() / 1000.0)
    }

    /// Whether the machine slept since this was last asked.
    pub(crate) fn slept(&mut self) -> bool {
        let lead = js_sys::Date::now() - self.performance.now();
        let grown = lead - self.lead;
        self.lead = lead;
        grown > Self::SLEEP_MILLISECONDS
    }
}
