//! The browsers that tests drive.

use std::{fs, path::PathBuf, process::Command};

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

/// The browsers and their drivers, but for Firefox's.
const PROGRAMS: Programs = Programs {
    what: "Chromium, chromedriver of Chromium's version, and Firefox",
    packages: "chromium chromium-driver firefox-esr",
    elsewhere: "macOS: brew install --cask firefox chromium chromedriver",
};

/// WebKit, its driver, and a display for it.
const WEBKIT: Programs = Programs {
    what: "WebKitGTK's WebKitWebDriver and MiniBrowser, and Xvfb",
    packages: "webkit2gtk-driver xvfb",
    elsewhere: "Linux only; run the others with --browser chromium,firefox",
};

/// Where the systems keep programs that are not for `PATH`, and WebKitGTK's browser among them.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/libexec"];
const WEBKIT_FOLDERS: [&str; 3] = ["webkitgtk-6.0", "webkit2gtk-4.1", "webkit2gtk-4.0"];

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

/// Tells the end-to-end tests where WebKit, its driver and a display are.
///
/// # Errors
/// Where they cannot be installed.
pub(crate) fn tell_webkit<'a>(toolbox: &Toolbox, command: &'a mut Command) -> Result<&'a mut Command> {
    let find = || Some([find_webkit()?, on_path("WebKitWebDriver")?, on_path("Xvfb")?]);
    let [browser, driver, display] = debian::ensure(toolbox, &WEBKIT, find)?;
    Ok(command
        .env("SLIPWAY_WEBKIT", browser)
        .env("SLIPWAY_WEBKIT_DRIVER", driver)
        .env("SLIPWAY_XVFB", display))
}

/// WebKitGTK's browser, directly among the libraries or in a folder of the machine's architecture.
fn find_webkit() -> Option<PathBuf> {
    let below = |folder: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let folders = entries.map(|entry| entry.path());
        folders.chain([PathBuf::from(folder)]).collect::<Vec<_>>()
    };
    let programs = LIBRARIES
        .into_iter()
        .flat_map(below)
        .flat_map(|folder| WEBKIT_FOLDERS.map(|version| folder.join(version).join("MiniBrowser")));
    programs.into_iter().find(|program| program.is_file())
}
