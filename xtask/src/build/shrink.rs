//! Makes a released page small.

use std::{collections::BTreeMap, fs, panic::resume_unwind, path::Path, process::Command, thread};

use anyhow::{Context, Result, ensure};
use infra::page_file::is_content_hash;
use serde::Deserialize;
use serde_json::json;
use walkdir::WalkDir;

use super::html::{Subresource, subresources};
use crate::{
    hash::{content_hash, integrity},
    step::step,
    tools::{Toolbox, ensure_release_tools},
};

/// The start of the names of the page's own script and module.
const PAGE: &str = "slipway-";

/// The worker's script, wasm-bindgen's script for it, and its module.
const WORKER: [&str; 3] = ["upload-worker.js", "worker.js", "worker_bg.wasm"];

/// What wasm-opt may use, as in `index.html`.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// The passes flatten the control flow and build it anew, which trunk's one pass does not; that saves a kilobyte. The
/// lowest kilobyte of memory is the far end of Rust's stack, which nothing points to, so that small offsets can be put
/// into loads and stores; that saves 300 bytes.
const PASSES: [&str; 10] = [
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    "--low-memory-unused",
    "--optimize-added-constants-propagate",
    "-Oz",
    "--strip-producers",
    "--minify-imports-and-exports-and-modules",
];

/// Makes the files that a page names small and returns the page, which names them anew: a name contains the hash of the
/// content.
pub(super) fn shrink(toolbox: &Toolbox, folder: &Path, html: &str) -> Result<String> {
    let tools = ensure_release_tools(toolbox)?;
    step("making the page small", || {
        let shrinking = Shrinking {
            toolbox,
            tools: &tools,
            folder,
        };
        // Each takes half a minute on one core.
        let (mut html, worker) = thread::scope(|scope| {
            let worker = scope.spawn(|| shrinking.shrink_worker());
            let html = shrinking.shrink_module(html)?;
            let worker = worker.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            anyhow::Ok((html, worker))
        })?;
        fetch_early(folder, &html, &worker)?;
        for file in subresources(&html) {
            if [".js", ".css"].iter().any(|end| file.path.ends_with(end)) {
                shrinking.esbuild(&file.path, &["--minify"])?;
                (html, _) = rename(folder, &file, &html)?;
            }
        }
        let html = without_indentation(&without_comments(&html));
        minify_languages(folder)?;
        fs::write(folder.join("index.html"), &html).context("the page cannot be written")?;
        Ok(html)
    })
}

/// Has the page's first script fetch the worker's module, so that it is in the cache when the worker starts, right after
/// the page has.
fn fetch_early(folder: &Path, html: &str, module: &str) -> Result<()> {
    let files = subresources(html);
    let early = files.iter().find(|file| file.path.starts_with("early"));
    let path = folder.join(&early.context("the page names no early script")?.path);
    let script = fs::read_to_string(&path)?;
    let fetch = format!("fetch(\"/{module}\",{{priority:\"low\"}}).then((module)=>module.blob());\n");
    fs::write(path, script + &fetch).context("the early script cannot be written")
}

/// The page without what is written for those who read its source (HTML Living Standard, "Comments").
fn without_comments(html: &str) -> String {
    let mut parts = html.split("<!--");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += part.split_once("-->").map_or("", |(_, after)| after);
    }
    text
}

/// The page without indentation and empty lines. The breaks between lines stay: they part words.
fn without_indentation(html: &str) -> String {
    let lines = html.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Writes the texts of the languages without white space around them, in the same order.
fn minify_languages(folder: &Path) -> Result<()> {
    for entry in WalkDir::new(folder.join("languages")) {
        let entry = entry.context("the languages cannot be read")?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path();
        let context = || path.display().to_string();
        let texts = fs::read(path).with_context(context)?;
        let mut minified = Vec::new();
        serde_transcode::transcode(
            &mut serde_json::Deserializer::from_slice(&texts),
            &mut serde_json::Serializer::new(&mut minified),
        )
        .with_context(context)?;
        fs::write(path, minified).with_context(context)?;
    }
    Ok(())
}

struct Shrinking<'a> {
    toolbox: &'a Toolbox<'a>,
    /// The folder of esbuild and binaryen's programs.
    tools: &'a Path,
    folder: &'a Path,
}

