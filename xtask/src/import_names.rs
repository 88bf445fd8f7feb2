//! Short names between a page's WebAssembly and its script.
//!
//! wasm-bindgen names each function that the WebAssembly imports by what it does and a hash. Nobody but the
//! two sees these names, and as hashes do not compress they weigh seven kilobytes.

use anyhow::{Result, ensure};
use wasm_encoder::{
    ImportSection,
    reencode::{Error, Reencode},
};
use wasmparser::{Import, Imports};

use crate::generated::{Generated, rewrite};

/// What such a name begins with.
const PREFIX: &str = "__wb";

/// Renames what a module imports, in the module and in the script that provides it.
///
/// # Errors
/// Where it is no module, or the script does not provide what it imports.
pub(crate) fn shorten(module: &[u8], script: &str) -> Result<Generated> {
    let mut names = Names::default();
    let module = rewrite(module, &mut names)?;
    let mut script = script.to_owned();
    for (index, name) in names.long.iter().enumerate() {
        let long = format!("{name}:");
        ensure!(script.contains(&long), "the script does not provide {name}");
        script = script.replace(&long, &format!("{}:", short(index)));
    }
    Ok(Generated { module, script })
}

fn short(index: usize) -> String {
    format!("i{index}")
}

/// The names that were replaced, in the order of their numbers.
#[derive(Default)]
struct Names {
    long: Vec<String>,
}

impl Reencode for Names {
    type Error = std::convert::Infallible;

    fn parse_imports(
        &mut self,
        section: &mut ImportSection,
        imports: Imports<'_>,
    ) -> Result<(), Error<Self::Error>> {
        for import in imports {
            let (_, Import { module, name, ty }) = import?;
            let ty = self.entity_type(ty)?;
            if name.starts_with(PREFIX) {
                section.import(module, &short(self.long.len()), ty);
                self.long.push(name.to_owned());
            } else {
                section.import(module, name, ty);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that imports the functions `__wbg_a_1` and `own` of the module `m`.
    const MODULE: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x17\x02\x01m\x09__wbg_a_1\0\0\x01m\x03own\0\0";

    #[test]
    fn names_of_the_generator_become_short_on_both_sides_and_others_stay() {
        let script = "const imports = { __wbg_a_1: function() {}, own: 1 };";
        let renamed = shorten(MODULE, script).expect("it is renamed");
        assert_eq!(renamed.script, "const imports = { i0: function() {}, own: 1 };");
        let text = String::from_utf8_lossy(&renamed.module);
        assert!(text.contains("i0") && text.contains("own") && !text.contains("__wb"));
    }

    #[test]
    fn a_script_of_another_module_is_refused() {
        let error = shorten(MODULE, "{ own: 1 }").err().expect("it lacks a function");
        assert!(error.to_string().contains("__wbg_a_1"), "{error}");
    }
}
