//! One timer.

use std::time::Duration;

use wasm_bindgen::{JsCast, UnwrapThrowExt, closure::Closure};

use crate::global;

/// A timer that fires once, unless it is dropped before.
#[derive(Debug)]
pub struct Timer {
    handle: i32,
    _closure: Closure<dyn FnMut()>,
}

impl Timer {
    /// Calls `fire` after `delay` (WHATWG HTML, `setTimeout`); in a hidden tab possibly later.
    pub fn after(delay: Duration, fire: impl FnOnce() + 'static) -> Self {
        /// `setTimeout` treats a longer delay as none.
        const MAX_MILLISECONDS: u128 = i32::MAX as u128;
        // Rounded up, since a timer that fires early would only have to be set again.
        let milliseconds = delay.as_micros().div_ceil(1000).min(MAX_MILLISECONDS) as i32;
        let closure = Closure::once(fire);
        let handle = global()
            .set_timeout_with_callback_and_timeout_and_arguments_0(
                closure.as_ref().unchecked_ref(),
                milliseconds,
            )
            .expect_throw("a timer can be set");
        Self {
            handle,
            _closure: closure,
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        global().clear_timeout_with_handle(self.handle);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use js_sys::Promise;
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn a_timer_fires_once_and_a_dropped_one_never() {
        let fired = Rc::new(RefCell::new(Vec::new()));
        let push = |name: &'static str| {
            let fired = Rc::clone(&fired);
            move || fired.borrow_mut().push(name)
        };
        let dropped = Timer::after(Duration::ZERO, push("dropped"));
        let _kept = Timer::after(Duration::from_millis(1), push("kept"));
        drop(dropped);
        let mut last = None;
        let promise = Promise::new(&mut |resolve, _| {
            last = Some(Timer::after(Duration::from_millis(5), move || {
                let _ = resolve.call0(&wasm_bindgen::JsValue::UNDEFINED);
            }));
        });
        JsFuture::from(promise).await.expect("the last timer fires");
        assert_eq!(*fired.borrow(), ["kept"]);
    }
}
