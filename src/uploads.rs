//! The page's side of the conversation with its worker.
//!
//! The worker's list is the truth. The page has signals for the rows that it shows, and for what it says
//! of all files together.

use std::{cell::RefCell, rc::Rc, time::Duration};

use browser::{Listener, Port, Timer};
use js_sys::Array;
use leptos::prelude::{ArcRwSignal, GetUntracked, Set};
use messages::{
    Action, Ended, FileId, Filter, Finding, Row, Selection, Start, ToPage, ToWorker, Totals, Window,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageChannel, MessagePort};

use crate::effects::task::spawn;
use crate::effects::{
    files::Chosen,
    handle::{self, FileHandle},
};

/// So many files are sent to the worker in one task. The page stands still while a browser looks each of them up,
/// for some 0.3 ms.
const FILES_AT_ONCE: usize = 32;

/// Which rows are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) filter: Filter,
    /// Files of that kind.
    pub(crate) total: usize,
    /// The position of the first row.
    pub(crate) first: usize,
    /// The rows, in order.
    pub(crate) ids: Vec<FileId>,
}

/// How far the check of the set-up is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum SetupCheck {
    /// Nothing asks for it.
    #[default]
    NotOffered,
    /// A person can ask for it.
    Offered,
    /// It goes on.
    Running,
    /// It found this.
    Done(Vec<Finding>),
}

/// The uploads of a page. Cloning gives another handle to the same.
#[derive(Clone)]
pub struct Uploads {
    shared: Rc<Shared>,
}

struct Shared {
    port: RefCell<Option<Port<ToWorker>>>,
    /// Files that the worker is not told of yet.
    chosen: RefCell<Vec<Chosen>>,
    /// Set while more of them are going to be sent.
    sending_files: RefCell<Option<Timer>>,
    shown: ArcRwSignal<Shown>,
    rows: RefCell<Vec<(FileId, ArcRwSignal<Row>)>>,
    pictures: RefCell<Vec<(FileId, JsValue)>>,
    totals: ArcRwSignal<Totals>,
    keeps_nothing: ArcRwSignal<bool>,
    setup_check: ArcRwSignal<SetupCheck>,
    /// Set once a picture that was asked for is there.
    pictured: ArcRwSignal<Option<FileId>>,
    heard: RefCell<Heard>,
    _listeners: RefCell<Vec<Listener>>,
}

/// Whoever hears of something, if anybody does.
pub type Hears<T> = Option<Box<dyn Fn(&T)>>;

/// Who wants to hear of what happens beside what is shown.
#[derive(Default)]
pub struct Heard {
    /// Opens the picker.
    pub wants_files: Option<Box<dyn Fn()>>,
    /// Files ended.
    pub ended: Hears<[Ended]>,
    /// All files together, about twice a second.
    pub progress: Hears<Totals>,
    /// The worker is of another version than the page.
    pub misunderstood: Option<Box<dyn Fn()>>,
    /// The API wants somebody to sign in.
    pub not_signed_in: Option<Box<dyn Fn()>>,
}

impl Uploads {
    /// Uploads by a worker that is given its end of the channel by `connect`, now or later: what is said
    /// to it before waits.
    ///
    /// # Errors
    /// Where the browser has no channels.
    pub fn begin(start: Start) -> Result<(Self, MessagePort), JsValue> {
        let channel = MessageChannel::new()?;
        let shared = Rc::new(Shared {
            port: RefCell::new(None),
            chosen: RefCell::default(),
            sending_files: RefCell::default(),
            shown: ArcRwSignal::new(Shown::default()),
            rows: RefCell::default(),
            pictures: RefCell::default(),
            totals: ArcRwSignal::new(Totals::default()),
            keeps_nothing: ArcRwSignal::new(false),
            setup_check: ArcRwSignal::default(),
            pictured: ArcRwSignal::new(None),
            heard: RefCell::default(),
            _listeners: RefCell::default(),
        });
        let weak = Rc::downgrade(&shared);
        let port = Port::new(channel.port1(), move |message, along| {
            if let Some(shared) = weak.upgrade() {
                shared.hear(message, along);
            }
        });
        port.send(&ToWorker::Start(start), []);
        *shared.port.borrow_mut() = Some(port);
        shared.listen();
        Ok((Self { shared }, channel.port2()))
    }

