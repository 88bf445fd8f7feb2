//! A page without a browser: files can be read, the Lambda answers at once, and S3's answers are
//! the test's to give.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    time::Duration,
};

use engine::{
    ApiRoute, Attachment, BodySource, CallId, Command, Engine, ErrorKind, Event, FileDescription,
    FileFailure, FileId, FileStatus, HttpAnswer, Owner, SaveId, Settings, Ticket, TransportFailure,
    UploadRecord,
};
use wire::{
    BatchId, Endpoint, FilePlan, FileToUpload, HttpMethod, ManifestRequest, ManifestResponse,
    MultipartOperation, OperationOutcome, PartSizes, PlanOutcome, Sha256Digest, SignRequest, SignResponse,
    SignedRequest, UploadsRequest, UploadsResponse,
};

pub(crate) const MIB: u64 = 1024 * 1024;

/// Where S3 is.
const HOST: &str = "https://photos.example.com/";

/// The Lambda's clock at the beginning, in seconds since 1970.
const BEGINNING: u64 = 1_800_000_000;

/// The batch of a `POST /uploads`, and each file with the number of its copy.
pub(crate) type PlanCall = (Option<BatchId>, Vec<(String, u32)>);

pub(crate) struct Page {
    pub(crate) engine: Engine,
    pub(crate) now: Duration,
    /// How many seconds the servers' clock is ahead of the page's own.
    pub(crate) server_ahead: u64,
    /// How long URLs are good for, in seconds.
    pub(crate) url_seconds: u64,
    /// Why no file can be read, if none can.
    pub(crate) unreadable: Option<FileFailure>,
    /// How often the files have changed.
    pub(crate) version: u8,
    /// When they were last changed, and how large they are once they are opened anew.
    pub(crate) modified: i64,
    pub(crate) reopened_size: Option<u64>,
    /// Calls are kept instead of answered.
    pub(crate) hold_calls: bool,
    pub(crate) held_calls: Vec<(CallId, ApiRoute, String)>,
    /// Whether the storage reports nothing, and the saves that it was to report.
    pub(crate) hold_saves: bool,
    pub(crate) held_saves: Vec<SaveId>,
    /// Whether the Lambda makes one name of all names.
    pub(crate) one_name: bool,
    pub(crate) planned: Vec<PlanCall>,
    /// How many files or operations each call asked for.
    pub(crate) calls: Vec<usize>,
    /// S3 requests in flight, by name, in the order in which they started.
    requests: Vec<(Ticket, String)>,
    /// What of its file each PUT carried, by name.
    pub(crate) ranges: BTreeMap<String, Range<u64>>,
    /// How each PUT was sent last, by name.
    pub(crate) bodies: BTreeMap<String, BodySource>,
    /// The largest file that the Lambda plans as one PUT.
    pub(crate) single_put_max: u64,
    /// Which sizes parts may have.
    pub(crate) part_sizes: PartSizes,
    /// The headers that are signed, whatever the request.
    pub(crate) headers: BTreeMap<String, String>,
    wake_at: Option<Duration>,
    /// What outlives the page.
    pub(crate) kept: BTreeMap<FileId, UploadRecord>,
    /// How often a whole record was written.
    pub(crate) saves: usize,
    /// What was noted of each batch, and what each manifest says.
    pub(crate) noted: BTreeMap<BatchId, Vec<String>>,
    pub(crate) manifests: Vec<Vec<String>>,
    /// Whether manifests can be written.
    pub(crate) writes_manifests: bool,
}

