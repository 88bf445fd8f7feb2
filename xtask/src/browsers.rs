//! The browsers that tests drive.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    process,
    step::step,
    tools::{GECKODRIVER, Toolbox, on_path},
};

/// The names that Chromium goes by, on Debian, on Ubuntu and as Google ships it.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// The names that Firefox goes by.
const FIREFOX: [&str; 2] = ["firefox-esr", "firefox"];

/// What installs the browsers and Chromium's driver on Debian, for root.
const APT_INSTALL: &str =
    "apt-get update && apt-get install -y --no-install-recommends chromium chromium-driver firefox-esr";

/// The browsers and their WebDrivers.
pub(crate) struct Browsers {
    chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
    firefox: PathBuf,
}

impl Browsers {
    /// Finds the browsers and chromedriver on `PATH`; root on Debian gets them installed.
    ///
    /// # Errors
    /// Where they are missing and cannot be installed: the error names the command that would.
    pub(crate) fn ensure(toolbox: &Toolbox) -> Result<Self> {
        if let Some(browsers) = Self::find() {
            return Ok(browsers);
        }
        let debian = Path::new("/etc/debian_version").exists();
        if !debian {
            bail!(
                "the browser tests need Firefox, Chromium, and chromedriver of Chromium's version on PATH \
                 (macOS: brew install --cask firefox chromium chromedriver)"
            );
        }
        if !nix::unistd::geteuid().is_root() {
            bail!("the browser tests need Chromium and Firefox: run sudo sh -c '{APT_INSTALL}'");
        }
        step("installing the browsers", || {
            let mut command = Command::new("sh");
            command
                .args(["-c", APT_INSTALL])
                .env("DEBIAN_FRONTEND", "noninteractive");
            process::run("installing the browsers", &mut command, toolbox.interrupt)
        })?;
        Self::find().with_context(|| format!("a browser is not on PATH after: {APT_INSTALL}"))
    }

    fn find() -> Option<Self> {
        Some(Self {
            chromium: CHROMIUM.into_iter().find_map(on_path)?,
            chromedriver: on_path("chromedriver")?,
            firefox: FIREFOX.into_iter().find_map(on_path)?,
        })
    }

    /// Tells the end-to-end tests where the browsers and their drivers are.
    ///
    /// # Errors
    /// Where Firefox's driver cannot be installed.
    pub(crate) fn tell<'a>(&self, toolbox: &Toolbox, command: &'a mut Command) -> Result<&'a mut Command> {
        let geckodriver = toolbox.ensure_cargo_tool(&GECKODRIVER)?.join("geckodriver");
        Ok(command
            .env("SLIPWAY_CHROMIUM", &self.chromium)
            .env("SLIPWAY_CHROMEDRIVER", &self.chromedriver)
            .env("SLIPWAY_FIREFOX", &self.firefox)
            .env("SLIPWAY_GECKODRIVER", geckodriver))
    }
}
