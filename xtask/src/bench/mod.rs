//! `cargo xtask bench`: measurements, most of them of the page beside other upload clients. The program in
//! `tools/bench/` measures; this builds and installs what it needs.

mod lambda;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    build::{Profile, build_page},
    step::step,
    tools::{Browsers, Programs, Toolbox, ensure_packages, ensure_release_tools, on_path},
};

/// The options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// What to measure, and how; --help lists that. `all` is everything except `lambda`, in less than half an hour
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

/// The sources of the other clients' pages, in the checkout.
const PAGES: &str = "tools/bench/pages";

/// The other clients: the folder and the script in [`PAGES`], the HTML, and the name.
const CLIENTS: [(&str, &str, &str, &str); 6] = [
    ("current", "uppy.js", "index.html", "uppy"),
    ("current", "better-upload.js", "index.html", "better-upload"),
    ("current", "xhr.js", "index.html", "xhr"),
    ("current", "dashboard.js", "dashboard.html", "dashboard"),
    ("current", "ways.js", "index.html", "ways"),
    ("uppy-5", "main.js", "index.html", "uppy-5"),
];

/// curl shows how fast an upload can be at most.
const CURL: Programs = Programs {
    what: "curl",
    packages: "curl",
    elsewhere: "macOS has it",
};

/// These make a link with delay and loss.
const LINK: Programs = Programs {
    what: "ip and ethtool",
    packages: "iproute2 ethtool",
    elsewhere: "a shaped link needs Linux",
};

/// The arguments of each run of `all`, which takes less than half an hour on two cores. Rates are measured with smaller
/// workloads, so that there is time for several rounds.
const ALL: [&[&str]; 8] = [
    &["first-load"],
    &["throughput", "--scale=0.25"],
    &["throughput", "--gigabit", "--scale=0.25"],
    &["hashing", "--scale=0.25"],
    &["main-thread", "--scale=0.25", "--rounds=2"],
    &["processor", "--scale=0.25", "--rounds=2"],
    &["calls", "--scale=0.05"],
    // No client uploads more than that in ten seconds.
    &[
        "throughput",
        "--shaped",
        "--scale=0.05",
        "--rounds=1",
        "--seconds=10",
    ],
];

pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let arguments: Vec<&str> = options.arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        _ if arguments.contains(&"--help") => {
            toolbox.run("the measuring program", program(toolbox)?.args(arguments))?;
        }
        ["lambda", ref more @ ..] => lambda::run(more, toolbox)?,
        ["all", ref more @ ..] => {
            let bench = Bench::prepare(toolbox)?;
            for arguments in ALL {
                bench.run(&[arguments, more].concat())?;
            }
        }
        _ => Bench::prepare(toolbox)?.run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the measuring program.
fn program(toolbox: &Toolbox) -> Result<Command> {
    let what = "building the measuring program";
    step(what, || {
        toolbox.run(
            what,
            &mut toolbox.cargo(&["build", "--quiet", "--release", "--package", "bench"]),
        )
    })?;
    Ok(Command::new(toolbox.project.target.join("release/bench")))
}

/// Measures by the program. Of an option that is given twice, it takes the last one: first `defaults`, then the user's.
fn measure(toolbox: &Toolbox, mut program: Command, arguments: &[&str], defaults: &[&str]) -> Result<()> {
    let (comparison, more) = arguments.split_at(1);
    let output = toolbox.project.target.join("slipway-bench/results");
    program
        .args(comparison)
        .arg("--sources")
        .arg(&toolbox.project.root)
        .arg("--output")
        .arg(output)
        .args(defaults)
        .args(more);
    let what = format!("measuring: {}", arguments.join(" "));
    step(&what, || toolbox.run(&what, &mut program))
}

/// What every comparison in a browser needs.
struct Bench<'a> {
    toolbox: &'a Toolbox<'a>,
    browsers: Browsers,
    page: PathBuf,
    pages: PathBuf,
    folder: PathBuf,
}

impl<'a> Bench<'a> {
    fn prepare(toolbox: &'a Toolbox<'a>) -> Result<Self> {
        let browsers = Browsers::ensure(toolbox)?;
        CURL.ensure(toolbox, || on_path("curl"))?;
        LINK.ensure(toolbox, || on_path("ip").and(on_path("ethtool")))?;
        let folder = toolbox.project.target.join("slipway-bench");
        let pages = bundle(toolbox, &folder.join("pages"))?;
        let page = build_page(toolbox, Profile::Release)?;
        Ok(Self {
            toolbox,
            browsers,
            page,
            pages,
            folder,
        })
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut program = program(self.toolbox)?;
        self.browsers
            .set_chromium_variables(&mut program)
            .env("SLIPWAY_PAGE", &self.page)
            .env("SLIPWAY_PAGES", &self.pages)
            .env("SLIPWAY_WORK", &self.folder);
        measure(self.toolbox, program, arguments, &[])
    }
}

/// Bundles the other clients' pages, and returns their folder.
fn bundle(toolbox: &Toolbox, folder: &Path) -> Result<PathBuf> {
    let sources = toolbox.project.root.join(PAGES);
    let esbuild = ensure_release_tools(toolbox)?.join("esbuild");
    let what = "bundling the other clients' pages";
    for (source, script, html, name) in CLIENTS {
        let source = sources.join(source);
        let label = format!(
            "bench-{}",
            source.file_name().unwrap_or_default().to_string_lossy()
        );
        let packages = ensure_packages(toolbox, &label, &source, &[])?;
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
        toolbox.run(what, &mut command)?;
        let html = sources.join("current").join(html);
        fs::copy(&html, page.join("index.html")).with_context(|| format!("{} is missing", html.display()))?;
    }
    Ok(folder.to_owned())
}
