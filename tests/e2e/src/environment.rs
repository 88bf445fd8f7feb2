//! What `cargo xtask` passes to the tests: paths of what it built and found, in environment variables.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// The path in an environment variable that `cargo xtask` sets, such as `SLIPWAY_PAGE`.
///
/// # Errors
/// If the tests were not started by `cargo xtask`.
pub fn path_of(variable: &str) -> Result<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .with_context(|| format!("{variable} is not set: run `cargo xtask test --only end-to-end`"))
}

/// The word in such a variable.
pub(crate) fn word_of(variable: &str) -> Result<String> {
    Ok(path_of(variable)?.to_string_lossy().into_owned())
}