    /// Adds files to the list, or gives them back to the interrupted uploads that they belong to.
    pub(crate) fn add(&self, chosen: Vec<Chosen>) {
        if chosen.is_empty() {
            self.send(&ToWorker::Await(None));
            return;
        }
        self.shared.chosen.borrow_mut().extend(chosen);
        if self.shared.sending_files.borrow().is_none() {
            self.shared.send_files();
        }
    }

    /// Does what a person wants.
    pub fn act(&self, action: Action, selection: Selection) {
        self.send(&ToWorker::Act(action, selection));
    }

    /// Says which rows are on the screen.
    pub(crate) fn show(&self, window: Window) {
        self.send(&ToWorker::Show(window));
    }

    /// Asks for a small picture of a file; see [`Self::pictured`].
    pub(crate) fn ask_for_picture(&self, id: FileId) {
        self.send(&ToWorker::Thumbnail(id));
    }

    /// The file whose picture came last.
    pub(crate) fn pictured(&self) -> ArcRwSignal<Option<FileId>> {
        self.shared.pictured.clone()
    }

    /// Takes a picture that came, an `ImageBitmap`.
    pub(crate) fn take_picture(&self, id: FileId) -> Option<JsValue> {
        let mut pictures = self.shared.pictures.borrow_mut();
        let at = pictures.iter().position(|(of, _)| *of == id)?;
        Some(pictures.swap_remove(at).1)
    }

    /// Which rows are shown.
    pub(crate) fn shown(&self) -> ArcRwSignal<Shown> {
        self.shared.shown.clone()
    }

    /// A row that is shown.
    pub(crate) fn row(&self, id: FileId) -> Option<ArcRwSignal<Row>> {
        let rows = self.shared.rows.borrow();
        rows.iter().find(|(of, _)| *of == id).map(|(_, row)| row.clone())
    }

    /// All files together, about twice a second.
    pub(crate) fn totals(&self) -> ArcRwSignal<Totals> {
        self.shared.totals.clone()
    }

    /// Whether nothing outlives the page, since the browser keeps nothing for it.
    pub(crate) fn keeps_nothing(&self) -> ArcRwSignal<bool> {
        self.shared.keeps_nothing.clone()
    }

    /// How far the check of the set-up is.
    pub(crate) fn setup_check(&self) -> ArcRwSignal<SetupCheck> {
        self.shared.setup_check.clone()
    }

    /// Checks the set-up, unless that goes on.
    pub(crate) fn check_setup(&self) {
        if self.shared.setup_check.get_untracked() != SetupCheck::Running {
            self.shared.setup_check.set(SetupCheck::Running);
            self.send(&ToWorker::CheckSetup);
        }
    }

    /// Whether leaving the page would lose anything.
    pub(crate) fn is_busy(&self) -> bool {
        let totals = self.shared.totals.get_untracked();
        totals.unfinished() + totals.paused > 0
    }

    /// Says who wants to hear of what happens.
    pub fn on(&self, set: impl FnOnce(&mut Heard)) {
        set(&mut self.shared.heard.borrow_mut());
    }

    /// The access token to send to the API, or none.
    pub(crate) fn set_access_token(&self, token: Option<String>) {
        self.send(&ToWorker::AccessToken(token));
    }

    /// Nobody is left to show anything to: what is under way is dropped.
    pub(crate) fn end(&self) {
        self.send(&ToWorker::End);
    }

    fn send(&self, message: &ToWorker) {
        self.shared.send(message, []);
    }
}

impl Shared {
    fn send(&self, message: &ToWorker, along: impl IntoIterator<Item = JsValue>) {
        if let Some(port) = self.port.borrow().as_ref() {
            port.send(message, along);
        }
    }

    /// Sends some of the chosen files to the worker, and the others in later tasks.
    fn send_files(self: &Rc<Self>) {
        let (some, is_more) = {
            let mut chosen = self.chosen.borrow_mut();
            let count = chosen.len().min(FILES_AT_ONCE);
            (chosen.drain(..count).collect::<Vec<_>>(), !chosen.is_empty())
        };
        let names = some.iter().map(|chosen| chosen.name.clone()).collect();
        let files = some.iter().map(|chosen| chosen.file.clone().into());
        let handles = some.iter().map(|chosen| {
            let handle = chosen.handle.clone();
            handle.map_or(JsValue::UNDEFINED, JsValue::from)
        });
        let along: Vec<JsValue> = files.chain(handles).collect();
        self.send(&ToWorker::Add { names }, along);
        let shared = Rc::downgrade(self);
        *self.sending_files.borrow_mut() = is_more.then(|| {
            Timer::after(Duration::ZERO, move || {
                if let Some(shared) = shared.upgrade() {
                    shared.send_files();
                }
            })
        });
    }

