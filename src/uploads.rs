//! The page's side of the conversation with its worker.
//!
//! The worker's list is the truth. The page has signals for the rows on the screen, and for what it says of all
//! files together.

use std::time::Duration;

use browser::{Listener, Port, Timer};
use js_sys::Array;
use leptos::{callback::UnsyncCallback, prelude::*, task::spawn_local};
use messages::{
    Action, Ended, ErrorKind, FileId, Filter, Finding, LeftOut, LinkTerms, Reason, Row, Selection, Start,
    ToPage, ToWorker, Totals, Viewport,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageChannel, MessagePort};

use crate::{
    answers::Answers,
    effects::{
        download,
        files::Chosen,
        handle::{self, FileHandle},
    },
};

/// How many files are sent to the worker in one task. The page stands still for some 0.3 ms while a browser looks
/// each of them up.
const FILES_AT_ONCE: usize = 32;

/// The rows on the screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) filter: Filter,
    /// How many rows there are.
    pub(crate) total: usize,
    /// The position of the first row.
    pub(crate) first: usize,
    /// The rows, in order.
    pub(crate) rows: Vec<ShownRow>,
}

/// A row on the screen, with the signal that follows its file or batch.
#[derive(Clone, Debug)]
pub(crate) struct ShownRow {
    pub(crate) of: Selection,
    /// What it is called by: whether it is a file below its batch, and how many files the batch has.
    pub(crate) looks: (bool, usize),
    pub(crate) row: ArcRwSignal<Row>,
}

impl Shown {
    /// The position in the list of the row of a file or a batch, counted from 1.
    pub(crate) fn position(&self, of: Selection) -> usize {
        let index = self.rows.iter().position(|row| row.of == of);
        self.first + index.unwrap_or_default() + 1
    }

    fn signal(&self, of: Selection) -> Option<&ArcRwSignal<Row>> {
        let shown = self.rows.iter().find(|row| row.of == of);
        shown.map(|shown| &shown.row)
    }
}

/// How far the set-up check is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum SetupState {
    /// There is no reason for one.
    #[default]
    NotOffered,
    /// The user can ask for one.
    Offered,
    Running,
    Done(Vec<Finding>),
}

/// What is called when something happens, beside what is shown. The first two are for a page that has the uploader;
/// the uploader's own parts set the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Callbacks {
    /// A file was stored or given up.
    pub on_file_finished: Option<UnsyncCallback<Ended>>,
    /// The sums over all files changed; called about twice per second while something is in flight.
    pub on_progress: Option<UnsyncCallback<Totals>>,
    /// The worker is of another version than the page, and the two cannot work together.
    pub on_version_mismatch: Option<UnsyncCallback<()>>,
    /// The API requires the user to sign in.
    pub on_unauthorized: Option<UnsyncCallback<()>>,
    /// The upload link that the page was opened with allows this.
    pub on_link_opened: Option<UnsyncCallback<LinkTerms>>,
    /// That upload link does not work, for this reason.
    pub on_link_refused: Option<UnsyncCallback<ErrorKind>>,
    /// The user has to pick a file again, for which the picker has to be opened.
    pub on_pick_files: Option<UnsyncCallback<()>>,
}

/// The uploads of a page, for as long as the owner under which they were started. A copy is a handle to the same.
#[derive(Clone, Copy)]
pub struct Uploads {
    /// What the user answers to the questions of the settings.
    pub(crate) answers: Answers,
    pub(crate) shown: RwSignal<Shown>,
    /// The sums over all files, about twice per second.
    pub(crate) totals: RwSignal<Totals>,
    /// What was left out of the user's last choice.
    pub(crate) left_out: RwSignal<Vec<LeftOut>>,
    /// Whether the browser stores nothing for the page, so that no upload could be resumed after a reload.
    pub(crate) is_storage_unavailable: RwSignal<bool>,
    pub(crate) setup_check: RwSignal<SetupState>,
    /// The file whose thumbnail arrived last; see [`Self::take_thumbnail`].
    pub(crate) thumbnail_arrived: RwSignal<Option<FileId>>,
    callbacks: StoredValue<Callbacks>,
    connection: StoredValue<Connection, LocalStorage>,
}

