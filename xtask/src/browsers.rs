//! The browsers that tests drive.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    debian::{self, Programs},
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

/// The browsers and Chromium's driver.
const PROGRAMS: Programs = Programs {
    what: "Chromium, chromedriver of Chromium's version, and Firefox",
    packages: "chromium chromium-driver firefox-esr",
    elsewhere: "macOS: brew install --cask firefox chromium chromedriver",
};

/// The browsers and their WebDrivers.
pub(crate) struct Browsers {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
    firefox: PathBuf,
}

impl Browsers {
    /// Finds the browsers and chromedriver on `PATH`; root on Debian gets them installed.
    ///
    /// # Errors
    /// Where they are missing and cannot be installed: the error names the command that would.
    pub(crate) fn ensure(toolbox: &Toolbox) -> Result<Self> {
        debian::ensure(toolbox, &PROGRAMS, Self::find)
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
