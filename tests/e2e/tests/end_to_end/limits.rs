//! What a browser or an S3 service cannot do is listed in `limits.toml`; the list is true.

use std::{env, fs, process::Command};

use anyhow::{Context, Result, ensure};
use e2e::with_page;
use serde::Deserialize;

#[derive(Deserialize)]
struct Limits {
    limit: Vec<Limit>,
}

#[derive(Deserialize)]
struct Limit {
    #[serde(default)]
    browsers: Vec<String>,
    tests: Vec<String>,
    /// An expression in the page's script that is true where the limit is, and false elsewhere.
    probe: Option<String>,
}

fn limits() -> Result<Vec<Limit>> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/limits.toml"))?;
    let limits: Limits = toml::from_str(&text).context("limits.toml")?;
    Ok(limits.limit)
}

/// The names of all flows, as this program lists them.
fn flows() -> Result<Vec<String>> {
    let listed = Command::new(env::current_exe()?)
        .args(["--list", "--format", "terse"])
        .output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}

/// A filter leaves out every flow in whose name it occurs, so it has to occur in no other than those it means.
#[test]
fn each_limit_leaves_out_the_flows_that_it_names_and_no_others() -> Result<()> {
    let flows = flows()?;
    for name in limits()?.iter().flat_map(|limit| &limit.tests) {
        let is_meant = |flow: &&String| match name.ends_with("::") {
            true => flow.starts_with(name),
            false => *flow == name,
        };
        let meant: Vec<&String> = flows.iter().filter(is_meant).collect();
        let left_out: Vec<&String> = flows.iter().filter(|flow| flow.contains(name)).collect();
        ensure!(!meant.is_empty(), "there is no flow {name}");
        ensure!(left_out == meant, "{name} leaves out {left_out:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_has_the_limits_that_are_listed_for_it_and_those_of_no_other() -> Result<()> {
    with_page(async |scenario, _| {
        let browser = scenario.browser();
        for limit in limits()? {
            let Some(probe) = &limit.probe else { continue };
            let is_listed = limit.browsers.iter().any(|name| name == browser.kind().name());
            let script = format!("return {probe};");
            let holds = browser.client().execute(&script, Vec::new()).await?;
            ensure!(holds == is_listed, "{probe} is {holds}: {:?}", limit.tests);
        }
        Ok(())
    })
    .await
}
