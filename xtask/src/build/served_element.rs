//! The custom element beside the page that `cargo xtask serve` serves, and a page to try it on. Trunk runs this each
//! time it has built the page.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::page::write_element;

/// The folder of the page to try the element on, below the page.
pub(crate) const TRIAL: &str = "embedding";

/// Writes the element and the page into the folder in which trunk is building.
pub(crate) fn run(root: &Path) -> Result<()> {
    let folder = env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
    write(root, &folder.context("only trunk starts this")?)
}

fn write(root: &Path, folder: &Path) -> Result<()> {
    let html = fs::read_to_string(folder.join("index.html")).context("the page is missing")?;
    write_element(root, folder, &html)?;
    let trial = folder.join(TRIAL);
    fs::create_dir_all(&trial).with_context(|| format!("{} cannot be created", trial.display()))?;
    let example = root.join("examples/html");
    for entry in fs::read_dir(&example).with_context(|| example.display().to_string())? {
        let entry = entry?;
        let text = fs::read_to_string(entry.path())?;
        fs::write(trial.join(entry.file_name()), on_this_origin(&text))?;
    }
    Ok(())
}

/// The example with the addresses of the development stack, which has page and API on one origin.
fn on_this_origin(text: &str) -> String {
    text.replace("https://uploads.example.com", "")
        .replace("https://api.example.com", "/api")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_and_its_trial_page_are_written() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = env::temp_dir().join(format!("slipway-served-element-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let page = r#"<link rel="stylesheet" href="/slipway-1.css">"#;
        fs::write(folder.join("index.html"), page).expect("the page is written");
        let written = write(&root, &folder);
        let script = fs::read_to_string(folder.join("slipway-upload.js"));
        let trial = fs::read_to_string(folder.join(TRIAL).join("index.html"));
        fs::remove_dir_all(&folder).expect("the folder is removed");
        written.expect("both are written");
        assert!(
            script
                .expect("the script")
                .contains(r#"["slipway-1.css","later.css"]"#)
        );
        let trial = trial.expect("the page");
        assert!(trial.contains(r#"src="/slipway-upload.js""#), "{trial}");
        assert!(trial.contains(r#"api="/api""#), "{trial}");
        assert!(!trial.contains("example.com"), "{trial}");
    }
}
