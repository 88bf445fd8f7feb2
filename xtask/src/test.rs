//! `cargo xtask test`: every check and every test, with a count of all test cases at the end.

use std::{
    fmt,
    path::PathBuf,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{
    api_fuzz,
    browsers::Browsers,
    dependencies, dist_lambda,
    end_to_end::{self, Browser, Flow, S3},
    fuzz, process, runtime_api, s3_services,
    step::seconds,
    tally::{Tally, Verdict},
    tools::{Toolbox, WASM_BINDGEN, WASM_TARGET},
};

/// The options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only this step; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Run only the end-to-end tests, in these browsers
    #[arg(long, value_name = "BROWSER", value_delimiter = ',')]
    browser: Vec<Browser>,
    /// Run only the end-to-end tests, on these S3 services
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    s3: Vec<S3>,
    /// Run the end-to-end tests on the page as it is deployed
    #[arg(long)]
    pub(crate) release: bool,
    /// Save the screenshots of the end-to-end tests in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) screenshots: Option<PathBuf>,
}

/// The steps, in the order they are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// The source is formatted
    Format,
    /// Clippy finds nothing in what runs on the host
    Clippy,
    /// Clippy finds nothing in what runs in the browser
    ClippyWasm,
    /// The tests that need no browser
    Native,
    /// The Lambda's program as it is deployed keeps to the protocol
    ReleasedLambda,
    /// The dependencies are permitted, and all used
    Dependencies,
    /// The stack gives the Lambda its events as cargo-lambda does
    RuntimeApi,
    /// The API answers as its description says, whatever it is asked
    ApiFuzz,
    /// The local S3 and Swift answer as Amazon S3 does, and other people's programs upload
    Conformance,
    /// The fuzz targets of the Lambda and the engine find nothing in a bounded time
    Fuzz,
    /// The page's own tests, in a browser
    Browser,
    /// The whole way of a file, from the page in a browser to the stack's disk
    EndToEnd,
}

/// Runs the steps and says what came of them. A step that fails does not keep the others from running.
///
/// # Errors
/// Where the user interrupts the task.
pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let mut tally = Tally::default();
    for part in parts(options) {
        let name = part.to_string();
        println!("==> {name}");
        let start = Instant::now();
        let verdict = part.run(options, toolbox);
        if toolbox.interrupt.wait(Duration::ZERO) {
            anyhow::bail!("interrupted during {name}");
        }
        let verdict = verdict.unwrap_or_else(|error| {
            println!("error: {error:#}");
            Verdict::failed()
        });
        println!("    {name}: {verdict} in {}", seconds(start.elapsed()));
        tally.add(name, verdict, start.elapsed());
    }
    println!("\n{tally}");
    Ok(if tally.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is run and timed by itself: a step, or one run of the end-to-end tests.
enum Part {
    Step(Step),
    EndToEnd(Flow),
}

/// The parts that are asked for, in order.
fn parts(options: &Options) -> Vec<Part> {
    let only_end_to_end = !options.browser.is_empty() || !options.s3.is_empty();
    let wanted = |step: &&Step| match &options.only[..] {
        [] => !only_end_to_end || **step == Step::EndToEnd,
        only => only.contains(step),
    };
    let parts_of = |step: &Step| match step {
        Step::EndToEnd => {
            let flows = end_to_end::flows(&options.browser, &options.s3).into_iter();
            flows.map(Part::EndToEnd).collect()
        }
        step => vec![Part::Step(*step)],
    };
    Step::value_variants()
        .iter()
        .filter(wanted)
        .flat_map(parts_of)
        .collect()
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => formatter.write_str(&step.name()),
            Self::EndToEnd(flow) => write!(formatter, "{} in {flow}", Step::EndToEnd.name()),
        }
    }
}

