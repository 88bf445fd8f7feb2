//! `cargo xtask dist npm`: the page's files and the custom element as a package for npm. It is not published.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    step::step,
    tools::{Toolbox, ensure_npm},
};

/// The folder of what the package has besides the page's files.
const SOURCE: &str = "crates/embed/npm";

/// The licences, which are in the checkout's top folder.
const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// Packs a built page, and returns the package.
pub(crate) fn pack(toolbox: &Toolbox, page: &Path) -> Result<PathBuf> {
    let what = "packing the page for npm";
    ensure_npm(what)?;
    let folder = toolbox.project.target.join("slipway-npm");
    let package = folder.join("package");
    step(what, || {
        // What an earlier page had must not be in this package.
        fs::remove_dir_all(&package).ok();
        write(&toolbox.project.root, page, &package)?;
        let mut command = Command::new("npm");
        command
            .current_dir(&package)
            .args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
            .arg(&folder);
        toolbox.run(what, &mut command)
    })?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(folder.join(format!("slipway-upload-{version}.tgz")))
}

/// Writes what the package has into a folder.
fn write(root: &Path, page: &Path, package: &Path) -> Result<()> {
    copy(&root.join(SOURCE), package, &[])?;
    copy(page, &package.join("files"), &[])?;
    for licence in LICENCES {
        fs::copy(root.join(licence), package.join(licence)).context(licence)?;
    }
    let manifest = package.join("package.json");
    let text = fs::read_to_string(&manifest)?.replace("{version}", env!("CARGO_PKG_VERSION"));
    fs::write(manifest, text).context("package.json cannot be written")
}

/// Copies a folder with everything in it but what has one of these names.
pub(super) fn copy(from: &Path, to: &Path, left_out: &[&str]) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{} cannot be created", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if left_out.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&path, &target, left_out)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("{} cannot be copied", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn everything_that_the_package_names_is_in_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = std::env::temp_dir().join(format!("slipway-npm-{}", std::process::id()));
        let (page, package) = (folder.join("page"), folder.join("package"));
        fs::create_dir_all(page.join("languages")).expect("a temporary folder");
        fs::write(page.join("slipway-upload.js"), "").expect("a page's file");
        fs::write(page.join("languages/en.json"), "{}").expect("a page's file");
        let written = write(&root, &page, &package);
        let manifest = fs::read_to_string(package.join("package.json"));
        let manifest: Value = serde_json::from_str(&manifest.expect("a manifest")).expect("JSON");
        let elements = fs::read_to_string(package.join("custom-elements.json")).expect("a manifest");
        let elements: Value = serde_json::from_str(&elements).expect("JSON");
        let modules = elements["modules"].as_array().expect("modules").iter();
        let mut named: Vec<String> = modules.map(|module| text(&module["path"])).collect();
        named.extend([text(&manifest["types"]), text(&manifest["customElements"])]);
        named.extend(named_files(&manifest["exports"]));
        named.extend(named_files(&manifest["bin"]));
        named.extend(["README.md", "LICENSE-MIT", "files/languages/en.json"].map(str::to_owned));
        let missing: Vec<_> = named
            .iter()
            .filter(|name| !name.ends_with('*') && !package.join(name).is_file())
            .collect();
        fs::remove_dir_all(&folder).expect("the folder is removed");
        written.expect("the package is written");
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    }

    fn text(value: &Value) -> String {
        value.as_str().expect("text").to_owned()
    }

    fn named_files(value: &Value) -> Vec<String> {
        match value {
            Value::String(name) => vec![name.clone()],
            Value::Object(values) => values.values().flat_map(named_files).collect(),
            _ => Vec::new(),
        }
    }
}
