//! What a built page's HTML names: the files that it loads, and its scripts.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::hash::{content_hash, integrity};

/// A file that a page names in a `<link href>` or a `<script src>`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subresource {
    /// The path below the page's folder.
    pub(crate) path: String,
    /// The `integrity` attribute (W3C Subresource Integrity).
    pub(crate) integrity: Option<String>,
}

/// The files that a page loads from its own folder, in the page's order.
pub(crate) fn subresources(html: &str) -> Vec<Subresource> {
    html.split('<')
        .filter(|tag| tag.starts_with("link ") || tag.starts_with("script "))
        .filter_map(|tag| {
            let path = attribute(tag, "href").or_else(|| attribute(tag, "src"))?;
            Some(Subresource {
                path: path.trim_start_matches('/').to_owned(),
                integrity: attribute(tag, "integrity").map(str::to_owned),
            })
        })
        .collect()
}

/// Checks that every file that the page names is in its folder and has the integrity that the page states. A browser
/// would refuse to load it otherwise.
pub(crate) fn verify(folder: &Path, html: &str) -> Result<()> {
    for subresource in subresources(html) {
        let path = folder.join(&subresource.path);
        let bytes = fs::read(&path)
            .with_context(|| format!("the page names {}, which is missing", path.display()))?;
        if let Some(stated) = subresource.integrity {
            ensure!(
                stated == integrity(&bytes),
                "{} does not have the integrity that the page states",
                path.display()
            );
        }
    }
    Ok(())
}

/// An attribute of a tag, in double quotes as trunk writes it.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// A script that was inline in a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// The name of its file, with the hash of its text.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Moves the inline scripts of a page into files beside it, since a strict Content-Security-Policy (`script-src
/// 'self'`) forbids inline ones; trunk writes one that starts the page. Returns the page, which loads each from
/// `/<name>` with its integrity, and the scripts.
pub(crate) fn externalise(html: &str) -> Result<(String, Vec<Script>)> {
    let mut scripts = Vec::new();
    let mut page = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("<script") {
        let (attributes, after) = after.split_once('>').context("a script's tag does not end")?;
        let (text, after) = after.split_once("</script>").context("a script does not end")?;
        page += &format!("{before}<script{attributes}");
        if attribute(attributes, "src").is_none() {
            let text = format!("{}\n", text.trim());
            let name = format!("start-{}.js", content_hash(text.as_bytes()));
            let integrity = integrity(text.as_bytes());
            page += &format!(r#" src="/{name}" integrity="{integrity}""#);
            scripts.push(Script { name, text });
        }
        page += "></script>";
        rest = after;
    }
    ensure!(
        !scripts.is_empty(),
        "the page has no inline script that starts it"
    );
    Ok((page + rest, scripts))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";

    #[test]
    fn links_and_scripts_are_listed_and_nothing_else() {
        let html = format!(
            r#"<meta name="viewport"><script type="module" src="/start.js" integrity="{EMPTY}"></script>
            <link rel="preload" href="/a_bg.wasm" as="fetch"><img src="/not.png">"#
        );
        let expected =
            [("start.js", Some(EMPTY)), ("a_bg.wasm", None)].map(|(path, integrity)| Subresource {
                path: path.to_owned(),
                integrity: integrity.map(str::to_owned),
            });
        assert_eq!(subresources(&html), expected);
    }

    #[test]
    fn a_file_that_is_missing_or_differs_is_found() {
        let folder = std::env::temp_dir().join(format!("slipway-subresources-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let html = format!(r#"<link rel="modulepreload" href="/a.js" integrity="{EMPTY}">"#);

        let missing = verify(&folder, &html).expect_err("nothing is there");
        fs::write(folder.join("a.js"), "").expect("the file is written");
        let right = verify(&folder, &html);
        fs::write(folder.join("a.js"), "changed").expect("the file is written");
        let different = verify(&folder, &html).expect_err("the file differs");
        fs::remove_dir_all(&folder).expect("the folder is removed");

        assert!(missing.to_string().contains("missing"), "{missing}");
        right.expect("the file has the stated integrity");
        assert!(different.to_string().contains("integrity"), "{different}");
    }

    #[test]
    fn inline_scripts_become_files_and_the_rest_stays() {
        let page = "<head>\n<script src=\"/early.js\"></script><script type=\"module\">\nimport init from \
                    '/a.js';\n\n</script><link></head>";
        let (html, scripts) = externalise(page).expect("a page as trunk builds it");
        let text = "import init from '/a.js';\n";
        let name = format!("start-{}.js", content_hash(text.as_bytes()));
        let integrity = integrity(text.as_bytes());
        assert_eq!(
            html,
            format!(
                "<head>\n<script src=\"/early.js\"></script><script type=\"module\" src=\"/{name}\" \
                 integrity=\"{integrity}\"></script><link></head>"
            )
        );
        assert_eq!(
            scripts,
            [Script {
                name,
                text: text.to_owned()
            }]
        );
    }

    #[test]
    fn a_page_without_a_script_that_starts_it_is_refused() {
        for page in ["<head></head>", "<script src=\"/a.js\"></script>", "<script>a()"] {
            assert!(externalise(page).is_err(), "{page}");
        }
    }
}
