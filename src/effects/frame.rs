//! The next animation frame.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::{JsCast, UnwrapThrowExt, closure::Closure};

/// Calls one function at the next animation frame, however often it is asked to before that. Hidden
/// tabs have no frames, so nothing but what is shown may depend on it.
#[derive(Clone)]
pub(crate) struct Frame {
    requested: Rc<RefCell<Option<i32>>>,
    closure: Rc<Closure<dyn FnMut()>>,
}

impl Frame {
    pub(crate) fn new(mut draw: impl FnMut() + 'static) -> Self {
        let requested = Rc::new(RefCell::new(None));
        let in_frame = Rc::clone(&requested);
        let closure = Closure::new(move || {
            in_frame.borrow_mut().take();
            draw();
        });
        Self {
            requested,
            closure: Rc::new(closure),
        }
    }

    pub(crate) fn request(&self) {
        let mut requested = self.requested.borrow_mut();
        if requested.is_none() {
            let function = self.closure.as_ref().as_ref().unchecked_ref();
            *requested = web_sys::window()
                .expect_throw("the page has a window")
                .request_animation_frame(function)
                .ok();
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let is_last = Rc::strong_count(&self.closure) == 1;
        if is_last
            && let (Some(handle), Some(window)) = (self.requested.borrow_mut().take(), web_sys::window())
        {
            let _ = window.cancel_animation_frame(handle);
        }
    }
}
