//! Where a task finds its tools and runs its commands, and the tools that cargo and rustup install.

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
    // Without TLS and looking for updates: it finds its tools on `PATH` and serves on this machine. It hashes the
    // page's modules at each build.
    options: &[
        "--no-default-features",
        "--config=profile.release.opt-level=0",
        "--config=profile.release.package.sha2.opt-level=3",
    ],
};

/// Binds the page's WebAssembly to JavaScript, and runs its tests. The version must be the crate's.
pub(crate) const WASM_BINDGEN: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    version: "0.2.129",
    programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
    // Without TLS: it looks for no driver of a browser. With no optimisation of what works on the modules it would take
    // three seconds for each.
    options: &[
        "--no-default-features",
        "--config=profile.release.opt-level=0",
        "--config=profile.release.package.hashbrown.opt-level=1",
        "--config=profile.release.package.id-arena.opt-level=1",
        "--config=profile.release.package.walrus.opt-level=1",
        "--config=profile.release.package.wasm-bindgen-cli-support.opt-level=1",
        "--config=profile.release.package.wasm-encoder.opt-level=1",
        "--config=profile.release.package.wasmparser.opt-level=1",
    ],
};

/// Drives Firefox in the tests.
pub(crate) const GECKODRIVER: CargoTool = CargoTool {
    package: "geckodriver",
    version: "0.37.1",
    programs: &["geckodriver"],
    options: &["--config=profile.release.opt-level=0"],
};

/// How often a task that waits for another one's installation looks whether it has ended.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A tool from crates.io.
pub(crate) struct CargoTool {
    package: &'static str,
    version: &'static str,
    programs: &'static [&'static str],
    /// More options of `cargo install`.
    options: &'static [&'static str],
}

/// Finds tools and installs them.
pub(crate) struct Toolbox<'a> {
    pub(crate) project: &'a Project,
    pub(crate) interrupt: &'a Interrupt,
}

impl Toolbox<'_> {
    /// Runs a command to its end, which is an error if the command fails or the user interrupts it.
    pub(crate) fn run(&self, what: &str, command: &mut Command) -> Result<()> {
        process::run(what, command, self.interrupt)
    }

    /// Runs a command like [`Self::run`], and returns what it prints.
    pub(crate) fn output(&self, what: &str, command: &mut Command) -> Result<String> {
        let mut text = String::new();
        let status = process::run_reading_lines(what, command, self.interrupt, |line| {
            text.push_str(line);
            text.push('\n');
        })?;
        ensure!(status.success(), "{what} failed: {status}");
        Ok(text)
    }

    /// A cargo command in the checkout.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.project.root).args(arguments);
        command
    }

    /// Compiles packages for this machine, and returns the folder of their programs.
    pub(crate) fn build_programs(&self, packages: &[&str]) -> Result<PathBuf> {
        let mut command = self.cargo(&["build"]);
        command.args(packages.iter().flat_map(|package| ["--package", package]));
        self.run(&format!("building {}", packages.join(" and ")), &mut command)?;
        Ok(self.project.target.join("debug"))
    }

    /// Makes sure that cargo can format and lint.
    pub(crate) fn ensure_components(&self) -> Result<()> {
        for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
            if !succeeds(Command::new("cargo").args([subcommand, "--version"])) {
                self.rustup(&["component", "add", component])?;
            }
        }
        Ok(())
    }

    /// Makes sure that the standard library for a target is there.
    pub(crate) fn ensure_target(&self, target: &str) -> Result<()> {
        if has_target(target)? {
            return Ok(());
        }
        // Two rustups at once can disturb each other. While a tool is compiled, a target can be added.
        let _lock = self.lock("rustup")?;
        if has_target(target)? {
            return Ok(());
        }
        self.rustup(&["target", "add", target])
    }

    /// The folder of a tool's programs.
    pub(crate) fn ensure_cargo_tool(&self, tool: &CargoTool) -> Result<PathBuf> {
        self.ensure_cargo_tools(&[tool])
            .map(|mut folders| folders.remove(0))
    }

    /// The folder of each tool's programs. What several tools are made of is compiled once.
    pub(crate) fn ensure_cargo_tools(&self, tools: &[&CargoTool]) -> Result<Vec<PathBuf>> {
        let installed: Option<Vec<PathBuf>> = tools.iter().map(|tool| self.installed(tool)).collect();
        if let Some(folders) = installed {
            return Ok(folders);
        }
        let _lock = self.lock("cargo")?;
        let folders: Result<Vec<PathBuf>> = tools.iter().map(|tool| self.install(tool)).collect();
        let build = self.build_folder();
        // Another task may have installed everything meanwhile.
        if folders.is_ok() && build.is_dir() {
            fs::remove_dir_all(&build).with_context(|| format!("{} cannot be removed", build.display()))?;
        }
        folders
    }

    fn root(&self, tool: &CargoTool) -> PathBuf {
        self.tools().join(format!("{}-{}", tool.package, tool.version))
    }

    /// The folder of a tool's programs if they are in the cache, or on `PATH`, in the tool's version.
    fn installed(&self, tool: &CargoTool) -> Option<PathBuf> {
        let own = self.root(tool).join("bin");
        let others = on_path(tool.programs[0]).and_then(|program| Some(program.parent()?.to_owned()));
        let mut folders = [Some(own), others].into_iter().flatten();
        folders.find(|folder| {
            let mut programs = tool.programs.iter().map(|program| folder.join(program));
            programs.all(|program| has_version(&program, tool.version))
        })
    }

    /// Downloads or compiles a tool unless it is installed.
    fn install(&self, tool: &CargoTool) -> Result<PathBuf> {
        if let Some(folder) = self.installed(tool) {
            return Ok(folder);
        }
        if let Some(folder) = self.download(tool)? {
            return Ok(folder);
        }
        let CargoTool { package, version, .. } = tool;
        let what = format!("installing {package} {version}, which takes minutes, once for all later runs");
        step(&what, || self.cargo_install(tool, &what))?;
        self.installed(tool).with_context(|| {
            let root = self.root(tool);
            format!(
                "{package} was installed into {} but does not run as version {version}",
                root.display()
            )
        })
    }

    /// Downloads what the tool's maintainers have built, if cargo-binstall is installed and finds that. Compiling takes
    /// minutes instead of seconds.
    fn download(&self, tool: &CargoTool) -> Result<Option<PathBuf>> {
        if on_path("cargo-binstall").is_none() {
            return Ok(None);
        }
        let what = format!("downloading {} {}", tool.package, tool.version);
        let mut command = Command::new("cargo");
        command
            .args([
                "binstall",
                "--quiet",
                "--no-confirm",
                "--force",
                "--no-discover-github-token",
            ])
            // Nobody else's builds.
            .args(["--strategies", "crate-meta-data"])
            .arg("--root")
            .arg(self.root(tool))
            .arg(format!("{}@{}", tool.package, tool.version));
        // One that cannot be downloaded is compiled, unless the user has had enough.
        if let Err(error) = step(&what, || self.run(&what, &mut command))
            && self.interrupt.wait(Duration::ZERO)
        {
            return Err(error);
        }
        Ok(self.installed(tool))
    }

    /// It is kept until everything is installed, so that an interrupted build is continued.
    fn build_folder(&self) -> PathBuf {
        self.tools().join("build")
    }

    /// The folder of the tools in the cache.
    pub(super) fn tools(&self) -> PathBuf {
        self.project.cache.join("tools")
    }

    /// Allows one installation of a kind at a time: a second task or thread waits here and then finds what it needs.
    pub(super) fn lock(&self, kind: &str) -> Result<File> {
        let tools = self.tools();
        fs::create_dir_all(&tools).with_context(|| format!("{} cannot be created", tools.display()))?;
        let path = tools.join(format!("{kind}-lock"));
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

    /// Whole-program optimisation would make trunk's build several times as long, and these tools run for seconds.
    fn cargo_install(&self, tool: &CargoTool, what: &str) -> Result<()> {
        let mut command = Command::new("cargo");
        command
            .args([
                "install",
                "--quiet",
                "--locked",
                "--force",
                "--version",
                tool.version,
            ])
            .args([
                "--config=profile.release.lto='off'",
                "--config=profile.release.codegen-units=16",
            ])
            .args(tool.options)
            .arg("--root")
            .arg(self.root(tool))
            .arg(tool.package)
            .env("CARGO_TARGET_DIR", self.build_folder());
        self.run(what, &mut command)
    }

    fn rustup(&self, arguments: &[&str]) -> Result<()> {
        let what = format!("rustup {}", arguments.join(" "));
        if on_path("rustup").is_none() {
            bail!("this toolchain does not come from rustup and lacks what `{what}` would add");
        }
        step(&what, || self.run(&what, Command::new("rustup").args(arguments)))
    }
}

