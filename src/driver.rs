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
    ApiRoute, CallId, Command, Engine, Event, FileFailure, FileId, FileStatus, FileView, Ticket, Totals,
};
use leptos::prelude::{ArcRwSignal, Set, Update};
use wasm_bindgen_futures::spawn_local;
use web_sys::File;
use wire::{HttpMethod, SignedRequest};

use crate::{
    config::Config,
    effects::{
        clock::Clock,
        files,
        frame::Frame,
        in_flight::InFlight,
        listener::Listener,
        read,
        timer::Timer,
        transport::{Body, Fetch, Told, Transport, Xhr},
    },
};

/// How often the totals are shown anew.
const TOTALS_INTERVAL: Duration = Duration::from_millis(500);

/// Drives one engine for as long as the page lives.
#[derive(Clone)]
pub struct Driver {
    shared: Rc<Shared>,
}

struct Shared {
    inner: RefCell<Inner>,
    frame: Frame,
    /// Every file on the list, in the order in which they were added.
    list: ArcRwSignal<Vec<FileId>>,
    totals: ArcRwSignal<Totals>,
}

struct Inner {
    engine: Engine,
    api_url: String,
    clock: Clock,
    timer: Option<Timer>,
    countdown: Option<Timer>,
    files: HashMap<FileId, File>,
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
        let shared = Rc::new_cyclic(|weak: &Weak<Shared>| {
            let drawn = weak.clone();
            Shared {
                inner: RefCell::new(Inner {
                    engine: Engine::new(config.engine_settings(), seed),
                    api_url: config.api_url.trim_end_matches('/').to_owned(),
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
            }
        });
        Self { shared }
    }

    /// Adds files to the list.
    pub fn add(&self, files: Vec<File>) {
        self.shared.add(files);
    }

    /// Tells the engine something, such as what a person wants.
    pub fn tell(&self, event: Event) {
        self.shared.tell(event);
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
    fn add(self: &Rc<Self>, picked: Vec<File>) {
        if picked.is_empty() {
            return;
        }
        let descriptions = picked.iter().map(files::describe).collect();
        let first = {
            let mut inner = self.inner.borrow_mut();
            let first = inner.engine.next_file_id().0;
            inner
                .files
                .extend((first..).map(FileId).zip(picked.iter().cloned()));
            first
        };
        self.list
            .update(|list| list.extend((first..).map(FileId).take(picked.len())));
        self.tell(Event::FilesAdded(descriptions));
    }

    fn tell(self: &Rc<Self>, event: Event) {
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
        let request = SignedRequest {
            method: HttpMethod::Post,
            url: format!("{}{}", self.inner.borrow().api_url, route.path()),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            expires_at: u64::MAX,
        };
        let shared = Rc::downgrade(self);
        let request = Fetch.send(&request, Body::Text(body), move |told| {
            if let Told::Ended(answer) = told {
                with(&shared, |shared| {
                    shared.let_go_of_call(call);
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

/// Listens to the network going and coming.
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
    vec![
        tell_of("online", || Event::Online),
        tell_of("offline", || Event::Offline),
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

fn with(shared: &Weak<Shared>, act: impl FnOnce(&Rc<Shared>)) {
    if let Some(shared) = shared.upgrade() {
        act(&shared);
    }
}
