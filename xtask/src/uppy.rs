//! The example pages with Uppy, bundled for the end-to-end tests.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{npm, process, tools::Toolbox};

/// Uppy's versions that there is an example for.
const VERSIONS: [&str; 2] = ["5", "6"];

/// Builds the pages with Uppy, each in a folder that is called like the version, and gives the folder
/// around them.
///
/// # Errors
/// Where something cannot be installed or bundled.
pub(crate) fn build(toolbox: &Toolbox) -> Result<PathBuf> {
    let examples = toolbox.project.root.join("examples/uppy");
    let built = toolbox.project.target.join("slipway-uppy");
    for version in VERSIONS {
        let source = examples.join(version);
        let packages =
            npm::ensure_packages(toolbox, &format!("uppy-{version}"), &source, &[])?.join("node_modules");
        let folder = built.join(version);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::copy(examples.join("index.html"), folder.join("index.html"))?;
        let mut bundle = Command::new(packages.join(".bin/esbuild"));
        bundle
            // The packages are not beside the source, so that the checkout stays clean.
            .env("NODE_PATH", &packages)
            .arg(source.join("main.js"))
            .args(["--bundle", "--format=esm", "--log-level=warning"])
            .arg(format!("--outfile={}", folder.join("main.bundle.js").display()));
        process::run("bundling an example", &mut bundle, toolbox.interrupt)?;
    }
    Ok(built)
}
