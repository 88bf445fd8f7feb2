//! Services that are not Amazon S3, as far as the signed requests and the plan tell.

use std::ops::Range;

use engine::{Attachment, ErrorKind, FileStatus, HttpAnswer, Notice, Settings};
use wire::PartSizes;

use crate::support::{MIB, Page, completed, created, gone, stored, success, taken};

/// A page with a file of 120 MiB, all parts of which have one size, and one request at a time.
fn with_constant_parts() -> Page {
    let mut page = Page::new(Settings {
        parallel_requests: 1,
        ..Settings::default()
    });
    page.part_sizes = PartSizes::Constant;
    page.pick(&[120 * MIB]);
    page.answer("create 0", created());
    page
}

/// The sizes of the parts of file 0 that were sent, in MiB.
fn sizes(page: &Page) -> Vec<u64> {
    let ranges = (1..).map_while(|number| page.ranges.get(&format!("part {number} of 0")));
    ranges
        .map(|Range { start, end }| end.div_ceil(MIB) - start.div_ceil(MIB))
        .collect()
}

/// Answers all requests as S3 does, and those above a limit as a proxy that takes no larger ones.
fn finish(page: &mut Page, limit: u64) {
    while let Some(name) = page.requests().first().map(|name| (*name).to_owned()) {
        let size = page.ranges.get(&name).map_or(0, |range| range.end - range.start);
        let answer = match &*name {
            _ if size > limit => too_large(),
            name if name.starts_with("create") => created(),
            name if name.starts_with("complete") => completed(),
            _ => stored(),
        };
        page.answer(&name, answer);
    }
}

fn too_large() -> HttpAnswer {
    HttpAnswer {
        status: 413,
        ..success("<html>")
    }
}

#[test]
fn constant_parts_do_not_grow_on_a_fast_network() {
    let mut page = with_constant_parts();
    finish(&mut page, u64::MAX);
    assert_eq!(sizes(&page), [8; 15]);
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn constant_parts_remain_so_after_a_reload() {
    let mut dead = with_constant_parts();
    dead.answer("part 1 of 0", stored());
    let mut page = Page::after(&dead);
    page.attach(0, Attachment::Handle);
    page.answer("list 0", crate::support::listing([(1, 0..8 * MIB)]));
    finish(&mut page, u64::MAX);
    assert_eq!(page.status(0), FileStatus::Stored);
    let last = page.ranges["part 15 of 0"].clone();
    assert_eq!(last, 112 * MIB..120 * MIB);
}

#[test]
fn before_a_part_is_stored_all_constant_parts_are_halved() {
    let mut page = with_constant_parts();
    page.answer("part 1 of 0", too_large());
    finish(&mut page, u64::MAX);
    assert_eq!(sizes(&page)[..2], [5, 5]);
    assert_eq!(sizes(&page).len(), 24);
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn with_a_constant_part_stored_the_file_starts_over() {
    let mut page = with_constant_parts();
    page.answer("part 1 of 0", stored());
    finish(&mut page, 5 * MIB);
    let view = page.engine.view(engine::FileId(0)).expect("a file");
    assert_eq!(view.notice, Some(Notice::StartedOver));
    assert_eq!(sizes(&page), [5; 24]);
    assert_eq!(page.status(0), FileStatus::Stored);
}

#[test]
fn a_412_proves_nothing_without_a_condition() {
    for (is_conditional, expected) in [(true, None), (false, Some(ErrorKind::S3Refused))] {
        let mut page = Page::new(Settings::default());
        if !is_conditional {
            page.headers.remove(wire::IF_NONE_MATCH);
        }
        page.pick(&[1]);
        page.lose("put 0");
        page.wait();
        page.answer("put 0", taken());
        match expected {
            None => assert_eq!(page.status(0), FileStatus::Stored),
            Some(kind) => assert_eq!(page.failure(0), kind),
        }
    }
}

#[test]
fn without_a_condition_a_lost_put_is_sent_again_to_its_key() {
    let mut page = Page::new(Settings::default());
    page.headers.clear();
    page.pick(&[1]);
    page.lose("put 0");
    page.wait();
    page.answer("put 0", stored());
    assert_eq!(page.status(0), FileStatus::Stored);
    assert_eq!(page.kept.len(), 0, "nothing is left to be asked");
}

#[test]
fn without_a_condition_a_lost_complete_is_settled_by_asking_s3() {
    let mut page = Page::new(Settings::default());
    page.headers.clear();
    page.pick(&[20 * MIB]);
    page.answer("create 0", created());
    for number in 1..=3 {
        page.answer(&format!("part {number} of 0"), stored());
    }
    page.lose("complete 0");
    page.wait();
    page.answer("list 0", gone());
    assert_eq!(page.status(0), FileStatus::Stored);
}

/// Parts of 8 MiB as a service lists them that knows no checksums.
fn without_checksums(etags: &[&str]) -> HttpAnswer {
    let parts = (1..).zip(etags).map(|(number, etag)| {
        let size = 8 * MIB;
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><Size>{size}</Size></Part>")
    });
    let parts: String = parts.collect();
    success(&format!("<ListPartsResult>{parts}</ListPartsResult>"))
}

#[test]
fn without_checksums_a_part_counts_by_its_etag() {
    let mut dead = Page::uploading();
    dead.answer("part 1 of 0", stored());
    dead.answer("part 2 of 0", stored());
    let mut page = Page::after(&dead);
    page.attach(0, Attachment::Handle);
    page.answer("list 0", without_checksums(&["\"etag\"", "\"other\""]));
    assert_eq!(page.requests(), ["part 2 of 0", "part 3 of 0"]);
}
