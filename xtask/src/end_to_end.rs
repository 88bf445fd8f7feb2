//! The end-to-end tests, once in each browser on each S3 service that is asked for.

use std::{fmt, fs};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;

use crate::{
    browsers::{self, Browsers},
    examples,
    page::{self, Profile},
    s3_services,
    tally::Verdict,
    test::{Options, cargo, count},
    tools::Toolbox,
};

/// A browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
    Webkit,
}

/// An S3 service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum S3 {
    /// The local stack's own
    Local,
    /// OpenStack Swift
    Swift,
}

/// A run of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    browser: Browser,
    s3: S3,
}

impl fmt::Display for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", name(&self.browser))?;
        match self.s3 {
            S3::Local => Ok(()),
            S3::Swift => write!(formatter, " on {}", name(&self.s3)),
        }
    }
}

/// The runs in the browsers and on the services that are named. Where no browser is named, the local S3 is
/// used from each, and Swift from Chromium, which alone can send slowly; where no service is, both are.
pub(crate) fn flows(browsers: &[Browser], services: &[S3]) -> Vec<Flow> {
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
        browsers_on(s3).iter().map(move |browser| Flow {
            browser: *browser,
            s3,
        })
    };
    services.iter().flat_map(on).collect()
}

/// Runs the tests once, without those that this browser or service cannot run, which are told with their
/// reasons.
///
/// # Errors
/// Where something cannot be installed or built, or the tests cannot be run.
pub(crate) fn run(flow: Flow, options: &Options, toolbox: &Toolbox) -> Result<Verdict> {
    let browsers = Browsers::ensure(toolbox)?;
    let page = page::build(toolbox, Profile::from_release(options.release))?;
    let mut command = cargo(toolbox, &["test", "--no-fail-fast", "--package", "e2e"]);
    browsers
        .tell(toolbox, &mut command)?
        .env("SLIPWAY_BROWSER", name(&flow.browser))
        .env("SLIPWAY_S3", name(&flow.s3))
        .env("SLIPWAY_PAGE", page)
        .env("SLIPWAY_UPPY", examples::build_uppy(toolbox)?)
        .env("SLIPWAY_XTASK", std::env::current_exe()?)
        // The tests' errors say what was waited for; where they were made says nothing more.
        .env("RUST_LIB_BACKTRACE", "0");
    if flow.browser == Browser::Webkit {
        browsers::tell_webkit(toolbox, &mut command)?;
    }
    if flow.s3 == S3::Swift {
        s3_services::tell_swift(toolbox, &mut command)?;
    }
    if let Some(folder) = &options.screenshots {
        command.env("SLIPWAY_SCREENSHOTS", std::path::absolute(folder)?);
    }
    command.args(["--", "--exact"]);
    let limits = limits(toolbox, flow)?;
    for limit in &limits {
        println!("    left out, as {}: {}", limit.reason, limit.tests.join(", "));
        println!("      instead, {}", limit.instead);
        command.args(limit.tests.iter().flat_map(|test| ["--skip", test]));
    }
    let left_out = limits.iter().map(|limit| limit.tests.len()).sum();
    Ok(count("end-to-end", toolbox, &mut command)?.leaving_out(left_out))
}

/// What a browser or a service cannot do, from `tests/e2e/limits.toml`.
#[derive(Deserialize)]
struct Limit {
    /// The browsers and services that cannot do it together.
    within: Vec<String>,
    tests: Vec<String>,
    reason: String,
    instead: String,
}

#[derive(Deserialize)]
struct Limits {
    limit: Vec<Limit>,
}

fn limits(toolbox: &Toolbox, flow: Flow) -> Result<Vec<Limit>> {
    let path = toolbox.project.root.join("tests/e2e/limits.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let limits: Limits = toml::from_str(&text).with_context(|| path.display().to_string())?;
    let here = [name(&flow.browser), name(&flow.s3)];
    let applies = |limit: &Limit| limit.within.iter().all(|name| here.contains(name));
    Ok(limits.limit.into_iter().filter(applies).collect())
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
        let flows: Vec<String> = flows(browsers, services).iter().map(Flow::to_string).collect();
        assert_eq!(flows, expected, "{browsers:?} {services:?}");
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
}
