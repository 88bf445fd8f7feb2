//! Between the engine and the outside: an event in, its commands out.
//!
//! The engine's state is the truth. The driver holds what the engine must not: the `File`s, the
//! requests under way, and the signals of the rows that are on the screen.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    ops::Range,
    rc::{Rc, Weak},
    time::Duration,
};

use engine::{
    ApiRoute, Attachment, CallId, Command, Engine, Event, FileDescription, FileFailure, FileId, FileStatus,
    FileView, HttpAnswer, Ticket, Totals,
};
use js_sys::Promise;
use leptos::prelude::{ArcRwSignal, Set, Update};
use wasm_bindgen_futures::spawn_local;
use web_sys::File;
use wire::{HttpMethod, SignedRequest};

use crate::{
    awaiting::Awaiting,
    config::Config,
    effects::{
        clock::Clock,
        files::{self, Dropped},
        frame::Frame,
        handle::{self, FileHandle},
        in_flight::InFlight,
        listener::Listener,
        read,
        timer::Timer,
        transport::{Body, Fetch, Told, Transport, Xhr},
    },
    keeper::Keeper,
    restore,
};

/// How often the totals are shown anew.
const TOTALS_INTERVAL: Duration = Duration::from_millis(500);

/// Drives one engine for as long as the page lives.
#[derive(Clone)]
pub struct Driver {
    shared: Rc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) inner: RefCell<Inner>,
    frame: Frame,
    /// Every file on the list, in the order in which they were added.
    list: ArcRwSignal<Vec<FileId>>,
    totals: ArcRwSignal<Totals>,
    /// Whether nothing outlives the page.
    pub(crate) keeps_nothing: ArcRwSignal<bool>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) keeper: Keeper,
    /// The interrupted file that the next pick is for.
    pub(crate) awaited: Option<FileId>,
    api_url: String,
    /// The bearer token of requests to the API, where somebody is signed in.
    access_token: Option<String>,
    /// What is done where the API does not accept it.
    unauthorized: Option<Rc<dyn Fn()>>,
    clock: Clock,
    timer: Option<Timer>,
    countdown: Option<Timer>,
    pub(crate) files: HashMap<FileId, File>,
    requests: HashMap<Ticket, InFlight>,
    calls: HashMap<CallId, InFlight>,
    /// The rows on the screen.
    rows: HashMap<FileId, ArcRwSignal<Option<FileView>>>,
    /// Files whose rows are to be drawn anew.
    changed: HashSet<FileId>,
    totals_shown_at: Duration,
    _listeners: Vec<Listener>,
}

impl Driver {
    /// A driver with an engine of its own. The seed is that of the back-off's jitter.
    pub fn new(config: &Config, seed: u64) -> Self {
        let session = restore::new_session();
        let shared = Rc::new_cyclic(|weak: &Weak<Shared>| {
            let drawn = weak.clone();
            Shared {
                inner: RefCell::new(Inner {
                    engine: Engine::new(config.engine_settings(), seed),
                    keeper: Keeper::new(session.clone()),
                    awaited: None,
                    api_url: config.api_url.trim_end_matches('/').to_owned(),
                    access_token: None,
                    unauthorized: None,
                    clock: Clock::new(),
                    timer: None,
                    countdown: None,
                    files: HashMap::new(),
                    requests: HashMap::new(),
                    calls: HashMap::new(),
                    rows: HashMap::new(),
                    changed: HashSet::new(),
                    totals_shown_at: Duration::ZERO,
                    _listeners: listen(weak),
                }),
                frame: Frame::new(move || with(&drawn, Shared::draw)),
                list: ArcRwSignal::new(Vec::new()),
                totals: ArcRwSignal::new(Totals::default()),
                keeps_nothing: ArcRwSignal::new(false),
            }
        });
        spawn_local(restore::begin(Rc::downgrade(&shared), session));
        Self { shared }
    }

    /// Adds files to the list, or gives them back to the interrupted uploads that they belong to.
    pub fn add(&self, files: Vec<File>) {
        self.shared.add(files);
    }

    /// As [`Self::add`], for files of which the browser gave handles.
    pub(crate) fn add_with_handles(&self, files: Vec<(File, FileHandle)>) {
        let (files, handles): (Vec<File>, Vec<FileHandle>) = files.into_iter().unzip();
        let ids = self.shared.add(files);
        // The handle of a file that came back is not kept: it may turn out to be another file.
        let new = ids.into_iter().zip(handles);
        self.shared
            .keep_handles(new.filter_map(|(id, handle)| Some((id?, handle))));
    }

