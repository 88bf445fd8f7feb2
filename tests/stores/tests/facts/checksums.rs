//! Checksums.

use anyhow::Result;
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use stores::Service;

use crate::{
    table::Fact,
    uploads::{Upload, create},
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
    let answer = create(service.endpoint(), "uploads/types", &headers).send()?;
    let names = [
        ("x-amz-checksum-algorithm", algorithm),
        ("x-amz-checksum-type", checksum_type),
    ];
    let told = names
        .iter()
        .all(|(name, value)| answer.header(name) == Some(*value));
    Ok(format!(
        "{}{}",
        answer.summary(&[]),
        if told { ", told" } else { "" }
    ))
}

fn types() -> Vec<Fact> {
    let (allowed, refused) = ("200, told", "400 InvalidRequest");
    let facts = [
        Fact::new("SHA256 as COMPOSITE", allowed, |service| {
            create_with(service, "SHA256", "COMPOSITE")
        }),
        Fact::new("SHA256 as FULL_OBJECT", refused, |service| {
            create_with(service, "SHA256", "FULL_OBJECT")
        }),
        Fact::new("SHA1 as COMPOSITE", allowed, |service| {
            create_with(service, "SHA1", "COMPOSITE")
        }),
        Fact::new("SHA1 as FULL_OBJECT", refused, |service| {
            create_with(service, "SHA1", "FULL_OBJECT")
        }),
        Fact::new("CRC64NVME as COMPOSITE", refused, |service| {
            create_with(service, "CRC64NVME", "COMPOSITE")
        }),
        Fact::new("CRC64NVME as FULL_OBJECT", allowed, |service| {
            create_with(service, "CRC64NVME", "FULL_OBJECT")
        }),
        Fact::new("CRC32 as COMPOSITE", allowed, |service| {
            create_with(service, "CRC32", "COMPOSITE")
        }),
        Fact::new("CRC32 as FULL_OBJECT", allowed, |service| {
            create_with(service, "CRC32", "FULL_OBJECT")
        }),
        Fact::new("CRC32C as COMPOSITE", allowed, |service| {
            create_with(service, "CRC32C", "COMPOSITE")
        }),
        Fact::new("CRC32C as FULL_OBJECT", allowed, |service| {
            create_with(service, "CRC32C", "FULL_OBJECT")
        }),
    ];
    facts
        .map(|fact| fact.swift_differs(&["200"], KEEPS_NONE))
        .to_vec()
}

fn on_parts() -> Vec<Fact> {
    vec![
        Fact::new(
            "COMPOSITE, a part without its checksum",
            "400 InvalidRequest",
            |service| {
                let upload = Upload::begin_with_sha256(service.endpoint(), "uploads/part-without")?;
                Ok(upload.part(1, BODY).send()?.summary(&[]))
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
        Fact::new(
            "COMPOSITE, Complete without a part's checksum",
            "400 InvalidRequest",
            |service| {
                let upload = Upload::begin_with_sha256(service.endpoint(), "uploads/complete-without")?;
                let mut part = upload.send_part_with_sha256(1, BODY)?;
                part.sha256 = None;
                Ok(upload.complete(&[part]).send()?.summary(&[]))
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
        Fact::new(
            "COMPOSITE, Complete with a wrong checksum of a part",
            "400 InvalidPart",
            |service| {
                let upload = Upload::begin_with_sha256(service.endpoint(), "uploads/complete-wrong")?;
                let mut part = upload.send_part_with_sha256(1, BODY)?;
                part.sha256 = Some(sha256(b"other"));
                Ok(upload.complete(&[part]).send()?.summary(&[]))
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
        Fact::new(
            "COMPOSITE, all as it should be",
            "200, with x-amz-mp-object-size",
            |service| {
                let upload = Upload::begin_with_sha256(service.endpoint(), "uploads/all-right")?;
                let part = upload.send_part_with_sha256(1, BODY)?;
                let complete = upload.complete(&[part]).header("x-amz-mp-object-size", "5");
                Ok(format!(
                    "{}, with x-amz-mp-object-size",
                    complete.send()?.summary(&[])
                ))
            },
        ),
        Fact::new(
            "ListParts tells the checksum of a part",
            "200 with ChecksumSHA256",
            |service| {
                let upload = Upload::begin_with_sha256(service.endpoint(), "uploads/listed")?;
                upload.send_part_with_sha256(1, BODY)?;
                Ok(upload.list().send()?.summary(&["ChecksumSHA256"]))
            },
        )
        .swift_differs(&["200"], KEEPS_NONE),
    ]
}
