//! Checksums.

use anyhow::Result;
use base64ct::{Base64, Encoding};
use rusty_s3::Method;
use s3_conformance::{Service, Upload};
use sha2::{Digest, Sha256};

use crate::{
    table::Fact,
    uploads::{begin_with_sha256, send_part_with_sha256},
};

const BODY: &[u8] = b"bytes";

const KEEPS_NONE: &str = "it checks the checksum that a request brings, and keeps none";

/// The SHA-256 of bytes in base64, as S3 writes it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Base64::encode_string(&Sha256::digest(bytes))
}

pub(crate) fn facts() -> Vec<Fact> {
    [types(), on_parts()].concat()
}

/// CreateMultipartUpload with an algorithm and a type.
fn create_with(service: &Service, algorithm: &str, checksum_type: &str) -> Result<String> {
    let headers = [
        ("x-amz-checksum-algorithm", algorithm),
        ("x-amz-checksum-type", checksum_type),
    ];
    let answer = Upload::create("uploads/types", &headers).ask(service)?;
    let repeated = headers
        .iter()
        .all(|(name, value)| answer.header(name) == Some(*value));
    Ok(format!(
        "{}{}",
        answer.summary(&[]),
        if repeated { ", repeated" } else { "" }
    ))
}

fn types() -> Vec<Fact> {
    let (allowed, refused) = ("200, repeated", "400 InvalidRequest");
    let rows = [
        ("SHA256", "COMPOSITE", allowed),
        ("SHA256", "FULL_OBJECT", refused),
        ("SHA1", "COMPOSITE", allowed),
        ("SHA1", "FULL_OBJECT", refused),
        ("CRC64NVME", "COMPOSITE", refused),
        ("CRC64NVME", "FULL_OBJECT", allowed),
        ("CRC32", "COMPOSITE", allowed),
        ("CRC32", "FULL_OBJECT", allowed),
        ("CRC32C", "COMPOSITE", allowed),
        ("CRC32C", "FULL_OBJECT", allowed),
    ];
    let facts = rows.map(|(algorithm, checksum_type, amazon)| {
        let row = format!("{algorithm} as {checksum_type}");
        let fact = Fact::new(row, amazon, move |service| {
            create_with(service, algorithm, checksum_type)
        });
        fact.swift_differs(&["200"], KEEPS_NONE)
    });
    facts.to_vec()
}

fn on_parts() -> Vec<Fact> {
    vec![
        Fact::new(
            "COMPOSITE, a part without its checksum",
            "400 InvalidRequest",
            |service| {
                let upload = begin_with_sha256(service, "uploads/part-without")?;
                upload.part(1, BODY).outcome(service, &[])
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
        Fact::new(
            "COMPOSITE, Complete without a part's checksum",
            "400 InvalidRequest",
            |service| {
                let upload = begin_with_sha256(service, "uploads/complete-without")?;
                let mut part = send_part_with_sha256(service, &upload, 1, BODY)?;
                part.sha256 = None;
                upload.complete(&[part]).outcome(service, &[])
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
        Fact::new(
            "COMPOSITE, Complete with a wrong checksum of a part",
            "400 InvalidPart",
            |service| {
                let upload = begin_with_sha256(service, "uploads/complete-wrong")?;
                let mut part = send_part_with_sha256(service, &upload, 1, BODY)?;
                part.sha256 = Some(sha256(b"other"));
                upload.complete(&[part]).outcome(service, &[])
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
        Fact::new(
            "COMPOSITE, all as it should be",
            "200, with x-amz-mp-object-size",
            |service| {
                let upload = begin_with_sha256(service, "uploads/all-right")?;
                let part = send_part_with_sha256(service, &upload, 1, BODY)?;
                let complete = upload.complete(&[part]).header("x-amz-mp-object-size", "5");
                Ok(format!(
                    "{}, with x-amz-mp-object-size",
                    complete.ask(service)?.summary(&[])
                ))
            },
        ),
        Fact::new(
            "ListParts tells the checksum of a part",
            "200 with ChecksumSHA256",
            |service| {
                let upload = begin_with_sha256(service, "uploads/listed")?;
                send_part_with_sha256(service, &upload, 1, BODY)?;
                upload.call(Method::Get).outcome(service, &["ChecksumSHA256"])
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
    ]
}