    /// As [`Self::add`], for files that were dropped.
    pub(crate) fn add_dropped(&self, dropped: Vec<Dropped>) {
        let (files, promises): (Vec<File>, Vec<Option<Promise>>) = dropped.into_iter().unzip();
        let ids = self.shared.add(files);
        let shared = Rc::downgrade(&self.shared);
        spawn_local(async move {
            let mut handles = Vec::new();
            for (id, promise) in ids.into_iter().zip(promises) {
                if let (Some(id), Some(promise)) = (id, promise) {
                    handles.extend(handle::received(promise).await.map(|handle| (id, handle)));
                }
            }
            with(&shared, |shared| shared.keep_handles(handles));
        });
    }

    /// Tells the engine something, such as what a person wants. To resume an interrupted file, the file
    /// itself is fetched first, or the person is asked for it.
    pub fn tell(&self, event: Event) {
        if let Event::Resume(selection) = event {
            restore::resume(&self.shared, selection);
        }
        self.shared.tell(event);
    }

    /// Gives the API's requests another bearer token, or none. With a new one, what waits goes on at once.
    pub fn set_access_token(&self, token: Option<String>) {
        let is_there = token.is_some();
        self.shared.inner.borrow_mut().access_token = token;
        if is_there {
            self.shared.tell(Event::SignedIn);
        }
    }

    /// Calls `act` each time the API answers that nobody is signed in.
    pub fn on_unauthorized(&self, act: impl Fn() + 'static) {
        self.shared.inner.borrow_mut().unauthorized = Some(Rc::new(act));
    }

    /// The picker was closed without a file.
    pub(crate) fn nothing_picked(&self) {
        self.shared.inner.borrow_mut().awaited = None;
    }

    /// Whether nothing outlives the page, since the browser keeps nothing for it.
    pub fn keeps_nothing(&self) -> ArcRwSignal<bool> {
        self.shared.keeps_nothing.clone()
    }

    /// Every file on the list, in the order in which they were added.
    pub fn list(&self) -> ArcRwSignal<Vec<FileId>> {
        self.shared.list.clone()
    }

    /// All files together, about twice a second.
    pub fn totals(&self) -> ArcRwSignal<Totals> {
        self.shared.totals.clone()
    }

    /// The signal of a row that appears on the screen: what is to be shown of the file, once a frame,
    /// and nothing after the file was removed.
    pub fn mount_row(&self, id: FileId) -> ArcRwSignal<Option<FileView>> {
        let mut inner = self.shared.inner.borrow_mut();
        let view = inner.engine.view(id);
        let row = ArcRwSignal::new(view);
        inner.rows.insert(id, row.clone());
        row
    }

    /// Forgets a row that left the screen.
    pub fn unmount_row(&self, id: FileId) {
        self.shared.inner.borrow_mut().rows.remove(&id);
    }

    /// How long it is until then, on the engine's clock.
    pub fn time_until(&self, then: Duration) -> Duration {
        let now = self.shared.inner.borrow().clock.now();
        then.saturating_sub(now)
    }

    /// Whether leaving the page would lose anything.
    pub fn is_busy(&self) -> bool {
        let totals = self.shared.inner.borrow().engine.totals();
        totals.unfinished() + totals.paused > 0
    }
}

impl Shared {
    /// Adds files, or gives them back to interrupted uploads. Gives the ids of those that are new.
    fn add(self: &Rc<Self>, picked: Vec<File>) -> Vec<Option<FileId>> {
        let mut awaiting = {
            let mut inner = self.inner.borrow_mut();
            let awaited = inner.awaited.take();
            Awaiting::new(&inner.engine, awaited, picked.len())
        };
        let mut next = self.inner.borrow().engine.next_file_id().0;
        let (mut ids, mut descriptions) = (Vec::new(), Vec::new());
        for file in picked {
            let description = files::describe(&file);
            if let Some(id) = awaiting.take(&description) {
                self.attach(id, file, description, Attachment::Picked);
                ids.push(None);
                continue;
            }
            let id = FileId(next);
            next += 1;
            self.inner.borrow_mut().files.insert(id, file);
            descriptions.push(description);
            ids.push(Some(id));
        }
        if !descriptions.is_empty() {
            self.list_next(descriptions.len());
            self.tell(Event::FilesAdded(descriptions));
        }
        ids
    }

    /// Gives a file to the interrupted upload that it belongs to, if that still waits for it.
    pub(crate) fn attach(
        self: &Rc<Self>,
        id: FileId,
        file: File,
        description: FileDescription,
        attachment: Attachment,
    ) {
        {
            let mut inner = self.inner.borrow_mut();
            let status = inner.engine.view(id).map(|view| view.status);
            if !matches!(status, Some(FileStatus::Interrupted(_))) {
                return;
            }
            inner.files.insert(id, file);
        }
        self.tell(Event::Attached {
            id,
            description,
            attachment,
        });
    }

