//! What `cargo xtask test` tells the tests.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

use crate::{browser::Kind, s3::S3};

/// The folder of the built page.
pub fn page_folder() -> Result<PathBuf> {
    path("SLIPWAY_PAGE")
}

/// The folder of the built pages with Uppy.
pub(crate) fn uppy_folder() -> Result<PathBuf> {
    path("SLIPWAY_UPPY")
}

/// Chromium.
pub(crate) fn chromium() -> Result<PathBuf> {
    path("SLIPWAY_CHROMIUM")
}

/// Chromium's WebDriver.
pub(crate) fn chromedriver() -> Result<PathBuf> {
    path("SLIPWAY_CHROMEDRIVER")
}

/// Firefox.
pub(crate) fn firefox() -> Result<PathBuf> {
    path("SLIPWAY_FIREFOX")
}

/// Firefox's WebDriver.
pub(crate) fn geckodriver() -> Result<PathBuf> {
    path("SLIPWAY_GECKODRIVER")
}

/// WebKit's small browser.
pub(crate) fn webkit() -> Result<PathBuf> {
    path("SLIPWAY_WEBKIT")
}

/// WebKit's WebDriver.
pub(crate) fn webkit_driver() -> Result<PathBuf> {
    path("SLIPWAY_WEBKIT_DRIVER")
}

/// A display without a screen, for a browser that has to have one.
pub(crate) fn xvfb() -> Result<PathBuf> {
    path("SLIPWAY_XVFB")
}

/// The browser that the tests are to drive.
pub(crate) fn browser() -> Result<Kind> {
    Kind::named(&text("SLIPWAY_BROWSER")?)
}

/// The S3 service that the tests are to upload to.
pub(crate) fn s3() -> Result<S3> {
    S3::named(&text("SLIPWAY_S3")?)
}

/// The program behind `cargo xtask`.
///
/// # Errors
/// Where the tests were not started by it.
pub fn xtask_program() -> Result<PathBuf> {
    path("SLIPWAY_XTASK")
}

/// The script of axe-core, which finds what keeps people from using a page.
///
/// # Errors
/// Where the tests were not started by `cargo xtask test`.
pub(crate) fn axe_script() -> Result<PathBuf> {
    path("SLIPWAY_AXE")
}

/// The folder of the built example page with the Leptos component.
///
/// # Errors
/// Where the tests were not started by `cargo xtask test`.
pub fn leptos_example() -> Result<PathBuf> {
    path("SLIPWAY_LEPTOS_EXAMPLE")
}

/// Where screenshots are to be kept, if anywhere.
pub(crate) fn screenshots_folder() -> Option<PathBuf> {
    path("SLIPWAY_SCREENSHOTS").ok()
}

fn text(variable: &str) -> Result<String> {
    let path = path(variable)?;
    Ok(path.to_string_lossy().into_owned())
}

fn path(variable: &str) -> Result<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .with_context(|| format!("{variable} is not set: run `cargo xtask test --only end-to-end`"))
}
