//! `limits.toml` lists what a browser or an S3 service cannot do; these tests check the list.

use std::{env, fs, process::Command};

use anyhow::{Context, Result, ensure};
use e2e::{Kind, with_page};
use serde::Deserialize;

#[derive(Deserialize)]
struct Limits {
    limit: Vec<Limit>,
}

#[derive(Deserialize)]
struct Limit {
    #[serde(default)]
    browsers: Vec<Kind>,
    tests: Vec<String>,
    /// A JavaScript expression that is true in browsers that have the limit, and false in others.
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

/// A filter leaves out every flow whose name contains it, so no other flow's name may.
#[test]
fn each_limit_leaves_out_exactly_the_flows_that_it_names() -> Result<()> {
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
async fn the_browser_has_exactly_the_limits_that_are_listed_for_it() -> Result<()> {
    with_page(async |scenario, _| {
        let browser = scenario.browser();
        for limit in limits()? {
            let Some(probe) = &limit.probe else { continue };
            let is_listed = limit.browsers.contains(&browser.kind());
            let script = format!("return {probe};");
            let holds = browser.client().execute(&script, Vec::new()).await?;
            ensure!(holds == is_listed, "{probe} is {holds}: {:?}", limit.tests);
        }
        Ok(())
    })
    .await
}
