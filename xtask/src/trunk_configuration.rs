//! Trunk's configuration for one run of `cargo xtask serve`: the checkout's, with this run's folder
//! and API.

use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::npm::SignInLibrary;

/// Rewrites a `Trunk.toml` of the folder `root` so that it can lie elsewhere, builds into `dist`, and
/// passes the first proxy's requests to `api`, such as `http://127.0.0.1:9001`.
///
/// # Errors
/// Where the configuration is no TOML, or lacks one of the entries to rewrite.
pub(crate) fn relocate(text: &str, root: &Path, dist: &Path, api: &str) -> Result<String> {
    let mut configuration: Table = text.parse().context("Trunk.toml is no TOML")?;
    let missing = |entry: &str| format!("Trunk.toml has no {entry}");

    let build = table(&mut configuration, "build").with_context(|| missing("[build]"))?;
    let target = build.get_mut("target").with_context(|| missing("build.target"))?;
    make_absolute(target, root)?;
    build.insert("dist".to_owned(), path_value(dist)?);

    let watched = table(&mut configuration, "watch")
        .and_then(|watch| watch.get_mut("watch"))
        .and_then(Value::as_array_mut)
        .with_context(|| missing("watch.watch"))?;
    for path in watched {
        make_absolute(path, root)?;
    }

    let proxy = configuration
        .get_mut("proxy")
        .and_then(Value::as_array_mut)
        .and_then(|proxies| proxies.first_mut())
        .and_then(Value::as_table_mut)
        .with_context(|| missing("[[proxy]]"))?;
    proxy.insert("backend".to_owned(), Value::from(api));
    Ok(configuration.to_string())
}

/// Makes trunk put the page's sign-in library beside each page that it builds.
///
/// # Errors
/// Where the configuration is no TOML, or the library's path no UTF-8.
pub(crate) fn with_sign_in_library(text: &str, library: &SignInLibrary) -> Result<String> {
    let mut configuration: Table = text.parse().context("Trunk.toml is no TOML")?;
    let arguments = [
        Value::from("-c"),
        Value::from(r#"cp "$0" "$TRUNK_STAGING_DIR/$1""#),
        path_value(&library.path)?,
        Value::from(library.name.as_str()),
    ];
    let mut hook = Table::new();
    hook.insert("stage".to_owned(), Value::from("post_build"));
    hook.insert("command".to_owned(), Value::from("sh"));
    hook.insert("command_arguments".to_owned(), Value::from(arguments.to_vec()));
    let hooks = configuration
        .entry("hooks")
        .or_insert_with(|| Value::Array(Vec::new()));
    let hooks = hooks.as_array_mut().context("hooks of Trunk.toml is no array")?;
    hooks.push(Value::from(hook));
    Ok(configuration.to_string())
}

fn table<'a>(configuration: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    configuration.get_mut(name)?.as_table_mut()
}

fn make_absolute(path: &mut Value, root: &Path) -> Result<()> {
    let relative = path.as_str().context("Trunk.toml has a path that is no text")?;
    *path = path_value(&root.join(relative))?;
    Ok(())
}

fn path_value(path: &Path) -> Result<Value> {
    let text = path
        .to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURATION: &str = r#"
        [build]
        target = "index.html"
        dist = "dist"
        [tools]
        wasm_bindgen = "1.2.3"
        [watch]
        watch = ["src", "Cargo.toml"]
        [[proxy]]
        rewrite = "/api"
        backend = "http://127.0.0.1:9001"
    "#;

    fn rewritten(text: &str) -> Result<Table> {
        let text = relocate(
            text,
            Path::new("/checkout"),
            Path::new("/run/dist"),
            "http://127.0.0.1:7",
        )?;
        Ok(text.parse().expect("TOML comes out"))
    }

    #[test]
    fn paths_become_absolute_and_the_rest_stays() {
        let expected: Table = r#"
            [build]
            target = "/checkout/index.html"
            dist = "/run/dist"
            [tools]
            wasm_bindgen = "1.2.3"
            [watch]
            watch = ["/checkout/src", "/checkout/Cargo.toml"]
            [[proxy]]
            rewrite = "/api"
            backend = "http://127.0.0.1:7"
        "#
        .parse()
        .expect("TOML");
        assert_eq!(rewritten(CONFIGURATION).expect("a configuration"), expected);
    }

    #[test]
    fn a_configuration_without_a_proxy_is_refused() {
        let text = CONFIGURATION.replace("[[proxy]]", "[[other]]");
        let error = rewritten(&text).expect_err("it has no proxy");
        assert!(error.to_string().contains("[[proxy]]"), "{error}");
    }

    #[test]
    fn the_sign_in_library_is_copied_after_each_build() {
        let library = SignInLibrary {
            path: "/cache/index.js".into(),
            name: "library-1.js".to_owned(),
        };
        let text = with_sign_in_library(CONFIGURATION, &library).expect("a configuration");
        let configuration: Table = text.parse().expect("TOML");
        let hook = &configuration["hooks"][0];
        assert_eq!(hook["stage"].as_str(), Some("post_build"));
        assert_eq!(hook["command_arguments"][2].as_str(), Some("/cache/index.js"));
        assert_eq!(hook["command_arguments"][3].as_str(), Some("library-1.js"));
    }

    #[test]
    fn the_checkout_has_all_that_is_rewritten() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = std::fs::read_to_string(root.join("Trunk.toml")).expect("Trunk.toml");
        rewritten(&text).expect("the checkout's configuration");
    }
}