    /// Puts the files that the engine is about to be told of on the list.
    pub(crate) fn list_next(&self, count: usize) {
        let first = self.inner.borrow().engine.next_file_id().0;
        self.list
            .update(|list| list.extend((first..).map(FileId).take(count)));
    }

    fn keep_handles(self: &Rc<Self>, handles: impl IntoIterator<Item = (FileId, FileHandle)>) {
        {
            let mut inner = self.inner.borrow_mut();
            for (id, handle) in handles {
                inner.keeper.keep_handle(id, handle);
            }
        }
        restore::write(self);
    }

    pub(crate) fn tell(self: &Rc<Self>, event: Event) {
        let mut commands = Vec::new();
        {
            let mut inner = self.inner.borrow_mut();
            let now = inner.clock.now();
            if inner.clock.slept() {
                inner.engine.handle(Event::Woke, now, &mut commands);
            }
            inner.engine.handle(event, now, &mut commands);
        }
        let removed: HashSet<FileId> = commands.iter().filter_map(removed_file).collect();
        for command in commands {
            self.carry_out(command);
        }
        if !removed.is_empty() {
            self.list
                .update(|list| list.retain(|listed| !removed.contains(listed)));
        }
        restore::write(self);
        self.frame.request();
    }

    fn carry_out(self: &Rc<Self>, command: Command) {
        match command {
            Command::Hash { ticket, range } => self.hash(ticket, range),
            Command::Check { ticket } => self.check(ticket),
            Command::Call { call, route, body } => self.call(call, route, body),
            Command::Put {
                ticket,
                request,
                range,
            } => self.put(ticket, &request, &range),
            Command::Send {
                ticket,
                request,
                body,
            } => {
                let body = if body.is_empty() {
                    Body::Empty
                } else {
                    Body::Text(body)
                };
                let request = Fetch.send(&request, body, self.teller(ticket));
                self.inner.borrow_mut().requests.insert(ticket, request);
            }
            Command::Cancel { ticket } => self.let_go(ticket),
            Command::CancelCall { call } => self.let_go_of_call(call),
            Command::WakeAt(then) => self.wake_at(then),
            Command::Changed(id) => {
                self.inner.borrow_mut().changed.insert(id);
            }
            Command::Save(id) | Command::Forget(id) => self.inner.borrow_mut().keeper.keep(id),
            Command::SavePart(id, number) => self.inner.borrow_mut().keeper.keep_part(id, number),
            Command::Removed(id) => {
                let mut inner = self.inner.borrow_mut();
                inner.files.remove(&id);
                inner.changed.remove(&id);
            }
        }
    }

    fn file(&self, id: FileId) -> Option<File> {
        self.inner.borrow().files.get(&id).cloned()
    }

    fn hash(self: &Rc<Self>, ticket: Ticket, range: Range<u64>) {
        let file = self.file(ticket.file);
        let shared = Rc::downgrade(self);
        spawn_local(async move {
            let result = match file {
                Some(file) => read::sha256(file, range).await,
                None => Err(FileFailure::Missing),
            };
            with(&shared, |shared| shared.tell(Event::Hashed { ticket, result }));
        });
    }

    fn check(self: &Rc<Self>, ticket: Ticket) {
        let file = self.file(ticket.file);
        let shared = Rc::downgrade(self);
        spawn_local(async move {
            let result = match file {
                Some(file) => read::check(file).await,
                None => Err(FileFailure::Missing),
            };
            with(&shared, |shared| shared.tell(Event::Checked { ticket, result }));
        });
    }

    fn put(self: &Rc<Self>, ticket: Ticket, request: &SignedRequest, range: &Range<u64>) {
        // A file that is gone or cannot be cut is sent as nothing, which S3 refuses by its length and
        // checksum; hashing it again then finds the reason.
        let body = self
            .file(ticket.file)
            .and_then(|file| read::slice(&file, range).ok())
            .map_or(Body::Empty, Body::Blob);
        let request = Xhr.send(request, body, self.teller(ticket));
        self.inner.borrow_mut().requests.insert(ticket, request);
    }

