//! What the user asks for while what earlier pages left is brought back: the files that are added may be the same ones.

use std::{mem, time::Duration};

use browser::Timer;
use js_sys::Array;
use messages::ToWorker;

/// How long requests wait for what earlier pages left: a browser's storage may not answer at all.
const PATIENCE: Duration = Duration::from_secs(3);

/// A request, and what was sent along.
pub(crate) type Request = (ToWorker, Array);

/// The requests that wait, in the order in which they came.
#[derive(Default)]
pub(crate) struct Waiting {
    /// How many times records are being brought back at the moment.
    restores: u32,
    requests: Vec<Request>,
    /// Ends the wait; set as long as anything waits.
    patience: Option<Timer>,
}

impl Waiting {
    /// Records are about to be brought back.
    pub(crate) const fn begin(&mut self) {
        self.restores += 1;
    }

    /// Whether records are being brought back.
    pub(crate) const fn is_on(&self) -> bool {
        self.restores > 0
    }

    /// Keeps a request. `on_lost_patience` is called once that is too long, unless the wait has ended by then.
    pub(crate) fn push(&mut self, request: Request, on_lost_patience: impl FnOnce() + 'static) {
        self.requests.push(request);
        if self.patience.is_none() {
            self.patience = Some(Timer::after(PATIENCE, on_lost_patience));
        }
    }

    /// Records have been brought back. Returns the requests that need not wait any more.
    pub(crate) fn end(&mut self) -> Vec<Request> {
        self.restores = self.restores.saturating_sub(1);
        if self.is_on() {
            return Vec::new();
        }
        self.give_up()
    }

    /// Waits no longer. Returns the requests that have waited.
    pub(crate) fn give_up(&mut self) -> Vec<Request> {
        mem::take(self).requests
    }

    /// Drops the requests that wait: whoever made them has signed out, or somebody else has signed in.
    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }
}
