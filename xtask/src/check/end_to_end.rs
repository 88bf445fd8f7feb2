//! The end-to-end tests, once in each browser on each S3 service that is asked for.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::{
    conformance::ensure_swift,
    packages::{FLOWS, named_host_tests},
    result::{StepResult, count_tests},
};
use crate::{
    build::{Profile, build_framework_examples, build_leptos_example, build_page, build_uppy_examples},
    tools::{Browsers, Toolbox, ensure_axe, ensure_oidc_provider, ensure_webkit},
};

/// The variable in which tests find the OpenID Connect provider that they sign in at.
pub(super) const OIDC_PROVIDER: &str = "SLIPWAY_OIDC_PROVIDER";

/// How many tests run at once. Most of them wait for bodies that are sent slowly on purpose, so two cores are enough
/// for four.
const TESTS_AT_ONCE: &str = "4";

/// At most this many failed flows are run again, each alone. If more fail, they do not fail by chance.
const MOST_TRIED_AGAIN: usize = 3;

/// Which end-to-end tests to run, and how.
#[derive(Args)]
pub(super) struct FlowOptions {
    /// Run only the end-to-end tests, in these browsers
    #[arg(long, value_name = "BROWSER", value_delimiter = ',')]
    browser: Vec<Browser>,
    /// Run only the end-to-end tests, on these S3 services
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    s3: Vec<S3>,
    /// Run only the end-to-end tests whose names contain this; may be given several times
    #[arg(long, value_name = "NAME")]
    flow: Vec<String>,
    /// Run the end-to-end tests on the page as it is deployed, as they are run where all steps are
    #[arg(long)]
    pub(super) release: bool,
    /// Save the screenshots of the end-to-end tests in this folder
    #[arg(long, value_name = "DIR")]
    screenshots: Option<PathBuf>,
}

impl FlowOptions {
    /// Whether they name a browser or a service.
    pub(super) fn name_runs(&self) -> bool {
        !(self.browser.is_empty() && self.s3.is_empty())
    }
}

/// A browser.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Browser {
    Chromium,
    Firefox,
    Webkit,
}

/// An S3 service.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum S3 {
    /// The local stack's own
    Local,
    /// OpenStack Swift
    Swift,
}

/// A run of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    browser: Browser,
    s3: S3,
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", name(&self.browser))?;
        match self.s3 {
            S3::Local => Ok(()),
            S3::Swift => write!(formatter, " on {}", name(&self.s3)),
        }
    }
}

/// The runs in the browsers and on the services that the options name. If they name no browser, the local S3 is used
/// from each, and Swift from Chromium; if they name neither, both services are used.
pub(super) fn runs(options: &FlowOptions) -> Vec<Run> {
    let (browsers, services) = (&options.browser[..], &options.s3[..]);
    let all = [S3::Local, S3::Swift];
    let services = if services.is_empty() && browsers.is_empty() {
        &all[..]
    } else if services.is_empty() {
        &all[..1]
    } else {
        services
    };
    let browsers_on = |s3: S3| match (browsers, s3) {
        ([], S3::Local) => Browser::value_variants(),
        ([], S3::Swift) => &[Browser::Chromium],
        (named, _) => named,
    };
    let on = |s3: &S3| {
        let s3 = *s3;
        browsers_on(s3).iter().map(move |browser| Run {
            browser: *browser,
            s3,
        })
    };
    services.iter().flat_map(on).collect()
}

/// The flows and what they need, built.
pub(super) struct Flows {
    browsers: Browsers,
    page: PathBuf,
    leptos_example: PathBuf,
    examples: PathBuf,
    uppy: PathBuf,
    axe: PathBuf,
    provider: PathBuf,
    screenshots: Option<PathBuf>,
    names: Vec<String>,
}

impl Flows {
    pub(super) fn build(options: &FlowOptions, page: Profile, toolbox: &Toolbox) -> Result<Self> {
        let screenshots = options.screenshots.as_ref().map(std::path::absolute);
        let mut compile = named_host_tests(toolbox, [FLOWS]);
        toolbox.run("compiling the flows", compile.arg("--no-run"))?;
        let page = build_page(toolbox, page)?;
        Ok(Self {
            browsers: Browsers::ensure(toolbox)?,
            examples: build_framework_examples(toolbox, &page)?,
            page,
            leptos_example: build_leptos_example(toolbox)?,
            uppy: build_uppy_examples(toolbox)?,
            axe: ensure_axe(toolbox)?,
            provider: ensure_oidc_provider(toolbox)?,
            screenshots: screenshots.transpose()?,
            names: options.flow.clone(),
        })
    }

    /// Runs the flows. Those that this browser or service cannot run are printed with the reasons and counted as
    /// skipped. A few that fail are run again, each alone: what passes then failed because of what ran beside it, which
    /// is counted and reported.
    pub(super) fn run(&self, run: Run, toolbox: &Toolbox) -> Result<StepResult> {
        let mut command = self.command(run, toolbox)?;
        skip(&limits(&toolbox.project.root, run)?, &mut command);
        command.args(&self.names);
        let result = count_tests("end-to-end", toolbox, &mut command, |result, line| {
            result.add_line(line);
            result.add_filtered_out(line);
        })?;
        let failed = result.failed_names();
        if !(1..=MOST_TRIED_AGAIN).contains(&failed.len()) {
            return Ok(result);
        }
        println!("    run again, each alone: {}", failed.join(", "));
        let mut command = self.command(run, toolbox)?;
        command
            .args(["--", "--test-threads", "1", "--exact"])
            .args(failed);
        let second = count_tests("end-to-end", toolbox, &mut command, StepResult::add_line)?;
        Ok(result.after_second_try(&second))
    }

