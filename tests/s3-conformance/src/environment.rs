//! What the tests learn from `cargo xtask test`.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// A program that `cargo xtask` has installed, by the variable that says where.
///
/// # Errors
/// If the tests were not started by it.
pub fn program(variable: &str) -> Result<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .with_context(|| format!("{variable} is not set: run `cargo xtask test --only conformance`"))
}
