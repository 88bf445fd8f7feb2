//! How large a request is, by how fast the network is.

use std::{ops::Range, time::Duration};

use engine::{
    Attachment, ErrorKind, Event, FileId, FileStatus, HttpAnswer, PartSizeChange, Selection, Settings,
};

use crate::support::{MIB, Page, completed, created, listed, listing, stored, success};

/// A budget of one request, so that each part begins when the one before is stored.
fn alone() -> Settings {
    Settings {
        parallel_requests: 1,
        ..Settings::default()
    }
}

/// A page with a file of 120 MiB, of which S3 has stored some parts, each after this many seconds.
fn uploading(parts: u32, seconds: u64) -> Page {
    let mut page = Page::with_files(alone(), &[120 * MIB]);
    page.answer("create 0", created());
    for number in 1..=parts {
        page.now += Duration::from_secs(seconds);
        page.answer(&format!("part {number} of 0"), stored());
    }
    page
}

/// The parts of file 0 that were sent, in MiB.
fn parts(page: &Page) -> Vec<Range<u64>> {
    let ranges = (1..).map_while(|number| page.ranges.get(&format!("part {number} of 0")));
    ranges.map(|range| range.start / MIB..range.end / MIB).collect()
}

#[test]
fn parts_grow_on_a_fast_network_and_have_no_gap() {
    let mut page = uploading(6, 1);
    assert_eq!(parts(&page), [0..8, 8..16, 16..24, 24..56, 56..88, 88..120]);
    assert_eq!(page.requests(), ["complete 0"]);
    page.answer("complete 0", completed());
    assert_eq!(page.engine.totals().stored, 1);
}

#[test]
fn parts_stay_small_on_a_slow_network() {
    assert_eq!(parts(&uploading(3, 8)), [0..8, 8..16, 16..24, 24..32]);
}

#[test]
fn parts_shrink_again_after_a_lost_connection() {
    let mut page = Page::with_files(alone(), &[400 * MIB]);
    page.answer("create 0", created());
    for number in 1..=3 {
        page.answer(&format!("part {number} of 0"), stored());
    }
    // Two more have begun by now.
    page.lose("part 4 of 0");
    for _ in 0..6 {
        page.now += Duration::from_secs(60);
        match page.requests()[0].to_owned().as_str() {
            "list 0" => page.answer("list 0", listed(&[1, 2, 3])),
            part => page.answer(part, stored()),
        }
    }
    assert_eq!(parts(&page)[3..7], [24..56, 56..88, 88..120, 120..128]);
}

#[test]
fn what_is_recorded_leads_to_the_same_parts_after_a_reload() {
    let dead = uploading(4, 1);
    let record = dead.kept[&FileId(0)].multipart.clone().expect("an upload");
    let change = PartSizeChange {
        first_part: 4,
        part_size: 32 * MIB,
    };
    assert_eq!(record.part_size_changes, [change]);
    let mut page = Page::after(&dead);
    page.attach(0, Attachment::Handle);
    let stored = (1..=4).map(|number| (number, dead.ranges[&format!("part {number} of 0")].clone()));
    page.answer("list 0", listing(stored));
    assert!(!page.requests().contains(&"part 4 of 0"), "{:?}", page.requests());
    assert_eq!(page.ranges["part 5 of 0"], 56 * MIB..88 * MIB);
    assert_eq!(page.engine.view(FileId(0)).expect("a file").sent, 56 * MIB);
}

#[test]
fn a_part_between_stored_ones_keeps_its_place_and_size() {
    let mut dead = Page::uploading();
    dead.answer("part 1 of 0", stored());
    dead.answer("part 3 of 0", stored());
    let mut page = Page::after(&dead);
    page.pick(&[30 * MIB]);
    page.answer("create 1", created());
    page.answer("part 1 of 1", stored());
    page.attach(0, Attachment::Handle);
    page.answer("list 0", listed(&[1, 3]));
    assert_eq!(page.ranges["part 2 of 0"], 8 * MIB..16 * MIB);
}

#[test]
fn a_file_goes_up_whole_once_the_network_is_known_to_be_fast() {
    for (seconds, expected) in [(1, "put 1"), (8, "create 1")] {
        let mut page = uploading(3, seconds);
        page.tell(Event::Cancel(Selection::All));
        page.answer("abort 0", stored());
        page.pick(&[60 * MIB]);
        assert_eq!(page.requests(), [expected], "{seconds} s a part");
    }
}

#[test]
fn the_lambda_has_the_last_word_on_the_way_of_a_file() {
    let mut page = uploading(3, 1);
    page.tell(Event::Cancel(Selection::All));
    page.answer("abort 0", stored());
    page.single_put_max = 16 * MIB;
    page.pick(&[60 * MIB]);
    assert_eq!(page.requests(), ["create 1"]);
    page.answer("create 1", created());
    assert_eq!(page.requests(), ["part 1 of 1"]);
}

#[test]
fn small_files_do_not_wait_behind_whole_large_ones() {
    let mut page = Page::with_files(Settings::default(), &[120 * MIB]);
    page.answer("create 0", created());
    page.answer("part 1 of 0", stored());
    page.tell(Event::Cancel(Selection::All));
    page.answer("abort 0", stored());
    page.pick(&[60 * MIB; 20]);
    page.pick(&[1; 20]);
    let whole = page.requests().to_vec();
    assert!(whole.iter().all(|name| name.starts_with("put ")), "{whole:?}");
    for _ in 0..12 {
        let first = page.requests()[0].to_owned();
        page.answer(&first, stored());
    }
    let is_large = |name: &&&str| page.ranges[**name].end > MIB;
    let large = page.requests().iter().filter(is_large).count();
    assert_eq!((large, page.requests().len()), (3, 6), "{:?}", page.requests());
}