    /// What runs flows in this browser on this service.
    fn command(&self, run: Run, toolbox: &Toolbox) -> Result<Command> {
        let mut command = named_host_tests(toolbox, [FLOWS]);
        match run.browser {
            Browser::Chromium => self.browsers.set_chromium_variables(&mut command),
            Browser::Firefox => self.browsers.set_firefox_variables(toolbox, &mut command)?,
            Browser::Webkit => command
                .env("SLIPWAY_BROWSER", "webkit")
                .envs(ensure_webkit(toolbox)?),
        };
        command
            .env("SLIPWAY_S3", name(&run.s3))
            .env("SLIPWAY_PAGE", &self.page)
            .env("SLIPWAY_LEPTOS_EXAMPLE", &self.leptos_example)
            .env("SLIPWAY_EXAMPLES", &self.examples)
            .env("SLIPWAY_UPPY", &self.uppy)
            .env("SLIPWAY_AXE", &self.axe)
            .env("SLIPWAY_XTASK", std::env::current_exe()?)
            .env(OIDC_PROVIDER, &self.provider)
            // The tests' errors say what they waited for; a backtrace adds nothing.
            .env("RUST_LIB_BACKTRACE", "0");
        if run.s3 == S3::Swift {
            command.envs([ensure_swift(toolbox)?]);
        }
        if let Some(folder) = &self.screenshots {
            command.env("SLIPWAY_SCREENSHOTS", folder);
        }
        Ok(command)
    }
}

/// Installs what these runs of the flows need, except what is compiled.
pub(super) fn ensure_tools(options: &FlowOptions, toolbox: &Toolbox) -> Result<()> {
    let runs = runs(options);
    Browsers::ensure(toolbox)?;
    if runs.iter().any(|run| run.browser == Browser::Webkit) {
        ensure_webkit(toolbox)?;
    }
    if runs.iter().any(|run| run.s3 == S3::Swift) {
        ensure_swift(toolbox)?;
    }
    ensure_axe(toolbox)?;
    ensure_oidc_provider(toolbox).map(drop)
}

/// What a browser or a service cannot do, from `tests/e2e/limits.toml`, which describes the fields.
#[derive(Deserialize)]
struct Limit {
    #[serde(default)]
    browsers: Vec<Browser>,
    #[serde(default)]
    s3: Vec<S3>,
    tests: Vec<String>,
    reason: String,
    instead: String,
}

#[derive(Deserialize)]
struct Limits {
    limit: Vec<Limit>,
}

impl Limit {
    fn applies_to(&self, run: Run) -> bool {
        let in_browser = self.browsers.is_empty() || self.browsers.contains(&run.browser);
        in_browser && (self.s3.is_empty() || self.s3.contains(&run.s3))
    }
}

fn limits(root: &Path, run: Run) -> Result<Vec<Limit>> {
    let path = root.join("tests/e2e/limits.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let limits: Limits = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(limits
        .limit
        .into_iter()
        .filter(|limit| limit.applies_to(run))
        .collect())
}

/// Prints the reasons, and keeps the tests from running.
fn skip(limits: &[Limit], command: &mut Command) {
    command.args(["--", "--test-threads", TESTS_AT_ONCE]);
    for limit in limits {
        println!("    skipped, since {}: {}", limit.reason, limit.tests.join(", "));
        println!("      instead, {}", limit.instead);
        command.args(limit.tests.iter().flat_map(|test| ["--skip", test]));
    }
}

/// The name of a choice on the command line and in the tests' variables.
fn name(choice: &impl ValueEnum) -> String {
    let value = choice.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(browsers: &[Browser], services: &[S3], expected: &[&str]) {
        let options = FlowOptions {
            browser: browsers.to_vec(),
            s3: services.to_vec(),
            flow: Vec::new(),
            release: false,
            screenshots: None,
        };
        let runs: Vec<String> = runs(&options).iter().map(Run::to_string).collect();
        assert_eq!(runs, expected, "{browsers:?} {services:?}");
    }

    #[test]
    fn all_browsers_and_services_are_used_unless_some_are_named() {
        check(&[], &[], &["chromium", "firefox", "webkit", "chromium on swift"]);
        check(&[Browser::Firefox], &[], &["firefox"]);
        check(&[], &[S3::Swift], &["chromium on swift"]);
        check(
            &[Browser::Webkit, Browser::Firefox],
            &[S3::Swift, S3::Local],
            &["webkit on swift", "firefox on swift", "webkit", "firefox"],
        );
    }

    #[test]
    fn a_limit_of_browser_and_service_needs_both() {
        let applies = |browsers: &[Browser], s3: &[S3], run: Run| {
            let limit = Limit {
                browsers: browsers.to_vec(),
                s3: s3.to_vec(),
                tests: Vec::new(),
                reason: String::new(),
                instead: String::new(),
            };
            limit.applies_to(run)
        };
        let firefox_on = |s3| Run {
            browser: Browser::Firefox,
            s3,
        };
        assert!(applies(
            &[Browser::Webkit, Browser::Firefox],
            &[],
            firefox_on(S3::Local)
        ));
        assert!(!applies(&[Browser::Webkit], &[], firefox_on(S3::Local)));
        assert!(applies(&[Browser::Firefox], &[S3::Swift], firefox_on(S3::Swift)));
        assert!(!applies(&[Browser::Firefox], &[S3::Swift], firefox_on(S3::Local)));
    }
}
