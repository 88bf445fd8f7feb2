//! What outlives a page, and how the next page takes it up.

use std::ops::Range;

use proptest::prelude::*;

use engine::{
    Attachment, ErrorKind, Event, FileFailure, FileId, FileStatus, HttpAnswer, Mismatch, Notice, Owner,
    PartSizeChange, Selection, Settings, UploadRecord,
};

use crate::support::{MIB, Page, completed, created, error, gone, listed, listing, stored};

/// What a page leaves that dies when S3 has answered these parts of a file of three.
fn left_after(parts: &[u32]) -> Page {
    let mut page = Page::uploading();
    for number in parts {
        page.answer(&format!("part {number} of 0"), stored());
    }
    page
}

/// Which requests follow once S3 has listed what it has.
fn check(parts: &[u32], attachment: Attachment, list: HttpAnswer, expected: &[&str]) -> Page {
    let mut page = Page::after(&left_after(parts));
    assert_eq!(page.status(0), FileStatus::Interrupted(None));
    page.attach(0, attachment);
    assert_eq!(page.requests(), ["list 0"], "nothing is sent before S3 was asked");
    page.answer("list 0", list);
    assert_eq!(page.requests(), expected);
    page
}

/// As [`listed`], with the checksum of every part replaced.
fn listed_with_other_bytes(numbers: &[u32]) -> HttpAnswer {
    let other = wire::Sha256Digest::new([9; 32]).to_string();
    let mut answer = listed(numbers);
    let digests: Vec<String> = answer
        .body
        .split("<ChecksumSHA256>")
        .skip(1)
        .map(|rest| rest.chars().take(44).collect())
        .collect();
    for digest in digests {
        answer.body = answer.body.replace(&digest, &other);
    }
    answer
}

#[test]
fn parts_that_s3_and_the_record_agree_on_are_not_sent_again() {
    for attachment in [Attachment::Handle, Attachment::Picked] {
        let mut page = check(&[1, 3], attachment, listed(&[1, 3]), &["part 2 of 0"]);
        page.answer("part 2 of 0", stored());
        page.answer("complete 0", completed());
        assert_eq!(page.status(0), FileStatus::Stored);
        assert!(page.kept.is_empty(), "nothing is kept of a stored file");
    }
}

#[test]
fn a_part_that_only_s3_knows_of_counts_if_the_file_has_its_checksum() {
    for attachment in [Attachment::Handle, Attachment::Picked] {
        check(&[], attachment, listed(&[1, 2]), &["part 3 of 0"]);
        check(&[1], attachment, listed(&[1, 2, 3]), &["complete 0"]);
    }
}

#[test]
fn a_part_that_s3_does_not_have_as_sent_is_sent_again() {
    let all = ["part 1 of 0", "part 2 of 0", "part 3 of 0"];
    let mut shorter = listed(&[1, 2, 3]);
    shorter.body = shorter.body.replace("<Size>8388608<", "<Size>8388607<");
    for attachment in [Attachment::Handle, Attachment::Picked] {
        check(&[1, 2], attachment, listed_with_other_bytes(&[1, 2]), &all);
        check(&[1, 2], attachment, listed(&[]), &all);
        check(&[1, 2, 3], attachment, shorter.clone(), &all[..2]);
        check(&[1, 2], attachment, listed(&[2]), &["part 1 of 0", "part 3 of 0"]);
    }
}

/// Which of the six parts of a file of 60 MiB are sent, once S3 has listed a part 3 that the record has no place for: the
/// page that sent it crashed before it was on record that parts are of 8 MiB again after a first one of 20 MiB.
fn sent_beside(part_3: Range<u64>) -> Vec<u32> {
    let mut dead = Page::with_files(Settings::default(), &[60 * MIB]);
    dead.answer("create 0", created());
    let record = dead.kept.get_mut(&FileId(0)).expect("a record");
    let multipart = record.multipart.as_mut().expect("an upload");
    multipart.part_size_changes = vec![PartSizeChange {
        first_part: 1,
        part_size: 20 * MIB,
    }];
    let mut page = Page::after(&dead);
    page.attach(0, Attachment::Picked);
    page.answer("list 0", listing([(3, part_3)]));
    let mut sent = Vec::new();
    for number in 1..=6 {
        let name = format!("part {number} of 0");
        if page.requests().contains(&&*name) {
            page.answer(&name, stored());
            sent.push(number);
        }
    }
    assert_eq!(page.requests(), ["complete 0"]);
    sent
}

