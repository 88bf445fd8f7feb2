//! `cargo xtask dist lambda`: the Lambda functions as they are deployed, for both of Lambda's processors.

use std::{
    fs,
    io::{Seek, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{step::step, tools::Toolbox};

/// The name that `provided.al2023` starts (AWS Lambda Developer Guide, "Building a custom runtime").
const PROGRAM: &str = "bootstrap";

/// The function that signs URLs.
pub(crate) const SIGNING: &str = "backend";

/// The functions that are deployed. Package and program have the same name.
pub(crate) const FUNCTIONS: [&str; 2] = [SIGNING, "verdict"];

/// The profile in the root manifest.
const PROFILE: &str = "lambda";

/// A processor.
pub(crate) struct Architecture {
    /// Lambda's name for it.
    name: &'static str,
    /// The target whose programs need no library of the system, so that they run on any Linux.
    target: &'static str,
    /// The variable that names the linker to cargo.
    linker_variable: &'static str,
}

pub(crate) const ARM64: Architecture = Architecture {
    name: "arm64",
    target: "aarch64-unknown-linux-musl",
    linker_variable: "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER",
};
pub(crate) const X86_64: Architecture = Architecture {
    name: "x86_64",
    target: "x86_64-unknown-linux-musl",
    linker_variable: "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER",
};

/// A function's package.
pub(crate) struct Package {
    function: &'static str,
    architecture: &'static str,
    program_bytes: u64,
    package_bytes: u64,
    /// The program in it.
    pub(crate) program: PathBuf,
    pub(crate) path: PathBuf,
}

/// Builds and packs each function for each processor, and prints the sizes.
pub(super) fn build_all(toolbox: &Toolbox) -> Result<()> {
    let mut packages = Vec::new();
    for function in FUNCTIONS {
        for architecture in [ARM64, X86_64] {
            packages.push(build_package(toolbox, function, &architecture)?);
        }
    }
    println!("\n{}", table(&packages));
    for package in &packages {
        println!("{}: {}", package.label(), package.path.display());
    }
    Ok(())
}

/// Builds and packs a function for one processor.
pub(crate) fn build_package(
    toolbox: &Toolbox,
    function: &'static str,
    architecture: &Architecture,
) -> Result<Package> {
    let program = build(toolbox, function, architecture)?;
    pack(program, function, architecture)
}

/// Builds the signing function's program as it is deployed, for this machine's processor, and returns its path.
pub(crate) fn build_for_this_machine(toolbox: &Toolbox) -> Result<PathBuf> {
    let architecture = if cfg!(target_arch = "aarch64") {
        ARM64
    } else {
        X86_64
    };
    build(toolbox, SIGNING, &architecture)
}

/// Builds a program, and returns its path. Nothing in it is C, so Rust's own linker is enough.
fn build(toolbox: &Toolbox, function: &str, architecture: &Architecture) -> Result<PathBuf> {
    toolbox.ensure_target(architecture.target)?;
    let what = format!("building {function} for {}", architecture.name);
    step(&what, || {
        let mut command = toolbox.cargo(&["build", "--package", function, "--bin", function]);
        command.env(architecture.linker_variable, "rust-lld").args([
            "--profile",
            PROFILE,
            "--target",
            architecture.target,
        ]);
        toolbox.run(&what, &mut command)
    })?;
    let folder = toolbox.project.target.join(architecture.target).join(PROFILE);
    Ok(folder.join(function))
}

fn pack(program: PathBuf, function: &'static str, architecture: &Architecture) -> Result<Package> {
    let bytes = fs::read(&program).with_context(|| format!("{} is missing", program.display()))?;
    let path = program.with_file_name(format!("{function}-{}.zip", architecture.name));
    let folder = path.parent().context("a program is in a folder")?;
    // Another task may be reading the package that is there.
    let mut package = NamedTempFile::new_in(folder)?;
    write_package(PROGRAM, &bytes, &mut package)?;
    package
        .persist(&path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Package {
        function,
        program,
        architecture: architecture.name,
        program_bytes: bytes.len() as u64,
        package_bytes: fs::metadata(&path)?.len(),
        path,
    })
}

/// Writes a package with one file. The same file gives the same package: it contains no time.
pub(crate) fn write_package(name: &str, bytes: &[u8], file: impl Write + Seek) -> Result<()> {
    let mut package = ZipWriter::new(file);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o755);
    package.start_file(name, options)?;
    package.write_all(bytes)?;
    package.finish()?;
    Ok(())
}

impl Package {
    fn label(&self) -> String {
        format!("{} {}", self.function, self.architecture)
    }
}

fn table(packages: &[Package]) -> String {
    let mut text = format!("{:16}  {:>10}  {:>10}\n", "lambda", "program", "package");
    for package in packages {
        text += &format!(
            "{:16}  {:>10}  {:>10}\n",
            package.label(),
            package.program_bytes,
            package.package_bytes
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use zip::ZipArchive;

    use super::*;

    fn packed(program: &[u8]) -> Vec<u8> {
        let mut package = Cursor::new(Vec::new());
        write_package(PROGRAM, program, &mut package).expect("a package");
        package.into_inner()
    }

    #[test]
    fn a_package_is_one_program_that_lambda_can_start() {
        let program = b"program ".repeat(1000);
        let mut package = ZipArchive::new(Cursor::new(packed(&program))).expect("a package");
        assert_eq!(package.len(), 1);
        let mut file = package.by_name("bootstrap").expect("the program");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("the bytes");
        assert_eq!(bytes, program);
    }

    #[test]
    fn the_same_program_gives_the_same_package() {
        assert_eq!(packed(b"program"), packed(b"program"));
    }
}
