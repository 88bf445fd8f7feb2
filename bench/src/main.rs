//! Measures the page beside other upload clients, in turn, against the local S3 and its API. `cargo xtask bench`
//! builds everything and runs this.

mod api_log;
mod backend;
mod browser;
mod calls;
mod chart;
mod client;
mod curl;
mod devtools;
mod first_load;
mod forwarder;
mod hashing;
mod main_thread;
mod process_memory;
mod profile;
mod report;
mod shaped;
mod site;
mod stage;
mod statistics;
mod throughput;
mod upload;
mod versions;
mod workload;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    client::Client,
    report::{Report, Table},
    shaped::Gate,
    stage::{Setting, Way},
    throughput::Plan,
    upload::Limit,
    workload::{Kind, Workload},
};

/// Compares upload clients.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    comparison: Comparison,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// The checkout
    #[arg(long, global = true, default_value = ".")]
    sources: PathBuf,
    /// The browser
    #[arg(long, global = true, default_value = "chromium")]
    chromium: PathBuf,
    /// The folder of Slipway's page as it is deployed
    #[arg(long, global = true, default_value = "dist")]
    page: PathBuf,
    /// The folder of the other clients' pages
    #[arg(long, global = true, default_value = "dist")]
    pages: PathBuf,
    /// Where files to upload and stored ones are, until the end
    #[arg(long, global = true, default_value = "target/bench")]
    work: PathBuf,
    /// Where stored files land, if elsewhere
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// Where to write the figures
    #[arg(long, global = true, default_value = "target/bench/results")]
    output: PathBuf,
    /// How often each is measured
    #[arg(long, global = true, default_value_t = 3)]
    rounds: u32,
    /// Makes the workloads smaller, by a factor of at most 1
    #[arg(long, global = true, default_value_t = 1.0)]
    scale: f64,
    /// Measures these alone
    #[arg(long, global = true, value_delimiter = ',')]
    only: Vec<Client>,
    /// How long an upload may take, or, over a shaped link, how long it is watched
    #[arg(long, global = true, default_value_t = 180)]
    seconds: u64,
    /// With these workloads alone
    #[arg(long, global = true, value_delimiter = ',')]
    workload: Vec<Kind>,
}

#[derive(Clone, Copy, Subcommand)]
enum Comparison {
    /// How fast files get to S3
    Throughput {
        /// The network between browser and servers
        #[arg(long, value_enum, default_value_t = Network::Direct)]
        network: Network,
    },
    /// Requests, bytes that are no file's, and dollars
    Calls,
    /// What an upload does to the main thread and to memory, beside Uppy's Dashboard
    MainThread,
    /// How soon a page can be used on a slow device, beside Uppy's Dashboard
    FirstLoad,
    /// SHA-256 in the page, and what it costs an upload
    Hashing,
    /// Where the threads of a page spend their time
    Profile,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Network {
    /// The loopback interface
    Direct,
    /// No more than 1 Gbit/s to S3
    Gigabit,
    /// A link with delay and loss, which takes root
    Shaped,
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
        Comparison::Throughput {
            network: Network::Shaped,
            ..
        } => Way::Shaped(Gate::enter()?),
        Comparison::Throughput {
            network: Network::Gigabit,
        } => Way::Gigabit,
        _ => Way::Direct,
    };
    api_log::keep();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(until_told(run(&arguments, &way)))?;
    report.write(&common.output)?;
    println!("{report}");
    println!("figures and charts: {}", common.output.display());
    Ok(())
}

/// Whoever ends this program by a signal still gets everything stopped and removed.
async fn until_told(work: impl Future<Output = Result<Report>>) -> Result<Report> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        report = work => report,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("interrupted"),
    }
}

async fn run(arguments: &Arguments, way: &Way) -> Result<Report> {
    let common = &arguments.common;
    let versions = versions::versions(&common.sources, &common.chromium)?;
    let (setting, _folders) = common.setting()?;
    let (name, method, tables) = match arguments.comparison {
        Comparison::Throughput { network } => throughput(common, &setting, network, way).await?,
        Comparison::Calls => calls(common, &setting).await?,
        Comparison::MainThread => main_thread(common, &setting).await?,
        Comparison::FirstLoad => first_load(common, &setting).await?,
        Comparison::Hashing => hashing(common, &setting).await?,
        Comparison::Profile => profile(common, &setting).await?,
    };
    Ok(Report {
        name,
        versions,
        method,
        tables,
    })
}

