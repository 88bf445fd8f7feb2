//! Measures the page beside other upload clients, in turn, against the local S3 and its API, and the Lambda beside
//! a handler in Node.js. `cargo xtask bench` builds everything and runs this.

mod api_log;
mod backend;
mod calls;
mod chart;
mod client;
mod compare;
mod curl;
mod first_load;
mod forms;
mod hashing;
mod lambda;
mod main_thread;
mod processor;
mod profile;
mod report;
mod scale;
mod shaped;
mod stage;
mod statistics;
mod tab;
mod table;
mod throughput;
mod upload;
mod versions;
mod ways;
mod workload;

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use brotli::{BrotliCompress, enc::BrotliEncoderParams};
use clap::{Args, Parser, Subcommand};
use e2e::path_of;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};
use walkdir::WalkDir;

use crate::{
    client::Client,
    compare::Plan,
    report::Report,
    shaped::Gate,
    stage::{Setting, Way},
    table::Table,
    versions::versions,
    workload::{Kind, Limit, Workload},
};

/// Compare upload clients
#[derive(Parser)]
#[command(args_override_self = true)]
struct Arguments {
    #[command(subcommand)]
    comparison: Comparison,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// The checkout
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    sources: PathBuf,
    /// Where stored files are until they are removed, if elsewhere; in memory (/dev/shm) the disk is no limit
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to write figures and charts
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "target/bench/results"
    )]
    output: PathBuf,
    /// How often each is measured
    #[arg(long, global = true, default_value_t = 3)]
    rounds: u32,
    /// Make the workloads smaller, by a factor of at most 1
    #[arg(long, global = true, default_value_t = 1.0)]
    scale: f64,
    /// Measure only these clients
    #[arg(long, global = true, value_delimiter = ',')]
    only: Vec<Client>,
    /// How long an upload may take, or, over a shaped link, how long it is measured
    #[arg(long, global = true, default_value_t = 180)]
    seconds: u64,
    /// Measure only these workloads
    #[arg(long, global = true, value_delimiter = ',')]
    workload: Vec<Kind>,
}

#[derive(Subcommand)]
enum Comparison {
    /// How fast files get to S3
    Throughput {
        /// Put 80 ms of delay and 1 % loss between browser and servers, which needs root
        #[arg(long)]
        shaped: bool,
        /// Limit the rate to S3 to 1 Gbit/s
        #[arg(long, conflicts_with = "shaped")]
        gigabit: bool,
    },
    /// Requests, bytes besides those of the files, and dollars
    Calls,
    /// The main thread and memory during an upload, beside Uppy's Dashboard
    MainThread,
    /// How soon a page can be used on a slow device, beside Uppy's Dashboard
    FirstLoad,
    /// SHA-256 in the page, and what it costs an upload
    Hashing {
        /// Measure other ways to read, to hash and to send a large file instead, by the browser's processor time
        #[arg(long)]
        ways: bool,
    },
    /// Where the threads of a page spend their time
    Profile,
    /// Processor time of the browser, and how soon the first byte is sent
    Processor,
    /// What small files would gain from forms, which need no preflight
    Forms {
        /// Put 80 ms of delay and 1 % loss between browser and servers, which needs root
        #[arg(long)]
        shaped: bool,
    },
    /// 100,000 files in one folder, and one file of 100 GiB, from start to end
    Scale,
    /// The Lambda beside the same in Node.js
    Lambda(lambda::Options),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let common = &arguments.common;
    ensure!(common.rounds > 0, "nothing is to be measured");
    ensure!(
        common.scale > 0.0 && common.scale <= 1.0,
        "a scale is above 0 and at most 1"
    );
    let way = match arguments.comparison {
        Comparison::Throughput { shaped: true, .. } | Comparison::Forms { shaped: true } => {
            Way::Shaped(Gate::enter()?)
        }
        Comparison::Throughput { gigabit: true, .. } => Way::Gigabit,
        _ => Way::Direct,
    };
    api_log::keep();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(until_terminated(run(&arguments, &way)))?;
    report.write(&common.output)?;
    println!("{report}");
    println!("figures and charts: {}", common.output.display());
    Ok(())
}