#[test]
fn a_part_counts_once_the_file_is_divided_so_that_it_fits() {
    assert_eq!(sent_beside(28 * MIB..36 * MIB), [1, 2, 4, 5, 6]);
    for part_3 in [28 * MIB..35 * MIB, 20 * MIB..28 * MIB, 36 * MIB..44 * MIB] {
        assert_eq!(sent_beside(part_3.clone()), [1, 2, 3, 4, 5, 6], "{part_3:?}");
    }
}

#[test]
fn every_page_of_a_listing_is_read() {
    let mut first = listed(&[1]);
    first.body = first.body.replace(
        "<ListPartsResult>",
        "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>",
    );
    let mut page = check(&[1, 2], Attachment::Handle, first, &["list 0"]);
    page.answer("list 0", listed(&[2]));
    assert_eq!(page.requests(), ["part 3 of 0"]);
}

#[test]
fn an_upload_that_is_gone_starts_over_and_says_so() {
    let page = check(&[1, 2], Attachment::Handle, gone(), &["create 0", "abort 0"]);
    let view = page.engine.view(FileId(0)).expect("a file");
    assert_eq!(view.notice, Some(Notice::StartedOver));
    assert_eq!(page.kept[&FileId(0)].multipart, None);
}

#[test]
fn an_upload_that_is_gone_with_all_of_its_parts_was_completed() {
    for attachment in [Attachment::Handle, Attachment::Picked] {
        let mut page = check(&[1, 2, 3], attachment, gone(), &["complete 0"]);
        page.answer("complete 0", gone());
        assert_eq!(page.status(0), FileStatus::Stored);
    }
}

#[test]
fn an_upload_dropped_meanwhile_is_not_taken_for_completed() {
    let mut page = Page::after(&left_after(&[1, 2, 3]));
    page.server_ahead = 2 * 24 * 3600;
    page.attach(0, Attachment::Handle);
    page.answer("list 0", gone());
    page.answer("complete 0", gone());
    assert!(page.requests().contains(&"create 0"), "{:?}", page.requests());
}

#[test]
fn another_file_of_the_same_description_is_refused_and_costs_nothing() {
    let mut page = Page::after(&left_after(&[1, 2]));
    page.version = 1;
    page.attach(0, Attachment::Picked);
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(page.status(0), FileStatus::Interrupted(Some(Mismatch::Content)));
    assert!(page.requests().is_empty(), "{:?}", page.requests());

    page.version = 0;
    page.attach(0, Attachment::Picked);
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(page.requests(), ["part 3 of 0"]);
}

#[test]
fn a_file_that_cannot_be_read_while_it_is_compared_costs_nothing() {
    let mut page = Page::after(&left_after(&[1, 2]));
    page.unreadable = Some(FileFailure::Missing);
    page.attach(0, Attachment::Picked);
    page.answer("list 0", listed(&[1, 2]));
    while page.engine.totals().interrupted == 0 {
        page.wait();
    }
    assert_eq!(
        page.status(0),
        FileStatus::Interrupted(Some(Mismatch::Unreadable))
    );
    assert_eq!(page.kept.len(), 1);
}

#[test]
fn a_file_with_another_name_or_size_is_refused_at_once() {
    type Change = fn(&mut engine::FileDescription);
    let changes: [(Change, Mismatch); 2] = [
        (|file| file.name.push('x'), Mismatch::Name),
        (|file| file.size += 1, Mismatch::Size),
    ];
    for (change, expected) in changes {
        let mut page = Page::after(&left_after(&[1]));
        let mut description = page
            .engine
            .interrupted()
            .map(|(_, description)| description.clone())
            .next()
            .expect("an interrupted upload");
        change(&mut description);
        page.tell(Event::Attached {
            id: FileId(0),
            description,
            attachment: Attachment::Picked,
        });
        assert_eq!(page.status(0), FileStatus::Interrupted(Some(expected)));
        assert!(page.requests().is_empty(), "{:?}", page.requests());
    }
}

#[test]
fn a_file_of_another_time_is_compared_and_goes_on() {
    for attachment in [Attachment::Handle, Attachment::Picked] {
        for (version, expected) in [(0, None), (1, Some(Mismatch::Content))] {
            let mut page = Page::after(&left_after(&[1, 2]));
            page.version = version;
            let (_, description) = page.engine.interrupted().next().expect("an upload");
            let mut description = description.clone();
            description.last_modified += 3_600_000;
            page.tell(Event::Attached {
                id: FileId(0),
                description,
                attachment,
            });
            page.answer("list 0", listed(&[1, 2]));
            match expected {
                None => assert_eq!(page.requests(), ["part 3 of 0"]),
                Some(_) => assert_eq!(page.status(0), FileStatus::Interrupted(expected)),
            }
        }
    }
}

