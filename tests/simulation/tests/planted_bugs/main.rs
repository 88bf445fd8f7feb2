//! Proof that the simulation can fail: each bug of `bugs/` is put into a copy of the engine, and the
//! simulation has to find it, as the violation that the table names.
//!
//! To add a bug, or to mend a patch that no longer applies: write the bug into the engine, behind
//! `if crate::planted("its-name")`, run `git diff crates/engine > tests/simulation/bugs/its-name.patch`,
//! put a sentence on what is wrong at the beginning of that file, take the change back, and see to its
//! line in the table.

mod copy;

use std::{collections::BTreeSet, sync::LazyLock};

use copy::{BUGS_FOLDER, EngineCopy};
use engine::ErrorKind;
use simulation::{Found, Malformation, Violation};

/// A bug that is not found in this many worlds would not be found by the seeds of a usual run either.
const MAX_SEEDS: u64 = 2_000;

static COPY: LazyLock<Result<EngineCopy, String>> = LazyLock::new(EngineCopy::build);

/// Declares a test for each bug: the bug's patch, and the violations that may come first, depending on the
/// world that meets it.
macro_rules! bugs {
    ($($test:ident: $bug:literal => $violations:pat,)+) => {
        const BUGS: &[&str] = &[$($bug),+];

        $(
            #[test]
            fn $test() {
                check($bug, |violation| matches!(violation, $violations));
            }
        )+
    };
}

