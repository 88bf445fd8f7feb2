//! Programs that come from the system's packages.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{process, step::step, tools::Toolbox};

/// Programs and the Debian packages that have them.
pub(crate) struct Programs {
    /// What they are called together.
    pub(crate) what: &'static str,
    /// Debian's packages.
    pub(crate) packages: &'static str,
    /// What to do on another system.
    pub(crate) elsewhere: &'static str,
}

/// What `find` finds; root on Debian gets the packages installed where it finds nothing.
///
/// # Errors
/// Where something is missing and cannot be installed: the error names the command that would.
pub(crate) fn ensure<T>(toolbox: &Toolbox, programs: &Programs, find: impl Fn() -> Option<T>) -> Result<T> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let Programs {
        what,
        packages,
        elsewhere,
    } = programs;
    if !Path::new("/etc/debian_version").exists() {
        bail!("the tests need {what} on PATH ({elsewhere})");
    }
    // A machine that has just started may be installing its own updates.
    let install = format!(
        "apt-get update && apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 {packages}"
    );
    if !nix::unistd::geteuid().is_root() {
        bail!("the tests need {what}: run sudo sh -c '{install}'");
    }
    let what = format!("installing {what}");
    step(&what, || {
        let mut command = Command::new("sh");
        command
            .args(["-c", &install])
            .env("DEBIAN_FRONTEND", "noninteractive");
        process::run(&what, &mut command, toolbox.interrupt)
    })?;
    find().with_context(|| format!("something is not on PATH after: {install}"))
}