impl Page {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            engine: Engine::new(settings, 1),
            now: Duration::from_secs(10),
            server_ahead: 0,
            url_seconds: 900,
            unreadable: None,
            version: 0,
            modified: 0,
            reopened_size: None,
            hold_calls: false,
            held_calls: Vec::new(),
            hold_saves: false,
            held_saves: Vec::new(),
            one_name: false,
            planned: Vec::new(),
            calls: Vec::new(),
            requests: Vec::new(),
            ranges: BTreeMap::new(),
            bodies: BTreeMap::new(),
            single_put_max: wire::SINGLE_PUT_MAX_BYTES,
            part_sizes: PartSizes::Growing,
            headers: [(wire::IF_NONE_MATCH, "*"), (wire::CHECKSUM_ALGORITHM, "SHA256")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            wake_at: None,
            kept: BTreeMap::new(),
            saves: 0,
            noted: BTreeMap::new(),
            manifests: Vec::new(),
            writes_manifests: true,
        }
    }

    /// A page that was opened after an earlier one had died.
    pub(crate) fn after(dead: &Self) -> Self {
        let mut page = Self::new(dead.engine.settings().clone());
        let kept = dead.kept.values().cloned();
        let (stored, records): (Vec<UploadRecord>, Vec<_>) = kept.partition(|record| record.has_ended);
        let keys = stored
            .iter()
            .filter_map(|record| record.object_key().map(str::to_owned));
        page.tell(Event::KeysTaken(keys.collect()));
        let owner = Owner::ThisPage;
        page.kept = (0..).map(FileId).zip(records.clone()).collect();
        page.tell(Event::Restored { records, owner });
        if page.engine.settings().manifests && !stored.is_empty() {
            page.restore_batch(&stored);
        }
        page
    }

    /// Notes what is on record of the only batch.
    fn restore_batch(&mut self, stored: &[UploadRecord]) {
        for record in stored {
            if let Some(object) = &record.stored {
                let line = format!("{} {:?}", record.size, object.checksum);
                self.noted.entry(batch(1)).or_default().push(line);
            }
        }
        self.tell(Event::BatchRestored {
            batch: batch(1),
            manifest: stored.iter().find_map(|record| record.manifest),
        });
    }

    /// The file of an interrupted upload comes back.
    pub(crate) fn attach(&mut self, file: u32, attachment: Attachment) {
        let id = FileId(file);
        let (_, description) = self
            .engine
            .without_file()
            .find(|(other, _)| *other == id)
            .expect("an upload that waits for its file");
        let description = description.clone();
        self.tell(Event::Attached {
            id,
            description,
            attachment,
        });
    }

    /// A page where files of these sizes were picked.
    pub(crate) fn with_files(settings: Settings, sizes: &[u64]) -> Self {
        let mut page = Self::new(settings);
        page.pick(sizes);
        page
    }

    /// A page with one file of 20 MiB, which goes as three parts of 8, 8 and 4 MiB, at `part 1` to
    /// `part 3`.
    pub(crate) fn uploading() -> Self {
        let mut page = Self::with_files(Settings::default(), &[20 * MIB]);
        page.answer("create 0", created());
        assert_eq!(page.requests(), ["part 1 of 0", "part 2 of 0", "part 3 of 0"]);
        page
    }

    /// As [`Self::uploading`], with all parts stored and Complete on its way.
    pub(crate) fn completing() -> Self {
        let mut page = Self::uploading();
        for number in 1..=3 {
            page.answer(&format!("part {number} of 0"), stored());
        }
        assert_eq!(page.requests(), ["complete 0"]);
        page
    }

    pub(crate) fn pick(&mut self, sizes: &[u64]) {
        self.tell(Event::FilesAdded {
            batch: batch(1),
            files: described(sizes),
        });
    }

    /// Tells the engine something, and does all that it asks for but what S3 has to answer.
    pub(crate) fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            self.engine.handle(event, self.now);
            let commands: Vec<Command> = self.engine.drain_commands().collect();
            for command in commands {
                events.extend(self.execute(command));
            }
        }
    }

    fn execute(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Hash { ticket, range } => {
                let mut bytes = [self.version; 32];
                bytes[..8].copy_from_slice(&range.start.to_le_bytes());
                bytes[8..12].copy_from_slice(&ticket.file.0.to_le_bytes());
                let result = self.unreadable.map_or(Ok(Sha256Digest::new(bytes)), Err);
                Some(Event::Hashed(vec![(ticket, result)]))
            }
            Command::Check { ticket } => {
                let result = self.unreadable.map_or(Ok(()), Err);
                Some(Event::Checked { ticket, result })
            }
            Command::Reopen { ticket } => {
                let result = self
                    .unreadable
                    .map_or_else(|| Ok(self.reopened(ticket.file)), Err);
                Some(Event::Reopened { ticket, result })
            }
            Command::Call { call, route, body } => {
                self.calls.push(asked_for(route, &body));
                if self.hold_calls {
                    self.held_calls.push((call, route, body));
                    return None;
                }
                self.record_plan(route, &body);
                let answer = Ok(self.lambda(route, &body));
                Some(Event::CallAnswered { call, answer })
            }
            Command::ReportSaved(save) if self.hold_saves => {
                self.held_saves.push(save);
                None
            }
            Command::ReportSaved(save) => Some(Event::Saved(save)),
            Command::Put {
                ticket,
                request,
                range,
                body,
            } => {
                let name = request.url.trim_start_matches(HOST).to_owned();
                self.bodies.insert(name.clone(), body);
                self.ranges.insert(name.clone(), range);
                self.requests.push((ticket, name));
                None
            }
            Command::Send { ticket, request, .. } => {
                let name = request.url.trim_start_matches(HOST).to_owned();
                self.requests.push((ticket, name));
                None
            }
            Command::Cancel { ticket } => {
                self.requests.retain(|(other, _)| *other != ticket);
                None
            }
            Command::CancelCall { call } => {
                self.held_calls.retain(|(other, ..)| *other != call);
                None
            }
            Command::WakeAt(time) => {
                self.wake_at = Some(time);
                None
            }
            Command::Changed(_) | Command::Removed(_) | Command::ManifestStored { .. } => None,
            Command::Stored(id) => {
                let (file, batch, stored) = self.engine.stored(id).expect("a stored file");
                let line = format!("{} {:?}", file.size, stored.checksum);
                self.noted.entry(batch).or_default().push(line);
                None
            }
            Command::WriteManifest { manifest, .. } if !self.writes_manifests => {
                Some(Event::ManifestNotWritten(manifest))
            }
            Command::WriteManifest { manifest, batch } => {
                let mut lines = self.noted.get(&batch).cloned().unwrap_or_default();
                lines.extend(self.engine.not_stored(batch).map(|(file, error)| {
                    let kind = error.map(|error| error.kind);
                    format!("{} {kind:?}", file.size)
                }));
                let (size, sha256) = (lines.concat().len() as u64, digest_of(&lines));
                self.manifests.push(lines);
                Some(Event::ManifestWritten {
                    manifest,
                    size,
                    sha256,
                })
            }
            Command::Save(_) | Command::SavePart(..) | Command::Forget(_) | Command::ForgetBatch(_) => {
                self.keep(command);
                None
            }
        }
    }

    fn record_plan(&mut self, route: ApiRoute, body: &str) {
        if route == ApiRoute::Uploads {
            let request: UploadsRequest = serde_json::from_str(body).expect("a request");
            let copies = request.files.into_iter().map(|file| (file.id, file.copy));
            self.planned.push((request.batch, copies.collect()));
        }
    }

    fn reopened(&self, id: FileId) -> FileDescription {
        let view = self.engine.view(id).expect("a file");
        FileDescription {
            name: view.name,
            size: self.reopened_size.unwrap_or(view.size),
            media_type: view.media_type,
            last_modified: self.modified,
        }
    }

    fn keep(&mut self, command: Command) {
        match command {
            Command::Save(id) => {
                self.saves += 1;
                self.kept
                    .extend(self.engine.record(id).map(|record| (id, record)));
            }
            Command::SavePart(id, number) => {
                let record = self.kept.get_mut(&id).expect("a record to add to");
                let multipart = record.multipart.as_mut().expect("a multipart upload");
                multipart
                    .parts
                    .extend(self.engine.recorded_part(id, number).cloned());
            }
            Command::Forget(id) => {
                self.kept.remove(&id);
            }
            Command::ForgetBatch(batch) => {
                self.kept
                    .retain(|_, record| !(record.has_ended && record.batch == Some(batch)));
            }
            other => panic!("{other:?} is not about what is kept"),
        }
    }

    /// Lets the Lambda answer what it was asked while calls were held.
    pub(crate) fn release_calls(&mut self) {
        self.hold_calls = false;
        for (call, route, body) in std::mem::take(&mut self.held_calls) {
            let answer = Ok(self.lambda(route, &body));
            self.tell(Event::CallAnswered { call, answer });
        }
    }

    /// What the Lambda answers.
    pub(crate) fn lambda(&self, route: ApiRoute, body: &str) -> HttpAnswer {
        let body = match route {
            ApiRoute::Uploads => {
                let request: UploadsRequest = serde_json::from_str(body).expect("a request");
                serde_json::to_string(&UploadsResponse {
                    server_time: self.server_time(),
                    batch: request.batch.unwrap_or_else(|| batch(7)),
                    files: request.files.iter().map(|file| self.plan(file)).collect(),
                })
            }
            ApiRoute::Sign => {
                let request: SignRequest = serde_json::from_str(body).expect("a request");
                let last = request.key.rsplit('/').next().expect("a name");
                let file = last.split(' ').next().expect("an id").to_owned();
                let sign = |operation: &MultipartOperation| {
                    let is_second = matches!(
                        operation,
                        MultipartOperation::UploadPart {
                            endpoint: Endpoint::Second,
                            ..
                        }
                    );
                    let is_part = matches!(operation, MultipartOperation::UploadPart { .. });
                    let is_second = is_second || !is_part && request.endpoint == Endpoint::Second;
                    let name = at_endpoint(name(operation, &file), is_second);
                    OperationOutcome::Signed(self.sign(&name))
                };
                serde_json::to_string(&SignResponse {
                    server_time: self.server_time(),
                    requests: request.operations.iter().map(sign).collect(),
                })
            }
            ApiRoute::Manifests => {
                let request: ManifestRequest = serde_json::from_str(body).expect("a request");
                let name = format!("manifest {}", request.edition);
                serde_json::to_string(&ManifestResponse {
                    server_time: self.server_time(),
                    key: name.clone(),
                    put: self.sign(&name),
                })
            }
        };
        HttpAnswer {
            status: 200,
            body: body.expect("JSON"),
            ..HttpAnswer::default()
        }
    }

    fn plan(&self, file: &FileToUpload) -> FilePlan {
        let key = match self.one_name {
            true => format!("uploads/name ({})", file.copy),
            false if file.copy < 2 => format!("uploads/{}", file.id),
            false => format!("uploads/{} ({})", file.id, file.copy),
        };
        let outcome =
            if file.size > self.single_put_max || file.size > wire::MIN_PART_BYTES && file.sha256.is_none() {
                PlanOutcome::Multipart {
                    key,
                    create: self.sign(&at_endpoint(
                        format!("create {}", file.id),
                        file.endpoint == Endpoint::Second,
                    )),
                    part_size: 8 * MIB,
                    part_sizes: self.part_sizes,
                }
            } else {
                PlanOutcome::Put {
                    key,
                    put: self.sign(&at_endpoint(
                        format!("put {}", file.id),
                        file.endpoint == Endpoint::Second,
                    )),
                }
            };
        FilePlan {
            id: file.id.clone(),
            outcome,
        }
    }

    fn sign(&self, name: &str) -> SignedRequest {
        SignedRequest {
            method: HttpMethod::Put,
            url: format!("{HOST}{name}"),
            headers: self.headers.clone(),
            expires_at: self.server_time() + self.url_seconds,
        }
    }

    fn server_time(&self) -> u64 {
        BEGINNING + self.server_ahead + self.now.as_secs()
    }

    /// The names of the S3 requests in flight.
    pub(crate) fn requests(&self) -> Vec<&str> {
        self.requests.iter().map(|(_, name)| name.as_str()).collect()
    }

    pub(crate) fn ticket(&self, name: &str) -> Ticket {
        let request = self.requests.iter().find(|(_, other)| other == name);
        request
            .unwrap_or_else(|| panic!("{name} is not among {:?}", self.requests()))
            .0
    }

    /// S3 answers the request of this name.
    pub(crate) fn answer(&mut self, name: &str, answer: HttpAnswer) {
        self.end(name, Ok(answer));
    }

    /// The request of this name ends without an answer.
    pub(crate) fn lose(&mut self, name: &str) {
        self.end(name, Err(TransportFailure::NoAnswer));
    }

    fn end(&mut self, name: &str, answer: Result<HttpAnswer, TransportFailure>) {
        let ticket = self.ticket(name);
        self.requests.retain(|(other, _)| *other != ticket);
        self.tell(Event::Answered { ticket, answer });
    }

    pub(crate) fn progress(&mut self, name: &str, sent: u64) {
        let ticket = self.ticket(name);
        self.tell(Event::Progress { ticket, sent });
    }

    /// Lets time pass until the engine wants to be woken, and returns how much that was.
    pub(crate) fn wait(&mut self) -> Duration {
        let wake_at = self.wake_at.take().expect("a wake-up was asked for");
        let waited = wake_at.saturating_sub(self.now);
        self.now += waited;
        self.tell(Event::Tick);
        waited
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        while self.wake_at.is_some_and(|wake_at| wake_at <= self.now) {
            self.wake_at = None;
            self.tell(Event::Tick);
        }
    }

    pub(crate) fn status(&self, file: u32) -> FileStatus {
        self.engine.view(FileId(file)).expect("a file").status
    }

    /// Why the file failed.
    pub(crate) fn failure(&self, file: u32) -> ErrorKind {
        match self.status(file) {
            FileStatus::Failed(error) => error.kind,
            other => panic!("file {file} did not fail: {other:?}"),
        }
    }
}

