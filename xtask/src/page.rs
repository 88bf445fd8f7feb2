//! Building the page with trunk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    custom_element, inline_script, process,
    step::step,
    subresources,
    tools::{TRUNK, Toolbox, WASM_BINDGEN, WASM_TARGET, path_with},
};

/// How the page is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly, for development and tests.
    Debug,
    /// Small, as it is deployed.
    Release,
}

impl Profile {
    /// The release profile where `release` is asked for.
    pub(crate) fn from_release(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    /// The arguments by which trunk compiles so.
    pub(crate) fn trunk_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &[],
            Self::Release => &["--release"],
        }
    }

    fn cargo_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Debug => &[],
            Self::Release => &["--profile", "wasm-release"],
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// The folder below which built pages are, each use having one of its own.
pub(crate) fn pages_folder(toolbox: &Toolbox) -> PathBuf {
    toolbox.project.target.join("slipway-page")
}

/// A command that runs trunk in the checkout with the tools it needs, without a look for updates.
///
/// # Errors
/// Where a tool is missing and cannot be installed.
pub(crate) fn trunk(toolbox: &Toolbox, profile: Profile) -> Result<Command> {
    toolbox.ensure_wasm_target()?;
    let trunk = toolbox.ensure_cargo_tool(&TRUNK)?;
    let wasm_bindgen = toolbox.ensure_cargo_tool(&WASM_BINDGEN)?;
    let mut folders = vec![trunk.clone(), wasm_bindgen];
    if profile == Profile::Release {
        folders.push(toolbox.ensure_wasm_opt()?);
    }
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    let mut command = Command::new(trunk.join("trunk"));
    command
        .current_dir(&toolbox.project.root)
        .env("PATH", path_with(&folders)?)
        .env("TRUNK_SKIP_VERSION_CHECK", "true")
        // Trunk reads this variable as a truth value and refuses the customary "1".
        .env_remove("NO_COLOR");
    Ok(command)
}

/// Compiles the page, without what trunk does to it: a first compilation takes minutes, and its
/// errors are best seen before anything is started.
///
/// # Errors
/// Where it does not compile.
pub(crate) fn compile(toolbox: &Toolbox, profile: Profile) -> Result<()> {
    toolbox.ensure_wasm_target()?;
    step("compiling the page", || {
        let mut command = Command::new("cargo");
        command
            .current_dir(&toolbox.project.root)
            .args([
                "build",
                "--package",
                "slipway",
                "--package",
                "worker",
                "--target",
                WASM_TARGET,
            ])
            .args(profile.cargo_arguments());
        process::run("compiling the page", &mut command, toolbox.interrupt)
    })
}

/// Builds the page as it is deployed, without inline scripts, and gives its folder.
///
/// # Errors
/// Where it does not build, or a browser would refuse a part of it.
pub(crate) fn build(toolbox: &Toolbox, profile: Profile) -> Result<PathBuf> {
    let folder = pages_folder(toolbox).join(profile.folder());
    let mut command = trunk(toolbox, profile)?;
    step("building the page", || {
        command
            .args(["build", "--public-url", "/", "--dist"])
            .arg(&folder)
            .args(profile.trunk_arguments());
        process::run("building the page", &mut command, toolbox.interrupt)?;
        let html = externalise_script(&folder)?;
        let element = toolbox.project.root.join("embed").join(custom_element::SCRIPT);
        custom_element::write(&element, &folder, &html)
    })?;
    Ok(folder)
}

/// Builds the example page that has the uploader as a Leptos component, and gives its folder.
///
/// # Errors
/// Where it does not build, or a browser would refuse a part of it.
pub(crate) fn build_leptos_example(toolbox: &Toolbox) -> Result<PathBuf> {
    let folder = toolbox.project.target.join("slipway-leptos-example");
    let mut command = trunk(toolbox, Profile::Debug)?;
    let what = "building the example page with Leptos";
    step(what, || {
        command
            .current_dir(toolbox.project.root.join("examples/leptos"))
            .args(["build", "--public-url", "/", "--dist"])
            .arg(&folder);
        process::run(what, &mut command, toolbox.interrupt)?;
        externalise_script(&folder)
    })?;
    Ok(folder)
}

/// Gives the page, whose script has become a file.
fn externalise_script(folder: &Path) -> Result<String> {
    let index = folder.join("index.html");
    let html = fs::read_to_string(&index).with_context(|| format!("{} is missing", index.display()))?;
    let moved = inline_script::externalise(&html)?;
    fs::write(folder.join(&moved.name), moved.script).context("the script cannot be written")?;
    fs::write(&index, &moved.html).context("the page cannot be written")?;
    subresources::verify(folder, &moved.html)?;
    Ok(moved.html)
}
