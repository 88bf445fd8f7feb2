//! Programs that nobody here wrote upload to the local S3, and what is on the disk is compared with what
//! they sent.

mod client;
mod fixture;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use lambda_api::Deployment;
use local::BUCKET;
use serde_json::{Value, json};

use client::{aws, curl, curl_status, rclone, regional_endpoints, transfer_manager};
use fixture::{Fixture, MULTIPART_BYTES, PART_BYTES};

/// Uploads files of several sizes by `upload` and compares them, and checks how many of them went in parts.
async fn check(multipart: usize, upload: impl AsyncFn(&Fixture, &str, &str) -> Result<()>) -> Result<()> {
    let fixture = Fixture::start().await?;
    for (name, size) in [
        ("empty", 0),
        ("small.txt", 1_000),
        ("in parts.bin", MULTIPART_BYTES),
    ] {
        let path = fixture.write(name, size)?;
        let key = format!("uploads/{name}");
        upload(&fixture, &path, &key).await?;
        fixture.check_stored(&key, &path)?;
    }
    ensure!(
        fixture.multipart_uploads() == multipart,
        "{} files went in parts",
        fixture.multipart_uploads()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_s3_cp_uploads_and_downloads_any_size() -> Result<()> {
    check(1, async |fixture, path, key| {
        let object = format!("s3://{BUCKET}/{key}");
        aws(fixture, &["s3", "cp", "--no-progress", path, &object]).await?;
        let back = format!("{path}.back");
        aws(fixture, &["s3", "cp", "--no-progress", &object, &back]).await?;
        fixture.check_stored(key, &back)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_s3_cp_brings_a_folder_back_as_it_was() -> Result<()> {
    let fixture = Fixture::start().await?;
    let names = [
        "plain.txt",
        "a b+c (1).txt",
        "100% & more; it's #1.txt",
        "تقرير 📎.pdf",
    ];
    let sent = fixture.folder("sent", &names)?;
    let prefix = format!("s3://{BUCKET}/uploads/a folder+");
    let copy = ["s3", "cp", "--recursive", "--no-progress"];
    aws(&fixture, &[&copy, &*vec![&*sent, &prefix]].concat()).await?;
    let back = format!("{sent}.back");
    aws(&fixture, &[&copy, &*vec![&*prefix, &back]].concat()).await?;
    for name in names {
        let read = |folder: &str| fs::read(Path::new(folder).join("inner").join(name));
        ensure!(read(&sent)? == read(&back)?, "{name} came back with other bytes");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_s3api_uploads_in_parts_with_checksums() -> Result<()> {
    const KEY: &str = "uploads/by-hand.bin";
    let fixture = Fixture::start().await?;
    let path = fixture.write("by-hand.bin", MULTIPART_BYTES)?;
    let call = async |operation: &str, arguments: &[&str]| {
        let target = [
            "s3api", operation, "--output", "json", "--bucket", BUCKET, "--key", KEY,
        ];
        let text = aws(&fixture, &[&target, arguments].concat()).await?;
        serde_json::from_str::<Value>(&text).with_context(|| format!("{operation}: {text:?}"))
    };

    let created = call("create-multipart-upload", &["--checksum-algorithm", "SHA256"]).await?;
    let id = created["UploadId"].as_str().context("no upload id")?;
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(fixture.split(&path)?) {
        let (number_text, piece) = (number.to_string(), piece.as_str());
        let arguments = ["--upload-id", id, "--part-number", &number_text, "--body", piece];
        let part = call(
            "upload-part",
            &[&arguments[..], &["--checksum-algorithm", "SHA256"]].concat(),
        )
        .await?;
        parts.push(json!({
            "PartNumber": number,
            "ETag": part["ETag"],
            "ChecksumSHA256": part["ChecksumSHA256"],
        }));
    }
    let listed = call("list-parts", &["--upload-id", id]).await?;
    let listed = listed["Parts"].as_array().context("no parts")?;
    let is_same = |(listed, sent): (&Value, &Value)| listed["ChecksumSHA256"] == sent["ChecksumSHA256"];
    ensure!(
        listed.len() == parts.len() && listed.iter().zip(&parts).all(is_same),
        "{listed:?}"
    );

    let parts = json!({ "Parts": parts }).to_string();
    call(
        "complete-multipart-upload",
        &["--upload-id", id, "--multipart-upload", &parts],
    )
    .await?;
    fixture.check_stored(KEY, &path)
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_uploads_and_downloads_any_size() -> Result<()> {
    check(1, async |fixture, path, key| {
        let remote = format!("local:{BUCKET}/{key}");
        rclone(fixture, &["copyto", path, &remote]).await?;
        let back = format!("{path}.back");
        rclone(fixture, &["copyto", &remote, &back]).await?;
        fixture.check_stored(key, &back)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3s_transfer_manager_uploads_any_size() -> Result<()> {
    check(1, async |fixture, path, key| {
        let part_bytes = PART_BYTES.to_string();
        transfer_manager(fixture, &[&fixture.s3(), BUCKET, &part_bytes, path, key]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_uploads_by_a_plain_presigned_url_once() -> Result<()> {
    check(0, async |fixture, path, key| {
        let url = format!("{}/presign", fixture.api());
        let query = format!("key={key}");
        let answer = curl(&["--get", &url, "--data-urlencode", &query]).await?;
        let answer: Value = serde_json::from_str(&answer)?;
        let url = answer["uploadURL"].as_str().context("no uploadURL")?;
        ensure!(curl_status(&["--upload-file", path, url]).await? == "200");
        ensure!(curl_status(&["--upload-file", path, url]).await? == "412");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_region_of_boto3_is_addressed_as_boto3_does() -> Result<()> {
    let endpoints: BTreeMap<String, String> = serde_json::from_str(&regional_endpoints().await?)?;
    ensure!(endpoints.len() > 30, "{endpoints:?}");
    for (region, endpoint) in endpoints {
        let deployment = Deployment::from_variables(&|name| match name {
            "BUCKET_NAME" => Some("photos".to_owned()),
            "AWS_REGION" => Some(region.clone()),
            _ => None,
        })?;
        // boto3 still calls this region by the name of all.
        let endpoint = endpoint.replace("//s3.amazonaws.com", "//s3.us-east-1.amazonaws.com");
        let expected = endpoint.replace("//", "//photos.") + "/k";
        ensure!(
            deployment.bucket.object_url("k") == expected,
            "{region}: {expected}"
        );
    }
    Ok(())
}
