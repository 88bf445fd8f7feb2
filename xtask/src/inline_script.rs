//! Trunk starts the page by a module script inside `index.html`. A strict Content-Security-Policy
//! (`script-src 'self'`) forbids inline scripts, so the script becomes a file of its own.

use anyhow::{Context, Result, ensure};

use crate::subresources::{content_hash, integrity};

const OPENING: &str = r#"<script type="module">"#;
const CLOSING: &str = "</script>";

/// A page without inline scripts, and the script that was in it.
pub(crate) struct Externalised {
    /// The page, which loads the script from `/<name>` with its integrity.
    pub(crate) html: String,
    /// The script's file name, with the hash of what is in it.
    pub(crate) name: String,
    /// What the file holds.
    pub(crate) script: String,
}

/// Takes the one inline module script out of a page that trunk built.
///
/// # Errors
/// Where the page has no such script, or has another inline one.
pub(crate) fn externalise(html: &str) -> Result<Externalised> {
    let (before, rest) = html
        .split_once(OPENING)
        .context("the page has no inline module script to start it")?;
    let (script, after) = rest
        .split_once(CLOSING)
        .context("the page's inline script has no end")?;
    let script = format!("{}\n", script.trim());
    let name = format!("start-{}.js", content_hash(script.as_bytes()));
    let integrity = integrity(script.as_bytes());
    let html =
        format!(r#"{before}<script type="module" src="/{name}" integrity="{integrity}"></script>{after}"#);
    ensure!(
        html.matches("<script").count() == 1,
        "the page has another script, which a strict Content-Security-Policy may not allow"
    );
    Ok(Externalised { html, name, script })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_moves_into_a_file_and_the_rest_stays() {
        let page = "<head>\n<script type=\"module\">\nimport init from '/a.js';\n\n</script><link></head>";
        let moved = externalise(page).expect("a page as trunk builds it");
        assert_eq!(moved.script, "import init from '/a.js';\n");
        assert_eq!(
            moved.html,
            format!(
                "<head>\n<script type=\"module\" src=\"/{}\" integrity=\"{}\"></script><link></head>",
                moved.name,
                integrity(moved.script.as_bytes())
            )
        );
    }

    #[test]
    fn another_script_has_another_name() {
        let name = |script: &str| {
            externalise(&format!("{OPENING}{script}{CLOSING}"))
                .expect("a page")
                .name
        };
        assert_eq!(name("a()"), name("a()"));
        assert_ne!(name("a()"), name("b()"));
    }

    #[test]
    fn a_page_that_would_keep_an_inline_script_is_refused() {
        for page in [
            "<head></head>".to_owned(),
            format!("{OPENING}a()"),
            format!("{OPENING}a(){CLOSING}<script>b()</script>"),
        ] {
            assert!(externalise(&page).is_err(), "{page}");
        }
    }
}
