//! The worker's end of the channel: what the page asks for becomes what the driver does.

use std::{
    cell::RefCell,
    collections::HashSet,
    ops::ControlFlow,
    rc::{Rc, Weak},
};

use browser::Port;
use engine::{Attachment, Engine, ErrorKind, Event, FileId, FileStatus, Selection};
use js_sys::{Array, JSON};
use messages::{Action, Reason, Start, ToPage, ToWorker, Viewport};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, MessagePort};
use wire::{BatchId, Fields};

use crate::{
    driver::{Driver, with},
    effects::{description, folder, handle::FileHandle},
    link,
    page::Page,
    picked::{self, Picked},
    receipt::{self, Kind},
    restore,
    setup_check::{self, BrowserNetwork},
    sign_out, thumbnails,
    user::User,
    waiting::{Request, Waiting},
};

/// A page that is served. It stays until the page disconnects.
struct Connection {
    /// Where this connection is for as long as its page is there.
    place: Weak<RefCell<Option<Self>>>,
    page: Page,
    start: Option<Start>,
    driver: Option<Rc<Driver>>,
    /// The rows on the screen, once the page shows its list.
    viewport: Option<Viewport>,
    /// The interrupted upload that the next picked file is for.
    expected: Option<FileId>,
    /// The files that a new token has had tried again.
    tried_again: HashSet<FileId>,
    waiting: Waiting,
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
    let place = Rc::downgrade(&connection);
    connection.replace(Some(Connection {
        place,
        page: Page::new(port),
        start: None,
        driver: None,
        viewport: None,
        expected: None,
        tried_again: HashSet::new(),
        waiting: Waiting::default(),
    }));
}

impl Connection {
    fn on_message(&mut self, message: ToWorker, along: &Array) {
        match message {
            ToWorker::Start(start) if start.link.is_some() => {
                spawn_local(open_link(self.place.clone(), start));
            }
            ToWorker::Start(start) => {
                self.start = Some(start);
                self.start_for(User::Nobody);
            }
            ToWorker::SetViewport(viewport) => self.set_viewport(viewport),
            ToWorker::AccessToken(token) => self.set_access_token(token),
            ToWorker::Thumbnail(_)
            | ToWorker::Online
            | ToWorker::Offline
            | ToWorker::PageFocused
            | ToWorker::CheckSetup => self.on_request(message, along),
            // Some of these add files, and the others keep their place among them.
            request => self.once_restored(request, along),
        }
    }

    /// Does this once what earlier pages left is on the list.
    fn once_restored(&mut self, request: ToWorker, along: &Array) {
        if self.viewport.is_some() && !self.waiting.is_on() {
            self.on_request(request, along);
            return;
        }
        let place = self.place.clone();
        self.waiting.push((request, along.clone()), move || {
            with_connection(&place, |connection| {
                let requests = connection.waiting.give_up();
                connection.on_requests(requests);
            });
        });
    }

    fn on_requests(&mut self, requests: Vec<Request>) {
        for (request, along) in requests {
            self.on_request(request, &along);
        }
    }

    /// Brings back what earlier pages left.
    fn restore(&mut self, restored: impl Future<Output = ()> + 'static) {
        self.waiting.begin();
        let place = self.place.clone();
        spawn_local(async move {
            restored.await;
            with_connection(&place, |connection| {
                let requests = connection.waiting.end();
                connection.on_requests(requests);
            });
        });
    }

