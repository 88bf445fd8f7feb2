//! The bucket's two addresses, where both can be reached and where one cannot.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use e2e::{Page, Scenario, content_security_policy, page_folder, with_page};
use serde_json::json;

/// No more than the list shows at once.
const SMALL_FILES: usize = 8;

/// Picks a file that goes up in parts and files that go up whole, waits until S3 has them all, and gives how many
/// PUTs that stored something each host had.
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

/// Everything arrives, and all of it by one host.
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
async fn where_the_second_endpoint_is_out_of_reach_everything_goes_to_the_first() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .browser()
            .expect_console_errors("Failed to load resource");
        scenario.stack().stop_second_s3().await;
        uploads_by_one_host(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_policy_does_not_name_the_second_endpoint_everything_goes_to_the_first() -> Result<()> {
    with_page(async |scenario, _| {
        scenario
            .browser()
            .expect_console_errors("Content Security Policy");
        let policy = content_security_policy(&scenario.api(), &scenario.s3());
        let (site, url) = scenario.serve_elsewhere(&page_folder()?, &policy)?;
        site.set_settings(&json!({ "apiUrl": scenario.api(), "secondEndpoint": true }));
        let page = Page::open(scenario.browser().client(), &url).await?;
        uploads_by_one_host(scenario, &page).await
    })
    .await
}
