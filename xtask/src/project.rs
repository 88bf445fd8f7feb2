//! The folders that tasks work in.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// The checkout and the folders outside it.
pub(crate) struct Project {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Cargo's build folder.
    pub(crate) target: PathBuf,
    /// What is kept when a checkout is deleted: tools.
    pub(crate) cache: PathBuf,
}

impl Project {
    pub(crate) fn locate() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent folder")?
            .to_owned();
        let cache =
            cache_folder(|name| env::var_os(name)).context("set SLIPWAY_CACHE to a folder for tools")?;
        Ok(Self {
            target: target_folder(&root)?,
            root,
            cache,
        })
    }
}

/// `$SLIPWAY_CACHE`, else `$XDG_CACHE_HOME/slipway`, else `~/.cache/slipway`
/// (XDG Base Directory Specification).
fn cache_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    folder("SLIPWAY_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|caches| caches.join("slipway")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/slipway")))
}

/// Cargo itself says where its build folder is, since the environment and any configuration file may move it.
fn target_folder(root: &Path) -> Result<PathBuf> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cargo does not run")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata does not print JSON")?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata prints no target_directory")?;
    Ok(PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Option<&str>) {
        let found = cache_folder(|name| {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(value))
        });
        assert_eq!(found.as_deref(), expected.map(Path::new), "{variables:?}");
    }

    #[test]
    fn the_most_specific_variable_names_the_cache() {
        let home = ("HOME", "/home/a");
        let caches = ("XDG_CACHE_HOME", "/caches");
        check(&[home], Some("/home/a/.cache/slipway"));
        check(&[home, caches], Some("/caches/slipway"));
        check(&[home, caches, ("SLIPWAY_CACHE", "/mine")], Some("/mine"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        check(
            &[("SLIPWAY_CACHE", ""), ("HOME", "/home/a")],
            Some("/home/a/.cache/slipway"),
        );
        check(&[], None);
    }
}
