//! curl, which neither hashes nor shows anything: the limit of what an upload to these servers can reach.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::{process::Command, task::spawn_blocking, time::timeout};

use crate::{
    stage::Stage,
    workload::{Kind, Limit, Workload},
};

/// As many as a browser sends to two HTTP/1.1 hosts at once.
const PARALLEL: usize = 12;

/// A transfer of one file to one URL.
struct Put {
    file: PathBuf,
    url: String,
}

/// Uploads a workload, and returns the time and how many bytes that were.
///
/// One large file is uploaded in parts, whose bytes are those of the files of [`Kind::Large`], since curl sends
/// whole files only.
pub(crate) async fn upload(
    stage: &Stage,
    workload: Workload,
    folder: &Path,
    limit: Limit,
) -> Result<(Duration, u64)> {
    let (api, files) = (stage.api(), folder.to_owned());
    if workload.kind == Kind::Giant {
        return upload_in_parts(stage, workload, folder, limit).await;
    }
    let puts = spawn_blocking(move || presign(&api, workload.files(&files)?)).await??;
    let start = Instant::now();
    run(&puts, limit).await?;
    Ok((start.elapsed(), workload.bytes()))
}

/// Asks for a URL for each file, which is not timed.
fn presign(api: &str, files: Vec<PathBuf>) -> Result<Vec<Put>> {
    let agent = ureq::agent();
    let url = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let answer = agent.get(format!("{api}/presign?key={name}")).call()?;
        let answer: Value = serde_json::from_str(&answer.into_body().read_to_string()?)?;
        let url = answer["uploadURL"].as_str().context("the API returns no URL")?;
        anyhow::Ok(url.to_owned())
    };
    files
        .into_iter()
        .map(|file| {
            Ok(Put {
                url: url(&file)?,
                file,
            })
        })
        .collect()
}

async fn upload_in_parts(
    stage: &Stage,
    workload: Workload,
    folder: &Path,
    limit: Limit,
) -> Result<(Duration, u64)> {
    let part = Kind::Large.scaled(1.0);
    let count = workload.size.div_ceil(part.size).max(1);
    let parts = Workload { count, ..part };
    let folder = folder.to_owned();
    let files = spawn_blocking(move || parts.files(&folder)).await??;
    let upload = stage.create_parts(count).await?;
    let puts: Vec<Put> = files
        .into_iter()
        .zip(upload.urls.clone())
        .map(|(file, url)| Put { file, url })
        .collect();
    let start = Instant::now();
    let has_finished = run(&puts, limit).await?;
    if has_finished {
        stage.complete_parts(&upload).await?;
    }
    Ok((start.elapsed(), parts.bytes()))
}

/// Runs curl. Returns whether it finished within the limit.
async fn run(puts: &[Put], limit: Limit) -> Result<bool> {
    let mut configuration = String::new();
    for Put { file, url } in puts {
        let file = json!(file.to_str().context("a path that is not UTF-8")?);
        writeln!(
            configuration,
            "upload-file = {file}\nurl = {}\noutput = /dev/null",
            json!(url)
        )?;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("puts.conf");
    std::fs::write(&path, configuration)?;
    let mut child = Command::new("curl")
        // Without "immediate" it waits to learn whether a connection can carry several requests at once.
        .args(["--parallel", "--parallel-immediate"])
        .args(["--parallel-max", &PARALLEL.to_string()])
        .args(["--no-progress-meter", "--fail", "--config"])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("curl does not start")?;
    let (Limit::Patience(time) | Limit::Time(time)) = limit;
    let Ok(ended) = timeout(time, child.wait()).await else {
        child.kill().await?;
        ensure!(matches!(limit, Limit::Time(_)), "curl takes longer than {time:?}");
        return Ok(false);
    };
    let status = ended?;
    ensure!(status.success(), "curl failed: {status}");
    Ok(true)
}
