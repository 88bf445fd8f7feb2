//! Packages from npm, as the lock file beside a `package.json` has them, in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    process,
    step::step,
    subresources::content_hash,
    tools::{Toolbox, on_path},
};

/// The npm package by which the page signs people in.
const LIBRARY: &str = "oauth4webapi";

/// The file that says that an installation went through.
const INSTALLED: &str = "installed";

/// Installs what the `package.json` of a folder asks for, and copies `scripts` of the folder beside it.
/// Gives the folder of the copy, whose name depends on all of it: a changed script is another folder, so
/// that whoever runs the old one keeps it.
///
/// # Errors
/// Where a file is missing, or npm is missing or fails.
pub(crate) fn ensure_packages(
    toolbox: &Toolbox,
    name: &str,
    source: &Path,
    scripts: &[&str],
) -> Result<PathBuf> {
    let files = ["package.json", "package-lock.json"].iter().chain(scripts);
    let files: Vec<(&str, Vec<u8>)> = files
        .map(|file| {
            let path = source.join(file);
            let bytes = fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
            Ok((*file, bytes))
        })
        .collect::<Result<_>>()?;
    let hash = content_hash(
        &files
            .iter()
            .flat_map(|(_, bytes)| bytes.clone())
            .collect::<Vec<_>>(),
    );
    let folder = toolbox.tools().join(format!("{name}-{hash}"));
    let _lock = toolbox.lock()?;
    if folder.join(INSTALLED).is_file() {
        return Ok(folder);
    }
    ensure!(
        on_path("npm").is_some(),
        "{name} comes by npm: install Node.js (Debian: apt-get install -y nodejs npm; macOS: brew install \
         node) and try again"
    );
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (file, bytes) in &files {
        fs::write(folder.join(file), bytes)?;
    }
    let what = format!("installing {name}");
    step(&what, || {
        let mut command = Command::new("npm");
        command
            .current_dir(&folder)
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        process::run(&what, &mut command, toolbox.interrupt)
    })?;
    fs::write(folder.join(INSTALLED), "")?;
    Ok(folder)
}

/// The program that makes scripts and style sheets small, and bundles them.
///
/// # Errors
/// As [`ensure_packages`].
pub(crate) fn ensure_esbuild(toolbox: &Toolbox) -> Result<PathBuf> {
    let source = toolbox.project.root.join("xtask/esbuild");
    let packages = ensure_packages(toolbox, "esbuild", &source, &[])?;
    Ok(packages.join("node_modules/.bin/esbuild"))
}

/// The module by which the page signs people in, and its name beside the page. It is loaded only where the
/// settings ask for a sign-in, so it is no part of a first view.
pub(crate) struct SignInLibrary {
    /// Where it is in the cache.
    pub(crate) path: PathBuf,
    /// `oauth4webapi-<version>.js`; the page names the same.
    pub(crate) name: String,
}

/// Installs the page's sign-in library.
///
/// # Errors
/// As [`ensure_packages`].
pub(crate) fn ensure_sign_in_library(toolbox: &Toolbox) -> Result<SignInLibrary> {
    let source = toolbox.project.root.join("sign-in");
    let folder = ensure_packages(toolbox, LIBRARY, &source, &[])?;
    let manifest = fs::read_to_string(source.join("package.json"))?;
    Ok(SignInLibrary {
        path: folder.join("node_modules").join(LIBRARY).join("build/index.js"),
        name: library_name(&manifest)?,
    })
}

/// The library's name beside the page, by the version that a `package.json` asks for.
fn library_name(manifest: &str) -> Result<String> {
    let manifest: serde_json::Value = serde_json::from_str(manifest)?;
    let version = manifest["dependencies"][LIBRARY].as_str();
    let version = version.with_context(|| format!("package.json does not ask for {LIBRARY}"))?;
    Ok(format!("{LIBRARY}-{version}.js"))
}

/// The folder of the OpenID Connect provider that tests sign in at.
///
/// # Errors
/// As [`ensure_packages`].
pub(crate) fn ensure_oidc_provider(toolbox: &Toolbox) -> Result<PathBuf> {
    let source = toolbox.project.root.join("tests/e2e/oidc-provider");
    ensure_packages(toolbox, "oidc-provider", &source, &["provider.mjs"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_library_as_it_is_installed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sign-in");
        let read = |name: &str| fs::read_to_string(root.join(name)).expect("the file is there");
        let name = library_name(&read("package.json")).expect("a name");
        assert!(read("src/library.rs").contains(&format!("\"{name}\"")), "{name}");
    }

    #[test]
    fn no_lock_file_names_where_packages_come_from() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for folder in [
            "bench/pages/current",
            "bench/pages/uppy-5",
            "examples/uppy/5",
            "examples/uppy/6",
            "sign-in",
            "tests/e2e/axe",
            "tests/e2e/oidc-provider",
            "xtask/esbuild",
        ] {
            let lock = fs::read_to_string(root.join(folder).join("package-lock.json"));
            assert!(!lock.expect("a lock file").contains("\"resolved\""), "{folder}");
        }
    }
}