/// The names that wasm-opt has replaced: module, old and new name of an import; old and new name of an export.
#[derive(Deserialize)]
struct MinifiedNames {
    imports: Vec<(String, String, String)>,
    exports: Vec<(String, String)>,
}

impl Shrinking<'_> {
    /// Makes the page's script and module small, which depend on each other, and bundles wasm-bindgen's script into the
    /// one that starts the page.
    fn shrink_module(&self, html: &str) -> Result<String> {
        let files = subresources(html);
        let file = |end: &str| {
            let mut files = files.iter();
            let file = files.find(|file| file.path.starts_with(PAGE) && file.path.ends_with(end));
            file.with_context(|| format!("the page names no {PAGE}*{end}"))
        };
        let (bindings, module) = (file(".js")?, file(".wasm")?);
        let mut scripts = files.iter().filter(|file| file.path.ends_with(".js"));
        let starts_page = |file: &&Subresource| {
            let script = fs::read_to_string(self.folder.join(&file.path));
            script.is_ok_and(|script| script.contains(&module.path))
        };
        let start = scripts
            .find(starts_page)
            .context("no script of the page starts it")?;

        self.bundle(&start.path, &bindings.path, &module.path)?;
        let script = fs::read_to_string(self.folder.join(&start.path))?;
        self.remove_unused_exports(&module.path, &script)?;
        let names = self.optimise(&module.path)?;
        self.minify_script(&start.path, &names)?;
        let (html, renamed) = rename(self.folder, module, &without_link(html, &bindings.path))?;
        let script = self.folder.join(&start.path);
        let text = fs::read_to_string(&script)?.replace(&module.path, &renamed);
        fs::write(script, text)?;
        Ok(html)
    }

    /// Makes the worker's script and module small, in the same way. The script keeps its name, which the page knows, and the
    /// module gets one with its hash, which is returned.
    fn shrink_worker(&self) -> Result<String> {
        let [script, bindings, module] = WORKER;
        self.bundle_bindings(script, bindings)?;
        let text = fs::read_to_string(self.folder.join(script))?;
        self.remove_unused_exports(module, &text)?;
        let names = self.optimise(module)?;
        self.minify_script(script, &names)?;
        let bytes = fs::read(self.folder.join(module))?;
        let renamed = format!("worker-{}_bg.wasm", content_hash(&bytes));
        fs::rename(self.folder.join(module), self.folder.join(&renamed))?;
        let text = fs::read_to_string(self.folder.join(script))?;
        ensure!(text.contains(module), "{script} does not name {module}");
        fs::write(self.folder.join(script), text.replace(module, &renamed))?;
        Ok(renamed)
    }

    /// Replaces the script that starts the page by one that contains wasm-bindgen's, without what neither uses.
    ///
    /// wasm-bindgen writes a class, and exports for it, for each type that some library marks for it, such as those of
    /// Leptos's server functions. esbuild drops an unused class once it knows that two expressions have no effect: one is
    /// never evaluated without `Symbol.dispose`, the other is marked as pure.
    fn bundle(&self, start: &str, bindings: &str, module: &str) -> Result<()> {
        let text =
            format!("import init from './{bindings}';\nawait init({{ module_or_path: '/{module}' }});\n");
        fs::write(self.folder.join(start), text)?;
        self.bundle_bindings(start, bindings)
    }

    /// Puts wasm-bindgen's script into the one that imports it, and removes the file.
    fn bundle_bindings(&self, script: &str, bindings: &str) -> Result<()> {
        let bindings = self.folder.join(bindings);
        let registry = "new FinalizationRegistry(";
        let text = fs::read_to_string(&bindings)?.replace(registry, &format!("/* @__PURE__ */ {registry}"));
        fs::write(&bindings, text)?;
        self.esbuild(
            script,
            &[
                "--bundle",
                "--format=esm",
                "--minify-syntax",
                "--define:Symbol.dispose=undefined",
            ],
        )?;
        fs::remove_file(bindings)?;
        Ok(())
    }

    /// Removes the exports that the script does not use. To an optimiser an export is never unused.
    fn remove_unused_exports(&self, module: &str, script: &str) -> Result<()> {
        let nodes = used_exports(script).map(|name| json!({"name": name, "export": name, "root": true}));
        let graph = self.folder.join(format!("{module}.graph.json"));
        fs::write(&graph, json!(nodes.collect::<Vec<_>>()).to_string())?;
        self.binaryen("wasm-metadce", module, |command| {
            command.arg("--graph-file").arg(&graph);
        })?;
        fs::remove_file(graph)?;
        Ok(())
    }

    /// Optimises the module and gives its imports and exports short names. The names that wasm-bindgen gives them
    /// contain hashes, which do not compress: seven kilobytes.
    fn optimise(&self, module: &str) -> Result<MinifiedNames> {
        let output = self.binaryen("wasm-opt", module, |command| {
            command.args(PASSES);
        })?;
        let names = output.find('{').context("wasm-opt prints no names")?;
        let names: MinifiedNames =
            serde_json::from_str(&output[names..]).context("wasm-opt's names are not known here")?;
        let module = names.imports.first().map(|(module, ..)| module);
        ensure!(
            names.imports.iter().all(|(other, ..)| Some(other) == module),
            "the page imports from several modules, which wasm-opt gives the same name"
        );
        Ok(names)
    }

    /// Minifies a script, and replaces in it the names of what the module imports and exports.
    fn minify_script(&self, script: &str, names: &MinifiedNames) -> Result<()> {
        let cache = self.folder.join(format!("{script}.names.json"));
        let new_names = names.new_names();
        fs::write(&cache, json!(new_names).to_string())?;
        let patterns: Vec<String> = new_names.keys().map(|name| name.replace('.', r"\.")).collect();
        let pattern = format!("--mangle-props=^({})$", patterns.join("|"));
        let cache_option = format!("--mangle-cache={}", cache.display());
        self.esbuild(
            script,
            &[
                "--minify",
                "--format=esm",
                "--mangle-quoted",
                &pattern,
                &cache_option,
            ],
        )?;
        fs::remove_file(cache)?;
        Ok(())
    }

    /// Runs esbuild on a file of the page and replaces the file.
    fn esbuild(&self, file: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.tools.join("esbuild"));
        command
            .current_dir(self.folder)
            .args(["--allow-overwrite", "--log-level=warning"])
            .args(arguments)
            .arg(file)
            .arg(format!("--outfile={file}"));
        self.toolbox.run("esbuild", &mut command)
    }

    /// Runs a program of binaryen's on a module of the page, replaces the module, and returns what the program prints.
    fn binaryen(&self, program: &str, module: &str, arguments: impl FnOnce(&mut Command)) -> Result<String> {
        let mut command = Command::new(self.tools.join(program));
        command.current_dir(self.folder).args(FEATURES).arg(module);
        arguments(&mut command);
        self.toolbox.output(program, command.args(["-o", module]))
    }
}

