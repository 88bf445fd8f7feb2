//! `cargo xtask dist`: the page as it is deployed, and what its first view weighs.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use brotli::{BrotliCompress, enc::BrotliEncoderParams};

use crate::{
    page::{self, Profile},
    step::step,
    subresources::subresources,
    tools::Toolbox,
};

/// Builds the page in release and prints what a first view of it loads.
///
/// # Errors
/// Where the page does not build.
pub(crate) fn run(toolbox: &Toolbox) -> Result<ExitCode> {
    let folder = page::build(toolbox, Profile::Release)?;
    let weights = step("compressing what the first view loads", || weigh(&folder))?;
    println!("\n{}", table(&weights));
    println!("the page: {}", folder.display());
    Ok(ExitCode::SUCCESS)
}

/// How many bytes a file has, as it is and after brotli (RFC 7932) at its highest quality.
struct Weight {
    path: String,
    raw: usize,
    brotli: usize,
}

/// The page, what it names, and the settings that it fetches before it shows anything.
fn weigh(folder: &Path) -> Result<Vec<Weight>> {
    let html = fs::read_to_string(folder.join("index.html")).context("the page is missing")?;
    let named = subresources(&html).into_iter().map(|named| named.path);
    ["index.html".to_owned()]
        .into_iter()
        .chain(named)
        .chain(["config.json".to_owned()])
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

fn table(weights: &[Weight]) -> String {
    let total = Weight {
        path: "first view".to_owned(),
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
        let text = table(&[weight("index.html", 900, 300), weight("a.wasm", 50_100, 20_000)]);
        assert_eq!(
            text,
            "file             bytes      brotli\n\
             index.html         900         300\n\
             a.wasm           50100       20000\n\
             first view       51000       20300\n"
        );
    }
}
