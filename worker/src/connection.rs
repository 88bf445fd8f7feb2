//! The page's end of the conversation: what it says becomes what the driver does.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use browser::Port;
use engine::{Attachment, Event, FileId, Selection};
use js_sys::Array;
use messages::{Action, ToPage, ToWorker};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, MessagePort};

use crate::{
    driver::{Driver, Told},
    effects::{files, handle::FileHandle, thumbnail},
    restore,
};

/// Whoever listens to the page. It keeps itself alive until the page says that it ends.
struct Connection {
    port: Rc<RefCell<Option<Port<ToPage>>>>,
    driver: Option<Rc<Driver>>,
}

/// Serves the page at the other end of a channel.
pub(crate) fn serve(port: MessagePort) {
    let connection = Rc::new(RefCell::new(Some(Connection {
        port: Rc::default(),
        driver: None,
    })));
    let heard = Rc::clone(&connection);
    let port = Port::new(port, move |message, along| {
        // What is none of ours is dropped: the page that sent it is of another version, and says so.
        let Some(message) = message else { return };
        if message == ToWorker::End {
            let ended = heard.borrow_mut().take();
            // The port must outlive the call of its own listener.
            spawn_local(async move { drop(ended) });
        } else if let Some(connection) = heard.borrow_mut().as_mut() {
            connection.hear(message, along);
        }
    });
    if let Some(connection) = connection.borrow().as_ref() {
        *connection.port.borrow_mut() = Some(port);
    }
}

impl Connection {
    fn hear(&mut self, message: ToWorker, along: &Array) {
        if let ToWorker::Start(start) = message {
            let port = Rc::clone(&self.port);
            let tell = move |told: Told| {
                if let Some(port) = port.borrow().as_ref() {
                    send(port, told);
                }
            };
            self.driver = Some(Driver::new(&start, tell));
        } else if let Some(driver) = &self.driver {
            hear(driver, message, along);
        }
    }
}

fn send(port: &Port<ToPage>, told: Told) {
    match told {
        Told::Message(message) => port.send(&message, []),
        Told::Wanted(message, handles) => {
            let along = handles
                .into_iter()
                .map(|handle| handle.map_or(JsValue::UNDEFINED, Into::into));
            port.send(&message, along);
        }
        Told::Picture(message, picture) => port.send_moving(&message, &picture),
    }
}

fn hear(driver: &Rc<Driver>, message: ToWorker, along: &Array) {
    match message {
        ToWorker::Add { names } => add(driver, &names, along),
        ToWorker::Act(action, selection) => act(driver, action, selection),
        ToWorker::Await(id) => driver.await_file(id),
        ToWorker::Attach(id) => {
            if let Ok(file) = along.get(0).dyn_into::<File>() {
                let description = files::describe(&file, file.name());
                driver.attach(id, file, description, Attachment::Handle);
            }
        }
        ToWorker::Show(window) => driver.show(window),
        ToWorker::Thumbnail(id) => spawn_local(picture(Rc::downgrade(driver), id)),
        ToWorker::Network(true) => driver.tell(Event::Online),
        ToWorker::Network(false) => driver.tell(Event::Offline),
        ToWorker::LookedAt => restore::look_elsewhere(driver),
        ToWorker::CheckSetup => driver.check_setup(),
        ToWorker::AccessToken(token) => driver.set_access_token(token),
        ToWorker::Start(_) | ToWorker::End => {}
    }
}

fn add(driver: &Rc<Driver>, names: &[String], along: &Array) {
    let picked = names.iter().zip(0..).filter_map(|(name, index)| {
        let file: File = along.get(index).dyn_into().ok()?;
        let handle = along.get(index + names.len() as u32);
        let handle: Option<FileHandle> = (!handle.is_undefined()).then(|| handle.unchecked_into());
        Some((files::describe(&file, name.clone()), file, handle))
    });
    driver.add(picked.collect());
}

fn act(driver: &Rc<Driver>, action: Action, selection: Selection) {
    let event = match action {
        Action::Pause => Event::Pause(selection),
        Action::Resume => {
            restore::resume(driver, selection);
            Event::Resume(selection)
        }
        Action::Cancel => Event::Cancel(selection),
        Action::Retry => Event::Retry(selection),
        Action::Remove => Event::Remove(selection),
    };
    driver.tell(event);
}

async fn picture(driver: Weak<Driver>, id: FileId) {
    let file = driver.upgrade().and_then(|driver| driver.file(id));
    let Some(file) = file else { return };
    if let Some(picture) = thumbnail::of(&file).await
        && let Some(driver) = driver.upgrade()
    {
        driver.say(Told::Picture(ToPage::Thumbnail(id), picture));
    }
}
