//! The tools that a build needs: found where they are, installed where they are not.
//!
//! This is the one place that lists their versions. Each is installed from its package registry into
//! `<cache>/tools/<name>-<version>`, and counts as installed only when it runs and says that version,
//! so an installation that was interrupted is done again.

use std::{
    env,
    ffi::OsString,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    process::{self, Interrupt},
    project::Project,
    step::step,
};

/// What the page is compiled for.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Builds and serves the page.
pub(crate) const TRUNK: CargoTool = CargoTool {
    package: "trunk",
    version: "0.21.14",
    programs: &["trunk"],
};

/// Binds the page's wasm to JavaScript, and runs its tests. The version is the crate's.
pub(crate) const WASM_BINDGEN: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    version: "0.2.129",
    programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
};

/// Drives Firefox in the tests.
pub(crate) const GECKODRIVER: CargoTool = CargoTool {
    package: "geckodriver",
    version: "0.37.1",
    programs: &["geckodriver"],
};

/// The npm package that carries `wasm-opt`, which makes the released page small.
const BINARYEN_VERSION: &str = "132.0.0";

/// How often it is looked whether another task is through with its installation.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A tool from crates.io.
pub(crate) struct CargoTool {
    package: &'static str,
    version: &'static str,
    programs: &'static [&'static str],
}

impl CargoTool {
    fn label(&self) -> String {
        format!("{}-{}", self.package, self.version)
    }
}

/// Finds tools and installs them.
pub(crate) struct Toolbox<'a> {
    pub(crate) project: &'a Project,
    pub(crate) interrupt: &'a Interrupt,
}

impl<'a> Toolbox<'a> {
    /// A toolbox with the tools of the project's cache.
    pub(crate) fn new(project: &'a Project, interrupt: &'a Interrupt) -> Self {
        Self { project, interrupt }
    }

    /// Makes sure that cargo can format and lint.
    ///
    /// # Errors
    /// Where rustup cannot add what is missing.
    pub(crate) fn ensure_components(&self) -> Result<()> {
        for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
            if !answers(Command::new("cargo").args([subcommand, "--version"])) {
                self.rustup(&["component", "add", component])?;
            }
        }
        Ok(())
    }

    /// Makes sure that the standard library for WebAssembly is there.
    ///
    /// # Errors
    /// Where rustup cannot add it.
    pub(crate) fn ensure_wasm_target(&self) -> Result<()> {
        self.ensure_target(WASM_TARGET)
    }

    /// Makes sure that the standard library for a target is there.
    ///
    /// # Errors
    /// Where rustup cannot add it.
    pub(crate) fn ensure_target(&self, target: &str) -> Result<()> {
        let output = Command::new("rustc")
            .args(["--print", "sysroot"])
            .output()
            .context("rustc does not run")?;
        ensure!(output.status.success(), "rustc does not tell its sysroot");
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if sysroot.join("lib/rustlib").join(target).join("lib").is_dir() {
            return Ok(());
        }
        self.rustup(&["target", "add", target])
    }

    /// The folder of a tool's programs.
    ///
    /// # Errors
    /// Where the tool cannot be installed.
    pub(crate) fn ensure_cargo_tool(&self, tool: &CargoTool) -> Result<PathBuf> {
        let root = self.tools().join(tool.label());
        let programs = root.join("bin");
        let installed = || {
            tool.programs
                .iter()
                .all(|program| says_version(&programs.join(program), tool.version))
        };
        if installed() {
            return Ok(programs);
        }
        let _lock = self.lock()?;
        if !installed() {
            let what = format!("installing {} {}", tool.package, tool.version);
            step(&what, || self.cargo_install(tool, &root, &what))?;
        }
        ensure!(
            installed(),
            "{} was installed into {} but does not run as version {}",
            tool.package,
            root.display(),
            tool.version
        );
        Ok(programs)
    }

    /// The folder of `wasm-opt`.
    ///
    /// # Errors
    /// Where npm is missing or fails.
    pub(crate) fn ensure_wasm_opt(&self) -> Result<PathBuf> {
        let root = self.tools().join(format!("binaryen-{BINARYEN_VERSION}"));
        let programs = root.join("node_modules/.bin");
        let installed = || says_version(&programs.join("wasm-opt"), binaryen_major());
        if installed() {
            return Ok(programs);
        }
        let _lock = self.lock()?;
        if !installed() {
            let what = format!("installing binaryen {BINARYEN_VERSION}");
            step(&what, || self.npm_install(&root, &what))?;
        }
        ensure!(
            installed(),
            "wasm-opt of {} does not run; remove the folder and try again",
            root.display()
        );
        Ok(programs)
    }

    /// The folder of the tools in the cache.
    pub(crate) fn tools(&self) -> PathBuf {
        self.project.cache.join("tools")
    }

    /// One installation at a time: a second task waits here and then finds the tool.
    ///
    /// # Errors
    /// Where the folder of tools cannot be written, or the user interrupts the wait.
    pub(crate) fn lock(&self) -> Result<File> {
        let tools = self.tools();
        fs::create_dir_all(&tools).with_context(|| format!("{} cannot be made", tools.display()))?;
        let path = tools.join("lock");
        let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        while let Err(error) = file.try_lock() {
            if let TryLockError::Error(error) = error {
                return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
            }
            if self.interrupt.wait(LOCK_POLL_INTERVAL) {
                bail!("interrupted while another task installs tools");
            }
        }
        Ok(file)
    }

    /// The build folder is kept until the build is through, so that an interrupted one goes on where
    /// it was. Whole-program optimisation would make trunk's build several times as long.
    fn cargo_install(&self, tool: &CargoTool, root: &Path, what: &str) -> Result<()> {
        let build = self.tools().join("build");
        let mut command = Command::new("cargo");
        command
            .args([
                "install",
                "--locked",
                "--force",
                "--version",
                tool.version,
                "--root",
            ])
            .arg(root)
            .arg(tool.package)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        process::run(what, &mut command, self.interrupt)?;
        fs::remove_dir_all(&build).with_context(|| format!("{} cannot be removed", build.display()))
    }

    fn npm_install(&self, root: &Path, what: &str) -> Result<()> {
        ensure!(
            on_path("npm").is_some(),
            "a release build needs wasm-opt, which comes by npm: install Node.js \
             (Debian: apt-get install -y nodejs npm; macOS: brew install node) and try again"
        );
        let mut command = Command::new("npm");
        command
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(root)
            .arg(format!("binaryen@{BINARYEN_VERSION}"));
        process::run(what, &mut command, self.interrupt)
    }

    fn rustup(&self, arguments: &[&str]) -> Result<()> {
        let what = format!("rustup {}", arguments.join(" "));
        if on_path("rustup").is_none() {
            bail!("this toolchain is not rustup's and something is missing: what `{what}` would add");
        }
        step(&what, || {
            process::run(&what, Command::new("rustup").args(arguments), self.interrupt)
        })
    }
}