    /// With a link that is valid, the page starts.
    fn on_link(&mut self, start: &Start, terms: Result<wire::LinkTerms, ErrorKind>) {
        let mut start = start.clone();
        let message = match terms {
            Ok(terms) => {
                let terms = link::bind(&mut start, terms);
                let user = User::of_link(start.link.as_deref().unwrap_or_default());
                self.start = Some(start);
                self.start_for(user);
                ToPage::LinkOpened(terms)
            }
            Err(kind) => ToPage::LinkRefused(kind),
        };
        self.page.send(&message);
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
            ToWorker::Answers(choice) => {
                let batch = driver.intake.borrow_mut().batch(choice);
                driver.set_fields(batch, fields(along));
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
        self.tried_again.clear();
        if let Some(viewport) = self.viewport.take() {
            self.page.send(&ToPage::LeftOut(Vec::new()));
            self.page.send(&ToPage::AnswersKept("null".to_owned()));
            self.set_viewport(viewport);
        }
    }

    /// What earlier pages left is brought back once the page shows its list: by then somebody has signed in, if that is
    /// needed.
    fn set_viewport(&mut self, viewport: Viewport) {
        let Some(driver) = &self.driver else { return };
        driver.set_viewport(viewport);
        if self.viewport.replace(viewport).is_none() {
            let restored = restore::start(Rc::downgrade(driver));
            self.restore(restored);
        }
    }

    fn set_access_token(&mut self, token: Option<String>) {
        let Some(driver) = &self.driver else { return };
        if token.as_deref() == Some("") {
            self.waiting.clear();
            spawn_local(sign_out::forget_user(Rc::downgrade(driver)));
            return;
        }
        let (before, user) = (driver.store.user(), token.as_deref().map(User::of_token));
        match user.filter(|user| *user != before) {
            Some(user) if before == User::Nobody && has_files(driver) => {
                driver.store.hand_to(user);
                driver.write_records();
                let restored = restore::start_for_user(Rc::downgrade(driver));
                self.restore(restored);
            }
            Some(user) => {
                if before != User::Nobody {
                    self.waiting.clear();
                }
                self.start_for(user);
            }
            None => {}
        }
        self.use_token(token);
    }

    /// With a new token, whatever waits for the API continues at once, and a file that was refused is tried again:
    /// once, since this token may be refused too.
    fn use_token(&mut self, token: Option<String>) {
        let Some(driver) = &self.driver else { return };
        let is_signed_in = token.is_some();
        driver.api.set_access_token(token);
        if !is_signed_in {
            return;
        }
        driver.handle(Event::SignedIn);
        for id in refused(driver) {
            if self.tried_again.insert(id) {
                driver.handle(Event::Retry(Selection::File(id)));
            }
        }
    }
}

/// Starts a page that was opened with an upload link, as soon as the API says what that allows.
async fn open_link(place: Weak<RefCell<Option<Connection>>>, start: Start) {
    link::open(&start, |terms| {
        match with_connection(&place, |connection| connection.on_link(&start, terms)) {
            Some(()) => ControlFlow::Continue(()),
            None => ControlFlow::Break(()),
        }
    })
    .await;
}

/// Does something with a connection, if its page is still there.
fn with_connection<T>(
    place: &Weak<RefCell<Option<Connection>>>,
    act: impl FnOnce(&mut Connection) -> T,
) -> Option<T> {
    place.upgrade()?.borrow_mut().as_mut().map(act)
}

/// The answers that were sent along.
fn fields(along: &Array) -> Fields {
    let json = JSON::stringify(&along.get(0))
        .ok()
        .and_then(|json| json.as_string());
    serde_json::from_str(&json.unwrap_or_default()).unwrap_or_default()
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

fn act(driver: &Rc<Driver>, action: Action, selection: Selection) {
    driver.handle(match action {
        Action::Pause => Event::Pause(selection),
        Action::Resume => {
            restore::request_files(driver, selection);
            Event::Resume(selection)
        }
        Action::Cancel => {
            driver.intake.borrow_mut().cancel(selection);
            Event::Cancel(selection)
        }
        Action::Retry => Event::Retry(selection),
        Action::Remove => Event::Remove(selection),
        Action::ShowFiles | Action::HideFiles | Action::SaveCsv | Action::SaveJson => {
            if let Selection::Batch(batch) = selection {
                act_on_batch(driver, action, batch);
            }
            return;
        }
    });
}

fn act_on_batch(driver: &Rc<Driver>, action: Action, batch: BatchId) {
    let kind = match action {
        Action::SaveCsv => Kind::Csv,
        Action::SaveJson => Kind::Json,
        _ => return driver.set_open(batch, action == Action::ShowFiles),
    };
    spawn_local(receipt::save(Rc::downgrade(driver), batch, kind));
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

/// Whether the user has chosen files on this page.
fn has_files(driver: &Driver) -> bool {
    let totals = driver.query(Engine::totals);
    totals.files > totals.interrupted + totals.elsewhere
}

/// The files that the API refused because nobody had signed in.
fn refused(driver: &Driver) -> Vec<FileId> {
    let is_refused = |engine: &Engine, id: &FileId| {
        let status = engine.view(*id).map(|view| view.status);
        matches!(status, Some(FileStatus::Failed(error)) if error.kind == ErrorKind::NotSignedIn)
    };
    driver.query(|engine| {
        let ids = (0..engine.next_file_id().0).map(FileId);
        ids.filter(|id| is_refused(engine, id)).collect()
    })
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
    use js_sys::Function;
    use messages::{Limits, Row, RowState};
    use wasm_bindgen::JsValue;
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
                link: None,
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
                let rows = self.rows().await;
                let names: Vec<String> = rows.into_iter().map(|row| row.name).collect();
                if is_awaited(&names) {
                    return names;
                }
            }
        }

        /// The next rows that the page is to show.
        async fn rows(&mut self) -> Vec<Row> {
            loop {
                let message = self.messages.recv().await.expect("a message");
                if let ToPage::Rows { rows, .. } = message {
                    return rows;
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
            fields: Default::default(),
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
    async fn files_chosen_before_a_sign_in_stay_on_the_list() {
        leave_record("of ida", user("ida"), "of ida").await;
        let mut page = TestPage::open();
        page.show_list();
        let names = vec!["new.txt".to_owned()];
        let file = File::new_with_blob_sequence(&Array::new(), "new.txt").expect("a file");
        page.port
            .send(&ToWorker::AddFiles { choice: 1, names }, [file.into()]);
        let has = |names: &[String], name: &str| names.iter().any(|listed| listed == name);
        page.names(|names| names.iter().any(|name| name == "new.txt"))
            .await;
        page.sign_in("ida");
        let names = page
            .names(|names| names.iter().any(|name| name == "of ida"))
            .await;
        assert!(has(&names, "new.txt"), "{names:?}");
    }

    #[wasm_bindgen_test]
    async fn a_file_chosen_at_once_is_the_one_that_was_interrupted() {
        leave_record("of jim", user("jim"), "same").await;
        leave_record("of jim too", user("jim"), "other").await;
        let mut page = TestPage::open();
        page.sign_in("jim");
        page.show_list();
        let file = Function::new_no_args("return new File(['12345'], 'same', { lastModified: 7 })")
            .call0(&JsValue::UNDEFINED)
            .expect("a file");
        let names = vec!["same".to_owned()];
        page.port.send(&ToWorker::AddFiles { choice: 1, names }, [file]);
        let is_known = |row: &Row| row.name == "same" && !matches!(row.state, RowState::Interrupted(_));
        let rows = loop {
            let rows = page.rows().await;
            if rows.iter().any(is_known) && rows.iter().any(|row| row.name == "other") {
                break rows;
            }
        };
        assert_eq!(rows.len(), 2, "{rows:?}");
    }

    #[wasm_bindgen_test]
    async fn what_comes_of_a_cancelled_choice_is_dropped() {
        let mut page = TestPage::open_with(false);
        page.show_list();
        let add = |page: &TestPage, choice, name: &str| {
            let file = File::new_with_blob_sequence(&Array::new(), name).expect("a file");
            let names = vec![name.to_owned()];
            page.port
                .send(&ToWorker::AddFiles { choice, names }, [file.into()]);
        };
        add(&page, 1, "first.txt");
        page.names(|names| names == ["first.txt"]).await;
        page.send(&ToWorker::UserAction(Action::Cancel, Selection::All));
        add(&page, 1, "dropped.txt");
        add(&page, 2, "second.txt");
        let names = page.names(|names| names.len() > 1).await;
        assert_eq!(names, ["first.txt", "second.txt"]);
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
