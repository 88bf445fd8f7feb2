//! The browser that tests drive.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    process,
    step::step,
    tools::{Toolbox, on_path},
};

/// The names that Chromium goes by, on Debian, on Ubuntu and as Google ships it.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// What installs Chromium and its driver on Debian, for root.
const APT_INSTALL: &str =
    "apt-get update && apt-get install -y --no-install-recommends chromium chromium-driver";

/// Chromium and its WebDriver.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

impl Browser {
    /// Finds Chromium and chromedriver on `PATH`; root on Debian gets them installed.
    ///
    /// # Errors
    /// Where they are missing and cannot be installed: the error names the command that would.
    pub(crate) fn ensure(toolbox: &Toolbox) -> Result<Self> {
        if let Some(browser) = Self::find() {
            return Ok(browser);
        }
        let debian = Path::new("/etc/debian_version").exists();
        if !debian {
            bail!(
                "the browser tests need Chromium and chromedriver of the same version on PATH \
                 (macOS: brew install --cask chromium chromedriver)"
            );
        }
        if !nix::unistd::geteuid().is_root() {
            bail!("the browser tests need Chromium: run sudo sh -c '{APT_INSTALL}'");
        }
        step("installing Chromium", || {
            let mut command = Command::new("sh");
            command
                .args(["-c", APT_INSTALL])
                .env("DEBIAN_FRONTEND", "noninteractive");
            process::run("installing Chromium", &mut command, toolbox.interrupt)
        })?;
        Self::find().with_context(|| format!("Chromium is not on PATH after: {APT_INSTALL}"))
    }

    fn find() -> Option<Self> {
        Some(Self {
            chromium: CHROMIUM.into_iter().find_map(on_path)?,
            chromedriver: on_path("chromedriver")?,
        })
    }
}
