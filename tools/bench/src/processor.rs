//! What an upload costs the user's machine: the processor time of the browser, which no server and no network changes
//! much, and how soon the first byte is sent.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use crate::{
    calls::quiet,
    client::Client,
    compare::Plan,
    stage::{Setting, Stage, Way},
    table::{Better, Table},
    upload::{open, watch},
    workload::{Kind, Limit, Workload},
};

pub(crate) const GIB: f64 = (1u64 << 30) as f64;

/// What a report says about how it was measured.
pub(crate) const METHOD: &str = "Processor time of all processes of the browser, from the pick to the end, by /proc; \
     S3, Lambda and backend are other processes. The first byte is sent when a PUT arrives at the port before S3.";

/// Uploads every workload by every client.
pub(crate) async fn measure(setting: &Setting, plan: &Plan, limit: Limit) -> Vec<Table> {
    plan.run(tables_of, async |client, workload| {
        let (processor, first_byte) = cost(setting, client, workload, limit).await?;
        let amount = match workload.kind {
            Kind::Small => 1.0,
            Kind::Giant | Kind::Large => workload.bytes() as f64 / GIB,
        };
        Ok(vec![processor.as_secs_f64() / amount, first_byte.as_secs_f64()])
    })
    .await
}

fn tables_of(workload: Workload) -> Vec<Table> {
    let name = workload.name();
    let amount = match workload.kind {
        Kind::Small => "all files",
        Kind::Giant | Kind::Large => "a GiB",
    };
    vec![
        Table::new(
            format!("{name}: processor time of the browser for {amount}"),
            "s",
            Better::Less,
        ),
        Table::new(
            format!("{name}: from the pick to the first byte sent"),
            "s",
            Better::Less,
        ),
    ]
}

/// The processor time of one upload, and how long after the pick its first byte was sent.
async fn cost(
    setting: &Setting,
    client: Client,
    workload: Workload,
    limit: Limit,
) -> Result<(Duration, Duration)> {
    let files = workload.files(&setting.files)?;
    let stage = Stage::start(setting, client, &Way::Counted, "").await?;
    let mut tab = open(client, &stage).await?;
    quiet(&stage).await;
    let before = tab.processor_time()?;
    let done = watch(&mut tab, client, &files, limit, async |_| Ok(())).await;
    let processor = tab.processor_time()?.saturating_sub(before);
    let picked = tab
        .evaluate("performance.timeOrigin + window.tally.began")
        .await?;
    tab.close().await?;
    let first_put = stage.first_put();
    let stored = stage.stored();
    stage.stop().await?;
    done?;
    let (stored_files, stored_bytes) = stored?;
    // Slipway adds the manifest of the batch.
    ensure!(
        stored_files >= workload.count && stored_bytes >= workload.bytes(),
        "S3 has {stored_files} files of {stored_bytes} bytes",
    );
    let first_put = first_put
        .context("no file was sent")?
        .duration_since(UNIX_EPOCH)?;
    let picked = Duration::from_secs_f64(picked.as_f64().context("a time")? / 1e3);
    Ok((processor, first_put.saturating_sub(picked)))
}
