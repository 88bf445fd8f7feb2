//! The end-to-end tests, once in each browser on each S3 service that is asked for.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;

use crate::{
    axe,
    browsers::{self, Browsers},
    npm,
    page::{self, Profile},
    process, s3_services,
    tally::Verdict,
    test::{OIDC_PROVIDER, Options, cargo, count},
    tools::Toolbox,
    uppy,
};

/// Tests at once. Most of them wait for bodies that travel slowly on purpose, so two cores take three.
const TESTS_AT_ONCE: &str = "3";

/// The program with all flows.
const FLOWS: [&str; 5] = ["test", "--package", "e2e", "--test", "end_to_end"];

/// A browser.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Browser {
    Chromium,
    Firefox,
    Webkit,
}

/// An S3 service.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum S3 {
    /// The local stack's own
    Local,
    /// OpenStack Swift
    Swift,
}

/// A run of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
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

/// The runs in the browsers and on the services that are named. Where no browser is named, the local S3 is
/// used from each, and Swift from Chromium; where no service is, both are.
pub(crate) fn runs(browsers: &[Browser], services: &[S3]) -> Vec<Run> {
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
pub(crate) struct Flows {
    browsers: Browsers,
    page: PathBuf,
    leptos_example: PathBuf,
    uppy: PathBuf,
    axe: PathBuf,
    provider: PathBuf,
    screenshots: Option<PathBuf>,
}

impl Flows {
    /// Builds them.
    ///
    /// # Errors
    /// Where something cannot be installed or does not build.
    pub(crate) fn build(options: &Options, toolbox: &Toolbox) -> Result<Self> {
        let screenshots = options.screenshots.as_ref().map(std::path::absolute);
        let compiling = "compiling the end-to-end tests";
        process::run(
            compiling,
            cargo(toolbox, &FLOWS).arg("--no-run"),
            toolbox.interrupt,
        )?;
        Ok(Self {
            browsers: Browsers::ensure(toolbox)?,
            page: page::build(toolbox, Profile::from_release(options.release))?,
            leptos_example: page::build_leptos_example(toolbox)?,
            uppy: uppy::build(toolbox)?,
            axe: axe::ensure_script(toolbox)?,
            provider: npm::ensure_oidc_provider(toolbox)?,
            screenshots: screenshots.transpose()?,
        })
    }

    /// Runs the tests of what the flows are made of, which need no browser.
    ///
    /// # Errors
    /// Where they cannot be run.
    pub(crate) fn test_harness(&self, toolbox: &Toolbox) -> Result<Verdict> {
        let mut command = cargo(toolbox, &["test", "--package", "e2e", "--lib", "--bins"]);
        count("the end-to-end tests' own tests", toolbox, &mut command)
    }

    /// Runs the flows, without those that this browser or service cannot run, which are told with their
    /// reasons and counted as skipped.
    ///
    /// # Errors
    /// Where something cannot be installed, or the flows cannot be run.
    pub(crate) fn run(&self, run: Run, toolbox: &Toolbox) -> Result<Verdict> {
        let mut command = cargo(toolbox, &FLOWS);
        self.browsers
            .tell(toolbox, &mut command)?
            .env("SLIPWAY_BROWSER", name(&run.browser))
            .env("SLIPWAY_S3", name(&run.s3))
            .env("SLIPWAY_PAGE", &self.page)
            .env("SLIPWAY_LEPTOS_EXAMPLE", &self.leptos_example)
            .env("SLIPWAY_UPPY", &self.uppy)
            .env("SLIPWAY_AXE", &self.axe)
            .env("SLIPWAY_XTASK", std::env::current_exe()?)
            .env(OIDC_PROVIDER, &self.provider)
            // The tests' errors say what was waited for; where they were made says nothing more.
            .env("RUST_LIB_BACKTRACE", "0");
        if run.browser == Browser::Webkit {
            browsers::tell_webkit(toolbox, &mut command)?;
        }
        if run.s3 == S3::Swift {
            s3_services::tell_swift(toolbox, &mut command)?;
        }
        if let Some(folder) = &self.screenshots {
            command.env("SLIPWAY_SCREENSHOTS", folder);
        }
        leave_out(&limits(&toolbox.project.root, run)?, &mut command);
        count_with_left_out("end-to-end", toolbox, &mut command)
    }
}

/// Runs tests; those that a filter keeps from running count as skipped.
fn count_with_left_out(what: &str, toolbox: &Toolbox, command: &mut Command) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let status = process::run_reading_lines(what, command, toolbox.interrupt, |line| {
        verdict.add_line(line);
        verdict.add_left_out(line);
    })?;
    Ok(verdict.with_exit(status.success()))
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

/// Tells the reasons, and keeps the tests from running.
fn leave_out(limits: &[Limit], command: &mut Command) {
    command.args(["--", "--test-threads", TESTS_AT_ONCE]);
    for limit in limits {
        println!("    left out, as {}: {}", limit.reason, limit.tests.join(", "));
        println!("      instead, {}", limit.instead);
        command.args(limit.tests.iter().flat_map(|test| ["--skip", test]));
    }
}

/// What a choice is called on the command line and by the tests.
fn name(choice: &impl ValueEnum) -> String {
    let value = choice.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(browsers: &[Browser], services: &[S3], expected: &[&str]) {
        let runs: Vec<String> = runs(browsers, services).iter().map(Run::to_string).collect();
        assert_eq!(runs, expected, "{browsers:?} {services:?}");
    }

    #[test]
    fn every_browser_is_run_and_both_services_unless_some_are_named() {
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
    fn a_limit_of_a_browser_and_a_service_is_one_of_both_together() {
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