bugs! {
    an_aborted_operation_that_ends_everything_is_found: "aborted-operation-is-final" =>
        Violation::FailedWithoutReason { .. },
    a_file_refused_for_another_time_is_found: "another-time-is-refused" =>
        Violation::StuckAtRest { .. } | Violation::NotStored { .. },
    attempts_used_by_two_commands_are_found: "attempts-reused" =>
        Violation::AttemptReused { .. },
    a_blocked_host_that_is_not_named_is_found: "block-not-named" =>
        Violation::FailedWithoutReason { .. },
    bodies_that_fill_the_memory_are_found: "bodies-unbounded" =>
        Violation::BodiesUnbounded { .. },
    a_body_larger_than_permitted_is_found: "bound-ignored" =>
        Violation::BodyTooLarge { .. },
    a_budget_that_is_ignored_is_found: "budget-ignored" =>
        Violation::BudgetExceeded { .. },
    a_slice_that_is_sent_for_ever_is_found: "bytes-never-tried" =>
        Violation::NeverAtRest | Violation::NotStored { .. },
    a_change_that_is_not_shown_is_found: "change-not-shown" =>
        Violation::ViewOutdated { .. },
    a_conflict_with_ones_own_complete_is_found: "conflict-starts-over" =>
        Violation::StartedOverWhileCompleting { .. },
    control_requests_to_a_dead_endpoint_are_found: "control-requests-stay" =>
        Violation::UnreachableRetried { .. } | Violation::NeverAtRest | Violation::EndlessLoop,
    parts_that_grow_where_they_may_not_are_found: "constant-parts-grow" =>
        Violation::RequestMalformed { code: Malformation::UnequalParts, .. },
    an_error_in_a_200_taken_for_success_is_found: "error-in-200-is-success" =>
        Violation::StoredWithoutObject { found: Found::Nothing, .. },
    an_expired_url_that_ends_everything_is_found: "expired-is-final" =>
        Violation::FailedWithoutReason { .. },
    an_expiry_in_other_words_is_found: "expiry-by-one-wording" =>
        Violation::FailedWithoutReason { kind: ErrorKind::AccessDenied, .. },
    a_success_that_only_a_stranger_gave_is_found: "foreign-200-is-stored" =>
        Violation::StoredWithoutObject { found: Found::Nothing, .. },
    a_listing_of_which_only_the_first_page_is_read_is_found: "first-page-only" =>
        Violation::SentAgain { .. },
    a_dropped_upload_taken_for_a_stored_object_is_found: "gone-is-stored" =>
        Violation::StoredWithoutObject { found: Found::Nothing, .. },
    unbounded_hashing_is_found: "hashing-unbounded" =>
        Violation::HashingUnbounded { .. },
    a_hidden_etag_that_ends_everything_is_found: "hidden-etag-is-final" =>
        Violation::FailedWithoutReason { kind: ErrorKind::EtagHidden, .. },
    somebody_elses_object_taken_for_ones_own_is_found: "key-taken-is-ours" =>
        Violation::StoredWithoutObject { found: Found::ForeignObject, .. },
    calls_that_a_firewall_refuses_are_found: "large-calls" =>
        Violation::FailedWithoutReason { kind: ErrorKind::ApiRefused, .. },
    an_upload_dropped_by_the_lifecycle_taken_for_stored_is_found: "lifecycle-forgotten" =>
        Violation::StoredWithoutObject { found: Found::Nothing, .. },
    a_listed_part_that_counts_without_its_checksum_is_found: "listed-without-checksum" =>
        Violation::RequestMalformed { code: Malformation::InvalidPart, .. },
    a_manifest_that_is_somebody_elses_object_is_found: "manifest-key-taken-is-ours" =>
        Violation::ManifestWithoutObject { .. },
    a_manifest_that_is_stored_twice_is_found: "manifest-outcome-forgotten" =>
        Violation::ManifestTwice { .. },
    a_file_that_no_manifest_names_is_found: "manifest-written-once" =>
        Violation::NotInManifest { .. },
    tries_without_end_are_found: "never-gives-up" =>
        Violation::NeverAtRest,
    a_multipart_upload_that_is_left_at_s3_is_found: "no-abort" =>
        Violation::NeverAborted { .. },
    an_answer_taken_for_another_request_is_found: "no-attempt-check" =>
        Violation::RequestMalformed { code: Malformation::InvalidPart, .. }
        | Violation::BudgetExceeded { .. }
        | Violation::SentAgain { .. }
        | Violation::CancelledInVain { .. }
        | Violation::CompletedUnchecked { .. }
        | Violation::FailedWithoutReason { .. },
    a_file_that_is_not_checked_again_is_found: "no-check" =>
        Violation::CompletedUnchecked { .. },
    a_stall_that_nobody_watches_for_is_found: "no-stall-timer" =>
        Violation::EndlessLoop,
    a_wake_up_that_is_never_asked_for_is_found: "no-wake-up" =>
        Violation::WaitsForNothing { .. } | Violation::StuckAtRest { .. },
    ones_own_object_taken_for_somebody_elses_is_found: "outcome-forgotten" =>
        Violation::StoredTwice { .. },
    a_request_that_is_sent_before_it_is_on_record_is_found: "sent-before-saved" =>
        Violation::StoredTwice { .. },
    one_key_for_two_files_is_found: "keys-shared" =>
        Violation::StoredWithoutObject { found: Found::AnotherFile, .. },
    a_key_that_is_forgotten_by_a_crash_is_found: "ended-keys-forgotten" =>
        Violation::StoredWithoutObject { found: Found::AnotherFile, .. }
        | Violation::StoredTwice { .. },
    other_bytes_under_one_key_are_found: "other-bytes-share-a-key" =>
        Violation::StoredAsItWas { .. },
    a_body_that_is_given_up_while_it_is_forwarded_is_found: "patience-by-progress-alone" =>
        Violation::GivenUpTooSoon { .. },
    progress_counted_twice_is_found: "progress-counted-twice" =>
        Violation::TotalsWrong { .. } | Violation::Panicked { .. },
    progress_that_goes_back_is_found: "progress-reset" =>
        Violation::ProgressWentBack { .. },
    parts_that_a_pause_forgets_are_found: "resend-after-pause" =>
        Violation::SentAgain { .. },
    a_resumed_part_that_counts_by_its_number_is_found: "resume-by-part-number" =>
        Violation::RequestMalformed { code: Malformation::InvalidPart, .. }
        | Violation::ObjectScrambled { .. }
        | Violation::StoredAsItWas { .. },
    a_retry_that_does_nothing_is_found: "retry-ignored" =>
        Violation::NotStored { .. },
    an_endpoint_that_does_not_exist_is_found: "second-endpoint-invented" =>
        Violation::NoSuchEndpoint,
    a_page_that_goes_back_to_slices_is_found: "slices-again" =>
        Violation::SliceTriedAgain { .. },
    stale_requests_that_keep_their_places_are_found: "stale-takes-place" =>
        Violation::WaitsForNothing { .. },
    requests_that_never_shrink_are_found: "too-large-is-final" =>
        Violation::FailedWithoutReason { kind: ErrorKind::RequestTooLarge, .. }
        | Violation::NotStored { .. },
    another_file_that_is_taken_for_the_one_that_was_sent_is_found: "trust-different-file" =>
        Violation::ObjectScrambled { .. } | Violation::StoredAsItWas { .. },
    a_touched_file_that_is_not_compared_is_found: "touched-is-unchanged" =>
        Violation::ObjectScrambled { .. } | Violation::StoredAsItWas { .. },
    a_5xx_that_ends_everything_is_found: "unknown-5xx-is-final" =>
        Violation::FailedWithoutReason { .. },
    files_that_wait_for_an_unreachable_endpoint_are_found: "unreachable-for-good" =>
        Violation::UnreachableRetried { .. },
    an_unreadable_file_that_fails_at_once_is_found: "unreadable-is-final" =>
        Violation::FailedWithoutReason { kind: ErrorKind::FileChanged, .. },
    an_unreadable_file_that_is_never_tried_again_is_found: "unreadable-not-retried" =>
        Violation::StuckAtRest { .. } | Violation::NotStored { .. },
}

#[test]
fn the_copy_breaks_no_invariant_without_a_bug() {
    assert_eq!(engine_copy().find(None, MAX_SEEDS), None);
}

#[test]
fn every_patch_has_a_test() {
    let patches: BTreeSet<String> = std::fs::read_dir(BUGS_FOLDER)
        .expect("a folder of patches")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "patch"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(patches, BUGS.iter().map(|bug| (*bug).to_owned()).collect());
}

fn engine_copy() -> &'static EngineCopy {
    COPY.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

fn check(bug: &str, is_expected: fn(&Violation) -> bool) {
    let copy = engine_copy();
    if let Some(refusal) = copy.refusals.get(bug) {
        panic!("{refusal}");
    }
    let failure = copy
        .find(Some(bug), MAX_SEEDS)
        .unwrap_or_else(|| panic!("{bug} is not found in {MAX_SEEDS} worlds"));
    assert!(is_expected(&failure.violation), "{bug} is found as {failure:?}");
    assert_eq!(
        simulation::run(failure.seed),
        Ok(()),
        "without the bug, the same seed holds"
    );
}
