//! The worker's end of the channel: what the page asks for becomes what the driver does.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use browser::Port;
use engine::{Attachment, Event, FileId, Selection};
use js_sys::Array;
use messages::{Action, Reason, Start, ToPage, ToWorker};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, MessagePort};

use crate::{
    driver::{Driver, with},
    effects::{description, folder, handle::FileHandle},
    page::Page,
    picked::{self, Picked},
    restore,
    setup_check::{self, BrowserNetwork},
    thumbnails,
};

/// A page that is served. It stays until the page disconnects.
struct Connection {
    page: Page,
    driver: Option<Rc<Driver>>,
    /// The interrupted upload that the next picked file is for.
    expected: Option<FileId>,
}

/// Serves the page at the other end of a channel.
pub(crate) fn serve(port: MessagePort) {
    let connection = Rc::<RefCell<Option<Connection>>>::default();
    let served = Rc::clone(&connection);
    let port = Port::new(port, move |message, along| {
        // A message that cannot be read is dropped: the page that sent it has another version, and says so.
        let Some(message) = message else { return };
        if message == ToWorker::Disconnect {
            let ended = served.borrow_mut().take();
            // The port must outlive the call of its own listener.
            spawn_local(async move { drop(ended) });
        } else if let Some(connection) = served.borrow_mut().as_mut() {
            connection.on_message(message, along);
        }
    });
    connection.replace(Some(Connection {
        page: Page::new(port),
        driver: None,
        expected: None,
    }));
}

impl Connection {
    fn on_message(&mut self, message: ToWorker, along: &Array) {
        if let ToWorker::Start(start) = message {
            self.start(&start);
            return;
        }
        let Some(driver) = &self.driver else { return };
        match message {
            ToWorker::ForgetLeftOut => driver.intake.borrow_mut().forget_left_out(),
            ToWorker::AddFiles { choice, names } => {
                let (picked, folders) = picked_files(&names, along);
                picked::add(driver, choice, picked, self.expected.take());
                for folder in folders {
                    spawn_local(add_folder(Rc::downgrade(driver), choice, folder));
                }
            }
            ToWorker::LeftOut(left_out) => leave_out(driver, left_out),
            ToWorker::AddClutter => picked::add_clutter(driver),
            ToWorker::UserAction(action, selection) => act(driver, action, selection),
            ToWorker::ExpectFileFor(id) => self.expected = id,
            ToWorker::Attach(id) => attach(driver, id, along),
            ToWorker::SetViewport(viewport) => driver.set_viewport(viewport),
            ToWorker::Thumbnail(id) => thumbnails::request(driver, id),
            ToWorker::Online => driver.handle(Event::Online),
            ToWorker::Offline => driver.handle(Event::Offline),
            ToWorker::PageFocused => {
                driver.store.outage.retry();
                restore::look_elsewhere(driver);
            }
            ToWorker::CheckSetup => spawn_local(check_setup(Rc::downgrade(driver))),
            ToWorker::AccessToken(token) => set_access_token(driver, token),
            ToWorker::Start(_) | ToWorker::Disconnect => {}
        }
    }

    fn start(&mut self, start: &Start) {
        let driver = Driver::new(start, self.page.clone());
        spawn_local(restore::start(Rc::downgrade(&driver)));
        self.driver = Some(driver);
    }
}

/// The files that were sent along, and the handles of folders.
fn picked_files(names: &[String], along: &Array) -> (Vec<Picked>, Vec<FileHandle>) {
    let (mut picked, mut folders) = (Vec::new(), Vec::new());
    for (name, index) in names.iter().zip(0..) {
        let handle = along.get(index + names.len() as u32);
        let handle: Option<FileHandle> = (!handle.is_undefined()).then(|| handle.unchecked_into());
        if let Some(folder) = handle.as_ref().filter(|handle| handle.is_folder()) {
            folders.push(folder.clone());
        } else if let Ok(file) = along.get(index).dyn_into::<File>() {
            picked.push(Picked {
                description: description::of(&file, name.clone()),
                file,
                handle,
            });
        }
    }
    (picked, folders)
}

/// Adds what is in a folder, as it is read.
async fn add_folder(driver: Weak<Driver>, choice: u32, folder: FileHandle) {
    let left_out = folder::read(folder, |picked| {
        with(&driver, |driver| picked::add(driver, choice, picked, None));
    })
    .await;
    with(&driver, |driver| leave_out(driver, left_out));
}

fn leave_out(driver: &Driver, left_out: Vec<(Reason, String)>) {
    for (reason, name) in left_out {
        driver.intake.borrow_mut().leave_out(reason, name);
    }
    driver.report_left_out();
}

fn act(driver: &Driver, action: Action, selection: Selection) {
    driver.handle(match action {
        Action::Pause => Event::Pause(selection),
        Action::Resume => {
            restore::request_files(driver, selection);
            Event::Resume(selection)
        }
        Action::Cancel => Event::Cancel(selection),
        Action::Retry => Event::Retry(selection),
        Action::Remove => Event::Remove(selection),
    });
}

fn attach(driver: &Driver, id: FileId, along: &Array) {
    if let Ok(file) = along.get(0).dyn_into::<File>() {
        let picked = Picked {
            description: description::of(&file, file.name()),
            file,
            handle: driver.store.handle(id),
        };
        picked::attach(driver, id, picked, Attachment::Handle);
    }
}

/// With a new token, whatever waits for the API continues at once.
fn set_access_token(driver: &Driver, token: Option<String>) {
    let is_signed_in = token.is_some();
    driver.api.set_access_token(token);
    if is_signed_in {
        driver.handle(Event::SignedIn);
    }
}

async fn check_setup(driver: Weak<Driver>) {
    let network = driver.upgrade().map(|driver| BrowserNetwork {
        api: Rc::clone(&driver.api),
        has_second_endpoint: driver.query(|engine| engine.settings().second_endpoint),
    });
    let Some(network) = network else { return };
    let findings = setup_check::check(&network).await;
    with(&driver, |driver| {
        driver.page.send(&ToPage::SetupChecked(findings));
    });
}
