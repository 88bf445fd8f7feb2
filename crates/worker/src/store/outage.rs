//! A time in which the browser stores nothing.

use std::{cell::RefCell, rc::Rc, time::Duration};

use browser::Timer;
use js_sys::{Function, Promise};
use messages::ToPage;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::page::Page;

/// How long until the storage is tried again. Where the browser never stores anything, more would be wasted.
const RETRY: Duration = Duration::from_secs(30);

/// Knows whether the storage works, and tells the page.
pub(crate) struct Outage {
    page: Page,
    /// Set during an outage.
    retry: Rc<RefCell<Option<Retry>>>,
}

#[derive(Default)]
struct Retry {
    /// What continues whatever waits for the storage.
    waiting: Vec<Function>,
    timer: Option<Timer>,
}

impl Outage {
    pub(super) fn new(page: Page) -> Self {
        Self {
            page,
            retry: Rc::default(),
        }
    }

    /// The storage does not work: everything works except what needs it. The future is done once it is worth
    /// another try.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + use<> {
        let is_new = self.retry.borrow().is_none();
        if is_new {
            self.page.send(&ToPage::StorageAvailable(false));
        }
        let again = Rc::downgrade(&self.retry);
        let timer = Timer::after(RETRY, move || {
            if let Some(retry) = again.upgrade() {
                continue_all(&retry);
            }
        });
        let promise = Promise::new(&mut |resolve, _| {
            let mut retry = self.retry.borrow_mut();
            retry.get_or_insert_default().waiting.push(resolve);
        });
        if let Some(retry) = &mut *self.retry.borrow_mut() {
            retry.timer = Some(timer);
        }
        async move {
            let _ = JsFuture::from(promise).await;
        }
    }

    /// Whether the storage does not work.
    pub(crate) fn is_on(&self) -> bool {
        self.retry.borrow().is_some()
    }

    /// The user came back to the page, after which a storage that was lost often works again.
    pub(crate) fn retry(&self) {
        continue_all(&self.retry);
    }

    /// The storage works.
    pub(crate) fn end(&self) {
        if self.retry.take().is_some() {
            self.page.send(&ToPage::StorageAvailable(true));
        }
    }
}

fn continue_all(retry: &RefCell<Option<Retry>>) {
    let waiting = retry
        .borrow_mut()
        .as_mut()
        .map(|retry| std::mem::take(&mut retry.waiting));
    for resolve in waiting.unwrap_or_default() {
        let _ = resolve.call0(&JsValue::UNDEFINED);
    }
}
