//! axe-core, by which the end-to-end tests look for what keeps people from using the page.

use std::path::PathBuf;

use anyhow::Result;

use crate::{npm, tools::Toolbox};

/// The folder of its manifest, in the checkout.
const MANIFEST: &str = "tests/e2e/axe";

/// Its script, which is installed where it is missing.
///
/// # Errors
/// Where Node.js is missing, or npm fails.
pub(crate) fn ensure_script(toolbox: &Toolbox) -> Result<PathBuf> {
    let packages = npm::ensure_packages(toolbox, "axe", &toolbox.project.root.join(MANIFEST), &[])?;
    Ok(packages.join("node_modules/axe-core/axe.min.js"))
}
