//! Between the engine and the outside: an event in, its commands out.
//!
//! The engine's state is the truth. The driver holds what the engine must not: the `File`s and the
//! requests under way.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet, VecDeque},
    ops::Range,
    rc::{Rc, Weak},
    time::Duration,
};

use browser::Timer;
use engine::{
    ApiRoute, Attachment, CallId, Command, Engine, Event, FileDescription, FileFailure, FileId, FileStatus,
    HttpAnswer, READ_TOGETHER_FILES, Ticket,
};
use messages::{Start, ToPage, Window};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;
use wire::{HttpMethod, SignedRequest};

use crate::{
    awaiting::Awaiting,
    effects::{
        clock::Clock,
        handle::FileHandle,
        in_flight::InFlight,
        source::Source,
        transport::{self, Body, Fetch, Transport, Xhr},
    },
    keeper::Keeper,
    restore,
    screen::Screen,
    setup_check::{self, BrowserNetwork},
    verdicts::{self, Verdicts},
};

/// How long changes are gathered before the page is told of them.
const GATHERING: Duration = Duration::from_millis(50);

/// What the page is told.
pub(crate) enum Told {
    /// Words alone.
    Message(ToPage),
    /// [`ToPage::Wanted`], with the handle of each file.
    Wanted(ToPage, Vec<Option<FileHandle>>),
    /// [`ToPage::Thumbnail`], with the picture.
    Picture(ToPage, JsValue),
}

/// Drives one engine for as long as its page wants.
pub(crate) struct Driver {
    pub(crate) inner: RefCell<Inner>,
    tell_page: Box<dyn Fn(Told)>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) keeper: Keeper,
    /// The interrupted file that the next pick is for.
    awaited: Option<FileId>,
    api_url: String,
    access_token: Option<String>,
    clock: Clock,
    timer: Option<Timer>,
    files: HashMap<FileId, Rc<Source>>,
    /// Small files that are to be read together, as soon as those before them are.
    small_files: VecDeque<(Ticket, Rc<Source>)>,
    reads_small_files: bool,
    requests: HashMap<Ticket, InFlight>,
    calls: HashMap<CallId, InFlight>,
    pub(crate) screen: Screen,
    pub(crate) verdicts: Verdicts,
    /// Set while there is something to tell the page.
    gathering: Option<Timer>,
    countdown: Option<Timer>,
}

impl Driver {
    /// A driver with an engine of its own, which says by `tell_page` what the page has to know.
    pub(crate) fn new(start: &Start, tell_page: impl Fn(Told) + 'static) -> Rc<Self> {
        let session = restore::new_session();
        let driver = Rc::new(Self {
            inner: RefCell::new(Inner {
                engine: Engine::new(start.settings.clone(), start.seed),
                keeper: Keeper::new(session.clone()),
                awaited: None,
                api_url: start.api_url.clone(),
                access_token: None,
                clock: Clock::new(),
                timer: None,
                files: HashMap::new(),
                small_files: VecDeque::new(),
                reads_small_files: false,
                requests: HashMap::new(),
                calls: HashMap::new(),
                screen: Screen::default(),
                verdicts: Verdicts::new(start.verdicts),
                gathering: None,
                countdown: None,
            }),
            tell_page: Box::new(tell_page),
        });
        spawn_local(restore::begin(Rc::downgrade(&driver), session));
        driver
    }

    /// Tells the page something at once.
    pub(crate) fn say(&self, told: Told) {
        (self.tell_page)(told);
    }

    /// The next file that is picked is for this interrupted upload.
    pub(crate) fn await_file(&self, id: Option<FileId>) {
        self.inner.borrow_mut().awaited = id;
    }

    /// What is sent to the API to say who asks. With a new token, what waits goes on at once.
    pub(crate) fn set_access_token(self: &Rc<Self>, token: Option<String>) {
        let is_there = token.is_some();
        self.inner.borrow_mut().access_token = token;
        if is_there {
            self.tell(Event::SignedIn);
        }
    }

    /// Checks the set-up, and tells the page what was found.
    pub(crate) fn check_setup(self: &Rc<Self>) {
        let network = {
            let inner = self.inner.borrow();
            BrowserNetwork {
                api_request: inner.api_request(""),
                has_second_endpoint: inner.engine.settings().second_endpoint,
            }
        };
        let driver = Rc::downgrade(self);
        spawn_local(async move {
            let findings = setup_check::check(&network).await;
            with(&driver, |driver| {
                driver.say(Told::Message(ToPage::SetupChecked(findings)));
            });
        });
    }

    /// The page shows these rows, and wants to know of them now.
    pub(crate) fn show(self: &Rc<Self>, window: Window) {
        self.inner.borrow_mut().screen.show(window);
        self.tell_changes();
    }

