//! Ownership of a request: dropping it ends the request.

/// A request under way. Dropping it ends the request, and nothing more is heard of it.
pub(crate) struct InFlight {
    stop: Option<Box<dyn FnOnce()>>,
}

impl InFlight {
    /// Wraps what ends the request and lets go of all that it needed.
    pub(crate) fn new(stop: impl FnOnce() + 'static) -> Self {
        Self {
            stop: Some(Box::new(stop)),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}