/// Whether the standard library for a target is there.
fn has_target(target: &str) -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("rustc does not run")?;
    ensure!(output.status.success(), "rustc does not print its sysroot");
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(sysroot.join("lib/rustlib").join(target).join("lib").is_dir())
}

/// The first file on `PATH` with this name.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// `PATH` with some folders in front.
pub(crate) fn path_with(folders: &[&Path]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().map(|folder| (*folder).to_owned());
    env::join_paths(folders.chain(env::split_paths(&path))).context("the tools' folder cannot be on PATH")
}

/// Whether a command runs and succeeds; its output is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a program runs and prints `version`, as a word of its own, when asked for it.
fn has_version(program: &Path, version: &str) -> bool {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| {
        let text = String::from_utf8_lossy(&output.stdout);
        output.status.success() && text.split_whitespace().any(|word| word == version)
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
    fn wasm_bindgen_has_the_version_of_the_crate() {
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
        let packages: serde_json::Value =
            serde_json::from_str(include_str!("../../npm/package.json")).expect("JSON");
        let binaryen = packages["dependencies"]["binaryen"].as_str().expect("a version");
        // wasm-opt prints only the first of the package's three numbers.
        let (major, _) = binaryen.split_once('.').expect("three numbers");
        assert_eq!(
            tools["wasm_opt"].as_str(),
            Some(format!("version_{major}").as_str())
        );
    }

    #[test]
    fn a_program_counts_only_as_the_version_it_prints() {
        let cargo = on_path("cargo").expect("tests are run by cargo");
        let output = Command::new(&cargo)
            .arg("--version")
            .output()
            .expect("cargo runs");
        let text = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
        let version = text.split_whitespace().nth(1).expect("a version");
        assert!(has_version(&cargo, version));
        let (shorter, _) = version.rsplit_once('.').expect("a version with dots");
        assert!(!has_version(&cargo, shorter), "a prefix is another version");
        assert!(!has_version(Path::new("/nonexistent/cargo"), version));
    }
}
