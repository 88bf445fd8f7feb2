//! Tools from PyPI, each in a virtual environment of its own in the cache.

use std::{path::PathBuf, process::Command};

use anyhow::{Result, ensure};

use crate::{
    process,
    step::step,
    tools::{Toolbox, answers, on_path},
};

/// A tool from PyPI.
pub(crate) struct PythonTool {
    /// The package's name.
    pub(crate) package: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The program that it installs.
    pub(crate) program: &'static str,
    /// Arguments with which the program says that it runs.
    pub(crate) probe: &'static [&'static str],
}

/// The path of a tool's program, which is installed where it is missing.
///
/// # Errors
/// Where Python is missing, or the tool cannot be installed.
pub(crate) fn ensure_python_tool(toolbox: &Toolbox, tool: &PythonTool) -> Result<PathBuf> {
    ensure_python_tool_with(toolbox, tool, &[])
}

/// The path of a tool's program, which is installed together with further packages, each as
/// `name==version`, where the probe does not find them.
///
/// # Errors
/// Where Python is missing, or something cannot be installed.
pub(crate) fn ensure_python_tool_with(
    toolbox: &Toolbox,
    tool: &PythonTool,
    packages: &[&str],
) -> Result<PathBuf> {
    let label = format!("{}-{}", tool.package, tool.version);
    let root = toolbox.project.cache.join("tools").join(&label);
    let program = root.join("bin").join(tool.program);
    if answers(Command::new(&program).args(tool.probe)) {
        return Ok(program);
    }
    ensure!(
        on_path("python3").is_some(),
        "{} needs Python: install it (Debian: apt-get install -y python3-venv) and try again",
        tool.package
    );
    let what = format!("installing {label}");
    step(&what, || {
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(&root);
        process::run(&what, &mut make, toolbox.interrupt)?;
        let mut install = Command::new(root.join("bin/pip"));
        install
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .arg(format!("{}=={}", tool.package, tool.version))
            .args(packages);
        process::run(&what, &mut install, toolbox.interrupt)
    })?;
    ensure!(
        answers(Command::new(&program).args(tool.probe)),
        "{label} was installed into {} but does not run",
        root.display()
    );
    Ok(program)
}