/// A stranger refuses because of the size.
fn too_large() -> HttpAnswer {
    HttpAnswer {
        status: 413,
        ..success("<html>")
    }
}

/// Answers all requests, refusing bodies above a limit, and returns the sizes that were refused, in MiB.
fn upload_through(page: &mut Page, limit: u64, refusal: &HttpAnswer) -> Vec<u64> {
    let mut refused = Vec::new();
    for _ in 0..500 {
        let Some(name) = page.requests().first().map(|name| (*name).to_owned()) else {
            break;
        };
        let size = page.ranges.get(&name).map_or(0, |range| range.end - range.start);
        let answer = match &*name {
            _ if size > limit => {
                refused.push(size / MIB);
                refusal.clone()
            }
            name if name.starts_with("create") => created(),
            name if name.starts_with("complete") => completed(),
            _ => stored(),
        };
        page.answer(&name, answer);
    }
    refused
}

#[test]
fn parts_shrink_to_what_passes_and_stay_so_for_all_files() {
    let mut page = Page::with_files(alone(), &[200 * MIB]);
    assert_eq!(upload_through(&mut page, 10 * MIB, &too_large()), [32, 16]);
    assert_eq!(page.engine.totals().stored, 1);
    page.pick(&[100 * MIB, 12 * MIB, 60 * MIB]);
    assert!(upload_through(&mut page, 10 * MIB, &too_large()).is_empty());
    assert_eq!(page.engine.totals().stored, 4);
}

#[test]
fn with_many_in_flight_the_file_is_divided_anew_without_a_gap() {
    let mut page = Page::with_files(Settings::default(), &[200 * MIB]);
    upload_through(&mut page, 6 * MIB, &too_large());
    assert_eq!(page.engine.totals().stored, 1);
    let ranges = (1..).map_while(|number| page.ranges.get(&format!("part {number} of 0")));
    let mut end = 0;
    for range in ranges {
        assert_eq!(range.start, end);
        end = range.end;
    }
    assert_eq!(end, 200 * MIB);
}

#[test]
fn one_refusal_of_a_size_that_passed_sends_nothing_stored_again() {
    let mut page = Page::with_files(Settings::default(), &[48 * MIB]);
    page.answer("create 0", created());
    page.answer("part 1 of 0", stored());
    let ranges = page.ranges.clone();
    page.answer("part 2 of 0", too_large());
    for number in 3..=6 {
        page.answer(&format!("part {number} of 0"), stored());
    }
    page.wait();
    page.answer("part 2 of 0", stored());
    page.answer("complete 0", completed());
    assert_eq!(page.engine.totals().stored, 1);
    assert_eq!(page.ranges, ranges);
}

#[test]
fn a_whole_file_that_is_too_large_goes_in_parts() {
    let mut page = Page::with_files(Settings::default(), &[16 * MIB]);
    assert_eq!(upload_through(&mut page, 5 * MIB, &too_large()), [16, 8]);
    assert_eq!(page.engine.totals().stored, 1);
}

#[test]
fn what_cannot_be_made_smaller_is_tried_twice_and_fails_with_the_limit() {
    for (size, expected) in [(20 * MIB, 5 * MIB), (4 * MIB, 4 * MIB)] {
        let mut page = Page::with_files(Settings::default(), &[size]);
        upload_through(&mut page, MIB, &too_large());
        assert!(matches!(page.status(0), FileStatus::Waiting { .. }));
        page.wait();
        upload_through(&mut page, MIB, &too_large());
        let FileStatus::Failed(error) = page.status(0) else {
            panic!("{:?}", page.status(0));
        };
        assert_eq!(
            (error.kind, error.limit),
            (ErrorKind::RequestTooLarge, Some(expected))
        );
    }
}

#[test]
fn a_refusal_that_only_large_requests_meet_is_one_of_size() {
    let refusal = HttpAnswer {
        status: 403,
        ..success("<html>")
    };
    let mut page = Page::with_files(alone(), &[200 * MIB]);
    assert_eq!(upload_through(&mut page, 10 * MIB, &refusal), [32, 16]);
    assert_eq!(page.engine.totals().stored, 1);
}

#[test]
fn an_upload_with_smaller_parts_survives_a_reload() {
    let mut dead = Page::with_files(alone(), &[40 * MIB]);
    dead.answer("create 0", created());
    dead.answer("part 1 of 0", too_large());
    dead.answer("part 1 of 0", stored());
    let mut page = Page::after(&dead);
    page.attach(0, Attachment::Handle);
    page.answer("list 0", listing([(1, dead.ranges["part 1 of 0"].clone())]));
    assert_eq!(page.ranges["part 2 of 0"], 5 * MIB..10 * MIB);
}

#[test]
fn a_bound_of_the_settings_holds_from_the_start() {
    let settings = Settings {
        max_request_bytes: Some(6 * MIB),
        ..Settings::default()
    };
    let mut page = Page::with_files(settings, &[16 * MIB, 100 * MIB]);
    assert!(upload_through(&mut page, 6 * MIB, &too_large()).is_empty());
    assert_eq!(page.engine.totals().stored, 2);
}