/// The name of a report, how it was measured, and what came out.
type Outcome = (&'static str, Vec<String>, Vec<Table>);

async fn throughput(common: &Common, setting: &Setting, network: Network, way: &Way) -> Result<Outcome> {
    let plan = Plan {
        clients: common.clients(&Client::UPLOADERS),
        workloads: common.workloads(&Kind::ALL),
        rounds: common.rounds,
        way: way.clone(),
        limit: throughput::limit(way, common.seconds),
    };
    let name = match network {
        Network::Direct => "throughput",
        Network::Gigabit => "throughput-gigabit",
        Network::Shaped => "throughput-shaped",
    };
    let tables = throughput::measure(setting, &plan).await?;
    Ok((name, throughput::method(&plan), tables))
}

async fn calls(common: &Common, setting: &Setting) -> Result<Outcome> {
    let clients = common.clients(&Client::UPLOADERS);
    let workloads = common.workloads(&Kind::ALL);
    let tables = calls::measure(setting, &clients, &workloads, common.patience()).await?;
    let method = "Counted once, at the local S3, at the API, and in a port between browser and both.";
    Ok(("calls", vec![method.to_owned()], tables))
}

async fn main_thread(common: &Common, setting: &Setting) -> Result<Outcome> {
    let clients = common.clients(&Client::PAGES);
    let workloads = common.workloads(&[Kind::Giant, Kind::Small]);
    let tables =
        main_thread::measure(setting, &clients, &workloads, common.rounds, common.patience()).await?;
    let method = "From the pick to the end, by Chromium's metrics and its trace.";
    Ok((
        "main-thread",
        vec![method.to_owned(), common.rounds_told()],
        tables,
    ))
}

async fn first_load(common: &Common, setting: &Setting) -> Result<Outcome> {
    let tables = first_load::measure(setting, &common.clients(&Client::PAGES), common.rounds).await?;
    let method = format!(
        "A processor {} times as slow; {} ms of latency, {} Mbit/s down and {} up; nothing in the cache.",
        first_load::CPU_SLOWDOWN,
        first_load::LATENCY_MILLISECONDS,
        first_load::DOWN_BITS_A_SECOND / 1e6,
        first_load::UP_BITS_A_SECOND / 1e6
    );
    Ok(("first-load", vec![method, common.rounds_told()], tables))
}

async fn hashing(common: &Common, setting: &Setting) -> Result<Outcome> {
    let workload = Kind::Giant.scaled(common.scale);
    let tables = hashing::measure(setting, workload, common.rounds, common.patience()).await?;
    Ok(("hashing", vec![common.rounds_told()], tables))
}

async fn profile(common: &Common, setting: &Setting) -> Result<Outcome> {
    let clients = common.clients(&Client::UPLOADERS[..5]);
    let workloads = common.workloads(&Kind::ALL);
    let tables = profile::measure(setting, &clients, &workloads, common.patience()).await?;
    let method = "Self time by Chromium's profiler, which takes a sample each millisecond.";
    Ok(("profile", vec![method.to_owned()], tables))
}

impl Common {
    fn patience(&self) -> Limit {
        throughput::limit(&Way::Direct, self.seconds)
    }

    fn rounds_told(&self) -> String {
        format!("{} rounds, in turn.", self.rounds)
    }

    /// The pages, compressed, and the files to upload are in folders that last as long as the second value.
    fn setting(&self) -> Result<(Setting, [tempfile::TempDir; 2])> {
        let compressed = tempfile::tempdir()?;
        std::fs::create_dir_all(&self.work)?;
        let files = tempfile::tempdir_in(&self.work)?;
        let compress = |page: &PathBuf, name: &str| {
            site::compress(page, &compressed.path().join(name))
                .with_context(|| format!("{} is no built page", page.display()))
        };
        let setting = Setting {
            chromium: self.chromium.clone(),
            slipway: compress(&self.page, "slipway")?,
            pages: compress(&self.pages, "others")?,
            files: files.path().to_owned(),
            data: self.data.clone().unwrap_or_else(|| self.work.join("stored")),
        };
        Ok((setting, [compressed, files]))
    }

    fn clients(&self, all: &[Client]) -> Vec<Client> {
        let is_asked_for = |client: &&Client| self.only.is_empty() || self.only.contains(client);
        all.iter().filter(is_asked_for).copied().collect()
    }

    fn workloads(&self, all: &[Kind]) -> Vec<Workload> {
        let is_asked_for = |kind: &&Kind| self.workload.is_empty() || self.workload.contains(kind);
        let kinds = all.iter().filter(is_asked_for);
        kinds.map(|kind| kind.scaled(self.scale)).collect()
    }
}
