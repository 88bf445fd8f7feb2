//! Services that take less than Amazon S3 does, and the settings by which the page gets on with them.

use anyhow::{Result, ensure};
use e2e::{Scenario, with_page};

/// Sent in nine parts, of which the later ones would be larger on a fast network.
const LARGE: usize = 70 << 20;

/// Sent as one PutObject.
const SMALL: usize = 1 << 20;

async fn set(scenario: &mut Scenario, variables: &[(&str, &str)]) -> Result<()> {
    let variables = variables.iter();
    let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    scenario.stack().set_lambda_variables(variables.collect()).await
}

/// Uploads a large and a small file, and checks that each is stored as it was.
async fn are_stored(scenario: &Scenario, page: &e2e::Page) -> Result<()> {
    let files = [
        scenario.files.add("large.bin", LARGE)?,
        scenario.files.add("small.bin", SMALL)?,
    ];
    page.pick(&files).await?;
    page.wait_until_stored(2).await?;
    let stored = scenario.stored_files()?;
    ensure!(stored.len() == 2, "{} objects", stored.len());
    for file in files {
        ensure!(stored.contains(&file.bytes), "{} is not as it was", file.name);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_wants_parts_of_one_size_gets_them() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.controls().set_s3_equal_parts(true);
        set(scenario, &[("PART_SIZES", "constant")]).await?;
        are_stored(scenario, page).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_conditions_and_checksums_is_sent_none() -> Result<()> {
    with_page(async |scenario, page| {
        scenario
            .controls()
            .set_s3_refused_headers(&["if-none-match", "x-amz-checksum-"]);
        set(scenario, &[("CONDITIONAL_WRITES", "off"), ("CHECKSUMS", "off")]).await?;
        are_stored(scenario, page).await
    })
    .await
}
