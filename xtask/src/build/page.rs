//! Building the page with trunk.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use walkdir::WalkDir;

use super::{html, shrink};
use crate::{
    hash::hash_of_files,
    step::step,
    tools::{
        TRUNK, Toolbox, WASM_BINDGEN, WASM_TARGET, ensure_release_tools, ensure_sign_in_library, path_with,
    },
};

/// The packages that the page consists of, and their modules.
pub(crate) const PACKAGES: [(&str, &str); 5] = [
    ("slipway", "slipway.wasm"),
    ("worker", "worker.wasm"),
    ("sign-in", "sign_in.wasm"),
    ("link-maker", "link_maker.wasm"),
    ("embed", "embed.wasm"),
];

/// What a built page depends on besides its modules and the code of this program.
const OTHER_SOURCES: [&str; 8] = [
    "Trunk.toml",
    "crates/embed/slipway-upload.js",
    "crates/sign-in/package-lock.json",
    "crates/worker/upload-worker.js",
    "index.html",
    "static",
    "style",
    "xtask/npm/package-lock.json",
];

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

    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    /// The folder in which cargo puts what it compiles, below that of the target.
    fn cargo_folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "wasm-release",
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
/// Trunk then finds each module compiled: `build-once` sees to it that a package alone has the features of all together,
/// which are linked side by side here.
pub(crate) fn compile(toolbox: &Toolbox, profile: Profile) -> Result<()> {
    toolbox.ensure_target(WASM_TARGET)?;
    let what = "compiling the page";
    step(what, || {
        let mut command = toolbox.cargo(&["build", "--target", WASM_TARGET]);
        command
            .args(PACKAGES.map(|(package, _)| ["--package", package]).concat())
            .args(profile.cargo_arguments())
            .envs(compiler_flags(toolbox, profile));
        toolbox.run(what, &mut command)
    })
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
    module(toolbox, Profile::Release, PACKAGES[0].1)
}

fn module(toolbox: &Toolbox, profile: Profile, file: &str) -> PathBuf {
    let folder = toolbox.project.target.join(WASM_TARGET);
    folder.join(profile.cargo_folder()).join(file)
}

/// Builds the page without inline scripts, and returns its folder. What an earlier task built from the same sources is
/// used again: to bind and optimise the modules takes minutes.
pub(crate) fn build(toolbox: &Toolbox, profile: Profile) -> Result<PathBuf> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, folder)) = built.iter().find(|(other, _)| *other == profile) {
        return Ok(folder.clone());
    }
    compile(toolbox, profile)?;
    let sources = hash_of_sources(toolbox, profile)?;
    let folder = pages_folder(toolbox).join(profile.name());
    let note = pages_folder(toolbox).join(format!("{}-built-from", profile.name()));
    if fs::read_to_string(&note).is_ok_and(|built_from| built_from == sources) {
        println!("    the page was built from the same sources before");
    } else {
        fs::remove_file(&note).ok();
        build_anew(toolbox, profile, &folder)?;
        fs::write(&note, sources).with_context(|| format!("{} cannot be written", note.display()))?;
    }
    built.push((profile, folder.clone()));
    Ok(folder)
}

/// The hash of all that the page is built from.
fn hash_of_sources(toolbox: &Toolbox, profile: Profile) -> Result<String> {
    let modules = PACKAGES.map(|(_, file)| module(toolbox, profile, file));
    let others = OTHER_SOURCES.map(|path| toolbox.project.root.join(path));
    let program = [std::env::current_exe()?];
    let sources = program.into_iter().chain(modules).chain(others);
    hash_of_files(sources.flat_map(|source| WalkDir::new(source).sort_by_file_name()))
}

fn build_anew(toolbox: &Toolbox, profile: Profile, folder: &Path) -> Result<()> {
    let mut command = trunk(toolbox, profile)?;
    let what = "building the page";
    step(what, || {
        command
            .args(["build", "--public-url", "/", "--dist"])
            .arg(folder)
            .args(profile.trunk_arguments());
        toolbox.run(what, &mut command)
    })?;
    let mut html = externalise_scripts(folder)?;
    if profile == Profile::Release {
        html = shrink::shrink(toolbox, folder, &html)?;
        html::verify(folder, &html)?;
    }
    write_element(&toolbox.project.root, folder, &html)?;
    let library = ensure_sign_in_library(toolbox)?;
    fs::copy(&library.path, folder.join(&library.name)).context("the sign-in library cannot be copied")?;
    Ok(())
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
