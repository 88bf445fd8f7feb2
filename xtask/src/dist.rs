//! `cargo xtask dist`: the page as it is deployed, and what its first view weighs.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, ensure};
use brotli::{BrotliCompress, enc::BrotliEncoderParams};

use crate::{
    page::{self, Profile},
    step::step,
    subresources::subresources,
    tools::Toolbox,
    wasm_functions::{self, Function},
};

/// What a first view may load, in bytes after brotli.
const BUDGET: usize = 80_000;

/// What the page loads once it has been seen: the worker, which holds all that uploads.
const LATER: [&str; 3] = ["upload-worker.js", "worker.js", "worker_bg.wasm"];

/// So many of the page's largest functions are listed.
const FUNCTIONS: usize = 15;

/// Builds the page in release, and prints what a first view of it loads and its largest functions.
///
/// # Errors
/// Where the page does not build, or is over its budget.
pub(crate) fn run(toolbox: &Toolbox) -> Result<ExitCode> {
    let folder = page::build(toolbox, Profile::Release)?;
    let (first, later) = step("compressing what the page loads", || {
        anyhow::Ok((
            weigh(&folder, first_view(&folder)?)?,
            weigh(&folder, LATER.map(str::to_owned))?,
        ))
    })?;
    println!("\n{}", table(&first, "first view"));
    println!("{}", table(&later, "loaded after it"));
    let module =
        fs::read(page::compiled(toolbox, Profile::Release)).context("the page's module is missing")?;
    println!("{}", functions(&wasm_functions::largest(&module, FUNCTIONS)?));
    println!("the page: {}", folder.display());
    let total: usize = first.iter().map(|weight| weight.brotli).sum();
    ensure!(
        total <= BUDGET,
        "a first view loads {total} bytes, which is over its budget of {BUDGET}"
    );
    Ok(ExitCode::SUCCESS)
}

/// How many bytes a file has, as it is and after brotli (RFC 7932) at its highest quality.
struct Weight {
    path: String,
    raw: usize,
    brotli: usize,
}

/// The page, what it names, and the settings and words that it fetches before it shows anything. The
/// words of one language are as heavy as those of another.
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

fn functions(functions: &[Function]) -> String {
    let mut text = format!(
        "{:>10}  {}\n",
        "bytes", "largest functions of the page, before they are optimised"
    );
    for function in functions {
        text += &format!("{:>10}  {}\n", function.bytes, function.name);
    }
    text
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
    fn a_stream_is_smaller_and_gives_the_bytes_back() {
        let bytes = b"first view ".repeat(1000);
        let stream = compress(&bytes).expect("it compresses");
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut stream.as_slice(), &mut back).expect("it decompresses");
        assert_eq!(back, bytes);
        assert!(stream.len() < bytes.len() / 10, "{} bytes", stream.len());
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
