//! Ownership of a request in flight.

/// A request in flight. Dropping it ends the request, of which nothing more is reported.
pub(crate) struct InFlight {
    stop: Option<Box<dyn FnOnce()>>,
}

impl InFlight {
    /// Wraps what ends the request and drops everything that it needed.
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
