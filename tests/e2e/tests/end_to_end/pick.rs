//! Files picked or dropped in the browser arrive in S3 unchanged.

use anyhow::Result;
use e2e::{Page, Row, Scenario, SourceFile, with_page};

/// Slow enough to watch files of some mebibytes for seconds.
const SLOW_BYTES_PER_SECOND: u64 = 1 << 20;

/// Picks files of these names and sizes and checks that S3 has exactly their bytes.
async fn check(scenario: &Scenario, page: &Page, files: &[(&str, usize)]) -> Result<()> {
    let files = sources(scenario, files)?;
    page.pick(&files).await?;
    assert_all_stored(scenario, page, &files).await
}

fn sources(scenario: &Scenario, files: &[(&str, usize)]) -> Result<Vec<SourceFile>> {
    files
        .iter()
        .map(|(name, size)| scenario.files.add(name, *size))
        .collect()
}

async fn assert_all_stored(scenario: &Scenario, page: &Page, files: &[SourceFile]) -> Result<()> {
    page.wait_until_stored(files.len()).await?;
    let rows = page.rows().await?;
    let mut shown: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let mut named: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    shown.sort_unstable();
    named.sort_unstable();
    assert_eq!(shown, named);

    let mut sent: Vec<&[u8]> = files.iter().map(|file| file.bytes.as_slice()).collect();
    sent.sort_unstable();
    // Not assert_eq: nobody wants to read megabytes of random bytes.
    assert!(
        scenario.stored_files()? == sent,
        "S3 has other bytes than were sent"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_is_stored_as_it_was_picked() -> Result<()> {
    with_page(async |scenario, page| check(scenario, page, &[("notes.txt", 12_345)]).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_are_sent_at_the_same_time() -> Result<()> {
    with_page(async |scenario, page| {
        scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND / 2));
        let files = [
            ("holiday.jpg", 7_400_000),
            ("interview.mp3", 9_100_000),
            ("budget 2026.xlsx", 48_000),
            ("readme.md", 1_337),
        ];
        let files = sources(scenario, &files)?;
        page.pick(&files).await?;
        page.wait_for("two files to be on their way while two are stored", |rows| {
            let stored = rows.iter().filter(|row| row.state == "stored").count();
            let is_on_its_way = |row: &&Row| row.state == "sending" && row.progress > Some(0.3);
            (stored == 2 && rows.iter().filter(is_on_its_way).count() == 2).then_some(())
        })
        .await?;
        scenario.save_screenshot("upload-page").await?;
        scenario.set_bytes_per_second(None);
        assert_all_stored(scenario, page, &files).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_stored() -> Result<()> {
    with_page(async |scenario, page| check(scenario, page, &[("empty", 0)]).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_mebibytes_of_random_bytes_are_stored() -> Result<()> {
    with_page(async |scenario, page| check(scenario, page, &[("random.bin", 15 << 20)]).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_difficult_names_are_stored() -> Result<()> {
    with_page(async |scenario, page| {
        let files = [
            ("two  spaces and a dot .txt", 101),
            ("number #1.txt", 102),
            ("a+b=c.txt", 103),
            ("100 % (%2F%00).txt", 104),
            ("تقرير سنوي.pdf", 105),
            ("family 👨‍👩‍👧.png", 106),
            ("quote\"and'and`.txt", 107),
        ];
        check(scenario, page, &files).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_the_same_name_and_size_are_both_stored() -> Result<()> {
    with_page(async |scenario, page| {
        let file = scenario.files.add("twice.txt", 2_000)?;
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_until_stored(1).await?;
        page.pick(std::slice::from_ref(&file)).await?;
        assert_all_stored(scenario, page, &[file.clone(), file]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_files_are_stored() -> Result<()> {
    with_page(async |scenario, page| {
        let files = sources(scenario, &[("dropped.txt", 3_000), ("and another #2.txt", 0)])?;
        page.drop_files(&files).await?;
        assert_all_stored(scenario, page, &files).await
    })
    .await
}