impl MinifiedNames {
    /// The new name of each import, export and module. wasm-opt calls every module `a`.
    fn new_names(&self) -> BTreeMap<&str, &str> {
        let imports = self.imports.iter();
        let imports = imports.flat_map(|(module, old, new)| [(module.as_str(), "a"), (old, new)]);
        let exports = self.exports.iter().map(|(old, new)| (old.as_str(), new.as_str()));
        imports.chain(exports).collect()
    }
}

/// The exports of the module that wasm-bindgen's script uses: properties of `wasm`.
fn used_exports(script: &str) -> impl Iterator<Item = &str> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
    let uses = script.split("wasm.").skip(1).filter_map(move |rest| {
        let end = rest.bytes().position(|byte| !is_name(byte));
        rest.get(..end.unwrap_or(rest.len()))
    });
    let names: std::collections::BTreeSet<&str> = uses.filter(|name| !name.is_empty()).collect();
    names.into_iter()
}

/// A page without the `<link>` that names a file.
fn without_link(html: &str, path: &str) -> String {
    let Some(position) = html.find(&format!("href=\"/{path}\"")) else {
        return html.to_owned();
    };
    let (before, after) = html.split_at(position);
    let start = before.rfind('<').unwrap_or(position);
    let end = after.find('>').map_or(0, |end| end + 1);
    format!("{}{}", &before[..start], &after[end..])
}

