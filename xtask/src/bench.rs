//! `cargo xtask bench`: the page beside other upload clients. The program in `bench/` measures; here is what
//! it needs built and installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    browsers::Browsers,
    debian::{self, Programs},
    npm,
    page::{self, Profile},
    process,
    step::step,
    tools::{Toolbox, on_path},
};

/// The folder of the other clients' pages, in the checkout.
const PAGES: &str = "bench/pages";

/// Each page: its folder and script below [`PAGES`], its HTML, and its name.
const CLIENTS: [(&str, &str, &str, &str); 5] = [
    ("current", "uppy.js", "index.html", "uppy"),
    ("current", "better-upload.js", "index.html", "better-upload"),
    ("current", "xhr.js", "index.html", "xhr"),
    ("current", "dashboard.js", "dashboard.html", "dashboard"),
    ("uppy-5", "main.js", "index.html", "uppy-5"),
];

/// curl is the limit of what an upload can reach.
const CURL: Programs = Programs {
    what: "curl",
    packages: "curl",
    elsewhere: "macOS has it",
};

/// What a link with delay and loss is made with.
const LINK: Programs = Programs {
    what: "ip and ethtool",
    packages: "iproute2 ethtool",
    elsewhere: "a shaped link takes Linux",
};

/// Everything, in less than half an hour on two cores: arguments of one run each. Rates are of smaller
/// workloads, so that there is time for several rounds.
const ALL: [&[&str]; 7] = [
    &["first-load"],
    &["throughput", "--scale=0.25"],
    &["throughput", "--network=gigabit", "--scale=0.25"],
    &["hashing", "--scale=0.25"],
    &["main-thread", "--scale=0.25", "--rounds=2"],
    &["calls", "--scale=0.05"],
    // Nobody gets further than that in ten seconds.
    &[
        "throughput",
        "--network=shaped",
        "--scale=0.05",
        "--rounds=1",
        "--seconds=10",
    ],
];

