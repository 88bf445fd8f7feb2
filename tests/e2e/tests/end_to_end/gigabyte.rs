//! A file that is larger than the memory that the tab may use.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{Kind, with_page_for, write_large_file};

const GIBIBYTE: u64 = 1 << 30;

/// Less than the file, and enough for what the tab of a development build needs anyway and for the parts
/// in flight. Chromium releases the memory of a part at once; the others wait for their garbage collector.
fn max_memory(kind: Kind) -> u64 {
    match kind {
        Kind::Chromium => 600 << 20,
        Kind::Firefox | Kind::WebKit => 900 << 20,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_arrives_whole_and_the_tab_stays_small() -> Result<()> {
    with_page_for(Duration::from_secs(600), async |scenario, page| {
        let path = scenario.files.path("gibibyte.bin");
        write_large_file(&path, GIBIBYTE)?;
        page.pick_paths(&[&path]).await?;
        page.wait_long_for_state("stored", Duration::from_secs(540))
            .await?;

        let peak = scenario.browser().peak_tab_memory()?;
        println!("the tab's peak was {} MiB", peak >> 20);
        ensure!(
            peak < max_memory(scenario.browser().kind()),
            "the tab had {} MiB",
            peak >> 20
        );
        scenario.check_only_object(&path)
    })
    .await
}