    /// Adds files to the list, or gives them back to the interrupted uploads that they belong to.
    pub(crate) fn add(self: &Rc<Self>, picked: Vec<(FileDescription, File, Option<FileHandle>)>) {
        let mut awaiting = {
            let mut inner = self.inner.borrow_mut();
            let awaited = inner.awaited.take();
            Awaiting::new(&inner.engine, awaited, picked.len())
        };
        let mut next = self.inner.borrow().engine.next_file_id().0;
        let (mut descriptions, mut handles) = (Vec::new(), Vec::new());
        for (description, file, handle) in picked {
            if let Some(id) = awaiting.take(&description) {
                // The handle of a file that came back is not kept: it may turn out to be another file.
                self.attach(id, file, description, Attachment::Picked);
                continue;
            }
            let id = FileId(next);
            next += 1;
            self.inner
                .borrow_mut()
                .files
                .insert(id, Rc::new(Source::new(file)));
            descriptions.push(description);
            handles.extend(handle.map(|handle| (id, handle)));
        }
        if !descriptions.is_empty() {
            self.list_next(descriptions.len());
            self.tell(Event::FilesAdded(descriptions));
        }
        self.keep_handles(handles);
    }

    /// Gives a file to the interrupted upload that it belongs to, if that still waits for it.
    pub(crate) fn attach(
        self: &Rc<Self>,
        id: FileId,
        file: File,
        mut description: FileDescription,
        attachment: Attachment,
    ) {
        {
            let mut inner = self.inner.borrow_mut();
            let Some(view) = inner.engine.view(id) else { return };
            if !matches!(view.status, FileStatus::Interrupted(_)) {
                return;
            }
            // A file that came with its folder may come back alone.
            if base_name(&view.name) == base_name(&description.name) {
                description.name = view.name;
            }
            inner.files.insert(id, Rc::new(Source::new(file)));
        }
        self.tell(Event::Attached {
            id,
            description,
            attachment,
        });
    }

    /// Puts the files that the engine is about to be told of on the list.
    pub(crate) fn list_next(&self, count: usize) {
        let mut inner = self.inner.borrow_mut();
        let first = inner.engine.next_file_id().0;
        inner.screen.add((first..).map(FileId).take(count));
    }

    fn keep_handles(self: &Rc<Self>, handles: Vec<(FileId, FileHandle)>) {
        {
            let mut inner = self.inner.borrow_mut();
            for (id, handle) in handles {
                inner.keeper.keep_handle(id, handle);
            }
        }
        restore::write(self);
    }

