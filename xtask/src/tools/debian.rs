//! Programs that come from the system's packages.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::toolbox::Toolbox;
use crate::step::step;

/// Programs and the Debian packages that contain them.
pub(crate) struct Programs {
    /// The programs, as a message names them.
    pub(crate) what: &'static str,
    /// Debian's packages.
    pub(crate) packages: &'static str,
    /// What to do on another system.
    pub(crate) elsewhere: &'static str,
}

impl Programs {
    /// What `find` finds. If it finds nothing, the packages are installed, on Debian and by root; otherwise the error
    /// names the command that would install them.
    pub(crate) fn ensure<T>(&self, toolbox: &Toolbox, find: impl Fn() -> Option<T>) -> Result<T> {
        let _lock = toolbox.lock("packages")?;
        if let Some(found) = find() {
            return Ok(found);
        }
        let Self {
            what,
            packages,
            elsewhere,
        } = self;
        if !Path::new("/etc/debian_version").exists() {
            bail!("this needs {what} on PATH ({elsewhere})");
        }
        // A machine that has just started may be installing its own updates.
        let install = format!(
            "apt-get update && apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 {packages}"
        );
        if !nix::unistd::geteuid().is_root() {
            bail!("this needs {what}: run sudo sh -c '{install}'");
        }
        let what = format!("installing {what}");
        step(&what, || {
            let mut command = Command::new("sh");
            command
                .args(["-c", &install])
                .env("DEBIAN_FRONTEND", "noninteractive");
            toolbox.run(&what, &mut command)
        })?;
        find().with_context(|| format!("something is not on PATH after: {install}"))
    }
}
