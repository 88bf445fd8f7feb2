//! Building the page with trunk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    custom_element, inline_script, npm, process, shrink,
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
        .envs(compiler_flags(toolbox, profile))
        // Trunk reads this variable as a truth value and refuses the customary "1".
        .env_remove("NO_COLOR");
    Ok(command)
}

/// What the compiler is told besides what cargo tells it: the paths of this machine stay out of what is
/// deployed. They are nobody's business, and a kilobyte.
fn compiler_flags(toolbox: &Toolbox, profile: Profile) -> Option<(&'static str, String)> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    let folders = registries.filter_map(|entry| Some(entry.ok()?.path()));
    let flags: Vec<String> = folders
        .chain([toolbox.project.root.clone()])
        .filter_map(|folder| Some(format!("--remap-path-prefix={}=", folder.to_str()?)))
        .collect();
    // Cargo takes this variable before any other, and parts it by this character.
    (profile == Profile::Release).then(|| ("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")))
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
                "--package",
                "sign-in",
                "--package",
                "embed",
                "--target",
                WASM_TARGET,
            ])
            .args(profile.cargo_arguments())
            .envs(compiler_flags(toolbox, profile));
        process::run("compiling the page", &mut command, toolbox.interrupt)
    })
}

/// The page's module as it is compiled, with the names of its functions.
pub(crate) fn compiled(toolbox: &Toolbox, profile: Profile) -> PathBuf {
    let profile = match profile {
        Profile::Debug => "debug",
        Profile::Release => "wasm-release",
    };
    let folder = toolbox.project.target.join(WASM_TARGET).join(profile);
    folder.join("slipway.wasm")
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
        process::run("building the page", &mut command, toolbox.interrupt)
    })?;
    if profile == Profile::Release {
        shrink::shrink(toolbox, &folder)?;
    }
    let html = externalise_script(&folder)?;
    let element = toolbox.project.root.join("embed").join(custom_element::SCRIPT);
    custom_element::write(&element, &folder, &html)?;
    let library = npm::ensure_sign_in_library(toolbox)?;
    fs::copy(&library.path, folder.join(&library.name)).context("the sign-in library cannot be copied")?;
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
        externalise_script(&folder).map(drop)
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