/// The options of every comparison. What is not given is as the program in `bench/` has it.
#[derive(Args)]
pub(crate) struct Options {
    /// How often each is measured
    #[arg(long)]
    rounds: Option<u32>,
    /// Make the workloads smaller, by a factor of at most 1
    #[arg(long)]
    scale: Option<f64>,
    /// Measure these clients alone: slipway, uppy, uppy-5, better-upload, xhr, curl, dashboard
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// With these workloads alone: giant, large, small
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// How long an upload may take, or, over a shaped link, how long it is watched
    #[arg(long)]
    seconds: Option<u64>,
    /// Where to write figures and charts [default: slipway-bench/results in cargo's build folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Where stored files land until they are removed; in memory (/dev/shm) the disk is no limit
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The options of `cargo xtask bench throughput`.
#[derive(Args)]
pub(crate) struct ThroughputOptions {
    /// Put 80 ms of delay and 1 % loss between browser and servers, which takes root
    #[arg(long)]
    shaped: bool,
    /// Let no more than 1 Gbit/s through to S3
    #[arg(long, conflicts_with = "shaped")]
    gigabit: bool,
    #[command(flatten)]
    options: Options,
}

/// Compares throughput.
///
/// # Errors
/// As [`run`].
pub(crate) fn throughput(options: &ThroughputOptions, toolbox: &Toolbox) -> Result<ExitCode> {
    let network = if options.shaped {
        "--network=shaped"
    } else if options.gigabit {
        "--network=gigabit"
    } else {
        "--network=direct"
    };
    run(&["throughput", network], &options.options, toolbox)
}

/// Compares everything, one after the other.
///
/// # Errors
/// As [`run`].
pub(crate) fn all(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let bench = Bench::prepare(toolbox)?;
    for arguments in ALL {
        bench.run(arguments, options)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes one comparison.
///
/// # Errors
/// Where something is missing, does not build, or cannot be measured.
pub(crate) fn run(arguments: &[&str], options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    Bench::prepare(toolbox)?.run(arguments, options)?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that a comparison needs.
struct Bench<'a> {
    toolbox: &'a Toolbox<'a>,
    program: PathBuf,
    chromium: PathBuf,
    page: PathBuf,
    pages: PathBuf,
    folder: PathBuf,
}

impl<'a> Bench<'a> {
    fn prepare(toolbox: &'a Toolbox<'a>) -> Result<Self> {
        let chromium = Browsers::ensure(toolbox)?.chromium;
        debian::ensure(toolbox, &CURL, || on_path("curl"))?;
        debian::ensure(toolbox, &LINK, || on_path("ip").and(on_path("ethtool")))?;
        let folder = toolbox.project.target.join("slipway-bench");
        let pages = bundle(toolbox, &folder.join("pages"))?;
        let page = page::build(toolbox, Profile::Release)?;
        let what = "building the measuring program";
        step(what, || {
            let mut command = Command::new("cargo");
            command.current_dir(&toolbox.project.root).args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "bench",
            ]);
            process::run(what, &mut command, toolbox.interrupt)
        })?;
        Ok(Self {
            program: toolbox.project.target.join("release/bench"),
            toolbox,
            chromium,
            page,
            pages,
            folder,
        })
    }

    /// Runs a comparison. What the user asks for takes the place of what `arguments` say.
    fn run(&self, arguments: &[&str], options: &Options) -> Result<()> {
        let output = options
            .output
            .clone()
            .unwrap_or_else(|| self.folder.join("results"));
        let mut command = Command::new(&self.program);
        command
            .args(not_overridden(arguments, &options.given()))
            .args(options.given())
            .arg("--sources")
            .arg(&self.toolbox.project.root)
            .arg("--chromium")
            .arg(&self.chromium)
            .arg("--page")
            .arg(&self.page)
            .arg("--pages")
            .arg(&self.pages)
            .arg("--work")
            .arg(&self.folder)
            .arg("--output")
            .arg(output);
        if let Some(data) = &options.data {
            command.arg("--data").arg(data);
        }
        let what = format!("measuring: {}", arguments.join(" "));
        step(&what, || {
            process::run(&what, &mut command, self.toolbox.interrupt)
        })
    }
}

impl Options {
    /// What the user asks for, as the program takes it.
    fn given(&self) -> Vec<String> {
        let mut given = Vec::new();
        let mut give = |name: &str, value: Option<String>| {
            given.extend(value.map(|value| format!("--{name}={value}")));
        };
        let list = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        give("rounds", self.rounds.map(|rounds| rounds.to_string()));
        give("scale", self.scale.map(|scale| scale.to_string()));
        give("seconds", self.seconds.map(|seconds| seconds.to_string()));
        give("only", list(&self.only));
        give("workload", list(&self.workload));
        given
    }
}

/// The arguments without the options that are given anyway, since none may be there twice.
fn not_overridden<'a>(arguments: &[&'a str], given: &[String]) -> Vec<&'a str> {
    let name = |argument: &str| argument.split('=').next().unwrap_or_default().to_owned();
    let is_given = |argument: &&&str| given.iter().any(|other| name(other) == name(argument));
    arguments
        .iter()
        .filter(|argument| !is_given(argument))
        .copied()
        .collect()
}

/// Bundles the other clients' pages, and gives their folder.
fn bundle(toolbox: &Toolbox, folder: &Path) -> Result<PathBuf> {
    let sources = toolbox.project.root.join(PAGES);
    let esbuild = npm::ensure_esbuild(toolbox)?;
    let what = "bundling the other clients' pages";
    for (source, script, html, name) in CLIENTS {
        let source = sources.join(source);
        let label = format!(
            "bench-{}",
            source.file_name().unwrap_or_default().to_string_lossy()
        );
        let packages = npm::ensure_packages(toolbox, &label, &source, &[])?;
        let page = folder.join(name);
        let mut command = Command::new(&esbuild);
        command
            .arg(source.join(script))
            .args([
                "--bundle",
                "--minify",
                "--format=esm",
                "--target=es2022",
                "--log-level=warning",
            ])
            .arg(format!("--outfile={}", page.join("main.js").display()))
            .env("NODE_PATH", packages.join("node_modules"));
        process::run(what, &mut command, toolbox.interrupt)?;
        let html = sources.join("current").join(html);
        fs::copy(&html, page.join("index.html")).with_context(|| format!("{} is missing", html.display()))?;
    }
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::not_overridden;

    #[test]
    fn what_the_user_asks_for_takes_the_place_of_what_is_usual() {
        let usual = ["calls", "--scale=0.1", "--rounds=1"];
        let given = ["--scale=1".to_owned()];
        assert_eq!(not_overridden(&usual, &given), ["calls", "--rounds=1"]);
        assert_eq!(not_overridden(&usual, &[]), usual);
    }
}
