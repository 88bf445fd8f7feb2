//! Sizes and counts.

use std::thread;

use anyhow::Result;
use rusty_s3::Method;
use s3_conformance::{Call, RawRequest, Service};

use crate::{
    table::Fact,
    uploads::{PART, begin, send_part},
};

/// One more than a page of ListParts has.
const MANY_PARTS: u32 = 1_001;

/// How many of them are uploaded at once.
const AT_ONCE: u32 = 8;

pub(crate) fn facts() -> Vec<Fact> {
    vec![
        Fact::new("a part of 5 MiB that is not the last", "200", |service| {
            let upload = begin(service, "uploads/least-part")?;
            let parts = [
                send_part(service, &upload, 1, &vec![1; PART])?,
                send_part(service, &upload, 2, b"last")?,
            ];
            upload.complete(&parts).outcome(service, &[])
        }),
        Fact::new("part number 10000", "200", |service| part_number(service, 10_000)),
        Fact::new("part number 10001", "400 InvalidArgument", |service| {
            part_number(service, 10_001)
        }),
        Fact::new("a part of more than 5 GiB", "400 EntityTooLarge", |service| {
            let upload = begin(service, "uploads/huge-part")?;
            too_large(service, &upload.part(1, b""))
        }),
        Fact::new(
            "a PutObject of more than 5 GiB",
            "400 EntityTooLarge",
            |service| too_large(service, &Call::put("uploads/huge", "")),
        ),
        Fact::new(
            "ListParts of 1001 parts",
            "1000 and more to come, then 1",
            list_many,
        ),
    ]
}

fn part_number(service: &Service, number: u32) -> Result<String> {
    let upload = begin(service, "uploads/part-number")?;
    upload.part(number, b"bytes").outcome(service, &[])
}

/// Announces 6 GiB and sends nothing.
fn too_large(service: &Service, call: &Call) -> Result<String> {
    let length = (6_u64 << 30).to_string();
    let mut request = RawRequest::open(
        call,
        service,
        &[("content-length", &length), ("connection", "close")],
    )?;
    request.end_writing()?;
    Ok(request.answer()?.summary(&[]))
}

fn list_many(service: &Service) -> Result<String> {
    let upload = begin(service, "uploads/many-parts")?;
    thread::scope(|scope| {
        let upload = &upload;
        let send = |first: u32| {
            let mut numbers = (first..=MANY_PARTS).step_by(AT_ONCE as usize);
            move || numbers.try_for_each(|number| send_part(service, upload, number, b"x").map(drop))
        };
        let senders: Vec<_> = (1..=AT_ONCE).map(|first| scope.spawn(send(first))).collect();
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("no panic"))
    })?;
    let first = upload.call(Method::Get).ask(service)?.success()?;
    let marker = first.need("NextPartNumberMarker")?;
    let second = upload
        .call(Method::Get)
        .query("part-number-marker", &marker)
        .ask(service)?
        .success()?;
    let more = first.need("IsTruncated")? == "true" && second.need("IsTruncated")? == "false";
    let (first, second) = (first.elements("Part").len(), second.elements("Part").len());
    Ok(format!(
        "{first}{}, then {second}",
        if more { " and more to come" } else { "" }
    ))
}