/// What of the conversation only this thread can hold.
#[derive(Default)]
struct Connection {
    port: Option<Port<ToWorker>>,
    /// How often the user has chosen files.
    choices: u32,
    /// The last choice of which the user cancelled all.
    cancelled: u32,
    /// Files that were not sent to the worker yet, each with the number of its choice.
    unsent: Vec<(u32, Chosen)>,
    /// Set while more of them are going to be sent.
    sending: Option<Timer>,
    /// Thumbnails that arrived, each an `ImageBitmap`.
    thumbnails: Vec<(FileId, JsValue)>,
    _listeners: Vec<Listener>,
}

impl Uploads {
    /// Starts uploads, and returns the worker's end of the channel. It may be connected later: messages to the
    /// worker wait.
    ///
    /// # Errors
    /// If the browser has no channels.
    pub(crate) fn start(
        start: Start,
        callbacks: Callbacks,
        answers: Answers,
    ) -> Result<(Self, MessagePort), JsValue> {
        let channel = MessageChannel::new()?;
        let uploads = Self {
            answers,
            shown: RwSignal::default(),
            totals: RwSignal::default(),
            left_out: RwSignal::default(),
            is_storage_unavailable: RwSignal::new(false),
            setup_check: RwSignal::default(),
            thumbnail_arrived: RwSignal::new(None),
            callbacks: StoredValue::new(callbacks),
            connection: StoredValue::new_local(Connection::default()),
        };
        let port = Port::new(channel.port1(), move |message, along| {
            uploads.on_message(message, along);
        });
        port.send(&ToWorker::Start(start), []);
        uploads.connection.update_value(|connection| {
            connection.port = Some(port);
            connection._listeners = uploads.listen();
        });
        on_cleanup(move || uploads.send(&ToWorker::Disconnect));
        Ok((uploads, channel.port2()))
    }

    /// Forgets what was left out of the user's last choice.
    pub(crate) fn forget_left_out(self) {
        self.left_out.try_set(Vec::new());
        self.send(&ToWorker::ForgetLeftOut);
    }

    /// The user chooses something, and answered this to the page's questions. Returns the number of the choice.
    pub(crate) fn begin_choice(self, answers: JsValue) -> u32 {
        self.forget_left_out();
        let count = |connection: &mut Connection| {
            connection.choices += 1;
            connection.choices
        };
        let choice = self.connection.try_update_value(count).unwrap_or_default();
        if !answers.is_undefined() {
            self.send_with(&ToWorker::Answers(choice), [answers]);
        }
        choice
    }

    /// Leaves out of the user's choice what the page itself could not take.
    pub(crate) fn leave_out(self, left_out: Vec<(Reason, String)>) {
        if !left_out.is_empty() {
            self.send(&ToWorker::LeftOut(left_out));
        }
    }

    /// Adds what was left out as clutter.
    pub(crate) fn add_clutter(self) {
        self.send(&ToWorker::AddClutter);
    }

    /// Adds files of a choice to the list, or returns them to the interrupted uploads that they belong to.
    pub(crate) fn add(self, choice: u32, chosen: Vec<Chosen>) {
        let is_sending = self.connection.try_update_value(|connection| {
            // The rest of a folder, or of many files, that is read while the user cancels all.
            if choice <= connection.cancelled {
                return true;
            }
            let chosen = chosen.into_iter().map(|chosen| (choice, chosen));
            connection.unsent.extend(chosen);
            connection.sending.is_some() || connection.unsent.is_empty()
        });
        if is_sending == Some(false) {
            self.send_files();
        }
    }

    /// The user closed the picker.
    pub(crate) fn add_nothing(self) {
        self.send(&ToWorker::ExpectFileFor(None));
    }

