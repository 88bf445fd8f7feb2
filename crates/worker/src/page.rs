//! The page at the other end of the channel.

use std::rc::Rc;

use browser::Port;
use messages::ToPage;
use wasm_bindgen::JsValue;

use crate::effects::handle::FileHandle;

/// Sends messages to the page.
#[derive(Clone)]
pub(crate) struct Page {
    port: Rc<Port<ToPage>>,
}

impl Page {
    pub(crate) fn new(port: Port<ToPage>) -> Self {
        Self { port: Rc::new(port) }
    }

    pub(crate) fn send(&self, message: &ToPage) {
        self.port.send(message, []);
    }

    /// Sends a message, and along with it the handle of each file, or `undefined`.
    pub(crate) fn send_with_handles(&self, message: &ToPage, handles: Vec<Option<FileHandle>>) {
        let handles = handles
            .into_iter()
            .map(|handle| handle.map_or(JsValue::UNDEFINED, Into::into));
        self.port.send(message, handles);
    }

    /// Sends a message, and moves a picture to the page along with it.
    pub(crate) fn send_with_picture(&self, message: &ToPage, picture: &JsValue) {
        self.port.send_moving(message, picture);
    }
}
