//! Uploads as the page makes them: planned and signed by the API, and sent to S3.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};
use wire::{
    Endpoint, FileToUpload, MIN_PART_BYTES, MultipartOperation, OperationOutcome, PlanOutcome, Sha256Digest,
    SignRequest, SignResponse, SignedRequest, UploadsRequest, UploadsResponse,
};

use super::{
    URL_EXPIRATION,
    outcome::Outcome,
    session::{PlannedFile, Session},
};

/// How much later than it expires a URL is tried, because clocks differ.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// The beginning of a PNG file (PNG Specification, third edition, section 5.2), and something after it.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR a picture for the check of a deployment";

/// A request that is wrong is refused. It is what raises the alarm that is looked at later.
pub(super) fn refusal(session: &mut Session<'_>) -> Result<Outcome> {
    let answer = session.post("/uploads", &json!({"files": []}))?;
    if answer.status == 400 {
        Ok(Outcome::Right)
    } else {
        Ok(Outcome::wrong(format!(
            "POST /uploads without files answers {}",
            answer.status
        )))
    }
}

/// Small files are planned as one PutObject each. The second one is left until its URL has expired.
pub(super) fn plan(session: &mut Session<'_>) -> Result<Outcome> {
    session.small = Some(plan_small(session, "check.png", "image/png", PICTURE)?);
    let expiring = plan_small(session, "too late.png", "image/png", PICTURE)?;
    session.expiring = Some((expiring, Instant::now()));
    Ok(Outcome::Right)
}

/// Plans a file as one PutObject.
pub(super) fn plan_small(
    session: &Session<'_>,
    name: &str,
    media_type: &str,
    bytes: &[u8],
) -> Result<PlannedFile> {
    match plan_one(session, name, media_type, bytes, Some(sha256(bytes)))? {
        PlanOutcome::Put { key, put } => Ok(PlannedFile {
            key,
            put,
            bytes: bytes.to_vec(),
        }),
        other => bail!("it is not planned as one PutObject: {other:?}"),
    }
}

fn plan_one(
    session: &Session<'_>,
    name: &str,
    media_type: &str,
    bytes: &[u8],
    sha256: Option<Sha256Digest>,
) -> Result<PlanOutcome> {
    let file = FileToUpload {
        id: "1".to_owned(),
        name: name.to_owned(),
        copy: 0,
        size: bytes.len() as u64,
        media_type: media_type.to_owned(),
        sha256,
        endpoint: Endpoint::First,
    };
    let request = UploadsRequest {
        batch: None,
        files: vec![file],
    };
    let response: UploadsResponse = session.call("/uploads", &request)?;
    let plan = response.files.into_iter().next();
    Ok(plan.context("the answer has no plan")?.outcome)
}

/// S3 stores the file under the key of the plan.
pub(super) fn put(session: &mut Session<'_>) -> Result<Outcome> {
    let Some(small) = &session.small else {
        return Ok(Outcome::without("plan"));
    };
    session.web.send_signed(&small.put, &small.bytes)?.expect(200)?;
    stored(session, &small.key, small.bytes.len())
}

/// Right if the bucket has an object of this size under the key.
fn stored(session: &Session<'_>, key: &str, size: usize) -> Result<Outcome> {
    let bucket = session.output("UploadBucketName")?;
    let head = ["s3api", "head-object", "--bucket", bucket, "--key", key];
    let length = &session.account.ask(head)?["ContentLength"];
    if *length == size {
        Ok(Outcome::Right)
    } else {
        Ok(Outcome::wrong(format!("{key} has {length} bytes and not {size}")))
    }
}

/// The URL of an object that was stored is good for nothing more.
pub(super) fn second_put(session: &mut Session<'_>) -> Result<Outcome> {
    let Some(small) = &session.small else {
        return Ok(Outcome::without("plan"));
    };
    let answer = session.web.send_signed(&small.put, &small.bytes)?;
    match answer.summary().as_str() {
        "412 PreconditionFailed" => Ok(Outcome::Right),
        other => Ok(Outcome::wrong(format!("the second PUT answers {other}"))),
    }
}

