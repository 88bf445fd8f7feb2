//! A copy of the engine with every bug in it, and the simulation built upon that copy. One build serves
//! all bugs: a variable of the environment says which of them is planted.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use simulation::Failure;

/// The patches, each of which makes one bug.
pub(crate) const BUGS_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bugs");

/// The workspace that is copied.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What is copied of it: the engine, the simulation, and what they depend on.
const MEMBERS: [&str; 3] = ["crates/engine", "crates/wire", "tests/simulation"];

/// The simulation upon a copy of the engine.
pub(crate) struct EngineCopy {
    program: PathBuf,
    /// Why a patch could not be applied, by bug.
    pub(crate) refusals: BTreeMap<String, String>,
}

impl EngineCopy {
    /// Copies the engine, applies every patch, and builds the simulation.
    ///
    /// # Errors
    /// If the copy cannot be made or does not compile.
    pub(crate) fn build() -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted-bugs");
        let workspace = folder.join("workspace");
        copy_sources(&workspace).map_err(|error| format!("{}: {error}", workspace.display()))?;
        let refusals = apply_patches(&workspace, &folder)?;
        let target = folder.join("target");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(&workspace)
            .args([
                "build",
                "--quiet",
                "--offline",
                "--package",
                "simulation",
                "--target-dir",
            ])
            .arg(&target);
        let built = output(&mut cargo)?;
        if !built.status.success() {
            let errors = String::from_utf8_lossy(&built.stderr);
            return Err(format!(
                "the engine does not compile with all of {BUGS_FOLDER}:\n{errors}"
            ));
        }
        let program = format!("simulation{}", std::env::consts::EXE_SUFFIX);
        Ok(Self {
            program: target.join("debug").join(program),
            refusals,
        })
    }

    /// Plays one seed after another with this bug, up to the first that breaks an invariant.
    pub(crate) fn find(&self, bug: Option<&str>, seeds: u64) -> Option<Failure> {
        let mut simulation = Command::new(&self.program);
        simulation.args(["--find", "--seeds", &seeds.to_string()]);
        if let Some(bug) = bug {
            simulation.env("SLIPWAY_PLANTED_BUG", bug);
        }
        let found = output(&mut simulation).expect("the simulation starts");
        assert!(
            found.status.success(),
            "{}",
            String::from_utf8_lossy(&found.stderr)
        );
        serde_json::from_slice(&found.stdout).expect("a failure, or null")
    }
}

fn output(command: &mut Command) -> Result<Output, String> {
    command
        .output()
        .map_err(|error| format!("{} cannot be started: {error}", command.get_program().display()))
}

fn copy_sources(workspace: &Path) -> io::Result<()> {
    if workspace.exists() {
        fs::remove_dir_all(workspace)?;
    }
    for member in MEMBERS {
        copy_folder(&Path::new(ROOT).join(member), &workspace.join(member))?;
    }
    let root = Path::new(ROOT);
    fs::copy(root.join("Cargo.lock"), workspace.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let manifest = workspace_manifest(&manifest).map_err(io::Error::other)?;
    fs::write(workspace.join("Cargo.toml"), manifest)?;
    let crate_root = workspace.join("crates/engine/src/lib.rs");
    let planted = fs::read_to_string(Path::new(BUGS_FOLDER).join("planted.rs"))?;
    fs::write(&crate_root, fs::read_to_string(&crate_root)? + &planted)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// The manifest of the workspace, without the page and with the copied members only.
fn workspace_manifest(text: &str) -> Result<String, String> {
    let mut manifest: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    manifest.retain(|name, _| name == "workspace" || name == "profile");
    let workspace = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut);
    let workspace = workspace.ok_or("the manifest is not one of a workspace")?;
    workspace.insert("members".to_owned(), MEMBERS.map(str::to_owned).to_vec().into());
    Ok(manifest.to_string())
}

/// Returns why patches could not be applied, by bug.
fn apply_patches(workspace: &Path, above: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut refusals = BTreeMap::new();
    let folder = fs::read_dir(BUGS_FOLDER).map_err(|error| format!("{BUGS_FOLDER}: {error}"))?;
    let mut patches: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    patches.sort();
    for patch in patches {
        if patch.extension().is_none_or(|extension| extension != "patch") {
            continue;
        }
        let bug = patch
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut git = Command::new("git");
        git.current_dir(workspace)
            // Inside a repository that the copy is not part of, git would apply nothing.
            .env("GIT_CEILING_DIRECTORIES", above)
            .args(["apply", "-C1"])
            .arg(&patch);
        let applied = output(&mut git)?;
        if !applied.status.success() {
            let errors = String::from_utf8_lossy(&applied.stderr);
            let refusal = format!(
                "tests/simulation/bugs/{bug}.patch no longer applies to the engine; the head of \
                 tests/simulation/tests/planted_bugs/main.rs says how to make it anew:\n{errors}"
            );
            refusals.insert(bug, refusal);
        }
    }
    Ok(refusals)
}
