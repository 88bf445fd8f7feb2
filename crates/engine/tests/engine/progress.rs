//! Progress and the time that is left.

use std::time::Duration;

use engine::{FileId, Settings};

use crate::support::{MIB, Page, busy, created, stored};

#[test]
fn progress_never_goes_back_when_a_try_fails() {
    let mut page = Page::with_files(Settings::default(), &[1_000]);
    page.progress("put 0", 600);
    page.answer("put 0", busy());
    page.wait();
    page.progress("put 0", 200);
    assert_eq!(page.engine.totals().sent, 600);
    page.progress("put 0", 700);
    assert_eq!(page.engine.view(FileId(0)).expect("a file").sent, 700);
}

#[test]
fn the_time_left_follows_a_bumpy_network_without_a_jump() {
    let size = 4_000 * MIB;
    let settings = Settings {
        parallel_requests: 1,
        ..Settings::default()
    };
    let mut page = Page::with_files(settings, &[size]);
    page.answer("create 0", created());
    let mut before: Option<f64> = None;
    for step in 0..400_u64 {
        // A part of 8 MiB in eight steps; the steps take half to one and a half seconds.
        let part = format!("part {} of 0", step / 8 + 1);
        let millis = [500, 1_500, 700, 1_300, 1_000][step as usize % 5];
        page.now += Duration::from_millis(millis);
        page.progress(&part, (step % 8 + 1) * MIB);
        if step % 8 == 7 {
            page.answer(&part, stored());
        }
        let left = page.engine.totals().time_left.map(|left| left.as_secs_f64());
        if let (Some(before), Some(left)) = (before, left)
            && step > 40
        {
            let jump = (left - before).abs() / before;
            assert!(
                jump < 0.15,
                "at step {step} the time left jumps from {before} s to {left} s"
            );
        }
        before = left;
    }
    let left = before.expect("a time");
    assert!(
        (3_000.0..4_500.0).contains(&left),
        "3,600 MiB at 1 MiB per second take {left} s"
    );
}

#[test]
fn files_that_nobody_waits_for_are_not_in_the_time_left() {
    let mut page = Page::with_files(Settings::default(), &[MIB, MIB]);
    for step in 1..=4 {
        page.now += Duration::from_secs(1);
        page.progress("put 0", step * 1_000);
    }
    let both = page.engine.totals().time_left.expect("a time");
    page.tell(engine::Event::Pause(engine::Selection::File(FileId(1))));
    let one = page.engine.totals().time_left.expect("a time");
    assert!(one < both.mul_f64(0.6), "{one:?} of {both:?}");
}