    /// Does to files, or to the row of a batch, what the user wants.
    pub(crate) fn act(self, action: Action, selection: Selection) {
        if (action, selection) == (Action::Cancel, Selection::All) {
            self.connection.update_value(|connection| {
                connection.unsent.clear();
                connection.sending = None;
                connection.cancelled = connection.choices;
            });
        }
        self.send(&ToWorker::UserAction(action, selection));
    }

    /// Tells the worker which rows are on the screen.
    pub(crate) fn set_viewport(self, viewport: Viewport) {
        self.send(&ToWorker::SetViewport(viewport));
    }

    /// Asks for the thumbnail of a file; see [`Self::thumbnail_arrived`].
    pub(crate) fn request_thumbnail(self, id: FileId) {
        self.send(&ToWorker::Thumbnail(id));
    }

    /// Takes a thumbnail that arrived, an `ImageBitmap`.
    pub(crate) fn take_thumbnail(self, id: FileId) -> Option<JsValue> {
        let take = |connection: &mut Connection| {
            let thumbnails = &mut connection.thumbnails;
            let at = thumbnails.iter().position(|(of, _)| *of == id)?;
            Some(thumbnails.swap_remove(at).1)
        };
        self.connection.try_update_value(take).flatten()
    }

    /// Starts the set-up check, unless it runs.
    pub(crate) fn check_setup(self) {
        if self.setup_check.get_untracked() != SetupState::Running {
            self.setup_check.set(SetupState::Running);
            self.send(&ToWorker::CheckSetup);
        }
    }

    /// Whether leaving the page would interrupt something.
    pub fn is_busy(self) -> bool {
        let totals = self.totals.get_untracked();
        totals.unfinished() + totals.paused > 0 || totals.is_closing
    }

    /// Changes what is called when something happens.
    pub(crate) fn update_callbacks(self, update: impl FnOnce(&mut Callbacks)) {
        self.callbacks.update_value(update);
    }

    /// Sets the access token to send to the API (RFC 6750). An empty one signs the user out, of whom then nothing is
    /// kept in the browser.
    pub fn set_access_token(self, token: Option<String>) {
        self.send(&ToWorker::AccessToken(token));
    }

    fn send(self, message: &ToWorker) {
        self.send_with(message, []);
    }

    fn send_with(self, message: &ToWorker, along: impl IntoIterator<Item = JsValue>) {
        self.connection.try_with_value(|connection| {
            if let Some(port) = &connection.port {
                port.send(message, along);
            }
        });
    }

    /// Sends some of the chosen files to the worker, and the others in later tasks.
    fn send_files(self) {
        let next = self.connection.try_update_value(|connection| {
            let unsent = &mut connection.unsent;
            let choice = unsent.first().map_or(0, |(choice, _)| *choice);
            let of_choice = unsent.iter().take_while(|(of, _)| *of == choice);
            let count = of_choice.take(FILES_AT_ONCE).count();
            let next: Vec<Chosen> = unsent.drain(..count).map(|(_, chosen)| chosen).collect();
            let is_more = !unsent.is_empty();
            connection.sending = is_more.then(|| Timer::after(Duration::ZERO, move || self.send_files()));
            (choice, next)
        });
        let (choice, next) = next.unwrap_or_default();
        let names = next.iter().map(|chosen| chosen.name.clone()).collect();
        let files = next.iter().map(|chosen| chosen.file.clone().into());
        let handles = next.iter().map(|chosen| {
            let handle = chosen.handle.clone();
            handle.map_or(JsValue::UNDEFINED, JsValue::from)
        });
        self.send_with(&ToWorker::AddFiles { choice, names }, files.chain(handles));
    }

    /// Listens to the network going and coming, and to the user coming back to the tab.
    fn listen(self) -> Vec<Listener> {
        [
            ("online", ToWorker::Online),
            ("offline", ToWorker::Offline),
            ("focus", ToWorker::PageFocused),
        ]
        .map(|(name, message)| Listener::new(&window(), name, move |_| self.send(&message)))
        .into()
    }

