//! Typed messages over a `MessagePort` (WHATWG HTML, channel messaging).
//!
//! A message is an array: first the bytes of the Rust value in postcard's format, then what has no bytes in
//! Rust, such as files. That is smaller and faster than an object with fields.

use std::marker::PhantomData;

use js_sys::{Array, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, MessageEvent, MessagePort};

use crate::Listener;

/// One end of a channel, on which values of the type `Sent` are sent. Dropping it closes it.
pub struct Port<Sent> {
    port: MessagePort,
    _listener: Listener,
    sent: PhantomData<fn(Sent)>,
}

impl<Sent: Serialize> Port<Sent> {
    /// Listens on a port. `on_message` receives each message with what was sent along, or `None` for a message
    /// that cannot be read, for example after an update of only one side.
    pub fn new<Received: DeserializeOwned>(
        port: MessagePort,
        mut on_message: impl FnMut(Option<Received>, &Array) + 'static,
    ) -> Self {
        let listener = Listener::new(&port, "message", move |event: Event| {
            let data = event
                .dyn_ref::<MessageEvent>()
                .map_or(JsValue::UNDEFINED, MessageEvent::data);
            let message = Array::from(&data);
            let bytes = Uint8Array::new(&message.shift()).to_vec();
            on_message(postcard::from_bytes(&bytes).ok(), &message);
        });
        port.start();
        Self {
            port,
            _listener: listener,
            sent: PhantomData,
        }
    }

    /// Sends a message, and copies of the values along with it.
    pub fn send(&self, message: &Sent, along: impl IntoIterator<Item = JsValue>) {
        let _ = self.port.post_message(&pack(message, along));
    }

    /// Sends a message, and moves a value to the other side along with it.
    pub fn send_moving(&self, message: &Sent, moved: &JsValue) {
        let message = pack(message, [moved.clone()]);
        let _ = self
            .port
            .post_message_with_transferable(&message, &Array::of1(moved));
    }
}

fn pack(message: &impl Serialize, along: impl IntoIterator<Item = JsValue>) -> Array {
    // Only a sequence of unknown length cannot be written, and no message has one.
    let bytes = postcard::to_allocvec(message).unwrap_or_default();
    let mut packed = Array::of1(&Uint8Array::from(bytes.as_slice()));
    packed.extend(along);
    packed
}

impl<Sent> Drop for Port<Sent> {
    fn drop(&mut self) {
        self.port.close();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use js_sys::Promise;
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::MessageChannel;

    use super::*;

    #[wasm_bindgen_test]
    async fn a_value_arrives_with_what_was_sent_along_and_others_are_none() {
        let channel = MessageChannel::new().expect("a channel");
        let received = Rc::new(RefCell::new(Vec::<Option<(u64, String)>>::new()));
        let sender = Port::<(u64, String)>::new(channel.port1(), |_: Option<()>, _| {});
        let receiving = Rc::clone(&received);
        let mut resolve_last = None;
        let last = Promise::new(&mut |resolve, _| resolve_last = Some(resolve));
        let receiver = Port::<()>::new(channel.port2(), move |message, along| {
            receiving.borrow_mut().push(message);
            if along.get(0) == "last" {
                let resolve = resolve_last.as_ref().expect("a promise");
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }
        });
        let message = (u64::MAX, "مرحبا 🎉".to_owned());
        sender.send(&message, []);
        let _ = sender.port.post_message(&"something else".into());
        sender.send(&message, ["last".into()]);
        JsFuture::from(last).await.expect("all arrive");
        assert_eq!(*received.borrow(), [Some(message.clone()), None, Some(message)]);
        drop(receiver);
    }
}
