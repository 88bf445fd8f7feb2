//! The example pages, built for the end-to-end tests.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::page::{Profile, externalise_scripts, trunk};
use crate::{
    step::step,
    tools::{Toolbox, ensure_packages},
};

/// The versions of Uppy that have an example.
const UPPY_VERSIONS: [&str; 2] = ["5", "6"];

/// Builds the page that has the uploader as a Leptos component, and returns its folder.
pub(crate) fn build_leptos_example(toolbox: &Toolbox) -> Result<PathBuf> {
    let folder = toolbox.project.target.join("slipway-leptos-example");
    let mut command = trunk(toolbox, Profile::Debug)?;
    let what = "building the Leptos example";
    step(what, || {
        command
            .current_dir(toolbox.project.root.join("examples/leptos"))
            .args(["build", "--public-url", "/", "--dist"])
            .arg(&folder);
        toolbox.run(what, &mut command)?;
        externalise_scripts(&folder).map(drop)
    })?;
    Ok(folder)
}

/// Builds the pages with Uppy, each in a folder named like Uppy's version, and returns the folder around them.
pub(crate) fn build_uppy_examples(toolbox: &Toolbox) -> Result<PathBuf> {
    let examples = toolbox.project.root.join("examples/uppy");
    let built = toolbox.project.target.join("slipway-uppy");
    for version in UPPY_VERSIONS {
        let source = examples.join(version);
        let packages =
            ensure_packages(toolbox, &format!("uppy-{version}"), &source, &[])?.join("node_modules");
        let folder = built.join(version);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        fs::copy(examples.join("index.html"), folder.join("index.html"))?;
        let mut bundle = Command::new(packages.join(".bin/esbuild"));
        bundle
            // The packages are not beside the source, so that the checkout stays clean.
            .env("NODE_PATH", &packages)
            .arg(source.join("main.js"))
            .args(["--bundle", "--format=esm", "--log-level=warning"])
            .arg(format!("--outfile={}", folder.join("main.bundle.js").display()));
        toolbox.run("bundling a Uppy example", &mut bundle)?;
    }
    Ok(built)
}
