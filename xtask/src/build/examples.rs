//! The example pages, built for the end-to-end tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use walkdir::{DirEntry, WalkDir};

use super::{
    npm::{self, pack},
    page::{Profile, externalise_scripts, trunk},
};
use crate::{
    hash::hash_of_files,
    step::step,
    tools::{Toolbox, ensure_packages},
};

/// The versions of Uppy that have an example.
const UPPY_VERSIONS: [&str; 2] = ["5", "6"];

/// The frameworks whose example installs the package and is built by npm.
const FRAMEWORKS: [&str; 3] = ["react", "svelte", "vue"];

/// What is in an example's folder once it is built.
const MADE: [&str; 3] = ["node_modules", "dist", "public"];

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

/// Builds the pages of the frameworks from a package of this page, each in the folder `dist` of one named like the
/// framework, and returns the folder around them. What was built from the same files stays.
pub(crate) fn build_framework_examples(toolbox: &Toolbox, page: &Path) -> Result<PathBuf> {
    let package = pack(toolbox, page)?;
    let built = toolbox.project.target.join("slipway-examples");
    for name in FRAMEWORKS {
        let folder = built.join(name);
        // What the checkout no longer has is not built.
        fs::remove_dir_all(folder.join("src")).ok();
        npm::copy(&toolbox.project.root.join("examples").join(name), &folder, &MADE)?;
        fs::copy(&package, folder.join("slipway-upload.tgz")).context("the package cannot be copied")?;
        let (sources, note) = (hash_of(&folder)?, folder.join("dist/built-from"));
        if fs::read_to_string(&note).is_ok_and(|built_from| built_from == sources) {
            continue;
        }
        let what = format!("building the example of {name}");
        step(&what, || {
            let npm = |arguments: &[&str]| {
                toolbox.run(&what, Command::new("npm").current_dir(&folder).args(arguments))
            };
            npm(&[
                "ci",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--prefer-offline",
            ])?;
            npm(&["run", "build"])
        })?;
        fs::write(note, sources)?;
    }
    Ok(built)
}

/// The hash of what an example is built of.
fn hash_of(folder: &Path) -> Result<String> {
    let is_made = |entry: &DirEntry| MADE.iter().any(|made| entry.file_name() == *made);
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    hash_of_files(entries.filter_entry(|entry| !is_made(entry)))
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