/// The name of a request, which says where it goes if that is the second endpoint.
fn at_endpoint(name: String, is_second: bool) -> String {
    if is_second {
        format!("{name} at the second endpoint")
    } else {
        name
    }
}

fn name(operation: &MultipartOperation, file: &str) -> String {
    match operation {
        MultipartOperation::UploadPart { part_number, .. } => format!("part {part_number} of {file}"),
        MultipartOperation::ListParts { .. } => format!("list {file}"),
        MultipartOperation::CompleteMultipartUpload { .. } => format!("complete {file}"),
        MultipartOperation::AbortMultipartUpload => format!("abort {file}"),
    }
}

fn digest_of(lines: &[String]) -> Sha256Digest {
    let mut bytes = [0; 32];
    for (index, byte) in lines.concat().bytes().enumerate() {
        bytes[index % 32] ^= byte.rotate_left(index as u32 / 32);
    }
    Sha256Digest::new(bytes)
}

fn asked_for(route: ApiRoute, body: &str) -> usize {
    let field = match route {
        ApiRoute::Uploads => "files",
        ApiRoute::Sign => "operations",
        ApiRoute::Manifests => return 1,
    };
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    body[field].as_array().expect("a list").len()
}

/// S3 stored the bytes.
/// Files of these sizes, in bytes.
pub(crate) fn described(sizes: &[u64]) -> Vec<FileDescription> {
    let files = sizes.iter().map(|size| FileDescription {
        name: "name".into(),
        size: *size,
        media_type: String::new(),
        last_modified: 0,
    });
    files.collect()
}