/// S3 refuses a URL after its time.
pub(super) fn expired(session: &mut Session<'_>) -> Result<Outcome> {
    let Some((file, signed_at)) = &session.expiring else {
        return Ok(Outcome::without("plan"));
    };
    session.wait_until(*signed_at + URL_EXPIRATION + CLOCK_TOLERANCE)?;
    let answer = session.web.send_signed(&file.put, &file.bytes)?;
    if answer.status == 403 && answer.text().contains("Request has expired") {
        Ok(Outcome::Right)
    } else {
        Ok(Outcome::wrong(format!(
            "the expired URL answers {}",
            answer.summary()
        )))
    }
}

/// S3 stores a file in two parts.
pub(super) fn multipart(session: &mut Session<'_>) -> Result<Outcome> {
    let bytes = vec![b'm'; usize::try_from(2 * MIN_PART_BYTES)?];
    let plan = plan_one(session, "check.bin", "application/octet-stream", &bytes, None)?;
    let PlanOutcome::Multipart {
        key,
        create,
        part_size,
        ..
    } = plan
    else {
        bail!("it is not planned as a multipart upload: {plan:?}");
    };
    let created = session.web.send_signed(&create, b"")?.expect(200)?;
    let upload = Upload {
        key: &key,
        id: created.element("UploadId")?,
    };
    let parts: Vec<_> = bytes.chunks(usize::try_from(part_size)?).collect();
    upload.send_and_complete(session, &parts)?;
    stored(session, &key, bytes.len())
}

/// A multipart upload that was created.
struct Upload<'a> {
    key: &'a str,
    id: String,
}

impl Upload<'_> {
    fn send_and_complete(&self, session: &Session<'_>, parts: &[&[u8]]) -> Result<()> {
        let operations = (1..)
            .zip(parts)
            .map(|(part_number, part)| MultipartOperation::UploadPart {
                part_number,
                size: part.len() as u64,
                sha256: sha256(part),
                endpoint: Endpoint::First,
            });
        let mut listed = String::new();
        for ((number, part), signed) in (1..).zip(parts).zip(self.sign(session, operations.collect())?) {
            let answer = session.web.send_signed(&signed, part)?.expect(200)?;
            listed += &listed_part(number, answer.header("etag"), &sha256(part));
        }
        let size = parts.iter().map(|part| part.len() as u64).sum();
        let complete = self.sign(
            session,
            vec![MultipartOperation::CompleteMultipartUpload { size }],
        )?;
        let complete = complete.first().context("nothing was signed")?;
        let body = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
        let answer = session.web.send_signed(complete, body.as_bytes())?.expect(200)?;
        // S3 can answer 200 and an error.
        ensure!(
            answer.element("Code").is_err(),
            "the upload is not completed: {}",
            answer.text()
        );
        Ok(())
    }

    fn sign(&self, session: &Session<'_>, operations: Vec<MultipartOperation>) -> Result<Vec<SignedRequest>> {
        let request = SignRequest {
            key: self.key.to_owned(),
            upload_id: self.id.clone(),
            endpoint: Endpoint::First,
            operations,
        };
        let response: SignResponse = session.call("/sign", &request)?;
        let outcomes = response.requests.into_iter().map(|outcome| match outcome {
            OperationOutcome::Signed(request) => Ok(request),
            OperationOutcome::Error(error) => bail!("a part is not signed: {error:?}"),
        });
        outcomes.collect()
    }
}

/// A part in the body of CompleteMultipartUpload.
fn listed_part(number: u32, etag: &str, sha256: &Sha256Digest) -> String {
    format!(
        "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><ChecksumSHA256>{sha256}</ChecksumSHA256></Part>"
    )
}

fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::new(Sha256::digest(bytes).into())
}
