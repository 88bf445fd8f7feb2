//! The page at the sizes that it promises: 100,000 files in one folder, and one file of 100 GiB. Does a file or a byte
//! cost at the end what it costs at the beginning, and can the page be used meanwhile?

mod run;
mod source;
mod timeline;

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};

use self::{
    run::{Look, Run},
    source::{GIANT, SECOND},
};
use crate::{
    stage::Setting,
    table::{Better, Table},
    workload::{Kind, Workload},
};

const KIB: u64 = 1024;
const GIB: u64 = 1024 * 1024 * KIB;

/// The files that are uploaded beside the one large file.
const BESIDE: Workload = Workload {
    kind: Kind::Small,
    count: 1_000,
    size: 10 * KIB,
};

/// The size of another large file, which is cancelled.
const SECOND_BYTES: u64 = 20 * GIB;

/// When somebody uses the page, by the share that is done.
const USES: [f64; 3] = [0.05, 0.45, 0.95];

/// A workload at its real size, scaled down by a factor of at most 1; `None` if it is not asked for here.
pub(crate) fn workload(kind: Kind, scale: f64) -> Option<Workload> {
    let scaled = |number: u64| ((number as f64 * scale) as u64).max(1);
    match kind {
        Kind::Small => Some(Workload {
            kind,
            count: scaled(100_000),
            size: 10 * KIB,
        }),
        Kind::Giant => Some(Workload {
            kind,
            count: 1,
            size: scaled(100) * GIB,
        }),
        Kind::Large => None,
    }
}

/// What a report says about how it was measured.
pub(crate) fn method() -> String {
    format!(
        "Watched every two seconds from the drop to the end, while somebody scrolled, filtered, paused and cancelled. \
         Times are without the pause. Before the large file another one was begun, which was cancelled then; beside it, {} were added.",
        BESIDE.name()
    )
}

/// Uploads each workload once, and returns what was seen. `patience` is for how long nothing may happen.
pub(crate) async fn measure(
    setting: &Setting,
    workloads: &[Workload],
    patience: Duration,
) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for workload in workloads {
        let new = match workload.kind {
            Kind::Giant => giant(setting, *workload, patience).await?,
            Kind::Small | Kind::Large => folder(setting, *workload, patience).await?,
        };
        tables.extend(new);
    }
    Ok(tables)
}

/// Uploads a folder of small files, all of which but one arrive.
async fn folder(setting: &Setting, workload: Workload, patience: Duration) -> Result<Vec<Table>> {
    let folder = source::folder(&setting.files, workload)?;
    let name = workload.name();
    let mut run = Run::start(setting, &name, |look, _| look.stored).await?;
    run.drop_path(&folder).await?;
    let expected = workload.count - 1;
    let mut uses = 0;
    run.watch(expected, patience, async |run, share| {
        if USES.get(uses).is_none_or(|due| share < *due) {
            return Ok(());
        }
        uses += 1;
        if uses == 1 {
            run.act("the files of the folder", "openBatch()").await?;
        }
        run.look_around().await?;
        if uses == 2 {
            run.act("the end of the list", "scrollTo(1)").await?;
            run.act("a file cancelled", "cancelLast()").await?;
            run.pause().await?;
        }
        Ok(())
    })
    .await?;
    check_end(&run.finish(patience).await?, workload.count, expected)?;
    ensure!(uses == USES.len(), "the page was used {uses} times");
    run.finish_manifest(expected, patience).await?;
    let (stage, timeline, _, actions) = run.close(expected).await?;
    let stored = source::check_folder(&folder, stage.objects())?;
    ensure!(stored == expected, "S3 has {stored} of the files");
    stage.stop().await?;
    let mut tables = timeline.tables(workload);
    tables.push(actions);
    Ok(tables)
}

/// Uploads one large file, with others beside it.
async fn giant(setting: &Setting, workload: Workload, patience: Duration) -> Result<Vec<Table>> {
    let file = source::large_file(&setting.files, GIANT, workload.size)?;
    let second = source::large_file(&setting.files, SECOND, SECOND_BYTES)?;
    let beside = source::folder(&setting.files, BESIDE)?;
    let name = workload.name();
    let mut run = Run::start(setting, &name, |_, answered| answered.bytes_of(GIANT)).await?;
    begin(&mut run, &second, &file, patience).await?;
    let mut uses = 0;
    run.watch(workload.size, patience, async |run, share| {
        if USES.get(uses).is_none_or(|due| share < *due) {
            return Ok(());
        }
        uses += 1;
        if uses == 1 {
            run.drop_path(&beside).await?;
            run.act("the files of the folder", "openBatch()").await?;
            run.act("the end of the list", "scrollTo(1)").await?;
            run.act("a file cancelled", "cancelLast()").await?;
        }
        run.look_around().await?;
        if uses == 2 {
            run.pause().await?;
        }
        Ok(())
    })
    .await?;
    // The object is still to be made.
    check_end(&run.finish(patience).await?, BESIDE.count + 2, BESIDE.count)?;
    ensure!(uses == USES.len(), "the page was used {uses} times");
    let (stage, timeline, answered, actions) = run.close(workload.size).await?;
    source::check_large_file(&file, stage.objects())?;
    let parts = part_sizes(&name, answered.parts_of(GIANT))?;
    stage.stop().await?;
    let mut tables = timeline.tables(workload);
    tables.extend([actions, parts]);
    Ok(tables)
}

/// Begins with another large file, which is cancelled in mid-upload as soon as the one that counts is there.
async fn begin(run: &mut Run, second: &Path, file: &Path, patience: Duration) -> Result<()> {
    run.drop_path(second).await?;
    run.wait_for_parts_of(SECOND, patience).await?;
    run.drop_path(file).await?;
    let cancel = format!("cancelNamed('{SECOND}')");
    run.act("a file cancelled", &cancel).await?;
    run.wait_for_abort(patience).await
}

fn check_end(look: &Look, files: u64, stored: u64) -> Result<()> {
    ensure!(
        look.files == files && look.stored == stored && look.unfinished == 0,
        "{stored} of {files} files were to be stored: {look:?}"
    );
    Ok(())
}

/// How many parts of each size there are. None was stored twice.
fn part_sizes(name: &str, parts: impl Iterator<Item = (u32, (u64, u32))>) -> Result<Table> {
    let mut table = Table::new(format!("{name}: parts by their size"), "parts", Better::Less);
    for (number, (size, times)) in parts {
        ensure!(times == 1, "part {number} was stored {times} times");
        let mebibytes = size as f64 / (1_u64 << 20) as f64;
        table.count(&format!("{mebibytes} MiB"));
    }
    Ok(table)
}
