//! Taking out what a page's module offers to scripts and no script uses.
//!
//! wasm-bindgen makes a class in the script, and exports in the WebAssembly, for each type that some
//! library marks for it. An export is never dead to an optimiser, so that code of Leptos's server functions,
//! which the page has none of, would weigh kilobytes.

use anyhow::{Result, ensure};
use wasm_encoder::{
    ExportSection,
    reencode::{Error, Reencode},
};
use wasmparser::ExportSectionReader;

use crate::generated::{Generated, rewrite};

/// What opens a class in the script that wasm-bindgen writes.
const CLASS: &str = "export class ";

/// Takes every class out of a script that is only ever started, and its exports out of the module.
///
/// # Errors
/// Where it is no module, or the script names a class in another way than is known here.
pub(crate) fn remove(module: &[u8], script: &str) -> Result<Generated> {
    let classes: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix(CLASS)?.strip_suffix(" {"))
        .collect();
    let script = without(script, &classes);
    for class in &classes {
        ensure!(!script.contains(class), "the script still names {class}");
    }
    let mut exports = Exports {
        of: classes.iter().map(|class| class.to_lowercase()).collect(),
    };
    let module = rewrite(module, &mut exports)?;
    Ok(Generated { module, script })
}

/// The statements of the script that are about none of the classes. A statement ends with the line before
/// the next one that is not indented.
fn without(script: &str, classes: &[&str]) -> String {
    let mut kept = String::new();
    let mut dropping = false;
    for line in script.lines() {
        let begins = !line.starts_with([' ', '}']);
        if begins {
            dropping = classes.iter().any(|class| line.contains(class));
        }
        if !dropping {
            kept += line;
            kept += "\n";
        }
    }
    kept
}

struct Exports {
    /// The classes whose exports are dropped, in lower case.
    of: Vec<String>,
}

impl Exports {
    fn belongs(&self, name: &str) -> bool {
        let name = name.strip_prefix("__wbg_").unwrap_or(name);
        self.of.iter().any(|class| {
            name.strip_prefix(class.as_str())
                .is_some_and(|rest| rest.starts_with('_'))
        })
    }
}

impl Reencode for Exports {
    type Error = std::convert::Infallible;

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        for export in section {
            let export = export?;
            if !self.belongs(export.name) {
                self.parse_export(exports, export)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
export class Sink {
    free() {
    }
}
if (Symbol.dispose) Sink.prototype[Symbol.dispose] = Sink.prototype.free;

function start() {
    return 1;
}
const SinkFinalization = (typeof FinalizationRegistry === 'undefined')
    ? {}
    : new FinalizationRegistry(ptr => wasm.__wbg_sink_free(ptr, 1));
export { start as default };
";

    /// A module with one function, exported as `sink_close`, `__wbg_sink_free`, `sinks` and `main`.
    fn module() -> Vec<u8> {
        use wasm_encoder::{CodeSection, ExportKind, Function, FunctionSection, Module, TypeSection};
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut exports = ExportSection::new();
        for name in ["sink_close", "__wbg_sink_free", "sinks", "main"] {
            exports.export(name, ExportKind::Func, 0);
        }
        let mut body = Function::new([]);
        body.instructions().end();
        let mut code = CodeSection::new();
        code.function(&body);
        let mut module = Module::new();
        module
            .section(&types)
            .section(&functions)
            .section(&exports)
            .section(&code);
        module.finish()
    }

    #[test]
    fn classes_go_from_the_script_and_the_module_and_the_rest_stays() {
        let cut = remove(&module(), SCRIPT).expect("it is cut");
        assert_eq!(
            cut.script,
            "\nfunction start() {\n    return 1;\n}\nexport { start as default };\n"
        );
        let text = String::from_utf8_lossy(&cut.module);
        assert!(!text.contains("sink_close") && !text.contains("__wbg_sink_free"));
        assert!(text.contains("sinks") && text.contains("main"));
    }

    #[test]
    fn a_class_that_other_code_uses_is_an_error() {
        let script = "export class Sink {\n}\nfunction start() {\n    return new Sink();\n}\n";
        let error = remove(&module(), script).err().expect("it is used");
        assert!(error.to_string().contains("Sink"), "{error}");
    }
}
