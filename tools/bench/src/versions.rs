//! The versions of what ran.

use std::{collections::BTreeMap, fs, path::Path, process::Command, thread};

use anyhow::{Context as _, Result};
use serde::Deserialize;

#[derive(Deserialize)]
struct Manifest {
    dependencies: BTreeMap<String, String>,
}

/// The versions of the checkout in `sources`, of these programs, of the packages in these folders of
/// `tools/bench/pages`, and of the machine.
pub(crate) fn versions(
    sources: &Path,
    programs: &[(&str, &Path)],
    pages: &[&str],
) -> Result<Vec<(String, String)>> {
    let mut versions = vec![("Slipway".to_owned(), commit(sources)?)];
    for (name, program) in programs {
        versions.push(((*name).to_owned(), version(program)?));
    }
    for folder in pages {
        let path = sources
            .join("tools/bench/pages")
            .join(folder)
            .join("package.json");
        let text = fs::read_to_string(&path).with_context(|| format!("{} is missing", path.display()))?;
        let manifest: Manifest = serde_json::from_str(&text)?;
        versions.extend(manifest.dependencies);
    }
    let kernel = first_line(Command::new("uname").args(["-sr"]))?;
    let (system, release) = kernel.split_once(' ').context("the kernel has no version")?;
    versions.push((system.to_owned(), release.to_owned()));
    let cores = thread::available_parallelism()?;
    versions.push(("processor".to_owned(), format!("{} ({cores} cores)", processor())));
    Ok(versions)
}

/// The version that a program prints.
pub(crate) fn version(program: &Path) -> Result<String> {
    Ok(first_number(&first_line(Command::new(program).arg("--version"))?))
}

fn commit(sources: &Path) -> Result<String> {
    let git = |arguments: &[&str]| first_line(Command::new("git").current_dir(sources).args(arguments));
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Ok(if is_changed {
        format!("{commit} with changes")
    } else {
        commit
    })
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':'));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// The first line that a program prints.
fn first_line(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} does not start"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// The first word that is a version, in a line such as `Chromium 150.0.1 built on Debian`.
fn first_number(line: &str) -> String {
    let is_version = |word: &&str| {
        word.trim_start_matches('v')
            .starts_with(|letter: char| letter.is_ascii_digit())
    };
    line.split_whitespace()
        .find(is_version)
        .unwrap_or(line)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::first_number;

    #[test]
    fn the_version_is_found_among_other_words() {
        assert_eq!(first_number("v20.20.2"), "v20.20.2");
        assert_eq!(
            first_number("Chromium 150.0.7871.46 built on Debian 12"),
            "150.0.7871.46"
        );
        assert_eq!(
            first_number("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1"),
            "7.88.1"
        );
    }
}