impl Part {
    fn run(&self, options: &Options, toolbox: &Toolbox) -> Result<Verdict> {
        match self {
            Self::Step(step) => step.run(toolbox),
            Self::EndToEnd(flow) => end_to_end::run(*flow, options, toolbox),
        }
    }
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self, toolbox: &Toolbox) -> Result<Verdict> {
        match self {
            Self::Format => {
                toolbox.ensure_components()?;
                self.check(toolbox, &mut cargo(toolbox, &["fmt", "--all", "--check"]))
            }
            Self::Clippy => {
                toolbox.ensure_components()?;
                let scope = ["clippy", "--workspace", "--exclude", "slipway", "--all-targets"];
                self.check(toolbox, cargo(toolbox, &scope).args(["--", "-D", "warnings"]))
            }
            Self::ClippyWasm => {
                toolbox.ensure_components()?;
                toolbox.ensure_wasm_target()?;
                // Clippy looks into the page's own dependencies in the workspace too.
                let scope = [
                    "clippy",
                    "--package",
                    "slipway",
                    "--all-targets",
                    "--target",
                    WASM_TARGET,
                ];
                self.check(toolbox, cargo(toolbox, &scope).args(["--", "-D", "warnings"]))
            }
            Self::Native => {
                let scope = ["test", "--no-fail-fast", "--workspace"];
                let excluded = ["--exclude", "slipway", "--exclude", "e2e", "--exclude", "stores"];
                count(&self.name(), toolbox, cargo(toolbox, &scope).args(excluded))
            }
            Self::ReleasedLambda => {
                let program = dist_lambda::build_for_this_machine(toolbox)?;
                let scope = [
                    "test",
                    "--no-fail-fast",
                    "--package",
                    "backend",
                    "--test",
                    "program",
                ];
                count(
                    &self.name(),
                    toolbox,
                    cargo(toolbox, &scope).env("SLIPWAY_LAMBDA", program),
                )
            }
            Self::Dependencies => dependencies::run(toolbox).map(|()| Verdict::one_passed()),
            Self::Fuzz => fuzz::run(toolbox).map(|()| Verdict::one_passed()),
            Self::RuntimeApi => runtime_api::run(toolbox).map(|()| Verdict::one_passed()),
            Self::ApiFuzz => api_fuzz::run(toolbox).map(|()| Verdict::one_passed()),
            Self::Conformance => {
                let mut command = cargo(toolbox, &["test", "--no-fail-fast", "--package", "stores"]);
                s3_services::tell_swift(toolbox, &mut command)?;
                s3_services::tell_clients(toolbox, &mut command)?;
                // The table is for people too, not only where a row is wrong.
                count(
                    &self.name(),
                    toolbox,
                    command
                        .args(["--", "--show-output"])
                        .env("RUST_LIB_BACKTRACE", "0"),
                )
            }
            Self::Browser => self.browser(toolbox),
            Self::EndToEnd => unreachable!("each of its runs is run by itself"),
        }
    }

    fn browser(self, toolbox: &Toolbox) -> Result<Verdict> {
        toolbox.ensure_wasm_target()?;
        let browsers = Browsers::ensure(toolbox)?;
        let runner = toolbox
            .ensure_cargo_tool(&WASM_BINDGEN)?
            .join("wasm-bindgen-test-runner");
        let scope = [
            "test",
            "--no-fail-fast",
            "--package",
            "slipway",
            "--target",
            WASM_TARGET,
        ];
        let mut command = cargo(toolbox, &scope);
        command
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
            .env("CHROMEDRIVER", &browsers.chromedriver);
        count(&self.name(), toolbox, &mut command)
    }

    /// Runs a check that passes or fails as one.
    fn check(self, toolbox: &Toolbox, command: &mut Command) -> Result<Verdict> {
        process::run(&self.name(), command, toolbox.interrupt)?;
        Ok(Verdict::one_passed())
    }
}

/// Runs tests and counts them by what their harnesses report.
///
/// # Errors
/// Where they cannot be run, or the task is interrupted.
pub(crate) fn count(what: &str, toolbox: &Toolbox, command: &mut Command) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let status = process::run_reading_lines(what, command, toolbox.interrupt, |line| {
        verdict.add_line(line);
    })?;
    Ok(verdict.with_exit(status.success()))
}

/// `cargo` with these arguments, in the checkout.
pub(crate) fn cargo(toolbox: &Toolbox, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&toolbox.project.root).args(arguments);
    command
}