/// `wasm-opt` tells only the first of the package's three numbers.
fn binaryen_major() -> &'static str {
    BINARYEN_VERSION.split('.').next().unwrap_or(BINARYEN_VERSION)
}

/// Where `PATH` leads for a program.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// `PATH` with some folders in front.
///
/// # Errors
/// Where a folder's name has the character that separates the entries.
pub(crate) fn path_with(folders: &[&Path]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().map(|folder| (*folder).to_owned());
    env::join_paths(folders.chain(env::split_paths(&path))).context("the tools' folder cannot be on PATH")
}

/// Whether a command runs and succeeds; its output is not shown.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a program runs and names `version`, as a word of its own, when asked for it.
fn says_version(program: &Path, version: &str) -> bool {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| {
        output.status.success()
            && String::from_utf8_lossy(&output.stdout)
                .split_whitespace()
                .any(|word| word == version)
    })
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;

    fn read_toml(name: &str) -> Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        let text = fs::read_to_string(path).expect("the file is there");
        text.parse().expect("the file is TOML")
    }

    #[test]
    fn the_tool_that_binds_the_wasm_has_the_version_of_the_crate() {
        let lock = read_toml("Cargo.lock");
        let versions: Vec<&str> = lock["package"]
            .as_array()
            .expect("a list of packages")
            .iter()
            .filter(|package| package["name"].as_str() == Some("wasm-bindgen"))
            .filter_map(|package| package["version"].as_str())
            .collect();
        assert_eq!(versions, [WASM_BINDGEN.version]);
    }

    #[test]
    fn trunk_asks_for_the_versions_that_are_installed() {
        let tools = &read_toml("Trunk.toml")["tools"];
        assert_eq!(tools["wasm_bindgen"].as_str(), Some(WASM_BINDGEN.version));
        let wasm_opt = format!("version_{}", binaryen_major());
        assert_eq!(tools["wasm_opt"].as_str(), Some(wasm_opt.as_str()));
    }

    #[test]
    fn a_program_is_taken_only_for_the_version_it_names() {
        let cargo = on_path("cargo").expect("tests are run by cargo");
        let output = Command::new(&cargo)
            .arg("--version")
            .output()
            .expect("cargo runs");
        let text = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
        let version = text.split_whitespace().nth(1).expect("a version");
        assert!(says_version(&cargo, version));
        let (shorter, _) = version.rsplit_once('.').expect("a version with dots");
        assert!(!says_version(&cargo, shorter), "a prefix is another version");
        assert!(!says_version(Path::new("/nonexistent/cargo"), version));
    }
}
