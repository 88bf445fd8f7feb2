//! Packages from npm, installed in the cache by the lock file of a folder of the checkout.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    process,
    step::step,
    tools::{Toolbox, on_path},
};

/// What a folder has to have for npm.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

/// The folder with `node_modules` for the manifests in `source`, which are installed where they are new or
/// have changed.
///
/// # Errors
/// Where Node.js is missing, or npm fails.
pub(crate) fn ensure_packages(toolbox: &Toolbox, name: &str, source: &Path) -> Result<PathBuf> {
    let folder = toolbox.project.cache.join("npm").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let marker = folder.join("installed");
    let mut wanted = Vec::new();
    for manifest in MANIFESTS {
        let path = source.join(manifest);
        let content = fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
        fs::write(folder.join(manifest), &content)?;
        wanted.extend(content);
    }
    if fs::read(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    ensure!(
        on_path("npm").is_some(),
        "{name} comes by npm: install Node.js (Debian: apt-get install -y nodejs npm; macOS: brew install \
         node) and try again"
    );
    let what = format!("installing what {name} needs");
    step(&what, || {
        let mut command = Command::new("npm");
        command
            .current_dir(&folder)
            .args(["ci", "--no-audit", "--no-fund"]);
        process::run(&what, &mut command, toolbox.interrupt)
    })?;
    fs::write(&marker, wanted)?;
    Ok(folder)
}