#[test]
fn a_file_that_was_touched_is_compared_again_after_a_crash() {
    let mut dead = Page::after(&left_after(&[1, 2]));
    let (_, description) = dead.engine.interrupted().next().expect("an upload");
    let mut description = description.clone();
    description.last_modified = 7;
    dead.tell(Event::Attached {
        id: FileId(0),
        description: description.clone(),
        attachment: Attachment::Handle,
    });
    assert_eq!(dead.kept[&FileId(0)].last_modified, 0);
    dead.answer("list 0", listed(&[1, 2]));
    assert_eq!(dead.kept[&FileId(0)].last_modified, 7);
}

#[test]
fn the_part_size_of_the_record_is_kept_and_one_that_cannot_be_is_not() {
    for (part_size, expected) in [
        (10 * MIB, vec!["part 1 of 0", "part 2 of 0"]),
        (0, vec!["create 0"]),
        (1, vec!["create 0"]),
    ] {
        let mut dead = left_after(&[]);
        let record = dead.kept.get_mut(&FileId(0)).expect("a record");
        record.multipart.as_mut().expect("an upload").part_size = part_size;
        let mut page = Page::after(&dead);
        page.attach(0, Attachment::Handle);
        if page.requests() == ["list 0"] {
            page.answer("list 0", listed(&[]));
        }
        assert_eq!(page.requests(), expected);
    }
}

#[test]
fn small_files_come_back_and_stored_ones_do_not() {
    let mut dead = Page::with_files(Settings::default(), &[100, 200]);
    dead.answer("put 0", stored());
    let mut page = Page::after(&dead);
    assert_eq!(page.engine.totals().interrupted, 1);
    page.attach(0, Attachment::Picked);
    assert_eq!(page.requests(), ["put 0"]);
    page.answer("put 0", stored());
    assert!(page.kept.is_empty());
}

#[test]
fn a_small_file_is_recorded_picked_planned_and_stored() {
    let mut page = Page::with_files(Settings::default(), &[1; 500]);
    let planned: usize = page.planned.iter().map(|(_, files)| files.len()).sum();
    assert_eq!((page.saves, page.kept.len()), (500 + planned, 500));
    page.hold_calls = true;
    page.answer("put 0", stored());
    assert_eq!((page.saves, page.kept.len()), (500 + planned + 1, 500));
}

#[test]
fn what_is_kept_of_stored_files_goes_with_the_last_of_their_batch() {
    let mut page = Page::with_files(Settings::default(), &[1, 1]);
    page.answer("put 0", stored());
    assert!(page.kept[&FileId(0)].has_ended);
    page.tell(Event::Remove(Selection::All));
    assert_eq!(page.kept.len(), 2, "its key is still taken");
    page.answer("put 1", stored());
    assert!(page.kept.is_empty());
}

#[test]
fn a_key_that_was_stored_before_a_crash_is_no_other_files() {
    let mut dead = Page::new(Settings::default());
    dead.one_name = true;
    dead.pick(&[1, 1]);
    dead.answer("put 0", stored());
    let unfinished = dead.kept.values_mut().filter(|record| !record.has_ended);
    unfinished.for_each(|record| record.object = None);
    let mut page = Page::after(&dead);
    page.one_name = true;
    page.attach(0, Attachment::Handle);
    page.answer("put 0", stored());
    let key = page.engine.view(FileId(0)).and_then(|view| view.key);
    assert_eq!(key.as_deref(), Some("uploads/name (2)"));
}

#[test]
fn a_forgotten_upload_is_aborted() {
    let mut page = Page::after(&left_after(&[1]));
    page.tell(Event::Remove(Selection::All));
    assert_eq!(page.kept.len(), 1, "it is not among what has ended");
    page.tell(Event::Remove(Selection::File(FileId(0))));
    assert_eq!(page.requests(), ["abort 0"]);
    assert!(page.kept.is_empty());
    assert_eq!(page.engine.view(FileId(0)), None);
}

#[test]
fn what_was_given_up_for_good_is_not_kept_and_what_can_go_on_is() {
    let mut page = Page::completing();
    page.answer("complete 0", error(400, "EntityTooLarge", ""));
    assert_eq!(page.failure(0), ErrorKind::FileTooLarge);
    assert!(page.kept.is_empty());

    let mut page = Page::completing();
    page.answer("complete 0", error(403, "AccessDenied", "Access Denied"));
    assert_eq!(page.failure(0), ErrorKind::AccessDenied);
    assert_eq!(page.kept.len(), 1);
}