    /// Takes a message of the worker; `None` if it is of another version.
    fn on_message(self, message: Option<ToPage>, along: &Array) {
        let callbacks = self.callbacks.get_value();
        match message {
            Some(ToPage::Rows {
                filter,
                total,
                first,
                rows,
            }) => {
                let before = self.shown.get_untracked();
                self.shown.set(Shown {
                    filter,
                    total: total as usize,
                    first: first as usize,
                    rows: rows.into_iter().map(|row| follow(row, &before)).collect(),
                });
            }
            Some(ToPage::RowsChanged(rows)) => self.shown.with_untracked(|shown| {
                for row in rows {
                    if let Some(signal) = shown.signal(row.of) {
                        signal.set(row);
                    }
                }
            }),
            Some(ToPage::Totals(totals)) => {
                self.totals.set(totals);
                call(callbacks.on_progress, totals);
            }
            Some(ToPage::Ended(files)) => {
                for file in files {
                    call(callbacks.on_file_finished, file);
                }
            }
            Some(ToPage::LinkOpened(terms)) => call(callbacks.on_link_opened, terms),
            Some(ToPage::AnswersKept(answers)) => self.answers.fill(answers),
            Some(ToPage::LinkRefused(kind)) => call(callbacks.on_link_refused, kind),
            Some(ToPage::LeftOut(left_out)) => self.left_out.set(left_out),
            Some(ToPage::StorageAvailable(is)) => self.is_storage_unavailable.set(!is),
            Some(ToPage::FilesNeeded { selection, ids }) => {
                let handles = (0..).zip(&ids).map(|(index, _)| along.get(index)).collect();
                spawn_local(self.fetch_needed(selection, ids, handles));
            }
            Some(ToPage::Receipt { url, name }) => download::start(&url, &name),
            Some(ToPage::Thumbnail(id)) => {
                let thumbnail = along.get(0);
                self.connection
                    .update_value(|connection| connection.thumbnails.push((id, thumbnail)));
                self.thumbnail_arrived.set(Some(id));
            }
            Some(ToPage::SetupChecked(findings)) => self.setup_check.set(SetupState::Done(findings)),
            Some(ToPage::NotSignedIn) => call(callbacks.on_unauthorized, ()),
            None => call(callbacks.on_version_mismatch, ()),
        }
    }

    /// Reads interrupted files through their handles, for which the user is asked. If that is not possible, the
    /// user has to pick the last of them.
    async fn fetch_needed(self, selection: Selection, ids: Vec<FileId>, handles: Vec<JsValue>) {
        let mut missing = None;
        for (id, handle) in ids.into_iter().zip(handles) {
            let file = match (!handle.is_undefined()).then(|| handle.unchecked_into::<FileHandle>()) {
                Some(handle) if handle::ask_to_read(&handle).await => handle::file(&handle).await,
                _ => None,
            };
            match file {
                Some(file) => self.send_with(&ToWorker::Attach(id), [file.into()]),
                None => missing = Some(id),
            }
        }
        if let Some(id) = missing {
            let is_for = (selection == Selection::File(id)).then_some(id);
            self.send(&ToWorker::ExpectFileFor(is_for));
            let callbacks = self.callbacks.try_get_value().unwrap_or_default();
            call(callbacks.on_pick_files, ());
        }
    }
}

/// A row for the screen; its signal is the one that it had before, if it was there.
fn follow(row: Row, before: &Shown) -> ShownRow {
    let of = row.of;
    let looks = (
        row.is_inside,
        row.batch.as_ref().map_or(0, |batch| batch.totals.files),
    );
    let row = match before.signal(of) {
        Some(signal) => {
            if signal.get_untracked() != row {
                signal.set(row);
            }
            signal.clone()
        }
        None => ArcRwSignal::new(row),
    };
    ShownRow { of, looks, row }
}

fn call<T>(callback: Option<UnsyncCallback<T>>, value: T) {
    // What is called may have gone with the view that it belonged to.
    callback.and_then(|callback| callback.try_run(value));
}
