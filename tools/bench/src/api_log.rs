//! The log of the local API Gateway: one line per request.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// How the lines of the API start; those of S3 start differently.
const API: &str = "API ";

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Records the lines of this process from now on.
pub(crate) fn keep() {
    let own = Targets::new().with_target("local", LevelFilter::INFO);
    tracing_subscriber::registry().with(Keep.with_filter(own)).init();
}

/// Removes all lines.
pub(crate) fn forget() {
    lines().clear();
}

/// The requests since then, each as `METHOD /path STATUS TIME`.
pub(crate) fn requests() -> Vec<String> {
    lines().clone()
}

fn lines() -> MutexGuard<'static, Vec<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        if let Some(request) = message.0.strip_prefix(API) {
            lines().push(request.to_owned());
        }
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
