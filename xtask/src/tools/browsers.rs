//! The browsers that tests drive.

use std::{fs, path::PathBuf, process::Command};

use anyhow::Result;

use super::{
    debian::Programs,
    toolbox::{GECKODRIVER, Toolbox, on_path},
};

/// Chromium's names on Debian, on Ubuntu and as Google ships it.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Firefox's names.
const FIREFOX: [&str; 2] = ["firefox-esr", "firefox"];

/// The browsers and their drivers, except Firefox's, which comes from crates.io.
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

/// Where distributions keep programs that are not meant for `PATH`, such as WebKitGTK's browser.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/libexec"];
const WEBKIT_FOLDERS: [&str; 3] = ["webkitgtk-6.0", "webkit2gtk-4.1", "webkit2gtk-4.0"];

/// The browsers and their WebDrivers.
pub(crate) struct Browsers {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
    firefox: PathBuf,
}

impl Browsers {
    /// Finds the browsers and chromedriver on `PATH`, or installs them.
    pub(crate) fn ensure(toolbox: &Toolbox) -> Result<Self> {
        PROGRAMS.ensure(toolbox, Self::find)
    }

    fn find() -> Option<Self> {
        Some(Self {
            chromium: CHROMIUM.into_iter().find_map(on_path)?,
            chromedriver: on_path("chromedriver")?,
            firefox: FIREFOX.into_iter().find_map(on_path)?,
        })
    }

    /// Sets the variables in which the end-to-end tests and the benchmarks find Chromium and its driver.
    pub(crate) fn set_chromium_variables<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("SLIPWAY_BROWSER", "chromium")
            .env("SLIPWAY_CHROMIUM", &self.chromium)
            .env("SLIPWAY_CHROMEDRIVER", &self.chromedriver)
    }

    /// Sets the variables in which the end-to-end tests find Firefox and its driver.
    pub(crate) fn set_firefox_variables<'a>(
        &self,
        toolbox: &Toolbox,
        command: &'a mut Command,
    ) -> Result<&'a mut Command> {
        let geckodriver = toolbox.ensure_cargo_tool(&GECKODRIVER)?.join("geckodriver");
        Ok(command
            .env("SLIPWAY_BROWSER", "firefox")
            .env("SLIPWAY_FIREFOX", &self.firefox)
            .env("SLIPWAY_GECKODRIVER", geckodriver))
    }
}

/// Installs WebKit, its driver and a display, and returns each with the variable in which the end-to-end tests find it.
pub(crate) fn ensure_webkit(toolbox: &Toolbox) -> Result<[(&'static str, PathBuf); 3]> {
    let find = || Some([find_webkit()?, on_path("WebKitWebDriver")?, on_path("Xvfb")?]);
    let [browser, driver, display] = WEBKIT.ensure(toolbox, find)?;
    Ok([
        ("SLIPWAY_WEBKIT", browser),
        ("SLIPWAY_WEBKIT_DRIVER", driver),
        ("SLIPWAY_XVFB", display),
    ])
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
