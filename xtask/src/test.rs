//! `cargo xtask test`: every check and every test, with a count of all test cases at the end.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{
    api_fuzz,
    browsers::Browsers,
    dependencies, dist, dist_lambda,
    end_to_end::{self, Browser, Flows, S3},
    fuzz, infrastructure, npm, process, runtime_api, s3_services,
    step::seconds,
    tally::{Tally, Verdict},
    tools::{Toolbox, WASM_BINDGEN, WASM_TARGET},
};

/// Tells the tests where the OpenID Connect provider is that they sign in at.
pub(crate) const OIDC_PROVIDER: &str = "SLIPWAY_OIDC_PROVIDER";

/// The packages that are compiled for browsers only.
const IN_BROWSERS: [&str; 6] = ["slipway", "worker", "browser", "sign-in", "embed", EXAMPLE];

/// The one of them that has no tests of its own.
const EXAMPLE: &str = "leptos-example";

/// The options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only this step; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Run the end-to-end tests, and no other unless it is asked for, in these browsers
    #[arg(long, value_name = "BROWSER", value_delimiter = ',')]
    pub(crate) browser: Vec<Browser>,
    /// Run the end-to-end tests, and no other unless it is asked for, on these S3 services
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub(crate) s3: Vec<S3>,
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
    /// The fuzz targets of the Lambda and the engine find nothing in a bounded time
    Fuzz,
    /// The production stack is well made, allows no more than it must, and can be deployed
    Infrastructure,
    /// S3 services answer as the facts say, and other people's programs upload to the local one
    Conformance,
    /// What a first view of the page loads is within its budget
    PageWeight,
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
    let mut flows = None;
    for step in Step::value_variants() {
        if !options.ask_for(*step) {
            continue;
        }
        let name = step.name();
        measure(&mut tally, name, toolbox, || {
            step.run(options, toolbox, &mut flows)
        })?;
    }
    // They are the last step, and each run of them has a line of its own.
    for run in end_to_end::runs(&options.browser, &options.s3) {
        let Some(flows) = &flows else { break };
        let name = format!("{} in {run}", Step::EndToEnd.name());
        measure(&mut tally, name, toolbox, || flows.run(run, toolbox))?;
    }
    println!("\n{tally}");
    Ok(if tally.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Options {
    fn ask_for(&self, step: Step) -> bool {
        match &self.only[..] {
            [] => step == Step::EndToEnd || (self.browser.is_empty() && self.s3.is_empty()),
            only => only.contains(&step),
        }
    }
}

/// Does a part of the work, says how it ended and after which time, and adds that to the tally.
///
/// # Errors
/// Where the user interrupts it. Its own errors are a failure in the tally.
fn measure(
    tally: &mut Tally,
    name: String,
    toolbox: &Toolbox,
    work: impl FnOnce() -> Result<Verdict>,
) -> Result<()> {
    println!("==> {name}");
    let start = Instant::now();
    let verdict = work();
    if toolbox.interrupt.wait(Duration::ZERO) {
        anyhow::bail!("interrupted during {name}");
    }
    let verdict = verdict.unwrap_or_else(|error| {
        println!("error: {error:#}");
        Verdict::failed()
    });
    println!("    {name}: {verdict} in {}", seconds(start.elapsed()));
    tally.add(name, verdict, start.elapsed());
    Ok(())
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Runs a step; of the last only what comes before the flows, which are given to the caller.
    fn run(self, options: &Options, toolbox: &Toolbox, flows: &mut Option<Flows>) -> Result<Verdict> {
        match self {
            Self::Format => {
                toolbox.ensure_components()?;
                self.check(toolbox, &mut cargo(toolbox, &["fmt", "--all", "--check"]))
            }
            Self::Clippy => {
                toolbox.ensure_components()?;
                let scope = ["clippy", "--workspace", "--all-targets"];
                let mut command = cargo(toolbox, &scope);
                command.args(IN_BROWSERS.map(|package| ["--exclude", package]).concat());
                self.check(toolbox, command.args(["--", "-D", "warnings"]))
            }
            Self::ClippyWasm => {
                toolbox.ensure_components()?;
                toolbox.ensure_wasm_target()?;
                // Clippy looks into the page's own dependencies in the workspace too.
                let mut command = cargo(toolbox, &["clippy", "--all-targets", "--target", WASM_TARGET]);
                command.args(IN_BROWSERS.map(|package| ["--package", package]).concat());
                self.check(toolbox, command.args(["--", "-D", "warnings"]))
            }
            Self::Native => {
                let scope = ["test", "--no-fail-fast", "--workspace"];
                let excluded = IN_BROWSERS.into_iter().chain(["e2e", "infra", "stores"]);
                let excluded = excluded.flat_map(|package| ["--exclude", package]);
                let provider = npm::ensure_oidc_provider(toolbox)?;
                let mut command = cargo(toolbox, &scope);
                count(
                    &self.name(),
                    toolbox,
                    command.args(excluded).env(OIDC_PROVIDER, provider),
                )
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
            Self::Infrastructure => {
                let scope = ["test", "--no-fail-fast", "--package", "infra"];
                let mut command = cargo(toolbox, &scope);
                count(
                    &self.name(),
                    toolbox,
                    infrastructure::tell(toolbox, &mut command)?,
                )
            }
            Self::Conformance => {
                let mut command = cargo(toolbox, &["test", "--no-fail-fast", "--package", "stores"]);
                s3_services::tell_swift(toolbox, &mut command)?;
                s3_services::tell_clients(toolbox, &mut command)?;
                // The table is for people too, not only where a row is wrong.
                command
                    .args(["--", "--show-output"])
                    .env("RUST_LIB_BACKTRACE", "0");
                count(&self.name(), toolbox, &mut command)
            }
            Self::PageWeight => dist::run(toolbox).map(|_| Verdict::one_passed()),
            Self::Browser => self.browser(toolbox),
            Self::EndToEnd => flows
                .insert(Flows::build(options, toolbox)?)
                .test_harness(toolbox),
        }
    }

    fn browser(self, toolbox: &Toolbox) -> Result<Verdict> {
        toolbox.ensure_wasm_target()?;
        let browsers = Browsers::ensure(toolbox)?;
        let runner = toolbox
            .ensure_cargo_tool(&WASM_BINDGEN)?
            .join("wasm-bindgen-test-runner");
        let mut command = cargo(toolbox, &["test", "--no-fail-fast", "--target", WASM_TARGET]);
        let packages = IN_BROWSERS.into_iter().filter(|package| *package != EXAMPLE);
        command.args(packages.flat_map(|package| ["--package", package]));
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
/// Where they cannot be run.
pub(crate) fn count(name: &str, toolbox: &Toolbox, command: &mut Command) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let status = process::run_reading_lines(name, command, toolbox.interrupt, |line| {
        verdict.add_line(line);
    })?;
    Ok(verdict.with_exit(status.success()))
}

/// A command of cargo in the checkout.
pub(crate) fn cargo(toolbox: &Toolbox, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&toolbox.project.root).args(arguments);
    command
}
