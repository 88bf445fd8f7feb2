//! `cargo xtask dist page`: what a first view of the page loads, and whether that is within its budget.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use brotli::{BrotliCompress, enc::BrotliEncoderParams};
use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload, TypeRef};

use super::{
    html::subresources,
    page::{self, Profile},
};
use crate::{step::step, tools::Toolbox};

/// What a first view may load, in bytes after brotli. The aim is 120,000.
const BUDGET_BYTES: usize = 120_000;

/// How many of the page's largest functions are listed.
const FUNCTIONS: usize = 15;

/// Builds the page as it is deployed, and prints what a first view of it loads and its largest functions. A first view
/// over its budget is an error.
pub(crate) fn check_weight(toolbox: &Toolbox) -> Result<()> {
    let folder = page::build(toolbox, Profile::Release)?;
    let (first, later) = step("compressing what the page loads", || {
        anyhow::Ok((
            weigh(&folder, first_view(&folder)?)?,
            weigh(&folder, worker_files(&folder)?)?,
        ))
    })?;
    println!("\n{}", table(&first, "first view"));
    println!("{}", table(&later, "loaded after it"));
    println!(
        "{:>10}  largest functions of the page, before they are optimised",
        "bytes"
    );
    for (name, bytes) in largest_functions(toolbox)? {
        println!("{bytes:>10}  {name}");
    }
    println!("\nthe page: {}", folder.display());
    let total: usize = first.iter().map(|weight| weight.brotli).sum();
    ensure!(
        total <= BUDGET_BYTES,
        "a first view loads {total} bytes, which is over its budget of {BUDGET_BYTES}; the largest functions are \
         listed above"
    );
    Ok(())
}

/// The size of a file in bytes, as it is and after brotli (RFC 7932) at its highest quality.
struct Weight {
    path: String,
    raw: usize,
    brotli: usize,
}

/// The page, what it names, and the settings and words that it fetches before it shows anything. The words of all
/// languages have about the same size.
fn first_view(folder: &Path) -> Result<Vec<String>> {
    let html = fs::read_to_string(folder.join("index.html")).context("the page is missing")?;
    let named = subresources(&html).into_iter().map(|named| named.path);
    let fetched = ["config.json", "languages/en.json"].map(str::to_owned);
    Ok(["index.html".to_owned()]
        .into_iter()
        .chain(named)
        .chain(fetched)
        .collect())
}

/// What the page loads after its first view: the upload worker.
fn worker_files(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string();
        files.extend(name.ok().filter(|name| name.contains("worker")));
    }
    files.sort();
    Ok(files)
}

fn weigh(folder: &Path, paths: impl IntoIterator<Item = String>) -> Result<Vec<Weight>> {
    paths
        .into_iter()
        .map(|path| {
            let bytes = fs::read(folder.join(&path)).with_context(|| format!("{path} is missing"))?;
            Ok(Weight {
                brotli: compress(&bytes)?.len(),
                raw: bytes.len(),
                path,
            })
        })
        .collect()
}

/// The brotli stream that a content delivery network would send.
fn compress(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: 11,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut stream = Vec::new();
    BrotliCompress(&mut bytes, &mut stream, &parameters).context("brotli failed")?;
    Ok(stream)
}

/// The largest functions of the page's module before it is optimised, and the bytes of each, largest first.
fn largest_functions(toolbox: &Toolbox) -> Result<Vec<(String, usize)>> {
    let path = page::compiled_module(toolbox);
    let module = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut functions = function_sizes(&module).context("the compiled page is not a WebAssembly module")?;
    functions.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    functions.truncate(FUNCTIONS);
    Ok(functions)
}

/// The functions that a module has code for, by the names in its `name` section, and the bytes of each (WebAssembly
/// Core Specification, "Code Section" and "Name Section"). Functions without a name are left out.
fn function_sizes(module: &[u8]) -> Result<Vec<(String, usize)>> {
    let mut imports = 0;
    let mut sizes = Vec::new();
    let mut names = HashMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imports += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => sizes.push(body.as_bytes().len()),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    names.extend(function_names(section)?);
                }
            }
            _ => {}
        }
    }
    let functions = (imports..).zip(sizes);
    Ok(functions
        .filter_map(|(index, bytes)| Some((names.remove(&index)?, bytes)))
        .collect())
}

/// The names of functions by their index; imported functions come first.
fn function_names(section: NameSectionReader<'_>) -> Result<Vec<(usize, String)>> {
    let mut names = Vec::new();
    for subsection in section {
        if let Name::Function(functions) = subsection? {
            for naming in functions {
                let naming = naming?;
                let name = format!("{:#}", rustc_demangle::demangle(naming.name));
                names.push((usize::try_from(naming.index)?, name));
            }
        }
    }
    Ok(names)
}

fn table(weights: &[Weight], name: &str) -> String {
    let total = Weight {
        path: name.to_owned(),
        raw: weights.iter().map(|weight| weight.raw).sum(),
        brotli: weights.iter().map(|weight| weight.brotli).sum(),
    };
    let rows = weights.iter().chain([&total]);
    let width = rows.clone().map(|row| row.path.len()).max().unwrap_or(0);
    let mut text = format!("{:width$}  {:>10}  {:>10}\n", "file", "bytes", "brotli");
    for row in rows {
        text += &format!("{:width$}  {:>10}  {:>10}\n", row.path, row.raw, row.brotli);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_lossless_and_makes_repetition_small() {
        let bytes = b"first view ".repeat(1000);
        let stream = compress(&bytes).expect("it compresses");
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut stream.as_slice(), &mut back).expect("it decompresses");
        assert_eq!(back, bytes);
        assert!(stream.len() < bytes.len() / 10, "{} bytes", stream.len());
    }

    #[test]
    fn functions_and_their_sizes_are_read_from_a_module() {
        let text = r#"(module
            (import "page" "log" (func $log (param i32)))
            (func $_ZN3foo3bar17h0123456789abcdefE (param i32) local.get 0 call $log)
            (func $free))"#;
        let module = wat::parse_str(text).expect("a module");
        let expected = [("foo::bar", 6), ("free", 2)].map(|(name, bytes)| (name.to_owned(), bytes));
        assert_eq!(function_sizes(&module).expect("it is read"), expected);
    }

    #[test]
    fn the_table_ends_with_the_sum() {
        let weight = |path: &str, raw, brotli| Weight {
            path: path.to_owned(),
            raw,
            brotli,
        };
        let text = table(
            &[weight("index.html", 900, 300), weight("a.wasm", 50_100, 20_000)],
            "first view",
        );
        assert_eq!(
            text,
            "file             bytes      brotli\n\
             index.html         900         300\n\
             a.wasm           50100       20000\n\
             first view       51000       20300\n"
        );
    }
}
