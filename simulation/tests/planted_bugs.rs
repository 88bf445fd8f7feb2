//! Proof that the simulation can fail: each of these bugs, planted in the engine, is found.

use engine::{Bug, plant};

/// A bug that is not found in so many worlds would not be found by the seeds of a usual run either.
const MOST_SEEDS: u64 = 2_000;

/// Plants the bug and gives the invariant that it breaks first.
fn find(bug: Bug) -> Option<simulation::Failure> {
    plant(Some(bug));
    let failure = (0..MOST_SEEDS).find_map(|seed| simulation::run(seed).err());
    plant(None);
    failure
}

/// Each bug may break one of a few invariants first, depending on the world that meets it.
fn check(bug: Bug, expected: &[&str]) {
    let failure = find(bug).unwrap_or_else(|| panic!("{bug:?} is not found in {MOST_SEEDS} worlds"));
    assert!(
        expected.iter().any(|part| failure.reason.contains(part)),
        "{bug:?} is found as something else: {failure:?}"
    );
    assert_eq!(
        simulation::run(failure.seed),
        Ok(()),
        "without the bug, the same seed holds"
    );
}

#[test]
fn an_answer_taken_for_another_request_is_found() {
    check(
        Bug::NoAttemptCheck,
        &[
            "InvalidPart",
            "the budget is",
            "is stored and is sent again",
            "is cancelled and not under way",
            "failed for no reason",
        ],
    );
}

#[test]
fn a_stall_that_nobody_watches_for_is_found() {
    check(Bug::NoStallTimer, &["round in circles"]);
}

#[test]
fn progress_counted_twice_is_found() {
    check(Bug::ProgressCountedTwice, &["the totals are"]);
}

#[test]
fn a_budget_that_is_ignored_is_found() {
    check(Bug::BudgetIgnored, &["the budget is"]);
}

#[test]
fn unbounded_hashing_is_found() {
    check(Bug::HashingUnbounded, &["bytes in memory"]);
}

#[test]
fn a_listed_part_that_counts_without_its_checksum_is_found() {
    check(Bug::ListedWithoutChecksum, &["InvalidPart"]);
}

#[test]
fn an_error_in_a_200_taken_for_success_is_found() {
    check(Bug::ErrorIn200IsSuccess, &["shown as stored and S3 has None"]);
}

#[test]
fn parts_that_a_pause_forgets_are_found() {
    check(Bug::ResendAfterPause, &["is stored and is sent again"]);
}

#[test]
fn a_multipart_upload_that_is_left_at_s3_is_found() {
    check(Bug::NoAbort, &["never aborted"]);
}

#[test]
fn somebody_elses_object_taken_for_ones_own_is_found() {
    check(Bug::KeyTakenIsOurs, &["S3 has Some(Foreign)"]);
}

#[test]
fn ones_own_object_taken_for_somebody_elses_is_found() {
    check(Bug::OutcomeForgotten, &["AlreadyExists"]);
}

#[test]
fn a_dropped_upload_taken_for_a_stored_object_is_found() {
    check(Bug::GoneIsStored, &["shown as stored and S3 has None"]);
}

#[test]
fn an_upload_that_the_lifecycle_dropped_and_that_counts_as_stored_is_found() {
    check(Bug::LifecycleForgotten, &["shown as stored and S3 has None"]);
}

#[test]
fn a_file_that_is_not_looked_at_again_is_found() {
    check(Bug::NoCheck, &["was not looked at again"]);
}

#[test]
fn a_wake_up_that_is_never_asked_for_is_found() {
    check(Bug::NoWakeUp, &["wait for nothing", "is at rest as"]);
}

#[test]
fn an_expired_url_that_ends_everything_is_found() {
    check(Bug::ExpiredIsFinal, &["failed for no reason"]);
}

#[test]
fn tries_without_end_are_found() {
    check(Bug::NeverGivesUp, &["come to rest in time"]);
}

#[test]
fn stale_requests_that_keep_their_places_are_found() {
    check(Bug::StaleTakesPlace, &["wait for nothing"]);
}

#[test]
fn a_resumed_part_that_counts_by_its_number_is_found() {
    check(Bug::ResumeByPartNumber, &["InvalidPart", "is not one file"]);
}

#[test]
fn a_listing_of_which_only_the_first_page_is_read_is_found() {
    check(Bug::FirstPageOnly, &["is stored and is sent again"]);
}

#[test]
fn another_file_that_is_taken_for_the_one_that_was_sent_is_found() {
    check(Bug::TrustDifferentFile, &["is not one file"]);
}

#[test]
fn files_that_wait_for_an_unreachable_address_are_found() {
    check(
        Bug::UnreachableForGood,
        &["requests went to an address that never answers"],
    );
}