/// Renames a file after its new content, in the folder and in the page. Returns the page and the new name.
fn rename(folder: &Path, file: &Subresource, html: &str) -> Result<(String, String)> {
    let bytes = fs::read(folder.join(&file.path)).with_context(|| format!("{} is missing", file.path))?;
    let renamed = new_name(&file.path, &bytes);
    fs::rename(folder.join(&file.path), folder.join(&renamed))?;
    let html = html.replace(&file.path, &renamed);
    let html = match &file.integrity {
        Some(stated) => html.replace(stated, &integrity(&bytes)),
        None => html,
    };
    Ok((html, renamed))
}

/// The name with the hash of this content instead of the old one: `a-0123_bg.wasm` becomes `a-4567_bg.wasm`.
fn new_name(name: &str, bytes: &[u8]) -> String {
    let old = name.split(['-', '_', '.']).find(|part| is_content_hash(part));
    old.map_or_else(|| name.to_owned(), |old| name.replace(old, &content_hash(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loses_its_comments_and_nothing_else() {
        for (html, expected) in [
            ("", ""),
            ("<p>a</p>", "<p>a</p>"),
            ("<!-- a -->\n<p>b</p><!-- <p>c</p> -->", "\n<p>b</p>"),
            ("<p>a</p><!-- open", "<p>a</p>"),
        ] {
            assert_eq!(without_comments(html), expected, "{html}");
        }
    }

    #[test]
    fn exports_are_used_as_properties_of_wasm() {
        let script =
            "let wasm; wasm.memory.buffer; wasm.__wbindgen_free(wasm.sink_new$1(), 1); ptr => wasm.memory";
        let names: Vec<&str> = used_exports(script).collect();
        assert_eq!(names, ["__wbindgen_free", "memory", "sink_new$1"]);
    }

    #[test]
    fn new_names_are_read_from_what_wasm_opt_prints() {
        let names = r#"{"imports": [["./x_bg.js", "__wbg_a_1", "a"]], "exports": [["memory", "c"]]}"#;
        let names: MinifiedNames = serde_json::from_str(names).expect("names");
        let expected = [("./x_bg.js", "a"), ("__wbg_a_1", "a"), ("memory", "c")];
        assert_eq!(names.new_names(), expected.into());
    }

    #[test]
    fn a_link_is_removed_and_the_rest_stays() {
        let html = r#"<link href="/a.css"><link rel="modulepreload" href="/b.js" integrity="c"/><p>"#;
        assert_eq!(without_link(html, "b.js"), r#"<link href="/a.css"><p>"#);
        assert_eq!(without_link(html, "d.js"), html);
    }

    #[test]
    fn lines_keep_their_breaks_and_lose_their_indentation() {
        let html = "<p>\n    a\n\n    <b>c</b>\n</p>";
        assert_eq!(without_indentation(html), "<p>\na\n<b>c</b>\n</p>\n");
    }

    #[test]
    fn a_name_gets_the_hash_of_the_content_if_it_has_one() {
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
