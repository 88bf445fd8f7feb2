//! What wasm-bindgen generates: a WebAssembly module, and the script that runs it.

use std::convert::Infallible;

use anyhow::{Context, Result};
use wasm_encoder::{Module, reencode::Reencode};
use wasmparser::Parser;

/// A module and its script, which belong together.
pub(crate) struct Generated {
    pub(crate) module: Vec<u8>,
    pub(crate) script: String,
}

/// A module with what `change` makes of its sections.
///
/// # Errors
/// Where it is no module.
pub(crate) fn rewrite(module: &[u8], change: &mut impl Reencode<Error = Infallible>) -> Result<Vec<u8>> {
    let mut rewritten = Module::new();
    change
        .parse_core_module(&mut rewritten, Parser::new(0), module)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("the module cannot be read")?;
    Ok(rewritten.finish())
}
