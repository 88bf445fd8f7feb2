//! The clock, and how it notices that the machine slept.

use std::{cell::Cell, future::poll_fn, pin::pin, task::Poll, time::Duration};

use js_sys::Promise;
use wasm_bindgen::UnwrapThrowExt;
use wasm_bindgen_futures::JsFuture;

/// The monotonic clock of this context (W3C High Resolution Time), and the wall clock beside it. Some
/// platforms stop the former while the machine sleeps.
pub(crate) struct Clock {
    performance: web_sys::Performance,
    /// How far the wall clock was ahead when it was last compared, in milliseconds.
    lead: Cell<f64>,
}

impl Clock {
    /// If the wall clock gains more than this, it was not adjusted: the machine slept.
    const SLEEP_MILLISECONDS: f64 = 10_000.0;

    pub(crate) fn new() -> Self {
        let performance = browser::global()
            .performance()
            .expect_throw("windows and workers have a clock");
        let lead = Cell::new(js_sys::Date::now() - performance.now());
        Self { performance, lead }
    }

    /// The time since this context was created.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_secs_f64(self.performance.now() / 1000.0)
    }

    /// Whether the machine has slept since the last call.
    pub(crate) fn has_slept(&self) -> bool {
        let lead = js_sys::Date::now() - self.performance.now();
        let gained = lead - self.lead.replace(lead);
        gained > Self::SLEEP_MILLISECONDS
    }
}

/// Waits for this long.
pub(crate) async fn sleep(time: Duration) {
    let milliseconds = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    let passed = Promise::new(&mut |resolve, reject| {
        let global = browser::global();
        let set = global.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
        if let Err(error) = set {
            let _ = reject.call1(&error, &error);
        }
    });
    let _ = JsFuture::from(passed).await;
}

/// The output of a future, or `None` if that takes longer.
pub(crate) async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut passed) = (pin!(future), pin!(sleep(time)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => passed.as_mut().poll(context).map(|()| None),
    })
    .await
}