/// Stops the work when a signal ends this program, so that everything is still stopped and removed.
async fn until_terminated(work: impl Future<Output = Result<Report>>) -> Result<Report> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        report = work => report,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("interrupted"),
    }
}

async fn run(arguments: &Arguments, way: &Way) -> Result<Report> {
    let common = &arguments.common;
    if let Comparison::Lambda(options) = &arguments.comparison {
        // The names of the programs say the versions of Node.js.
        return Ok(Report {
            name: "lambda",
            versions: versions(&common.sources, &[], &[])?,
            method: vec![options.method(common.rounds)],
            tables: lambda::measure(options, options.nodes()?, &common.sources, common.rounds).await?,
        });
    }
    let programs = [
        ("Chromium", &*path_of("SLIPWAY_CHROMIUM")?),
        ("curl", "curl".as_ref()),
    ];
    let versions = versions(&common.sources, &programs, &["current", "uppy-5"])?;
    let (setting, _folders) = common.setting()?;
    let (name, method, tables) = compare(arguments, &setting, way).await?;
    Ok(Report {
        name,
        versions,
        method,
        tables,
    })
}

/// The name of a report, how it was measured, and the results.
type Outcome = (&'static str, Vec<String>, Vec<Table>);

async fn compare(arguments: &Arguments, setting: &Setting, way: &Way) -> Result<Outcome> {
    let common = &arguments.common;
    let time = Duration::from_secs(common.seconds);
    let patience = Limit::Patience(time);
    Ok(match &arguments.comparison {
        Comparison::Throughput { .. } => {
            let plan = common.plan(&Client::UPLOADERS, &Kind::ALL);
            let (name, limit) = match way {
                Way::Direct | Way::Counted => ("throughput", patience),
                Way::Gigabit => ("throughput-gigabit", patience),
                Way::Shaped(_) => ("throughput-shaped", Limit::Time(time)),
            };
            let method = throughput::method(&plan, way, limit);
            (
                name,
                method,
                throughput::measure(setting, &plan, way, limit).await,
            )
        }
        Comparison::Calls => {
            let plan = Plan {
                rounds: 1,
                ..common.plan(&Client::UPLOADERS, &Kind::ALL)
            };
            let method = "Counted once, at the local S3, at the API, and in ports between browser and both.";
            let tables = calls::measure(setting, &plan, patience).await;
            ("calls", vec![method.to_owned()], tables)
        }
        Comparison::MainThread => {
            let plan = common.plan(&Client::PAGES, &[Kind::Giant, Kind::Small]);
            let method = "From the pick to the end, by Chromium's metrics and its trace.";
            let tables = main_thread::measure(setting, &plan, patience).await;
            ("main-thread", vec![method.to_owned(), plan.rounds()], tables)
        }
        Comparison::FirstLoad => {
            let plan = Plan {
                workloads: vec![Workload {
                    count: 1,
                    ..Kind::Small.scaled(1.0)
                }],
                ..common.plan(&Client::PAGES, &[])
            };
            let tables = first_load::measure(setting, &plan).await;
            ("first-load", vec![first_load::method(), plan.rounds()], tables)
        }
        Comparison::Hashing { ways } => {
            let plan = common.plan(&[], &[]);
            let workload = Kind::Giant.scaled(common.scale);
            if *ways {
                let tables = ways::measure(setting, workload, plan.rounds, time).await;
                let method = vec![ways::METHOD.to_owned(), plan.rounds()];
                return Ok(("hashing-ways", method, tables));
            }
            let tables = hashing::measure(setting, workload, plan.rounds, patience).await?;
            ("hashing", vec![plan.rounds()], tables)
        }
        Comparison::Profile => {
            let plan = common.plan(&Client::UPLOADERS[..5], &Kind::ALL);
            let method = "Self time by Chromium's profiler, which takes a sample each millisecond.";
            let tables = profile::measure(setting, &plan, patience).await?;
            ("profile", vec![method.to_owned()], tables)
        }
        Comparison::Processor => {
            let plan = common.plan(&Client::COSTS, &Kind::ALL);
            let tables = processor::measure(setting, &plan, patience).await;
            (
                "processor",
                vec![processor::METHOD.to_owned(), plan.rounds()],
                tables,
            )
        }
        Comparison::Forms { .. } => {
            let name = match way {
                Way::Shaped(_) => "forms-shaped",
                _ => "forms",
            };
            let mut method = throughput::method(&common.plan(&[], &[]), way, Limit::Time(time));
            method[1] = forms::method(time);
            (
                name,
                method,
                forms::measure(setting, way, common.rounds, time).await?,
            )
        }
        Comparison::Scale => {
            let kinds = [Kind::Small, Kind::Giant].into_iter();
            let kinds = kinds.filter(|kind| common.asks_for(*kind));
            let workloads: Vec<Workload> = kinds
                .filter_map(|kind| scale::workload(kind, common.scale))
                .collect();
            let tables = scale::measure(setting, &workloads, time).await?;
            ("scale", vec![scale::method()], tables)
        }
        Comparison::Lambda(_) => bail!("it needs no browser"),
    })
}

impl Common {
    /// Compresses the pages, and creates a folder for the files to upload. Both are removed with the second value.
    fn setting(&self) -> Result<(Setting, [TempDir; 2])> {
        let compressed = tempfile::tempdir()?;
        let work = path_of("SLIPWAY_WORK")?;
        std::fs::create_dir_all(&work)?;
        let files = tempfile::tempdir_in(&work)?;
        let compress = |variable: &str, name: &str| {
            let page = path_of(variable)?;
            compress(&page, &compressed.path().join(name))
                .with_context(|| format!("{} is not a built page", page.display()))
        };
        let setting = Setting {
            slipway: compress("SLIPWAY_PAGE", "slipway")?,
            pages: compress("SLIPWAY_PAGES", "others")?,
            files: files.path().to_owned(),
            data: self.data.clone().unwrap_or_else(|| work.join("stored")),
        };
        Ok((setting, [compressed, files]))
    }

    fn asks_for(&self, kind: Kind) -> bool {
        self.workload.is_empty() || self.workload.contains(&kind)
    }

    /// The clients and workloads that are asked for among these.
    fn plan(&self, clients: &[Client], kinds: &[Kind]) -> Plan {
        let kinds = kinds.iter().filter(|kind| self.asks_for(**kind));
        let is_compared = |client: &&Client| self.only.is_empty() || self.only.contains(client);
        Plan {
            workloads: kinds.map(|kind| kind.scaled(self.scale)).collect(),
            clients: clients.iter().filter(is_compared).copied().collect(),
            rounds: self.rounds,
        }
    }
}

/// Copies a page into a folder, with a brotli stream (RFC 7932, highest quality) beside each file, as a content
/// delivery network has it.
fn compress(page: &Path, folder: &Path) -> Result<PathBuf> {
    for entry in WalkDir::new(page) {
        let entry = entry?;
        if !entry.file_type().is_file() {
            continue;
        }
        let to = folder.join(entry.path().strip_prefix(page)?);
        std::fs::create_dir_all(to.parent().context("a file has no folder")?)?;
        let mut stream = File::create(to.with_added_extension("br"))?;
        let mut file = File::open(entry.path())?;
        BrotliCompress(&mut file, &mut stream, &BrotliEncoderParams::default())?;
        std::fs::copy(entry.path(), to)?;
    }
    Ok(folder.to_owned())
}