    /// Tells the engine something, and does what it asks for.
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
            let mut inner = self.inner.borrow_mut();
            inner.screen.remove(&removed);
            inner.verdicts.remove(&removed);
        }
        restore::write(self);
        self.gather();
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
            Command::Changed(id) => self.inner.borrow_mut().screen.change(id),
            Command::Save(id) | Command::Forget(id) => self.inner.borrow_mut().keeper.keep(id),
            Command::SavePart(id, number) => self.inner.borrow_mut().keeper.keep_part(id, number),
            Command::Removed(id) => {
                let mut inner = self.inner.borrow_mut();
                inner.files.remove(&id);
            }
        }
    }

    /// A file that a person picked, while it is on the list.
    pub(crate) fn file(&self, id: FileId) -> Option<File> {
        self.source(id).map(|source| source.file().clone())
    }

    fn source(&self, id: FileId) -> Option<Rc<Source>> {
        self.inner.borrow().files.get(&id).cloned()
    }

    fn hash(self: &Rc<Self>, ticket: Ticket, range: Range<u64>) {
        let source = self.source(ticket.file);
        let driver = Rc::downgrade(self);
        if let Some(source) = source.as_ref().filter(|source| source.is_read_together(&range)) {
            let mut inner = self.inner.borrow_mut();
            inner.small_files.push_back((ticket, Rc::clone(source)));
            if !std::mem::replace(&mut inner.reads_small_files, true) {
                spawn_local(hash_small_files(driver));
            }
            return;
        }
        spawn_local(async move {
            let result = match source {
                Some(source) => source.hash(range).await,
                None => Err(FileFailure::Missing),
            };
            with(&driver, |driver| {
                driver.tell(Event::Hashed(vec![(ticket, result)]))
            });
        });
    }

    /// Small files to be hashed next, or nothing where there are none.
    fn next_small_files(&self) -> Option<Vec<(Ticket, Rc<Source>)>> {
        let mut inner = self.inner.borrow_mut();
        let count = inner.small_files.len().min(READ_TOGETHER_FILES);
        inner.reads_small_files = count > 0;
        (count > 0).then(|| inner.small_files.drain(..count).collect())
    }

    fn check(self: &Rc<Self>, ticket: Ticket) {
        let source = self.source(ticket.file);
        let driver = Rc::downgrade(self);
        spawn_local(async move {
            let result = match source {
                Some(source) => source.check().await,
                None => Err(FileFailure::Missing),
            };
            with(&driver, |driver| driver.tell(Event::Checked { ticket, result }));
        });
    }

    fn put(self: &Rc<Self>, ticket: Ticket, request: &SignedRequest, range: &Range<u64>) {
        let source = self.source(ticket.file);
        let body = source.map_or(Body::Empty, |source| source.body(range));
        let request = Xhr.send(request, body, self.teller(ticket));
        self.inner.borrow_mut().requests.insert(ticket, request);
    }

    fn teller(self: &Rc<Self>, ticket: Ticket) -> impl Fn(transport::Told) + 'static {
        let driver = Rc::downgrade(self);
        move |told| {
            with(&driver, |driver| match told {
                transport::Told::Progress(sent) => driver.tell(Event::Progress { ticket, sent }),
                transport::Told::Ended(answer) => {
                    driver.let_go(ticket);
                    driver.tell(Event::Answered { ticket, answer });
                }
            });
        }
    }

    fn call(self: &Rc<Self>, call: CallId, route: ApiRoute, body: String) {
        let request = self.inner.borrow().api_request(route.path());
        let driver = Rc::downgrade(self);
        let request = Fetch.send(&request, Body::Text(body), move |told| {
            if let transport::Told::Ended(answer) = told {
                with(&driver, |driver| {
                    driver.let_go_of_call(call);
                    if is_unauthorized(answer.as_ref().ok()) {
                        driver.say(Told::Message(ToPage::NotSignedIn));
                    }
                    driver.tell(Event::CallAnswered { call, answer });
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
        let driver = Rc::downgrade(self);
        let mut inner = self.inner.borrow_mut();
        let delay = then.saturating_sub(inner.clock.now());
        inner.timer = Some(Timer::after(delay, move || {
            with(&driver, |driver| driver.tell(Event::Tick));
        }));
    }

    /// Tells the page of all changes in a moment.
    pub(crate) fn gather(self: &Rc<Self>) {
        let mut inner = self.inner.borrow_mut();
        if inner.gathering.is_none() {
            let driver = Rc::downgrade(self);
            inner.gathering = Some(Timer::after(GATHERING, move || {
                with(&driver, Self::tell_changes);
            }));
        }
    }

    /// Tells the page of all changes now.
    fn tell_changes(self: &Rc<Self>) {
        let (told, is_more) = {
            let mut inner = self.inner.borrow_mut();
            inner.gathering = None;
            let now = inner.clock.now();
            let Inner {
                engine,
                screen,
                verdicts,
                ..
            } = &mut *inner;
            screen.tell(engine, verdicts, now)
        };
        for message in told {
            if let ToPage::Ended(files) = &message {
                verdicts::await_stored(self, files);
            }
            self.say(Told::Message(message));
        }
        if is_more {
            self.gather();
        }
        self.count_down();
    }

    /// Shows the rows that wait for another try anew in a second, so that they count down.
    fn count_down(self: &Rc<Self>) {
        let mut inner = self.inner.borrow_mut();
        if inner.countdown.is_some() || !inner.screen.counts_down(&inner.engine) {
            return;
        }
        let driver = Rc::downgrade(self);
        inner.countdown = Some(Timer::after(Duration::from_secs(1), move || {
            with(&driver, |driver| {
                {
                    let mut inner = driver.inner.borrow_mut();
                    inner.countdown = None;
                    let Inner { engine, screen, .. } = &mut *inner;
                    screen.count_down(engine);
                }
                driver.tell_changes();
            });
        }));
    }
}

impl Inner {
    /// A POST to the API at this path, without its body.
    pub(crate) fn api_request(&self, path: &str) -> SignedRequest {
        let token = self.access_token.as_ref();
        let authorization = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        SignedRequest {
            method: HttpMethod::Post,
            url: format!("{}{path}", self.api_url),
            headers: [("content-type".to_owned(), "application/json".to_owned())]
                .into_iter()
                .chain(authorization)
                .collect(),
            expires_at: u64::MAX,
        }
    }
}

/// Hashes small files, many at a time, until there are no more.
async fn hash_small_files(driver: Weak<Driver>) {
    while let Some(some) = driver.upgrade().and_then(|driver| driver.next_small_files()) {
        let (tickets, sources): (Vec<Ticket>, Vec<Rc<Source>>) = some.into_iter().unzip();
        let results = Source::hash_together(&sources).await;
        with(&driver, |driver| {
            driver.tell(Event::Hashed(tickets.into_iter().zip(results).collect()));
        });
    }
}

fn is_unauthorized(answer: Option<&HttpAnswer>) -> bool {
    answer.is_some_and(|answer| answer.status == 401)
}

/// A name without the folders above it.
pub(crate) fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

const fn removed_file(command: &Command) -> Option<FileId> {
    match command {
        Command::Removed(id) => Some(*id),
        _ => None,
    }
}

/// Does something with the driver, if its page still wants it.
pub(crate) fn with(driver: &Weak<Driver>, act: impl FnOnce(&Rc<Driver>)) {
    if let Some(driver) = driver.upgrade() {
        act(&driver);
    }
}
