//! The script of the custom element, with the names that the page's files have in this build.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

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
    let styles: Vec<&String> = files.iter().filter(|file| file.ends_with(".css")).collect();
    ensure!(!styles.is_empty(), "the page names no style sheet");
    Ok(template.replace("{styles}", &serde_json::to_string(&styles)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_names_the_style_sheets_of_the_build() {
        let html =
            r#"<link rel="stylesheet" href="/theme-1.css"/><link rel="stylesheet" href="/slipway-2.css"/>"#;
        let filled = fill("const styles = {styles};", html).expect("they are named");
        assert_eq!(filled, r#"const styles = ["theme-1.css","slipway-2.css"];"#);
    }

    #[test]
    fn a_page_without_style_sheets_is_refused() {
        let error = fill("", r#"<link href="/slipway-3.js">"#).expect_err("nothing to name");
        assert!(error.to_string().contains("style sheet"), "{error}");
    }
}
