//! Making the built page small: without what no script uses, with short names between its script and its
//! WebAssembly, and scripts and style sheets without what only people read.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{
    import_names, npm, process,
    step::step,
    subresources::{content_hash, integrity, is_content_hash, subresources},
    tools::Toolbox,
    unused_classes,
};

/// What the names of the page's own script and module begin with.
const PAGE: &str = "slipway-";

/// Makes the files that the page names small, under new names, since a name has the hash of its content.
///
/// # Errors
/// Where a file is missing, or a tool is missing or fails.
pub(crate) fn shrink(toolbox: &Toolbox, folder: &Path) -> Result<()> {
    let esbuild = npm::ensure_esbuild(toolbox)?;
    step("making the page small", || {
        let index = folder.join("index.html");
        let mut html = fs::read_to_string(&index).context("the page is missing")?;
        cut_and_shorten(toolbox, folder, &html)?;
        for file in subresources(&html) {
            let path = folder.join(&file.path);
            let is_text = [".js", ".css"].iter().any(|end| file.path.ends_with(end));
            if is_text {
                let mut command = Command::new(&esbuild);
                command
                    .args(["--minify", "--allow-overwrite", "--log-level=warning"])
                    .arg(&path)
                    .arg(format!("--outfile={}", path.display()));
                process::run("making the page small", &mut command, toolbox.interrupt)?;
            }
            if is_text || file.path.ends_with(".wasm") {
                html = rename(folder, &file.path, file.integrity.as_deref(), &html)?;
            }
        }
        fs::write(&index, html).context("the page cannot be written")
    })
}

fn cut_and_shorten(toolbox: &Toolbox, folder: &Path, html: &str) -> Result<()> {
    let named = |end: &str| {
        let file = subresources(html)
            .into_iter()
            .find(|file| file.path.starts_with(PAGE) && file.path.ends_with(end));
        let file = file.with_context(|| format!("the page names no {PAGE}*{end}"))?;
        anyhow::Ok(folder.join(file.path))
    };
    let (script, module) = (named(".js")?, named(".wasm")?);
    let cut = unused_classes::remove(&fs::read(&module)?, &fs::read_to_string(&script)?)?;
    let renamed = import_names::shorten(&cut.module, &cut.script)?;
    fs::write(&script, renamed.script)?;
    fs::write(&module, renamed.module)?;
    optimise(toolbox, &module)
}

/// What wasm-opt may use, as `index.html` tells trunk.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Takes a module apart and makes its control flow anew, which trunk's one pass does not; another kilobyte.
fn optimise(toolbox: &Toolbox, module: &Path) -> Result<()> {
    let mut command = Command::new(toolbox.ensure_wasm_opt()?.join("wasm-opt"));
    command
        .args(FEATURES)
        .args([
            "-Oz",
            "--flatten",
            "--rereloop",
            "-Oz",
            "-Oz",
            "--strip-producers",
        ])
        .arg(module)
        .arg("-o")
        .arg(module);
    process::run("making the page small", &mut command, toolbox.interrupt)
}

/// Gives a file the name of its new content, in the folder and in the page.
fn rename(folder: &Path, path: &str, stated: Option<&str>, html: &str) -> Result<String> {
    let bytes = fs::read(folder.join(path)).with_context(|| format!("{path} is missing"))?;
    let renamed = new_name(path, &bytes);
    fs::rename(folder.join(path), folder.join(&renamed))?;
    let html = html.replace(path, &renamed);
    Ok(match stated {
        Some(stated) => html.replace(stated, &integrity(&bytes)),
        None => html,
    })
}

/// The name with the hash of this content in the place of the old one: `a-0123_bg.wasm` becomes
/// `a-4567_bg.wasm`.
fn new_name(name: &str, bytes: &[u8]) -> String {
    let old = name.split(['-', '_', '.']).find(|part| is_content_hash(part));
    old.map_or_else(|| name.to_owned(), |old| name.replace(old, &content_hash(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gets_the_hash_of_the_content_and_a_name_without_one_stays() {
        let hash = content_hash(b"new");
        for (name, expected) in [
            (
                "slipway-0123456789abcdef_bg.wasm",
                format!("slipway-{hash}_bg.wasm"),
            ),
            ("theme-0123456789abcdef.css", format!("theme-{hash}.css")),
            ("theme-123456789abcdef.css", format!("theme-{hash}.css")),
            ("icon.svg", "icon.svg".to_owned()),
        ] {
            assert_eq!(new_name(name, b"new"), expected);
        }
    }
}