pub(crate) fn stored() -> HttpAnswer {
    HttpAnswer {
        status: 200,
        etag: Some("\"etag\"".into()),
        ..HttpAnswer::default()
    }
}

/// S3 made a multipart upload.
pub(crate) fn created() -> HttpAnswer {
    success("<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>")
}

/// S3 made the object.
pub(crate) fn completed() -> HttpAnswer {
    success("<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
}

/// S3 has these parts of a file of [`Page::uploading`], as they were sent.
pub(crate) fn listed(numbers: &[u32]) -> HttpAnswer {
    listing(numbers.iter().map(|number| {
        let start = u64::from(number - 1) * 8 * MIB;
        (*number, start..(start + 8 * MIB).min(20 * MIB))
    }))
}

/// S3 has these parts of file 0, as they were sent.
pub(crate) fn listing(parts: impl IntoIterator<Item = (u32, Range<u64>)>) -> HttpAnswer {
    let mut body = String::from("<ListPartsResult>");
    for (number, range) in parts {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&range.start.to_le_bytes());
        let size = range.end - range.start;
        let sha256 = Sha256Digest::new(bytes);
        body += &format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>\"new\"</ETag><Size>{size}</Size><ChecksumSHA256>{sha256}</ChecksumSHA256></Part>"
        );
    }
    success(&(body + "</ListPartsResult>"))
}

pub(crate) fn success(body: &str) -> HttpAnswer {
    HttpAnswer {
        status: 200,
        body: body.into(),
        ..HttpAnswer::default()
    }
}

/// An error of S3.
pub(crate) fn error(status: u16, code: &str, message: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        body: format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        ..HttpAnswer::default()
    }
}

pub(crate) fn expired() -> HttpAnswer {
    error(403, "AccessDenied", "Request has expired")
}

/// A batch; another number makes another one.
pub(crate) fn batch(number: u8) -> BatchId {
    BatchId::new(1_800_000_000_000, [number; 10])
}

pub(crate) fn taken() -> HttpAnswer {
    error(412, "PreconditionFailed", "")
}

pub(crate) fn gone() -> HttpAnswer {
    error(404, "NoSuchUpload", "")
}

pub(crate) fn busy() -> HttpAnswer {
    error(500, "InternalError", "")
}
