//! Between the engine and the outside: feeds it events and carries out its commands.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::{Rc, Weak},
    time::Duration,
};

use browser::Timer;
use engine::{BodySource, Command, Engine, Event, FileId};
use messages::{Start, ToPage, Viewport};
use wire::{BatchId, Fields};

use crate::{
    api::Api,
    effects::{clock::Clock, platform},
    files::Files,
    intake::Intake,
    manifests::Manifests,
    page::Page,
    page_view::PageView,
    picked::{self, Picked},
    receipt,
    requests::Requests,
    store::Store,
    thumbnails::Thumbnails,
    to_driver::{DriverHandle, ToDriver},
    user::User,
    verdicts::Verdicts,
};

/// Drives one engine for as long as its page is there.
///
/// Each of its parts has its own state and reports by a [`DriverHandle`]; only the driver touches the engine.
pub(crate) struct Driver {
    engine: RefCell<Engine>,
    clock: Clock,
    /// Wakes the engine when it asked to be woken.
    wake_up: RefCell<Option<Timer>>,
    pub(crate) page: Page,
    pub(crate) api: Rc<Api>,
    pub(crate) files: Rc<Files>,
    pub(crate) store: Rc<Store>,
    requests: Rc<Requests>,
    page_view: PageView,
    verdicts: Rc<Verdicts>,
    pub(crate) manifests: Manifests,
    pub(crate) thumbnails: Thumbnails,
    pub(crate) receipt: receipt::Saved,
    /// What goes onto the list of what the user chooses.
    pub(crate) intake: RefCell<Intake>,
    /// Files that were taken for those of interrupted uploads by their names and sizes alone.
    pub(crate) guesses: RefCell<HashMap<FileId, (BatchId, Picked)>>,
    handle: DriverHandle,
}

impl Driver {
    pub(crate) fn new(start: &Start, user: User, page: Page) -> Rc<Self> {
        Rc::new_cyclic(|driver: &Weak<Self>| {
            let driver = driver.clone();
            let handle = DriverHandle::new(move |report| with(&driver, |driver| driver.on_report(report)));
            let api = Rc::new(Api::new(start));
            let mut settings = start.settings.clone();
            platform::adapt(&mut settings);
            let files = Files::new(handle.clone(), settings.bodies_as_bytes);
            Self {
                clock: Clock::new(),
                wake_up: RefCell::default(),
                manifests: Manifests::new(handle.clone(), Rc::clone(&files)),
                files,
                engine: RefCell::new(Engine::new(settings, start.seed)),
                store: Store::new(handle.clone(), user, start.resume, page.clone()),
                requests: Requests::new(handle.clone(), Rc::clone(&api), page.clone()),
                page_view: PageView::new(handle.clone()),
                verdicts: Verdicts::new(handle.clone(), Rc::clone(&api), start.verdicts),
                thumbnails: Thumbnails::default(),
                receipt: receipt::Saved::default(),
                intake: RefCell::new(Intake::new(start.limits.clone())),
                guesses: RefCell::default(),
                page,
                api,
                handle,
            }
        })
    }

    /// Asks the engine something.
    pub(crate) fn query<T>(&self, ask: impl FnOnce(&Engine) -> T) -> T {
        ask(&self.engine.borrow())
    }

    fn on_report(&self, report: ToDriver) {
        match report {
            ToDriver::Event(event) => self.handle(event),
            ToDriver::UpdateDue => self.update_page(),
            ToDriver::CountdownDue => {
                self.page_view.count_down(&self.engine.borrow());
                self.update_page();
            }
            ToDriver::WriteDue => self.write_records(),
            ToDriver::ManifestDue(id, batch) => self.write_manifest(id, batch),
            ToDriver::Verdicts(found) => {
                self.page_view.set_verdicts(found);
                self.page_view.schedule_update();
            }
        }
    }

    /// Feeds the engine an event, and carries out its commands.
    pub(crate) fn handle(&self, event: Event) {
        let (added, commands) = {
            let mut engine = self.engine.borrow_mut();
            let now = self.clock.now();
            if self.clock.has_slept() {
                engine.handle(Event::Woke, now);
            }
            let first = engine.next_file_id().0;
            engine.handle(event, now);
            let added = first..engine.next_file_id().0;
            let commands: Vec<Command> = engine.drain_commands().collect();
            (added, commands)
        };
        self.page_view.add(added.map(FileId), &self.engine.borrow());
        let removed: HashSet<FileId> = commands.iter().filter_map(removed_file).collect();
        let changed: Vec<FileId> = commands.iter().filter_map(changed_file).collect();
        for command in commands {
            self.carry_out(command);
        }
        if !removed.is_empty() {
            self.page_view.remove(&removed);
            self.verdicts.remove(&removed);
        }
        self.write_records();
        self.page_view.schedule_update();
        for id in changed {
            picked::review_guess(self, id);
        }
    }

