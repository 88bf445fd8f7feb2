//! The worker's end of the channel: what the page asks for becomes what the driver does.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use browser::Port;
use engine::{Attachment, Event, FileId, Selection};
use js_sys::Array;
use messages::{Action, Reason, Start, ToPage, ToWorker, Viewport};
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
    sign_out, thumbnails,
    user::User,
};

/// A page that is served. It stays until the page disconnects.
struct Connection {
    page: Page,
    start: Option<Start>,
    driver: Option<Rc<Driver>>,
    /// The rows on the screen, once the page shows its list.
    viewport: Option<Viewport>,
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
        start: None,
        driver: None,
        viewport: None,
        expected: None,
    }));
}

impl Connection {
    fn on_message(&mut self, message: ToWorker, along: &Array) {
        match message {
            ToWorker::Start(start) => {
                self.start = Some(start);
                self.start_for(User::Nobody);
            }
            ToWorker::SetViewport(viewport) => self.set_viewport(viewport),
            ToWorker::AccessToken(token) => self.set_access_token(token),
            other => self.on_request(other, along),
        }
    }

    /// What the user wants of the uploads that there are.
    fn on_request(&mut self, message: ToWorker, along: &Array) {
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
            ToWorker::Thumbnail(id) => thumbnails::request(driver, id),
            ToWorker::Online => driver.handle(Event::Online),
            ToWorker::Offline => driver.handle(Event::Offline),
            ToWorker::PageFocused => {
                driver.store.outage.retry();
                restore::look_elsewhere(driver);
            }
            ToWorker::CheckSetup => spawn_local(check_setup(Rc::downgrade(driver))),
            ToWorker::Start(_)
            | ToWorker::SetViewport(_)
            | ToWorker::AccessToken(_)
            | ToWorker::Disconnect => {}
        }
    }

    /// Starts with an empty list, on which only this user's uploads come. Those of another one are dropped as if the
    /// page were gone.
    fn start_for(&mut self, user: User) {
        let Some(start) = &self.start else { return };
        self.driver = Some(Driver::new(start, user, self.page.clone()));
        self.expected = None;
        if let Some(viewport) = self.viewport.take() {
            self.page.send(&ToPage::LeftOut(Vec::new()));
            self.set_viewport(viewport);
        }
    }

    /// What earlier pages left is brought back once the page shows its list: by then somebody has signed in, if that is
    /// needed.
    fn set_viewport(&mut self, viewport: Viewport) {
        let Some(driver) = &self.driver else { return };
        driver.set_viewport(viewport);
        if self.viewport.replace(viewport).is_none() {
            spawn_local(restore::start(Rc::downgrade(driver)));
        }
    }

    fn set_access_token(&mut self, token: Option<String>) {
        let Some(driver) = &self.driver else { return };
        if token.as_deref() == Some("") {
            spawn_local(sign_out::forget_user(Rc::downgrade(driver)));
            return;
        }
        let (before, user) = (driver.store.user(), token.as_deref().map(User::of_token));
        if let Some(user) = user.filter(|user| *user != before) {
            self.start_for(user);
        }
        if let Some(driver) = &self.driver {
            use_token(driver, token);
        }
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
    let note = |is_read| {
        with(&driver, |driver| {
            let batch = driver.intake.borrow_mut().batch(choice);
            driver.note_folder(batch, is_read);
        });
    };
    note(false);
    let left_out = folder::read(folder, |picked| {
        with(&driver, |driver| picked::add(driver, choice, picked, None));
    })
    .await;
    note(true);
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
fn use_token(driver: &Driver, token: Option<String>) {
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

#[cfg(test)]
mod tests {
    use engine::{Settings, UploadRecord};
    use futures_channel::{mpsc, oneshot};
    use messages::{Limits, Row};
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::{BroadcastChannel, MessageChannel};

    use super::*;
    use crate::{
        store::database::{Change, Database, RecordKey},
        user::tests::token_of,
    };

    /// A page that serves itself.
    struct TestPage {
        port: Port<ToWorker>,
        messages: mpsc::UnboundedReceiver<ToPage>,
    }

    impl TestPage {
        fn open() -> Self {
            Self::open_with(true)
        }

        fn open_with(resume: bool) -> Self {
            let channel = MessageChannel::new().expect("a channel");
            let (sender, messages) = mpsc::unbounded();
            let port = Port::new(channel.port1(), move |message: Option<ToPage>, _| {
                let _ = sender.unbounded_send(message.expect("a message"));
            });
            serve(channel.port2());
            let page = Self { port, messages };
            page.send(&ToWorker::Start(Start {
                api_url: "http://127.0.0.1:9".to_owned(),
                settings: Settings::default(),
                limits: Limits::default(),
                verdicts: false,
                resume,
                seed: 1,
            }));
            page
        }

        fn send(&self, message: &ToWorker) {
            self.port.send(message, []);
        }

        fn sign_in(&self, subject: &str) {
            self.send(&ToWorker::AccessToken(Some(token_of(subject))));
        }

        fn show_list(&self) {
            let count = 1000;
            self.send(&ToWorker::SetViewport(Viewport {
                count,
                ..Viewport::default()
            }));
        }

        /// The names on the list, once it has one that `is_awaited`.
        async fn names(&mut self, is_awaited: fn(&[String]) -> bool) -> Vec<String> {
            loop {
                let message = self.messages.recv().await.expect("a message");
                if let ToPage::Rows { rows, .. } = message {
                    let names: Vec<String> = rows.into_iter().map(|row: Row| row.name).collect();
                    if is_awaited(&names) {
                        return names;
                    }
                }
            }
        }
    }

    impl Drop for TestPage {
        fn drop(&mut self) {
            self.send(&ToWorker::Disconnect);
        }
    }

    /// Stores a record of a file that is named like its user, in a session of this name, as a page that is gone.
    async fn leave_record(session: &str, user: User, name: &str) {
        let record = UploadRecord {
            name: name.to_owned(),
            size: 5,
            media_type: String::new(),
            last_modified: 7,
            batch: None,
            copy: 0,
            has_ended: false,
            stored: None,
            manifest: None,
            object: None,
            multipart: None,
        };
        let key = RecordKey {
            session: session.to_owned(),
            number: 0,
        };
        let changes = [Change::Add(key, record)];
        let written = Database::of(user.id()).write(&changes).await;
        written.expect("room");
    }

    fn user(subject: &str) -> User {
        User::of_token(&token_of(subject))
    }

    #[wasm_bindgen_test]
    async fn each_user_is_shown_their_own_interrupted_uploads() {
        leave_record("of ann", user("ann"), "of ann").await;
        leave_record("of ben", user("ben"), "of ben").await;
        leave_record("of nobody", User::Nobody, "of nobody").await;
        for subject in ["ann", "ben", "ann"] {
            let mut page = TestPage::open();
            page.sign_in(subject);
            page.show_list();
            let names = page.names(|names| !names.is_empty()).await;
            assert_eq!(names, [format!("of {subject}")]);
        }
        let mut page = TestPage::open();
        page.show_list();
        let names = page
            .names(|names| names.iter().any(|name| name == "of nobody"))
            .await;
        assert!(
            !names.iter().any(|name| name == "of ann" || name == "of ben"),
            "{names:?}"
        );
    }

    #[wasm_bindgen_test]
    async fn another_user_on_the_same_page_gets_a_list_of_their_own() {
        leave_record("of cat", user("cat"), "of cat").await;
        leave_record("of dan", user("dan"), "of dan").await;
        let mut page = TestPage::open();
        page.sign_in("cat");
        page.show_list();
        for (subject, name) in [("cat", "of cat"), ("dan", "of dan"), ("cat", "of cat")] {
            page.sign_in(subject);
            let names = page.names(|names| !names.is_empty()).await;
            assert_eq!(names, [name]);
            // The list of another one starts empty.
            page.sign_in("eve");
            page.names(<[String]>::is_empty).await;
        }
    }

    #[wasm_bindgen_test]
    async fn without_resuming_nothing_comes_back_and_nothing_stays() {
        leave_record("of hal", user("hal"), "of hal").await;
        leave_record("of all", User::Nobody, "of all").await;
        let mut page = TestPage::open_with(false);
        page.show_list();
        let kept = async || Database::default().load(0.0).await.expect("what is stored");
        while kept()
            .await
            .keys()
            .any(|session| ["of hal", "of all"].contains(&session.as_str()))
        {}
        let names = vec!["new.txt".to_owned()];
        let file = File::new_with_blob_sequence(&Array::new(), "new.txt").expect("a file");
        page.port
            .send(&ToWorker::AddFiles { choice: 1, names }, [file.into()]);
        assert_eq!(page.names(|names| !names.is_empty()).await, ["new.txt"]);
    }

    #[wasm_bindgen_test]
    async fn signing_out_removes_what_is_kept_of_the_user_alone() {
        leave_record("of fay", user("fay"), "of fay").await;
        leave_record("of gus", user("gus"), "of gus").await;
        let mut page = TestPage::open();
        page.sign_in("fay");
        page.show_list();
        page.names(|names| names == ["of fay"]).await;
        let channel = BroadcastChannel::new(browser::SIGNED_OUT_CHANNEL).expect("a channel");
        let (sender, forgotten) = oneshot::channel();
        let sender = RefCell::new(Some(sender));
        let listener = browser::Listener::new(&channel, "message", move |_| {
            let _ = sender.take().map(|sender| sender.send(()));
        });
        page.send(&ToWorker::AccessToken(Some(String::new())));
        forgotten.await.expect("a report");
        drop(listener);
        page.names(<[String]>::is_empty).await;
        let sessions = Database::default().load(0.0).await.expect("what is stored");
        assert!(!sessions.contains_key("of fay"));
        assert!(sessions.contains_key("of gus"));
    }
}
