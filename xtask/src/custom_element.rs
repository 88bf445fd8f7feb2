//! The script of the custom element, with the names that the page's files have in this build.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::subresources::subresources;

/// The script's name, which never changes, since other pages name it.
pub(crate) const SCRIPT: &str = "slipway-upload.js";

/// Writes the script into the folder of a built page.
///
/// # Errors
/// Where the page does not name what the element needs.
pub(crate) fn write(template: &Path, folder: &Path, html: &str) -> Result<()> {
    let template =
        fs::read_to_string(template).with_context(|| format!("{} is missing", template.display()))?;
    fs::write(folder.join(SCRIPT), fill(&template, html)?).context("the element's script cannot be written")
}

fn fill(template: &str, html: &str) -> Result<String> {
    let files: Vec<String> = subresources(html).into_iter().map(|file| file.path).collect();
    let find = |start: &str, end: &str| {
        let found = files
            .iter()
            .find(|file| file.starts_with(start) && file.ends_with(end));
        found.with_context(|| format!("the page names no {start}*{end}"))
    };
    let styles: Vec<&String> = files.iter().filter(|file| file.ends_with(".css")).collect();
    Ok(template
        .replace("{script}", find("slipway-", ".js")?)
        .replace("{wasm}", find("slipway-", ".wasm")?)
        .replace("{styles}", &serde_json::to_string(&styles)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_names_the_files_of_the_build() {
        let html = r#"<link rel="stylesheet" href="/theme-1.css"/><link rel="stylesheet" href="/slipway-2.css"/>
            <link rel="modulepreload" href="/slipway-3.js"><link rel="preload" href="/slipway-3_bg.wasm">"#;
        let filled = fill("'{script}' '{wasm}' {styles}", html).expect("all are named");
        assert_eq!(
            filled,
            r#"'slipway-3.js' 'slipway-3_bg.wasm' ["theme-1.css","slipway-2.css"]"#
        );
    }

    #[test]
    fn a_page_without_a_wasm_is_refused() {
        let error = fill("", r#"<link href="/slipway-3.js">"#).expect_err("nothing to load");
        assert!(error.to_string().contains(".wasm"), "{error}");
    }
}
