//! Which packages are tested on this machine and which in a browser, and the commands that compile them.
//!
//! Every command selects all packages of its kind, and names the tests that it is about. If it selected only their
//! package, cargo would enable fewer features of the dependencies, and compile most of them once more.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::tools::{Toolbox, WASM_TARGET};

/// The packages that compile for browsers only.
const IN_BROWSERS: [&str; 7] = [
    "slipway",
    "worker",
    "browser",
    "sign-in",
    "link-maker",
    "embed",
    EXAMPLE,
];

/// The one of them that has no tests.
const EXAMPLE: &str = "leptos-example";

/// The deployment's tests, whose manifest says `test = false`, as do those of the next three: they need more than cargo
/// provides, and are run only by name.
pub(super) const DEPLOYMENT: &str = "production";

/// The tests of what S3 services do.
pub(super) const S3_FACTS: &str = "facts";

/// The tests of other programs that upload to the local S3.
pub(super) const S3_CLIENTS: &str = "clients";

/// The flows in browsers.
pub(super) const FLOWS: &str = "end_to_end";

/// The tests of the signing Lambda's program.
pub(super) const LAMBDA_PROGRAM: &str = "program";

/// The tests of the local stack's program.
const STACK_PROGRAM: &str = "stack";

/// Clippy, on everything that runs on the host.
pub(super) fn host_clippy(toolbox: &Toolbox) -> [Command; 2] {
    let [mut all, mut named] = [(); 2].map(|()| on_host(toolbox, "clippy"));
    all.arg("--all-targets");
    named.args(tests([DEPLOYMENT, S3_FACTS, S3_CLIENTS, FLOWS]));
    [all, named].map(deny_warnings)
}

/// Clippy, on everything that runs in a browser.
pub(super) fn browser_clippy(toolbox: &Toolbox) -> Command {
    let mut command = toolbox.cargo(&["clippy", "--all-targets", "--target", WASM_TARGET]);
    command.args(IN_BROWSERS.map(|package| ["--package", package]).concat());
    deny_warnings(command)
}

/// The host's tests that need no more than cargo provides.
pub(super) fn host_tests(toolbox: &Toolbox) -> Command {
    let mut command = on_host(toolbox, "test");
    command.arg("--no-fail-fast");
    command
}

/// These of the host's tests.
pub(super) fn named_host_tests<const N: usize>(toolbox: &Toolbox, names: [&str; N]) -> Command {
    let mut command = host_tests(toolbox);
    command.args(tests(names));
    command
}

/// The tests that run in a browser.
pub(super) fn browser_tests(toolbox: &Toolbox) -> Command {
    let mut command = toolbox.cargo(&["test", "--no-fail-fast", "--target", WASM_TARGET]);
    let packages = IN_BROWSERS.into_iter().filter(|package| *package != EXAMPLE);
    command.args(packages.flat_map(|package| ["--package", package]));
    command
}

/// Compiles the programs that the host's tests start, and returns their folder.
pub(super) fn build_host_programs(toolbox: &Toolbox) -> Result<PathBuf> {
    let mut command = named_host_tests(toolbox, [LAMBDA_PROGRAM, STACK_PROGRAM, FLOWS]);
    toolbox.run("building the programs of the tests", command.arg("--no-run"))?;
    Ok(toolbox.project.target.join("debug"))
}

fn on_host(toolbox: &Toolbox, subcommand: &str) -> Command {
    let mut command = toolbox.cargo(&[subcommand, "--workspace"]);
    command.args(IN_BROWSERS.map(|package| ["--exclude", package]).concat());
    command
}

fn tests<const N: usize>(names: [&str; N]) -> Vec<&str> {
    names.map(|name| ["--test", name]).concat()
}

fn deny_warnings(mut command: Command) -> Command {
    command.args(["--", "-D", "warnings"]);
    command
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::build::PAGE_PACKAGES;

    /// The features with which a build of these packages compiles each dependency.
    fn features(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
        let output = Command::new("cargo")
            .args([
                "tree",
                "--locked",
                "--edges=normal,build",
                "--prefix=none",
                "--format={p}|{f}",
            ])
            .args(arguments)
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
        let mut features: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let line = line.strip_suffix(" (*)").unwrap_or(line);
            let (package, enabled) = line.split_once('|').expect("as the format says");
            features
                .entry(package.to_owned())
                .or_default()
                .insert(enabled.to_owned());
        }
        features
    }

    /// Checks that a later build compiles nothing again that an earlier one has compiled.
    fn check(compiled: &BTreeMap<String, BTreeSet<String>>, later: &[&str]) {
        for (package, wanted) in features(later) {
            if let Some(enabled) = compiled.get(&package) {
                assert!(
                    wanted.is_subset(enabled),
                    "{later:?} compiles {package} again: it has the features {enabled:?} and should have {wanted:?}; \
                     crates/build-once/Cargo.toml can enable them"
                );
            }
        }
    }

    #[test]
    fn the_stack_is_built_of_what_the_tasks_are() {
        let compiled = features(&["--package=xtask"]);
        check(&compiled, &["--package=local", "--package=backend"]);
    }

    #[test]
    fn the_pages_packages_share_their_dependencies() {
        let packages = PAGE_PACKAGES.map(|(package, _)| ["--package", package]);
        let compiled = features(&[&["--target", WASM_TARGET][..], packages.as_flattened()].concat());
        for [option, package] in packages {
            check(&compiled, &["--target", WASM_TARGET, option, package]);
        }
    }
}