    fn carry_out(&self, command: Command) {
        match command {
            Command::Hash { ticket, range } => self.files.hash(ticket, range),
            Command::Check { ticket } => self.files.check(ticket),
            Command::Reopen { ticket } => {
                let name = self.query(|engine| engine.view(ticket.file).map(|view| view.name));
                self.files.reopen(ticket, name.unwrap_or_default());
            }
            Command::Call { call, route, body } => self.requests.call(call, route, body),
            Command::Put {
                ticket,
                request,
                range,
                body: BodySource::Slice,
            } => {
                let body = self.files.body(ticket.file, &range);
                self.requests.put(ticket, &request, body);
            }
            Command::Put {
                ticket,
                request,
                range,
                body: BodySource::Bytes,
            } => {
                let body = Rc::clone(&self.files).body_in_memory(ticket.file, range);
                self.requests.put_when_read(ticket, request, body);
            }
            Command::Send {
                ticket,
                request,
                body,
            } => self.requests.send(ticket, &request, body),
            Command::Cancel { ticket } => self.requests.finish_request(ticket),
            Command::CancelCall { call } => self.requests.finish_call(call),
            Command::WakeAt(time) => self.wake_at(time),
            Command::Changed(id) => self.page_view.mark_changed(id),
            Command::Save(id) | Command::Forget(id) => self.store.mark_changed(id),
            Command::ForgetBatch(batch) => self.store.forget_batch(batch),
            Command::ReportSaved(save) => self.store.report_saved(save),
            Command::SavePart(id, number) => self.store.mark_part(id, number),
            Command::Stored(id) => self.query(|engine| {
                if let Some((file, batch, stored)) = engine.stored(id) {
                    self.manifests.note(batch, file, stored);
                }
            }),
            Command::WriteManifest { manifest, batch } => self.write_manifest(manifest, batch),
            Command::ManifestStored { .. } => {}
            Command::Removed(id) => self.files.remove(id),
        }
    }

    fn write_manifest(&self, id: FileId, batch: BatchId) {
        let now = self.clock.now();
        let will_be_written = self.query(|engine| self.manifests.write_at_end(id, batch, engine, now));
        if !will_be_written {
            self.handle(Event::ManifestNotWritten(id));
        }
    }

    fn wake_at(&self, time: Duration) {
        let delay = time.saturating_sub(self.clock.now());
        let handle = self.handle.clone();
        let timer = Timer::after(delay, move || handle.event(Event::Tick));
        self.wake_up.replace(Some(timer));
    }

    /// The uploader of this batch answered this.
    pub(crate) fn set_fields(&self, batch: BatchId, fields: Fields) {
        self.manifests.set_fields(batch, fields.clone());
        self.store.set_fields(batch, fields);
    }

    /// An earlier page had more files of this batch.
    pub(crate) fn note_more(&self, batch: BatchId) {
        self.page_view.note_more(batch);
    }

    /// Files of this batch came.
    pub(crate) fn note_added(&self, batch: BatchId) {
        self.manifests.note_added(batch, self.clock.now());
    }

    /// A folder of this batch is being read, or was read to its end.
    pub(crate) fn note_folder(&self, batch: BatchId, is_read: bool) {
        self.manifests.note_folder(batch, is_read, self.clock.now());
    }

    /// Writes what has to outlive the page, if anything of it has changed.
    pub(crate) fn write_records(&self) {
        self.store.write(&self.engine.borrow());
    }

    /// The page shows these rows from now on, and is sent them at once.
    pub(crate) fn set_viewport(&self, viewport: Viewport) {
        self.page_view.set_viewport(viewport);
        self.update_page();
    }

    /// Shows or hides the files of a batch, at once.
    pub(crate) fn set_open(&self, batch: BatchId, is_open: bool) {
        self.page_view.set_open(batch, is_open);
        self.update_page();
    }

    /// Tells the page what was left out of the user's choice, if that has changed.
    pub(crate) fn report_left_out(&self) {
        let news = self.intake.borrow_mut().news();
        if let Some(left_out) = news {
            self.page.send(&ToPage::LeftOut(left_out));
        }
    }

    /// Whether the page shows the row of this file.
    pub(crate) fn is_on_screen(&self, id: FileId) -> bool {
        self.page_view.is_on_screen(id)
    }

    fn update_page(&self) {
        let now = self.clock.now();
        let messages = self.page_view.update(&self.engine.borrow(), &self.manifests, now);
        for message in messages {
            if let ToPage::Ended(files) = &message {
                self.verdicts.await_stored(files);
            }
            self.page.send(&message);
        }
    }
}

const fn removed_file(command: &Command) -> Option<FileId> {
    match command {
        Command::Removed(id) => Some(*id),
        _ => None,
    }
}

const fn changed_file(command: &Command) -> Option<FileId> {
    match command {
        Command::Changed(id) | Command::Removed(id) => Some(*id),
        _ => None,
    }
}

/// Does something with the driver, unless it is gone.
pub(crate) fn with(driver: &Weak<Driver>, act: impl FnOnce(&Rc<Driver>)) {
    if let Some(driver) = driver.upgrade() {
        act(&driver);
    }
}
