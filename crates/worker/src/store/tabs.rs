//! Other tabs: this one tells them when what is kept has changed, and hears it from them.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    time::Duration,
};

use browser::{Listener, Timer};
use wasm_bindgen::JsValue;
use web_sys::BroadcastChannel;

/// Nothing is said on it but that there is news: the database has what the news is.
const CHANNEL: &str = "slipway-records";

/// How long news is collected, since each look reads all that is kept.
const COLLECTING: Duration = Duration::from_secs(1);

/// The way to the other tabs of this origin, until it is dropped.
pub(crate) struct Tabs {
    channel: BroadcastChannel,
    _listener: Listener,
}

impl Tabs {
    /// Calls `on_news` soon after other tabs have changed what is kept. `None` where the browser has no such channels:
    /// then a tab looks when its user comes back to it.
    pub(crate) fn open(on_news: impl Fn() + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(CHANNEL).ok()?;
        let due = Rc::new(Due {
            on_news: Box::new(on_news),
            timer: RefCell::default(),
        });
        let listener = Listener::new(&channel, "message", move |_| due.schedule());
        Some(Self {
            channel,
            _listener: listener,
        })
    }

    /// Tells the other tabs that there is news.
    pub(crate) fn announce(&self) {
        // A channel that is closed has nobody to tell.
        let _ = self.channel.post_message(&JsValue::TRUE);
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        self.channel.close();
    }
}

/// News that is being collected.
struct Due {
    on_news: Box<dyn Fn()>,
    timer: RefCell<Option<Timer>>,
}

impl Due {
    fn schedule(self: &Rc<Self>) {
        let mut timer = self.timer.borrow_mut();
        let due: Weak<Self> = Rc::downgrade(self);
        timer.get_or_insert_with(|| {
            Timer::after(COLLECTING, move || {
                if let Some(due) = due.upgrade() {
                    due.timer.take();
                    (due.on_news)();
                }
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_channel::mpsc;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn news_reaches_the_other_tab_once_and_not_its_own() {
        let (sender, mut announced) = mpsc::unbounded();
        let open = |name: &'static str| {
            let sender = sender.clone();
            Tabs::open(move || drop(sender.unbounded_send(name))).expect("a channel")
        };
        let (first, second) = (open("first"), open("second"));
        first.announce();
        first.announce();
        assert_eq!(announced.recv().await, Ok("second"));
        second.announce();
        assert_eq!(
            announced.recv().await,
            Ok("first"),
            "the first announced twice, and once is enough"
        );
    }
}
