//! The template checked by linters.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use infra::Template;
use serde_json::Value;
use tempfile::TempDir;

use crate::rendering::{EVERYTHING, render};

/// The path of a tool that `cargo xtask test` installed.
pub(crate) fn tool(variable: &str) -> PathBuf {
    let path = env::var_os(variable);
    PathBuf::from(path.unwrap_or_else(|| {
        panic!("{variable} is not set: run these tests by cargo xtask test --only infrastructure")
    }))
}

/// Runs a command, which must succeed, and returns its standard output.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the tool runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{text}\n{errors}");
    text
}

#[test]
fn cfn_lint_finds_nothing() {
    run(Command::new(tool("SLIPWAY_CFN_LINT")).arg(Template::path()));
}

/// Linting the raw template passes over a `DependsOn` on what does not exist if its name begins like a function's.
#[test]
fn cfn_lint_finds_nothing_in_what_sam_makes_of_the_template() {
    let folder = TempDir::new().expect("a temporary folder");
    let (raw, transformed) = (
        folder.path().join("raw.json"),
        folder.path().join("transformed.json"),
    );
    let template = Template::read().expect("the template is read");
    fs::write(&raw, template.json().to_string()).expect("the template is written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/production/transform.py");
    let text = run(Command::new(tool("SLIPWAY_MINISTACK"))
        .arg(script)
        .arg(&raw)
        .env("AWS_DEFAULT_REGION", "eu-central-1"));
    fs::write(&transformed, text).expect("the template is written");
    run(Command::new(tool("SLIPWAY_CFN_LINT")).arg(&transformed));
}

#[test]
fn sam_finds_the_template_valid() {
    run(Command::new(tool("SLIPWAY_SAM"))
        .args([
            "validate",
            "--lint",
            "--region",
            "eu-central-1",
            "--template-file",
        ])
        .arg(Template::path())
        .env("SAM_CLI_TELEMETRY", "0"));
}

/// A resource and the id of a check.
type Check = (String, String);

/// The checks that a rendering fails.
fn checkov(folder: &Path, name: &str, rendering: &Value) -> BTreeSet<Check> {
    let path = folder.join(name);
    fs::write(&path, rendering.to_string()).expect("the rendering is written");
    let report = run(Command::new(tool("SLIPWAY_CHECKOV"))
        .args(["--framework", "cloudformation", "--skip-download", "--soft-fail"])
        .args(["--output", "json", "--file"])
        .arg(path));
    let report: Value = serde_json::from_str(&report).expect("the report is JSON");
    assert_eq!(report["summary"]["parsing_errors"], 0);
    let failed = report["results"]["failed_checks"]
        .as_array()
        .expect("a list")
        .iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    failed
        .map(|check| (text(&check["resource"]), text(&check["check_id"])))
        .collect()
}

/// Removes the exceptions from a rendering and returns them: the checks that checkov is to skip according to the
/// metadata of a resource, each with a reason.
fn take_exceptions(rendering: &mut Value) -> BTreeSet<Check> {
    let mut exceptions = BTreeSet::new();
    let resources = rendering["Resources"].as_object_mut().expect("resources");
    for (logical_id, resource) in resources {
        let metadata = resource["Metadata"].take();
        for skip in metadata["checkov"]["skip"].as_array().into_iter().flatten() {
            let id = skip["id"].as_str().expect("a check's id");
            let reason = skip["comment"].as_str().unwrap_or_default();
            let is_one_line = (21..=110).contains(&reason.len()) && !reason.contains('\n');
            assert!(
                is_one_line,
                "{logical_id} skips {id} without a reason in one line"
            );
            let resource_type = resource["Type"].as_str().expect("a type");
            exceptions.insert((format!("{resource_type}.{logical_id}"), id.to_owned()));
        }
    }
    exceptions
}

#[test]
fn checkov_finds_exactly_what_the_template_explains() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut failed = BTreeSet::new();
    let mut explained = BTreeSet::new();
    let inspected = [("InspectUploads", "true")];
    for (name, parameters) in [
        ("defaults.json", &[][..]),
        ("inspected.json", &inspected[..]),
        ("everything.json", &EVERYTHING[..]),
    ] {
        let mut rendering = render(parameters).json().clone();
        explained.extend(take_exceptions(&mut rendering));
        failed.extend(checkov(folder.path(), name, &rendering));
    }
    assert_eq!(failed, explained);
}

#[test]
fn checkov_passes_the_template_as_it_is() {
    run(Command::new(tool("SLIPWAY_CHECKOV"))
        .args([
            "--framework",
            "cloudformation",
            "--skip-download",
            "--compact",
            "--quiet",
            "--file",
        ])
        .arg(Template::path()));
}