    /// Listens to the network going and coming, and to a person coming back to the tab.
    fn listen(self: &Rc<Self>) {
        let Some(window) = web_sys::window() else { return };
        let tell_of = |name, message: ToWorker| {
            let shared = Rc::downgrade(self);
            Listener::new(&window, name, move |_| {
                if let Some(shared) = shared.upgrade() {
                    shared.send(&message, []);
                }
            })
        };
        *self._listeners.borrow_mut() = vec![
            tell_of("online", ToWorker::Network(true)),
            tell_of("offline", ToWorker::Network(false)),
            tell_of("focus", ToWorker::LookedAt),
        ];
    }

    fn hear(self: &Rc<Self>, message: Option<ToPage>, along: &Array) {
        let heard = self.heard.borrow();
        match message {
            Some(ToPage::Rows {
                filter,
                total,
                first,
                rows,
            }) => {
                let ids = self.hold(rows);
                let (total, first) = (total as usize, first as usize);
                self.shown.set(Shown {
                    filter,
                    total,
                    first,
                    ids,
                });
            }
            Some(ToPage::Changed(rows)) => {
                let held = self.rows.borrow();
                for row in rows {
                    if let Some((_, signal)) = held.iter().find(|(id, _)| *id == row.id) {
                        signal.set(row);
                    }
                }
            }
            Some(ToPage::Totals(totals)) => {
                self.totals.set(totals);
                call(&heard.progress, |progress| progress(&totals));
            }
            Some(ToPage::Ended(files)) => call(&heard.ended, |ended| ended(&files)),
            Some(ToPage::KeepsNothing) => self.keeps_nothing.set(true),
            Some(ToPage::Wanted { selection, ids }) => {
                let handles = (0..).zip(&ids).map(|(index, _)| along.get(index)).collect();
                spawn(Rc::clone(self).fetch_wanted(selection, ids, handles));
            }
            Some(ToPage::Thumbnail(id)) => {
                self.pictures.borrow_mut().push((id, along.get(0)));
                self.pictured.set(Some(id));
            }
            Some(ToPage::SetupSuspected) => {
                if self.setup_check.get_untracked() == SetupCheck::NotOffered {
                    self.setup_check.set(SetupCheck::Offered);
                }
            }
            Some(ToPage::SetupChecked(findings)) => self.setup_check.set(SetupCheck::Done(findings)),
            Some(ToPage::NotSignedIn) => call(&heard.not_signed_in, |ask| ask()),
            None => call(&heard.misunderstood, |misunderstood| misunderstood()),
        }
    }

    /// Keeps a signal for each of these rows and for no others.
    fn hold(&self, rows: Vec<Row>) -> Vec<FileId> {
        let mut held = self.rows.borrow_mut();
        let before = std::mem::take(&mut *held);
        for row in rows {
            let id = row.id;
            let signal = match before.iter().find(|(of, _)| *of == id) {
                Some((_, signal)) => {
                    if signal.get_untracked() != row {
                        signal.set(row);
                    }
                    signal.clone()
                }
                None => ArcRwSignal::new(row),
            };
            held.push((id, signal));
        }
        held.iter().map(|(id, _)| *id).collect()
    }

    /// Fetches interrupted files by their handles, for which the person is asked, and asks for one that
    /// cannot be had so.
    async fn fetch_wanted(self: Rc<Self>, selection: Selection, ids: Vec<FileId>, handles: Vec<JsValue>) {
        let mut missing = None;
        for (id, handle) in ids.into_iter().zip(handles) {
            let file = match (!handle.is_undefined()).then(|| handle.unchecked_into::<FileHandle>()) {
                Some(handle) if handle::ask_to_read(&handle).await => handle::file(&handle).await,
                _ => None,
            };
            match file {
                Some(file) => self.send(&ToWorker::Attach(id), [file.into()]),
                None => missing = Some(id),
            }
        }
        if let Some(id) = missing {
            self.send(
                &ToWorker::Await((selection == Selection::File(id)).then_some(id)),
                [],
            );
            call(&self.heard.borrow().wants_files, |open| open());
        }
    }
}

fn call<T: ?Sized>(heard: &Option<Box<T>>, call: impl FnOnce(&T)) {
    if let Some(heard) = heard {
        call(heard);
    }
}