#[test]
fn an_upload_of_another_tab_is_left_alone_until_that_tab_is_gone() {
    let dead = left_after(&[1]);
    let records: Vec<UploadRecord> = dead.kept.values().cloned().collect();
    let mut page = Page::new(Settings::default());
    page.tell(Event::Restored {
        records: [records.clone(), records.clone()].concat(),
        owner: Owner::AnotherTab,
    });
    page.tell(Event::Remove(Selection::File(FileId(0))));
    page.tell(Event::Cancel(Selection::All));
    assert_eq!(page.status(0), FileStatus::Elsewhere);
    assert!(page.requests().is_empty(), "{:?}", page.requests());

    let [id, ended] = [FileId(0), FileId(1)];
    page.tell(Event::TakenOver {
        id,
        record: records.first().cloned().map(Box::new),
    });
    page.tell(Event::TakenOver {
        id: ended,
        record: None,
    });
    assert_eq!(page.status(0), FileStatus::Interrupted(None));
    assert_eq!(page.engine.view(ended), None);
    assert_eq!(page.engine.totals().files, 1);
}

#[test]
fn what_is_kept_survives_being_written_and_read() {
    let dead = left_after(&[1]);
    let record = &dead.kept[&FileId(0)];
    let text = serde_json::to_string(record).expect("JSON");
    let mut read: UploadRecord = serde_json::from_str(&text).expect("a record");
    let parts = &mut read.multipart.as_mut().expect("an upload").parts;
    assert!(parts.is_empty(), "parts are kept beside the rest");
    parts.clone_from(&record.multipart.as_ref().expect("an upload").parts);
    assert_eq!(&read, record);
}

#[test]
fn a_pause_while_the_file_is_compared_loses_nothing() {
    let mut page = Page::after(&left_after(&[1, 2]));
    page.attach(0, Attachment::Picked);
    page.tell(Event::Pause(Selection::All));
    page.tell(Event::Resume(Selection::All));
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(page.requests(), ["part 3 of 0"]);
    assert_eq!(
        page.engine.view(FileId(0)).expect("a file").sent,
        16 * MIB,
        "what is stored counts as sent"
    );
    page.answer("part 3 of 0", error(403, "AccessDenied", ""));
    assert_eq!(page.failure(0), ErrorKind::AccessDenied);
}

proptest! {
    #[test]
    fn no_record_and_no_listing_makes_the_engine_panic(
        size in prop_oneof![0..200 * MIB, 0..1_u64 << 53],
        part_size in prop_oneof![0..20 * MIB, any::<u64>()],
        numbers in prop::collection::vec(prop_oneof![0..5_u32, any::<u32>()], 0..4),
        by_handle: bool,
    ) {
        let mut dead = left_after(&[1, 2]);
        let record = dead.kept.get_mut(&FileId(0)).expect("a record");
        record.size = size;
        let multipart = record.multipart.as_mut().expect("an upload");
        multipart.part_size = part_size;
        for (part, number) in multipart.parts.iter_mut().zip(&numbers) {
            part.number = *number;
        }
        let mut page = Page::after(&dead);
        page.attach(0, if by_handle { Attachment::Handle } else { Attachment::Picked });
        if page.requests() == ["list 0"] {
            let mut list = listed(&[1, 2, 3]);
            for number in &numbers {
                list.body = list.body.replacen("<PartNumber>1<", &format!("<PartNumber>{number}<"), 1);
            }
            page.answer("list 0", list);
        }
        let view = page.engine.view(FileId(0)).expect("a file");
        prop_assert!(view.sent <= view.size);
    }
}

#[test]
fn a_complete_after_a_crash_is_doubted_though_a_part_was_replaced() {
    let mut page = Page::after(&left_after(&[1, 2, 3]));
    page.attach(0, Attachment::Handle);
    let mut list = listed(&[1, 2, 3]);
    let (before, last) = list.body.rsplit_once("<Size>").expect("a size");
    let (_, rest) = last.split_once('<').expect("its end");
    list.body = format!("{before}<Size>1<{rest}");
    page.answer("list 0", list);
    page.answer("part 3 of 0", stored());
    page.answer("complete 0", error(409, "ConditionalRequestConflict", ""));
    page.wait();
    assert_eq!(
        page.requests(),
        ["list 0"],
        "an earlier Complete may be in progress"
    );
}
