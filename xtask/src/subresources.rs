//! What a built page loads, and whether it is what the page says it is.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha384};

/// A file that a page names by a `<link href>` or a `<script src>`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subresource {
    /// The path below the page's folder.
    pub(crate) path: String,
    /// The `integrity` attribute (W3C Subresource Integrity).
    pub(crate) integrity: Option<String>,
}

/// Lists what a page that trunk built loads from its own folder, in the page's order.
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

/// Checks that every file the page names is in its folder, with the integrity it states.
///
/// # Errors
/// Where a file is missing or differs: a browser would refuse to load it.
pub(crate) fn verify(folder: &Path, html: &str) -> Result<()> {
    for subresource in subresources(html) {
        let path = folder.join(&subresource.path);
        let bytes = fs::read(&path)
            .with_context(|| format!("the page names {}, which is missing", path.display()))?;
        if let Some(stated) = subresource.integrity {
            ensure!(
                stated == integrity(&bytes),
                "{} is not what the page's integrity attribute states",
                path.display()
            );
        }
    }
    Ok(())
}

/// The value of an `integrity` attribute, by the hash that trunk uses too.
pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes)))
}

/// A name for this content: 16 hexadecimal digits.
pub(crate) fn content_hash(bytes: &[u8]) -> String {
    Sha384::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether a part of a name is the hash of a content: trunk writes 64 bits in hexadecimal, and leaves leading zeros out.
pub(crate) fn is_content_hash(part: &str) -> bool {
    /// One hash in a million is shorter.
    const FEWEST_DIGITS: usize = 12;
    (FEWEST_DIGITS..=16).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An attribute of a tag, quoted as trunk quotes it.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
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
        right.expect("the file is what the page states");
        assert!(different.to_string().contains("integrity"), "{different}");
    }
}
