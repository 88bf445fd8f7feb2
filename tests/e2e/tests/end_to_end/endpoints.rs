//! The bucket's two endpoints, with both reachable or only one.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use e2e::{Page, Scenario, content_security_policy, path_of, with_page, with_scenario};
use serde_json::json;

/// Not more than the list shows at once.
const SMALL_FILES: usize = 8;

/// Picks a file that is uploaded in parts and files that are uploaded whole, waits until S3 has them all, and
/// returns how many successful PUTs each host got.
async fn upload(scenario: &Scenario, page: &Page) -> Result<BTreeMap<String, usize>> {
    let mut files = vec![scenario.files.add("film.mp4", 40 * 1024 * 1024)?];
    for number in 0..SMALL_FILES {
        files.push(scenario.files.add(&format!("{number}.txt"), 10_000)?);
    }
    page.pick(&files).await?;
    page.wait_until_stored(files.len()).await?;
    ensure!(
        scenario.stored_files()?.len() == files.len(),
        "something is missing or there twice"
    );
    let mut hosts = BTreeMap::new();
    for request in scenario.controls().s3_requests() {
        if request.method == "PUT" && request.status == 200 {
            *hosts.entry(request.host).or_default() += 1;
        }
    }
    Ok(hosts)
}

/// Checks that everything arrives, and all of it through one host.
async fn uploads_by_one_host(scenario: &Scenario, page: &Page) -> Result<()> {
    let hosts = upload(scenario, page).await?;
    ensure!(hosts.len() == 1, "{hosts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_endpoints_get_their_share() -> Result<()> {
    with_page(async |scenario, page| {
        let hosts = upload(scenario, page).await?;
        ensure!(hosts.len() == 2, "{hosts:?}");
        ensure!(hosts.values().all(|puts| *puts >= SMALL_FILES / 4), "{hosts:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_second_endpoint_leaves_all_to_the_first() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.expect_console_errors("Failed to load resource");
        scenario.stack().stop_second_s3().await;
        uploads_by_one_host(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_endpoint_that_the_policy_forbids_is_not_used() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.expect_console_errors("Content Security Policy");
        let policy = content_security_policy(&scenario.api(), &scenario.s3());
        let (site, url) = scenario.serve_elsewhere(&path_of("SLIPWAY_PAGE")?, &policy)?;
        site.set_settings(&json!({ "apiUrl": scenario.api(), "secondEndpoint": true }));
        let page = Page::open(scenario.client(), &url).await?;
        uploads_by_one_host(scenario, &page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_first_endpoint_leaves_all_to_the_second() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.expect_console_errors("Content Security Policy");
        // In a network with IPv6 alone, only the dual-stack endpoint can be reached.
        let second = scenario.stack().second_s3_url();
        let policy = content_security_policy(&scenario.api(), &second);
        let (site, url) = scenario.serve_elsewhere(&path_of("SLIPWAY_PAGE")?, &policy)?;
        site.set_settings(&json!({
            "apiUrl": scenario.api(),
            "secondEndpoint": true,
            "backoffMilliseconds": 100,
        }));
        let page = Page::open(scenario.client(), &url).await?;
        uploads_by_one_host(scenario, &page).await
    })
    .await
}
