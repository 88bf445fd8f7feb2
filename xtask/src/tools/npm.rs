//! Packages from npm, in the versions of the lock file beside a `package.json`, in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::toolbox::{Toolbox, on_path};
use crate::{hash::content_hash, step::step};

/// The npm package that the page signs users in with.
const SIGN_IN_LIBRARY: &str = "oauth4webapi";

/// The file that marks a complete installation.
pub(super) const INSTALLED: &str = "installed";

/// Installs the packages that the `package.json` of a folder asks for, copies `scripts` of that folder beside them, and
/// returns the folder of the copy. Its name depends on all of it: a changed script gets another folder, so that
/// whoever runs the old one keeps it.
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
    let contents: Vec<&[u8]> = files.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    let folder = toolbox
        .tools()
        .join(format!("{name}-{}", content_hash(&contents.concat())));
    let _lock = toolbox.lock(name)?;
    if folder.join(INSTALLED).is_file() {
        return Ok(folder);
    }
    ensure_npm(name)?;
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    for (file, bytes) in &files {
        fs::write(folder.join(file), bytes)?;
    }
    let what = format!("installing {name}");
    step(&what, || {
        let mut command = Command::new("npm");
        command
            .current_dir(&folder)
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
        toolbox.run(&what, &mut command)
    })?;
    fs::write(folder.join(INSTALLED), "")?;
    Ok(folder)
}

/// Checks that there is npm, which this needs.
pub(crate) fn ensure_npm(what: &str) -> Result<()> {
    ensure!(
        on_path("npm").is_some(),
        "{what} needs npm: install Node.js (Debian: apt-get install -y nodejs npm; macOS: brew install node) and \
         try again"
    );
    Ok(())
}

/// The folder of esbuild, which bundles and minifies scripts and style sheets, and of binaryen's programs, which make
/// WebAssembly small.
pub(crate) fn ensure_release_tools(toolbox: &Toolbox) -> Result<PathBuf> {
    let source = toolbox.project.root.join("xtask/npm");
    Ok(ensure_packages(toolbox, "release-tools", &source, &[])?.join("node_modules/.bin"))
}

/// The script of axe-core, with which the end-to-end tests check accessibility.
pub(crate) fn ensure_axe(toolbox: &Toolbox) -> Result<PathBuf> {
    let packages = ensure_packages(toolbox, "axe", &toolbox.project.root.join("tests/e2e/axe"), &[])?;
    Ok(packages.join("node_modules/axe-core/axe.min.js"))
}

/// The folder of the OpenID Connect provider that tests sign in at.
pub(crate) fn ensure_oidc_provider(toolbox: &Toolbox) -> Result<PathBuf> {
    let source = toolbox.project.root.join("tests/e2e/oidc-provider");
    ensure_packages(toolbox, "oidc-provider", &source, &["provider.mjs"])
}

/// The module that the page signs users in with, and its name beside the page. It is loaded only if the settings ask for
/// a sign-in, so it is not part of a first view.
pub(crate) struct SignInLibrary {
    /// Its path in the cache.
    pub(crate) path: PathBuf,
    /// `oauth4webapi-<version>.js`; the page loads it by this name.
    pub(crate) name: String,
}

/// Installs the page's sign-in library.
pub(crate) fn ensure_sign_in_library(toolbox: &Toolbox) -> Result<SignInLibrary> {
    let source = toolbox.project.root.join("crates/sign-in");
    let folder = ensure_packages(toolbox, SIGN_IN_LIBRARY, &source, &[])?;
    let manifest = fs::read_to_string(source.join("package.json"))?;
    Ok(SignInLibrary {
        path: folder
            .join("node_modules")
            .join(SIGN_IN_LIBRARY)
            .join("build/index.js"),
        name: library_name(&manifest)?,
    })
}

/// The library's name beside the page, from the version that a `package.json` asks for.
fn library_name(manifest: &str) -> Result<String> {
    let manifest: serde_json::Value = serde_json::from_str(manifest)?;
    let version = manifest["dependencies"][SIGN_IN_LIBRARY].as_str();
    let version = version.with_context(|| format!("package.json does not ask for {SIGN_IN_LIBRARY}"))?;
    Ok(format!("{SIGN_IN_LIBRARY}-{version}.js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_library_as_it_is_installed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sign-in");
        let read = |name: &str| fs::read_to_string(root.join(name)).expect("the file is there");
        let name = library_name(&read("package.json")).expect("a name");
        assert!(read("src/library.rs").contains(&format!("\"{name}\"")), "{name}");
    }

    #[test]
    fn no_lock_file_names_where_packages_come_from() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for folder in [
            "tools/bench/pages/current",
            "tools/bench/pages/uppy-5",
            "examples/react",
            "examples/svelte",
            "examples/uppy/5",
            "examples/uppy/6",
            "examples/vue",
            "crates/sign-in",
            "tests/e2e/axe",
            "tests/e2e/oidc-provider",
            "xtask/npm",
        ] {
            let lock = fs::read_to_string(root.join(folder).join("package-lock.json"));
            let lock = lock.expect("a lock file");
            let mut resolved = lock.lines().filter(|line| line.contains("\"resolved\""));
            // The one package that is a file beside its example.
            let is_beside = |line: &str| line.ends_with(": \"file:slipway-upload.tgz\",");
            assert!(resolved.all(is_beside), "{folder}");
        }
    }
}
