//! What one event costs with few and with very many files in the queue. The figures have to be flat.

use std::{
    collections::{BTreeMap, VecDeque},
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use engine::{ApiRoute, Command, Engine, Event, FileDescription, HttpAnswer, Settings, Ticket};
use wire::{
    BatchId, FilePlan, FileToUpload, HttpMethod, MultipartOperation, OperationOutcome, PlanOutcome,
    Sha256Digest, SignRequest, SignResponse, SignedRequest, UploadsRequest, UploadsResponse,
};

/// Parts are this large, so that progress and parts do not run out.
const PART_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// A page on which everything but a PUT is answered at once.
struct Page {
    engine: Engine,
    now: Duration,
    queued: usize,
    /// Bytes that were sent of the first part.
    sent: u64,
    /// The PUTs in flight: of parts, and of small files.
    parts: VecDeque<Ticket>,
    small: VecDeque<Ticket>,
}

impl Page {
    fn new(queued: usize) -> Self {
        let mut page = Self {
            engine: Engine::new(Settings::default(), 1),
            now: Duration::ZERO,
            queued,
            sent: 0,
            parts: VecDeque::new(),
            small: VecDeque::new(),
        };
        page.add(vec![file(9_000 * PART_BYTES)]);
        page.add((0..queued).map(|_| file(1_000)).collect());
        page
    }

    fn add(&mut self, files: Vec<FileDescription>) {
        self.tell(Event::FilesAdded {
            batch: batch(),
            files,
        });
    }

    fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for command in self.handle(event) {
                events.extend(self.execute(command));
            }
        }
    }

    fn handle(&mut self, event: Event) -> Vec<Command> {
        self.now += Duration::from_millis(1);
        self.engine.handle(event, self.now);
        self.engine.drain_commands().collect()
    }

    fn execute(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Hash { ticket, range } => {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&range.start.to_le_bytes());
                let result = Ok(Sha256Digest::new(bytes));
                Some(Event::Hashed(vec![(ticket, result)]))
            }
            Command::Call { call, route, body } => {
                let answer = Ok(lambda(route, &body));
                Some(Event::CallAnswered { call, answer })
            }
            Command::ReportSaved(save) => Some(Event::Saved(save)),
            Command::Send { ticket, .. } => {
                let body =
                    "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>";
                let answer = Ok(success(body.into()));
                Some(Event::Answered { ticket, answer })
            }
            Command::Put { ticket, range, .. } if range.end <= 1_000 => {
                self.small.push_back(ticket);
                None
            }
            Command::Put { ticket, .. } => {
                self.parts.push_back(ticket);
                None
            }
            _ => None,
        }
    }

    /// How long the engine takes for an event; what it asks for is done outside of the time.
    fn time(&mut self, event: Event) -> Duration {
        let began = Instant::now();
        let commands = black_box(self.handle(event));
        let took = began.elapsed();
        for command in commands {
            if let Some(event) = self.execute(command) {
                self.tell(event);
            }
        }
        took
    }
}

fn batch() -> BatchId {
    BatchId::new(0, [0; 10])
}

fn file(size: u64) -> FileDescription {
    FileDescription {
        name: "name".into(),
        size,
        media_type: String::new(),
        last_modified: 0,
    }
}

fn success(body: String) -> HttpAnswer {
    HttpAnswer {
        status: 200,
        etag: Some("\"etag\"".into()),
        body,
        ..HttpAnswer::default()
    }
}

fn lambda(route: ApiRoute, body: &str) -> HttpAnswer {
    let answer = match route {
        ApiRoute::Uploads => {
            let request: UploadsRequest = serde_json::from_str(body).expect("a request");
            serde_json::to_string(&UploadsResponse {
                server_time: 0,
                batch: batch(),
                files: request.files.into_iter().map(plan).collect(),
            })
        }
        ApiRoute::Manifests => unreachable!("the settings turn manifests off"),
        ApiRoute::Sign => {
            let request: SignRequest = serde_json::from_str(body).expect("a request");
            let sign = |_: &MultipartOperation| OperationOutcome::Signed(signed());
            serde_json::to_string(&SignResponse {
                server_time: 0,
                requests: request.operations.iter().map(sign).collect(),
            })
        }
    };
    success(answer.expect("JSON"))
}

fn plan(file: FileToUpload) -> FilePlan {
    let key = "key".into();
    let outcome = if file.size > wire::SMALL_FILE_MAX_BYTES {
        PlanOutcome::Multipart {
            key,
            create: signed(),
            part_size: PART_BYTES,
            part_sizes: wire::PartSizes::Growing,
        }
    } else {
        PlanOutcome::Put { key, put: signed() }
    };
    FilePlan { id: file.id, outcome }
}

fn signed() -> SignedRequest {
    SignedRequest {
        method: HttpMethod::Put,
        url: "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=0".into(),
        headers: BTreeMap::new(),
        expires_at: u64::MAX,
    }
}

fn stored(ticket: Ticket) -> Event {
    Event::Answered {
        ticket,
        answer: Ok(success(String::new())),
    }
}

fn measure(criterion: &mut Criterion, name: &str, mut step: impl FnMut(&mut Page) -> Duration) {
    let mut group = criterion.benchmark_group(name);
    for queued in [10, 10_000, 100_000] {
        let mut page = Page::new(queued);
        group.bench_function(BenchmarkId::from_parameter(queued), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| step(&mut page)).sum());
        });
    }
    group.finish();
}

fn event_cost(criterion: &mut Criterion) {
    measure(criterion, "progress of a part", |page| {
        let ticket = page.parts[0];
        page.sent += 1;
        let sent = page.sent;
        page.time(Event::Progress { ticket, sent })
    });
    measure(criterion, "a part is answered", |page| {
        if page.parts.is_empty() {
            *page = Page::new(page.queued);
        }
        let ticket = page.parts.pop_front().expect("a part is in flight");
        page.time(stored(ticket))
    });
    measure(criterion, "a small file is answered", |page| {
        page.add(vec![file(1_000)]);
        while page.small.is_empty() {
            let ticket = page.parts.pop_front().expect("a part is in flight");
            page.tell(stored(ticket));
        }
        let ticket = page.small.pop_front().expect("a small file is in flight");
        page.time(stored(ticket))
    });
    measure(criterion, "a tick", |page| page.time(Event::Tick));
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = event_cost
}
criterion_main!(benches);
