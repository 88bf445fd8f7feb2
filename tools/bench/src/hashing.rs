//! How fast a page computes SHA-256, and what that costs an upload.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    client::Client,
    stage::{Setting, Stage, Way},
    table::{Better, Table},
    upload::{open, watch},
    workload::{Limit, Workload},
};

/// The size of a part, in bytes, as the Lambda plans it.
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// How many times larger than planned a part may be.
const GROWTH: [u64; 3] = [1, 2, 4];

/// Hashes the picked file in a worker, `parallel` parts at once, and returns the milliseconds.
const HASH: &str = r"(parallel, partBytes) => {
    const work = async ({ data: { file, parallel, partBytes } }) => {
        const start = performance.now();
        let next = 0;
        const hash = async () => {
            while (next < file.size) {
                const part = file.slice(next, next += partBytes);
                await crypto.subtle.digest('SHA-256', await part.arrayBuffer());
            }
        };
        await Promise.all(Array.from({ length: parallel }, hash));
        postMessage(performance.now() - start);
    };
    const script = URL.createObjectURL(new Blob([`onmessage = ${work}`], { type: 'text/javascript' }));
    const worker = new Worker(script);
    const [file] = document.querySelector('#file-picker').files;
    return new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.postMessage({ file, parallel, partBytes });
    });
}";

/// Gives Slipway's worker the digests of a file's parts, so that it neither reads nor hashes them. Only
/// the sending remains.
const KNOW: &str = r"
    const places = new WeakMap();
    const { slice, arrayBuffer } = Blob.prototype;
    Blob.prototype.slice = function (start, ...rest) {
        const part = slice.call(this, start, ...rest);
        places.set(part, `${start} ${part.size}`);
        return part;
    };
    Blob.prototype.arrayBuffer = async function () {
        const place = places.get(this);
        if (digests[place] === undefined) return arrayBuffer.call(this);
        const bytes = new ArrayBuffer(this.size);
        places.set(bytes, place);
        return bytes;
    };
    const digest = crypto.subtle.digest.bind(crypto.subtle);
    crypto.subtle.digest = async (name, bytes) => {
        const known = digests[places.get(bytes)];
        return known === undefined ? digest(name, bytes) : new Uint8Array(known).buffer;
    };";

/// Hashes one large file in the page and by `sha256sum`, and uploads it with and without hashing, in turn.
pub(crate) async fn measure(
    setting: &Setting,
    workload: Workload,
    rounds: u32,
    limit: Limit,
) -> Result<Vec<Table>> {
    let files = workload.files(&setting.files)?;
    let file = files.first().context("one file")?;
    let known = knowing(file)?;
    let name = workload.name();
    let mut speed = Table::new(format!("SHA-256 of {name}"), "MB/s", Better::More);
    let mut cost = Table::new(format!("Slipway's upload of {name}"), "MB/s", Better::More);
    let rate = |time: Duration| workload.bytes() as f64 / 1e6 / time.as_secs_f64();
    for round in 1..=rounds {
        for (subject, parallel) in [("page, 3 parts at once", 3), ("page, a part at a time", 1)] {
            let time = in_page(setting, workload, parallel).await?;
            speed.add(subject, rate(time));
        }
        speed.add("sha256sum", rate(by_program(file)?));
        for (subject, before_worker) in [("with hashing", ""), ("hashes known beforehand", &known)] {
            let time = upload(setting, workload, before_worker, limit).await?;
            cost.add(subject, rate(time));
        }
        eprintln!("round {round}: hashed");
    }
    Ok(vec![speed, cost])
}

async fn in_page(setting: &Setting, workload: Workload, parallel: u32) -> Result<Duration> {
    // The page does nothing with the file that is picked, since this listener keeps the event from it.
    let files = workload.files(&setting.files)?;
    let stage = Stage::start(setting, Client::Xhr, &Way::Direct, "").await?;
    let mut tab = open(Client::Xhr, &stage).await?;
    let quiet = "addEventListener('change', (event) => event.stopImmediatePropagation(), true)";
    tab.evaluate(quiet).await?;
    tab.pick(Client::Xhr.input(), &files).await?;
    let milliseconds = tab
        .evaluate(&format!("({HASH})({parallel}, {PART_BYTES})"))
        .await?;
    tab.close().await?;
    stage.stop().await?;
    Ok(Duration::from_secs_f64(
        milliseconds.as_f64().context("a time")? / 1e3,
    ))
}

fn by_program(file: &Path) -> Result<Duration> {
    let start = Instant::now();
    let output = Command::new("sha256sum").arg(file).output()?;
    ensure!(output.status.success(), "sha256sum failed: {}", output.status);
    Ok(start.elapsed())
}

async fn upload(
    setting: &Setting,
    workload: Workload,
    before_worker: &str,
    limit: Limit,
) -> Result<Duration> {
    let files = workload.files(&setting.files)?;
    let stage = Stage::start(setting, Client::Slipway, &Way::Direct, before_worker).await?;
    let mut tab = open(Client::Slipway, &stage).await?;
    let done = watch(&mut tab, Client::Slipway, &files, limit, async |_| Ok(())).await;
    tab.close().await?;
    stage.stop().await?;
    done
}

/// [`KNOW`] with the digests of all parts that the file may be sent in, by offset and size.
fn knowing(file: &Path) -> Result<String> {
    let mut file = File::open(file)?;
    let mut digests = serde_json::Map::new();
    let mut offset = 0;
    loop {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset))?;
        let largest = PART_BYTES * GROWTH[GROWTH.len() - 1];
        file.by_ref().take(largest).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        for size in GROWTH.map(|growth| bytes.len().min((PART_BYTES * growth) as usize)) {
            let digest: [u8; 32] = Sha256::digest(&bytes[..size]).into();
            digests.insert(format!("{offset} {size}"), json!(digest));
        }
        offset += PART_BYTES;
    }
    Ok(format!("const digests = {};{KNOW}\n", json!(digests)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn every_part_of_a_file_has_its_digest() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let bytes = vec![7; PART_BYTES as usize + 3];
        file.write_all(&bytes).expect("bytes");
        let script = knowing(file.path()).expect("a script");
        let last: [u8; 32] = Sha256::digest([7; 3]).into();
        assert!(
            script.contains(&format!("\"{PART_BYTES} 3\":{}", json!(last))),
            "{script}"
        );
    }
}