    fn teller(self: &Rc<Self>, ticket: Ticket) -> impl Fn(Told) + 'static {
        let shared = Rc::downgrade(self);
        move |told| {
            with(&shared, |shared| match told {
                Told::Progress(sent) => shared.tell(Event::Progress { ticket, sent }),
                Told::Ended(answer) => {
                    shared.let_go(ticket);
                    shared.tell(Event::Answered { ticket, answer });
                }
            });
        }
    }

    fn call(self: &Rc<Self>, call: CallId, route: ApiRoute, body: String) {
        let mut request = SignedRequest {
            method: HttpMethod::Post,
            url: format!("{}{}", self.inner.borrow().api_url, route.path()),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            expires_at: u64::MAX,
        };
        if let Some(token) = &self.inner.borrow().access_token {
            let authorization = format!("Bearer {token}");
            request.headers.insert("authorization".to_owned(), authorization);
        }
        let shared = Rc::downgrade(self);
        let request = Fetch.send(&request, Body::Text(body), move |told| {
            if let Told::Ended(answer) = told {
                with(&shared, |shared| {
                    shared.let_go_of_call(call);
                    let unauthorized = shared.inner.borrow().unauthorized.clone();
                    if let (Some(act), Ok(HttpAnswer { status: 401, .. })) = (unauthorized, &answer) {
                        act();
                    }
                    shared.tell(Event::CallAnswered { call, answer });
                });
            }
        });
        self.inner.borrow_mut().calls.insert(call, request);
    }

    /// Ends a request, or forgets one that has ended. It is dropped outside the borrow, since a browser
    /// may call back while it ends a request.
    fn let_go(&self, ticket: Ticket) {
        let request = self.inner.borrow_mut().requests.remove(&ticket);
        drop(request);
    }

    fn let_go_of_call(&self, call: CallId) {
        let request = self.inner.borrow_mut().calls.remove(&call);
        drop(request);
    }

    fn wake_at(self: &Rc<Self>, then: Duration) {
        let shared = Rc::downgrade(self);
        let mut inner = self.inner.borrow_mut();
        let delay = then.saturating_sub(inner.clock.now());
        inner.timer = Some(Timer::after(delay, move || {
            with(&shared, |shared| shared.tell(Event::Tick));
        }));
    }

    /// Draws the rows that wait for another try anew in a second, so that they count down.
    fn count_down(self: &Rc<Self>) {
        let shared = Rc::downgrade(self);
        let timer = Timer::after(Duration::from_secs(1), move || {
            with(&shared, |shared| {
                {
                    let mut inner = shared.inner.borrow_mut();
                    let waiting: Vec<FileId> = inner
                        .rows
                        .keys()
                        .filter(|id| is_waiting(inner.engine.view(**id).as_ref()))
                        .copied()
                        .collect();
                    inner.changed.extend(waiting);
                }
                shared.frame.request();
            });
        });
        self.inner.borrow_mut().countdown = Some(timer);
    }

    /// Shows what changed since the last frame: the rows on the screen, and the totals when it is time.
    fn draw(self: &Rc<Self>) {
        let (rows, totals) = {
            let mut inner = self.inner.borrow_mut();
            (inner.rows_to_show(), inner.totals_to_show())
        };
        let counts_down = rows.iter().any(|(_, view)| is_waiting(view.as_ref()));
        for (row, view) in rows {
            row.set(view);
        }
        if counts_down {
            self.count_down();
        }
        match totals {
            Some(totals) => self.totals.set(totals),
            None => self.frame.request(),
        }
    }
}

impl Inner {
    /// The rows on the screen that changed, with what they are to show.
    fn rows_to_show(&mut self) -> Vec<(ArcRwSignal<Option<FileView>>, Option<FileView>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .filter_map(|id| Some((self.rows.get(&id)?.clone(), self.engine.view(id))))
            .collect()
    }

    /// The totals, unless they were shown a moment ago and nothing more than bytes has changed.
    fn totals_to_show(&mut self) -> Option<Totals> {
        let now = self.clock.now();
        let is_time = now.saturating_sub(self.totals_shown_at) >= TOTALS_INTERVAL;
        is_time.then(|| {
            self.totals_shown_at = now;
            self.engine.totals()
        })
    }
}

/// Listens to the network going and coming, and to a person coming back to the tab.
fn listen(shared: &Weak<Shared>) -> Vec<Listener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let tell_of = |name, event: fn() -> Event| {
        let shared = shared.clone();
        Listener::new(&window, name, move |_| {
            with(&shared, |shared| shared.tell(event()));
        })
    };
    let looked_at = shared.clone();
    vec![
        tell_of("online", || Event::Online),
        tell_of("offline", || Event::Offline),
        Listener::new(&window, "focus", move |_| {
            with(&looked_at, restore::look_elsewhere)
        }),
    ]
}

fn is_waiting(view: Option<&FileView>) -> bool {
    view.is_some_and(|view| matches!(view.status, FileStatus::Waiting { .. }))
}

const fn removed_file(command: &Command) -> Option<FileId> {
    match command {
        Command::Removed(id) => Some(*id),
        _ => None,
    }
}

pub(crate) fn with(shared: &Weak<Shared>, act: impl FnOnce(&Rc<Shared>)) {
    if let Some(shared) = shared.upgrade() {
        act(&shared);
    }
}
