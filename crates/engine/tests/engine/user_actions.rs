//! What a user does to the files.

use engine::{Event, FileId, FileStatus, Selection, Settings};

use crate::support::{MIB, Page, batch, busy, created, described, listed, stored};

#[test]
fn a_pause_sends_nothing_finished_again() {
    let mut page = Page::uploading();
    page.answer("part 2 of 0", stored());
    page.tell(Event::Pause(Selection::All));
    assert!(page.requests().is_empty());
    page.tell(Event::Resume(Selection::All));
    page.answer("list 0", listed(&[1, 2]));
    assert_eq!(page.requests(), ["part 3 of 0"]);
}

#[test]
fn what_is_resumed_goes_on_in_its_order() {
    let settings = Settings {
        parallel_requests: 3,
        parallel_hashes: 1,
        ..Settings::default()
    };
    let mut page = Page::with_files(settings, &[1; 300]);
    page.tell(Event::Pause(Selection::All));
    page.tell(Event::Resume(Selection::All));
    assert_eq!(page.requests(), ["put 0", "put 1", "put 2"]);
}

#[test]
fn files_behind_many_that_were_paused_in_the_queue_are_reached() {
    let mut page = Page::with_files(Settings::default(), &[1; 400]);
    for file in 100..350 {
        page.tell(Event::Pause(Selection::File(FileId(file))));
    }
    while let Some(name) = page.requests().first().map(|name| (*name).to_owned()) {
        page.answer(&name, stored());
    }
    assert_eq!(
        (page.engine.totals().stored, page.engine.totals().paused),
        (150, 250)
    );
}

#[test]
fn a_cancelled_upload_is_aborted_until_that_succeeds() {
    let mut page = Page::uploading();
    assert!(!page.engine.is_aborting());
    page.tell(Event::Cancel(Selection::All));
    assert_eq!(
        (page.status(0), page.requests()),
        (FileStatus::Cancelled, vec!["abort 0"])
    );
    page.answer("abort 0", busy());
    assert!(page.engine.is_aborting());
    page.wait();
    page.answer("abort 0", stored());
    assert!(page.requests().is_empty());
    assert!(!page.engine.is_aborting());
}

#[test]
fn an_upload_is_aborted_once_no_record_says_that_it_goes_on() {
    let mut page = Page::uploading();
    page.hold_saves = true;
    page.tell(Event::Cancel(Selection::All));
    assert!(page.requests().is_empty(), "a crash now would leave its record");
    page.tell(Event::Saved(page.held_saves[0]));
    assert_eq!(page.requests(), ["abort 0"]);
}

#[test]
fn an_upload_cancelled_while_it_is_created_is_aborted_afterwards() {
    let mut page = Page::with_files(Settings::default(), &[20 * MIB]);
    page.tell(Event::Cancel(Selection::All));
    assert_eq!(page.requests(), ["create 0"]);
    assert!(page.engine.is_aborting());
    page.answer("create 0", created());
    assert_eq!(page.requests(), ["abort 0"]);
}

#[test]
fn a_failed_file_keeps_its_parts_until_it_is_removed() {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    page.answer("part 2 of 0", crate::support::error(403, "AccessDenied", ""));
    assert!(page.requests().is_empty(), "nothing is aborted");
    page.tell(Event::Remove(Selection::File(FileId(0))));
    assert_eq!(page.requests(), ["abort 0"]);
    assert_eq!(page.engine.totals().files, 0);
}

#[test]
fn what_is_cancelled_can_be_tried_again_from_the_beginning() {
    let mut page = Page::uploading();
    page.answer("part 1 of 0", stored());
    page.tell(Event::Cancel(Selection::All));
    page.answer("abort 0", stored());
    page.tell(Event::Retry(Selection::File(FileId(0))));
    // S3 took no time for a part, so that the whole file is one request now.
    assert_eq!(page.requests(), ["put 0"]);
    assert_eq!(page.engine.totals().sent, 0);
    assert_eq!(page.engine.totals().bytes, 20 * MIB);
}

#[test]
fn what_is_done_to_a_batch_is_done_to_its_files_alone() {
    let mut page = Page::with_files(Settings::default(), &[1, 2]);
    page.tell(Event::FilesAdded {
        batch: batch(2),
        files: described(&[4, 8]),
    });
    let totals = |page: &Page, number| {
        let totals = page.engine.batch_totals(batch(number)).expect("files");
        (totals.files, totals.bytes, totals.paused, totals.cancelled)
    };
    let second = Selection::Batch(batch(2));
    page.tell(Event::Pause(second));
    assert_eq!(
        (totals(&page, 1), totals(&page, 2)),
        ((2, 3, 0, 0), (2, 12, 2, 0))
    );
    page.tell(Event::Resume(second));
    page.tell(Event::Cancel(second));
    assert_eq!((totals(&page, 1), totals(&page, 2)), ((2, 3, 0, 0), (2, 0, 0, 2)));
    page.tell(Event::Remove(second));
    assert_eq!(page.engine.batch_totals(batch(2)), None);
    assert_eq!(page.engine.totals().files, 2);
}

#[test]
fn files_that_come_while_their_batch_is_paused_are_paused() {
    let add = |page: &mut Page, number| {
        let (batch, files) = (batch(number), described(&[1]));
        page.tell(Event::FilesAdded { batch, files });
    };
    for paused in [Selection::All, Selection::Batch(batch(1))] {
        let mut page = Page::with_files(Settings::default(), &[1]);
        page.tell(Event::Pause(paused));
        add(&mut page, 1);
        assert_eq!(page.engine.totals().paused, 2);
        assert!(page.requests().is_empty());
        // A choice that is made later is another batch.
        add(&mut page, 2);
        assert_eq!(page.requests(), ["put 2"]);
        page.tell(Event::Resume(paused));
        add(&mut page, 1);
        assert_eq!(page.engine.totals().paused, 0);
    }
    let mut page = Page::with_files(Settings::default(), &[1]);
    page.tell(Event::Pause(Selection::File(FileId(0))));
    add(&mut page, 1);
    assert_eq!(page.engine.totals().paused, 1);
}

#[test]
fn a_batch_that_is_removed_leaves_nothing_unfinished() {
    let settings = Settings {
        max_attempts: 1,
        ..Settings::default()
    };
    let mut page = Page::with_files(settings, &[1, 2]);
    page.answer("put 0", stored());
    page.answer("put 1", busy());
    page.tell(Event::Remove(Selection::All));
    assert_eq!(page.engine.totals().failed, 1, "it may be tried again");
    page.tell(Event::Remove(Selection::Batch(batch(1))));
    assert_eq!(page.engine.totals().files, 0);
}
