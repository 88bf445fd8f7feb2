//! Building the page with trunk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};

use super::{html, shrink};
use crate::{
    step::step,
    tools::{
        TRUNK, Toolbox, WASM_BINDGEN, WASM_TARGET, ensure_release_tools, ensure_sign_in_library, path_with,
    },
};

/// The pages that this task has built, since several of its steps use the same.
static BUILT: Mutex<Vec<(Profile, PathBuf)>> = Mutex::new(Vec::new());

/// The name of the custom element's script. It never changes, since other pages name it.
const ELEMENT_SCRIPT: &str = "slipway-upload.js";

/// The style sheet that a page loads after its first view. Its name never changes, since no build fills it in.
const LATER_STYLE: &str = "later.css";

/// How the page is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly, for development and tests.
    Debug,
    /// Small, as it is deployed.
    Release,
}

impl Profile {
    pub(crate) fn from_release(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    /// The arguments that make trunk use this profile.
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
}

/// The folder of built pages, in which each use has a folder of its own.
pub(crate) fn pages_folder(toolbox: &Toolbox) -> PathBuf {
    toolbox.project.target.join("slipway-page")
}

/// A command that runs trunk in the checkout with the tools it needs, and without looking for updates.
pub(crate) fn trunk(toolbox: &Toolbox, profile: Profile) -> Result<Command> {
    toolbox.ensure_target(WASM_TARGET)?;
    let folders = ensure_tools(toolbox, profile)?;
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    let mut command = Command::new(folders[0].join("trunk"));
    command
        .current_dir(&toolbox.project.root)
        .env("PATH", path_with(&folders)?)
        .env("TRUNK_SKIP_VERSION_CHECK", "true")
        .envs(compiler_flags(toolbox, profile))
        // Trunk reads this variable as a boolean and refuses the usual "1".
        .env_remove("NO_COLOR");
    Ok(command)
}

/// The compiler's flags in a release build besides cargo's: the paths of this machine stay out of what is deployed.
/// They are nobody's business, and a kilobyte.
fn compiler_flags(toolbox: &Toolbox, profile: Profile) -> Option<(&'static str, String)> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    let folders = registries.filter_map(|entry| Some(entry.ok()?.path()));
    let flags: Vec<String> = folders
        .chain([toolbox.project.root.clone()])
        .filter_map(|folder| Some(format!("--remap-path-prefix={}=", folder.to_str()?)))
        .collect();
    // Cargo prefers this variable to any other; this character separates its entries.
    (profile == Profile::Release).then(|| ("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")))
}

/// Compiles the page without what trunk adds. The first compilation takes minutes, and its errors are best seen before
/// anything is started.
///
/// Packages are compiled one by one, as trunk does it. Together, what they share would have the features that any of
/// them asks for, and trunk would compile it again.
pub(crate) fn compile(toolbox: &Toolbox, profile: Profile) -> Result<()> {
    toolbox.ensure_target(WASM_TARGET)?;
    for package in ["slipway", "worker", "sign-in", "link-maker", "embed"] {
        let what = format!("compiling the page: {package}");
        step(&what, || {
            let mut command = toolbox.cargo(&["build", "--target", WASM_TARGET, "--package", package]);
            command
                .args(profile.cargo_arguments())
                .envs(compiler_flags(toolbox, profile));
            toolbox.run(&what, &mut command)
        })?;
    }
    Ok(())
}

/// Makes sure that trunk and the tools that it calls are there, and returns their folders.
pub(crate) fn ensure_tools(toolbox: &Toolbox, profile: Profile) -> Result<Vec<PathBuf>> {
    let mut folders = toolbox.ensure_cargo_tools(&[&TRUNK, &WASM_BINDGEN])?;
    if profile == Profile::Release {
        folders.push(ensure_release_tools(toolbox)?);
    }
    Ok(folders)
}

/// The page's module as the release profile compiles it, with the names of its functions.
pub(super) fn compiled_module(toolbox: &Toolbox) -> PathBuf {
    let folder = toolbox.project.target.join(WASM_TARGET).join("wasm-release");
    folder.join("slipway.wasm")
}

/// Builds the page without inline scripts, once a task, and returns its folder.
pub(crate) fn build(toolbox: &Toolbox, profile: Profile) -> Result<PathBuf> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, folder)) = built.iter().find(|(other, _)| *other == profile) {
        return Ok(folder.clone());
    }
    let folder = build_anew(toolbox, profile)?;
    built.push((profile, folder.clone()));
    Ok(folder)
}

fn build_anew(toolbox: &Toolbox, profile: Profile) -> Result<PathBuf> {
    let name = match profile {
        Profile::Debug => "debug",
        Profile::Release => "release",
    };
    let folder = pages_folder(toolbox).join(name);
    let mut command = trunk(toolbox, profile)?;
    let what = "building the page";
    step(what, || {
        command
            .args(["build", "--public-url", "/", "--dist"])
            .arg(&folder)
            .args(profile.trunk_arguments());
        toolbox.run(what, &mut command)
    })?;
    let mut html = externalise_scripts(&folder)?;
    if profile == Profile::Release {
        html = shrink::shrink(toolbox, &folder, &html)?;
        html::verify(&folder, &html)?;
    }
    write_element(&toolbox.project.root, &folder, &html)?;
    let library = ensure_sign_in_library(toolbox)?;
    fs::copy(&library.path, folder.join(&library.name)).context("the sign-in library cannot be copied")?;
    Ok(folder)
}

/// Moves the inline scripts of a built page into files, and returns the page.
pub(super) fn externalise_scripts(folder: &Path) -> Result<String> {
    let index = folder.join("index.html");
    let html = fs::read_to_string(&index).with_context(|| format!("{} is missing", index.display()))?;
    let (html, scripts) = html::externalise(&html)?;
    for script in scripts {
        fs::write(folder.join(&script.name), script.text).context("a script cannot be written")?;
    }
    fs::write(&index, &html).context("the page cannot be written")?;
    html::verify(folder, &html)?;
    Ok(html)
}

/// Puts the custom element's script beside a built page.
pub(super) fn write_element(root: &Path, folder: &Path, html: &str) -> Result<()> {
    let script = root.join("crates/embed").join(ELEMENT_SCRIPT);
    let script = fs::read_to_string(&script).with_context(|| format!("{} is missing", script.display()))?;
    fs::write(folder.join(ELEMENT_SCRIPT), with_style_sheets(&script, html)?)
        .context("the element's script cannot be written")
}

/// The custom element's script with the names that the page's style sheets have in this build.
fn with_style_sheets(script: &str, html: &str) -> Result<String> {
    let files = html::subresources(html).into_iter().map(|file| file.path);
    let mut styles: Vec<String> = files.filter(|path| path.ends_with(".css")).collect();
    ensure!(!styles.is_empty(), "the page names no style sheet");
    styles.push(LATER_STYLE.to_owned());
    Ok(script.replace("{styles}", &serde_json::to_string(&styles)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_names_the_style_sheets_of_the_build() {
        let html =
            r#"<link rel="stylesheet" href="/theme-1.css"/><link rel="stylesheet" href="/slipway-2.css"/>"#;
        let script = with_style_sheets("const styles = {styles};", html).expect("they are named");
        assert_eq!(
            script,
            r#"const styles = ["theme-1.css","slipway-2.css","later.css"];"#
        );
        with_style_sheets("", r#"<link href="/slipway-3.js">"#).expect_err("no style sheet is named");
    }
}
