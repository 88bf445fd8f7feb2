//! Ways to read, to hash and to send one large file, by what each costs the browser. Those that Slipway does not take show
//! what they would bring.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    calls::quiet,
    client::Client,
    compare::in_turn,
    processor::GIB,
    stage::{Setting, Stage, Way},
    statistics::figure,
    table::{Better, Table},
    upload::open,
    workload::Workload,
};

/// What a report says about how it was measured.
pub(crate) const METHOD: &str = "One large file in a page of its own. It is read in a worker, two parts at once: by \
     arrayBuffer(), by bytes(), by a BYOB reader into one buffer of a part's size for each of the two, or by pieces of \
     256 KiB into one buffer. SHA-256 is WebCrypto's, XXH128 and CRC-64/NVME are computed by hash-wasm, in WebAssembly \
     without SIMD. It is sent by XMLHttpRequest to the local S3, one request after another. Processor time of all \
     processes of the browser by /proc, with the start of the worker; rates by the page's clock.";

const MIB: u64 = 1 << 20;

/// The sizes of parts, in bytes: as the Lambda plans them, and as large as they grow on a fast network.
const PART_BYTES: [u64; 2] = [8 * MIB, 32 * MIB];

/// How a part is read and which checksum is computed, as `ways.js` calls them, and the name. The first is Slipway's.
const READ: [(&str, &str, &str); 9] = [
    ("arrayBuffer", "sha256", "arrayBuffer(), SHA-256"),
    ("bytes", "sha256", "bytes(), SHA-256"),
    ("byob", "sha256", "BYOB reader, SHA-256"),
    ("pieces", "xxh128", "BYOB pieces, XXH128"),
    ("pieces", "crc64", "BYOB pieces, CRC-64/NVME"),
    ("arrayBuffer", "none", "arrayBuffer() alone"),
    ("bytes", "none", "bytes() alone"),
    ("byob", "none", "BYOB reader alone"),
    ("pieces", "none", "BYOB pieces alone"),
];

/// What is sent for a part, as `ways.js` calls it, the size of a part, and the name. The first is Slipway's.
const SENT: [(&str, u64, &str); 4] = [
    ("slice", 32 * MIB, "slices of 32 MiB"),
    ("blob", 32 * MIB, "Blobs of four slices of 8 MiB"),
    ("memory", 32 * MIB, "32 MiB read by arrayBuffer()"),
    ("slice", u64::MAX, "the whole file"),
];

/// Measures each way in turn. One that fails, or takes longer than `patience`, is reported as such.
pub(crate) async fn measure(
    setting: &Setting,
    workload: Workload,
    rounds: u32,
    patience: Duration,
) -> Vec<Table> {
    let cost = async |call, work, parts| {
        let measured = timeout(patience, cost(setting, workload, call, work, parts)).await;
        measured.unwrap_or_else(|_| bail!("it takes longer than {} s", patience.as_secs()))
    };
    let name = workload.name();
    let mut read = PART_BYTES.map(|bytes| tables(&format!("{name} read in parts of {} MiB", bytes / MIB)));
    let mut sent = tables(&format!("{name} sent"));
    for round in 1..=rounds {
        for (bytes, tables) in PART_BYTES.into_iter().zip(&mut read) {
            for (how, checksum, subject) in in_turn(&READ, round) {
                let work = json!({ "how": how, "checksum": checksum, "partBytes": bytes });
                add(tables, subject, cost("read", work, None).await);
            }
        }
        for (how, bytes, subject) in in_turn(&SENT, round) {
            let bytes = bytes.min(workload.size);
            let work = json!({ "how": how, "partBytes": bytes });
            let parts = workload.size.div_ceil(bytes);
            add(&mut sent, subject, cost("send", work, Some(parts)).await);
        }
        eprintln!("round {round} of {rounds} is over");
    }
    let subjects = READ.map(|(.., subject)| subject);
    for table in read.iter_mut().flatten() {
        table.order(&subjects);
    }
    let subjects = SENT.map(|(.., subject)| subject);
    sent.iter_mut().for_each(|table| table.order(&subjects));
    read.into_iter().flatten().chain(sent).collect()
}

fn tables(what: &str) -> [Table; 2] {
    [
        Table::new(
            format!("{what}: processor time of the browser for a GiB"),
            "s",
            Better::Less,
        ),
        Table::new(what, "MB/s", Better::More),
    ]
}

fn add(tables: &mut [Table; 2], subject: &str, measured: Result<[f64; 2]>) {
    match measured {
        Ok(figures) => {
            for (table, sample) in tables.iter_mut().zip(figures) {
                eprintln!("{}, {subject}, {}: {}", table.name, table.unit, figure(sample));
                table.add(subject, sample);
            }
        }
        Err(error) => {
            eprintln!("{}, {subject}: {error:#}", tables[1].name);
            for table in tables {
                table.add_failure(subject, format!("{error:#}"));
            }
        }
    }
}

/// The processor seconds for a GiB and the MB/s of one call of `ways.js`, which gets URLs for `sent_parts`.
async fn cost(
    setting: &Setting,
    workload: Workload,
    call: &str,
    mut work: Value,
    sent_parts: Option<u64>,
) -> Result<[f64; 2]> {
    let files = workload.files(&setting.files)?;
    let stage = Stage::start(setting, Client::Ways, &Way::Direct, "").await?;
    let mut tab = open(Client::Ways, &stage).await?;
    tab.pick(Client::Ways.input(), &files).await?;
    let upload = match sent_parts {
        Some(count) => Some(stage.create_parts(count).await?),
        None => None,
    };
    work["urls"] = json!(upload.as_ref().map(|upload| &upload.urls));
    quiet(&stage).await;
    let before = tab.processor_time()?;
    let milliseconds = tab.evaluate(&format!("ways.{call}({work})")).await;
    let processor = tab.processor_time()?.saturating_sub(before);
    tab.close().await?;
    if let Some(upload) = upload {
        stage.complete_parts(&upload).await?;
        let (_, bytes) = stage.stored()?;
        ensure!(bytes == workload.size, "S3 has {bytes} bytes");
    }
    stage.stop().await?;
    let seconds = milliseconds?.as_f64().context("a time")? / 1e3;
    let bytes = workload.size as f64;
    Ok([processor.as_secs_f64() / (bytes / GIB), bytes / 1e6 / seconds])
}
