//! Sizes and counts.

use std::thread;

use anyhow::Result;
use stores::{Call, Service};

use crate::{
    table::Fact,
    uploads::{PART, Upload},
};

/// One more than a page of ListParts has.
const MANY_PARTS: u32 = 1_001;

/// How many of them are uploaded at once.
const AT_ONCE: u32 = 8;

pub(crate) fn facts() -> Vec<Fact> {
    vec![
        Fact::new("a part of 5 MiB that is not the last", "200", |service| {
            let upload = Upload::begin(service.endpoint(), "uploads/least-part")?;
            let parts = [
                upload.send_part(1, &vec![1; PART])?,
                upload.send_part(2, b"last")?,
            ];
            Ok(upload.complete(&parts).send()?.summary(&[]))
        }),
        Fact::new("part number 10000", "200", |service| part_number(service, 10_000)),
        Fact::new("part number 10001", "400 InvalidArgument", |service| {
            part_number(service, 10_001)
        }),
        Fact::new("a part of more than 5 GiB", "400 EntityTooLarge", |service| {
            let upload = Upload::begin(service.endpoint(), "uploads/huge-part")?;
            too_large(&upload.part(1, b""))
        }),
        Fact::new(
            "a PutObject of more than 5 GiB",
            "400 EntityTooLarge",
            |service| too_large(&Call::put(service.endpoint(), "uploads/huge", b"")),
        ),
        Fact::new(
            "ListParts of 1001 parts",
            "1000 and more to come, then 1",
            list_many,
        ),
    ]
}

fn part_number(service: &Service, number: u32) -> Result<String> {
    let upload = Upload::begin(service.endpoint(), "uploads/part-number")?;
    Ok(upload.part(number, b"bytes").send()?.summary(&[]))
}

/// Announces 6 GiB and sends nothing.
fn too_large(call: &Call) -> Result<String> {
    let length = (6_u64 << 30).to_string();
    let mut request = call.send_head(&[("content-length", &length), ("connection", "close")])?;
    request.end_writing()?;
    Ok(request.answer()?.summary(&[]))
}

fn list_many(service: &Service) -> Result<String> {
    let upload = Upload::begin(service.endpoint(), "uploads/many-parts")?;
    thread::scope(|scope| {
        let upload = &upload;
        let send = |first: u32| {
            let mut numbers = (first..=MANY_PARTS).step_by(AT_ONCE as usize);
            move || numbers.try_for_each(|number| upload.send_part(number, b"x").map(drop))
        };
        let senders: Vec<_> = (1..=AT_ONCE).map(|first| scope.spawn(send(first))).collect();
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("no panic"))
    })?;
    let first = upload.list().send()?.success()?;
    let marker = first.need("NextPartNumberMarker")?;
    let second = upload
        .list()
        .query("part-number-marker", &marker)
        .send()?
        .success()?;
    let more = first.need("IsTruncated")? == "true" && second.need("IsTruncated")? == "false";
    let (first, second) = (first.elements("Part").len(), second.elements("Part").len());
    Ok(format!(
        "{first}{}, then {second}",
        if more { " and more to come" } else { "" }
    ))
}
