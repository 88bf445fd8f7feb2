//! The largest functions of a WebAssembly module.

use std::collections::HashMap;

use anyhow::{Context, Result};
use wasmparser::{Name, NameSectionReader, Parser, Payload, TypeRef};

/// A function and the bytes of its code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) bytes: usize,
}

/// The so many largest functions, largest first, by the names of the module's name section (WebAssembly
/// Core Specification, appendix "Name Section").
///
/// # Errors
/// Where it is no module.
pub(crate) fn largest(module: &[u8], count: usize) -> Result<Vec<Function>> {
    let mut imported = 0;
    let mut sizes = Vec::new();
    let mut names = HashMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the module cannot be read")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => sizes.push(body.as_bytes().len()),
            Payload::CustomSection(section) if section.name() == "name" => {
                names.extend(function_names(section.data(), section.data_offset()));
            }
            _ => {}
        }
    }
    let mut functions: Vec<Function> = (imported..)
        .zip(sizes)
        .map(|(index, bytes)| Function {
            name: names
                .remove(&index)
                .unwrap_or_else(|| format!("function {index}")),
            bytes,
        })
        .collect();
    functions.sort_by_key(|function| std::cmp::Reverse(function.bytes));
    functions.truncate(count);
    Ok(functions)
}

fn function_names(data: &[u8], offset: u64) -> HashMap<usize, String> {
    let reader = NameSectionReader::new(wasmparser::BinaryReader::new(data, offset));
    let functions = reader.into_iter().filter_map(|name| match name {
        Ok(Name::Function(names)) => Some(names),
        _ => None,
    });
    functions
        .flatten()
        .flatten()
        .map(|naming| {
            let name = format!("{:#}", rustc_demangle::demangle(naming.name));
            (naming.index as usize, name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with an imported function, and two of its own: `small`, and `large` with seven `nop`.
    const MODULE: &[u8] = b"\0asm\x01\0\0\0\
        \x01\x04\x01\x60\0\0\
        \x02\x07\x01\x01e\x01f\0\0\
        \x03\x03\x02\0\0\
        \x0a\x0e\x02\x02\0\x0b\x09\0\x01\x01\x01\x01\x01\x01\x01\x0b\
        \0\x16\x04name\x01\x0f\x02\x01\x05small\x02\x05large";

    #[test]
    fn functions_are_named_and_ordered_by_the_bytes_of_their_code() {
        let functions = largest(MODULE, 5).expect("a module");
        let functions: Vec<_> = functions
            .iter()
            .map(|function| (function.name.as_str(), function.bytes))
            .collect();
        assert_eq!(functions, [("large", 9), ("small", 2)]);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(largest(b"\0asmabc", 5).is_err());
    }
}
