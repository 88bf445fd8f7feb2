//! The engine's view of a file, and of a batch, as it is sent to the page.

use std::time::Duration;

use engine::{FileId, FileStatus, FileView, Selection, Totals, UploadError};
use messages::{BatchSummary, Receipt, Row, RowError, RowState, Verdict};
use wire::BatchId;

use super::list::Group;

/// The media type of folders (XDG Shared MIME-info), by which the row of a batch gets its sign.
const FOLDER_TYPE: &str = "inode/directory";

/// A file as its row shows it at this time of the engine's clock, with what a scan found in it.
pub(super) fn of_file(id: FileId, view: FileView, verdict: Option<Verdict>, now: Duration) -> Row {
    Row {
        of: Selection::File(id),
        name: view.name,
        size: view.size,
        media_type: view.media_type,
        state: state(view.status, now),
        sent: view.sent,
        bytes_per_second: view.bytes_per_second,
        key: view.key,
        notice: view.notice,
        verdict,
        is_inside: false,
        batch: None,
    }
}

/// All files of a batch as its row shows them.
pub(super) fn of_batch(batch: BatchId, group: &Group, totals: Totals, receipt: Option<Receipt>) -> Row {
    Row {
        of: Selection::Batch(batch),
        name: group.folder.clone().unwrap_or_default(),
        size: totals.bytes,
        media_type: FOLDER_TYPE.to_owned(),
        state: batch_state(&totals, group.error.as_ref()),
        sent: totals.sent,
        bytes_per_second: 0,
        key: None,
        notice: None,
        verdict: None,
        is_inside: false,
        batch: Some(Box::new(BatchSummary {
            totals,
            is_open: group.is_open,
            receipt,
        })),
    }
}

/// How far a batch is: as far as those of its files that have the longest way to go.
fn batch_state(totals: &Totals, error: Option<&RowError>) -> RowState {
    match error {
        _ if totals.unfinished() > 0 => RowState::Sending,
        _ if totals.paused > 0 => RowState::Paused,
        _ if totals.interrupted > 0 => RowState::Interrupted(None),
        _ if totals.elsewhere > 0 => RowState::Elsewhere,
        Some(error) if totals.failed > 0 => RowState::Failed(error.clone()),
        _ if totals.stored > 0 => RowState::Stored,
        _ => RowState::Cancelled,
    }
}

fn state(status: FileStatus, now: Duration) -> RowState {
    match status {
        FileStatus::Queued => RowState::Queued,
        FileStatus::Hashing => RowState::Hashing,
        FileStatus::Preparing => RowState::Preparing,
        FileStatus::Comparing => RowState::Comparing,
        FileStatus::Ready => RowState::Ready,
        FileStatus::Sending => RowState::Sending,
        FileStatus::Confirming => RowState::Confirming,
        FileStatus::Finishing => RowState::Finishing,
        FileStatus::Waiting { until, error: cause } => RowState::Waiting {
            seconds: until.saturating_sub(now).as_millis().div_ceil(1000) as u32,
            error: error(cause),
        },
        FileStatus::Unreadable { .. } => RowState::Unreadable,
        FileStatus::SignedOut => RowState::SignedOut,
        FileStatus::LinkEnded => RowState::LinkEnded,
        FileStatus::Offline => RowState::Offline,
        FileStatus::Paused => RowState::Paused,
        FileStatus::Stored => RowState::Stored,
        FileStatus::Failed(cause) => RowState::Failed(error(cause)),
        FileStatus::Cancelled => RowState::Cancelled,
        FileStatus::Interrupted(mismatch) => RowState::Interrupted(mismatch),
        FileStatus::Elsewhere => RowState::Elsewhere,
    }
}

/// What the user has to know about an error.
pub(super) fn error(error: UploadError) -> RowError {
    let details = details(&error);
    let (max_bytes, allowed_types) = match error.api {
        Some(api) => (api.max_bytes, api.allowed_types.unwrap_or_default()),
        None => (error.limit, Vec::new()),
    };
    RowError {
        kind: error.kind,
        max_bytes,
        host: error.host,
        allowed_types,
        details,
    }
}

/// S3's status, code and request id, or the API's code and message.
fn details(error: &UploadError) -> String {
    if let Some(s3) = &error.s3 {
        let mut details = vec![format!("{} {}", s3.status, s3.code).trim().to_owned()];
        if !s3.message.is_empty() {
            details.push(s3.message.clone());
        }
        if !s3.request_id.is_empty() {
            details.push(format!("request id {}", s3.request_id));
        }
        details.join(" · ")
    } else if let Some(api) = &error.api {
        format!("{} · {}", api.code, api.message)
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use engine::{ErrorKind, S3Error};
    use wasm_bindgen_test::wasm_bindgen_test;
    use wire::{ApiError, ErrorCode};

    use super::*;

    fn shown(kind: ErrorKind, s3: Option<S3Error>, api: Option<ApiError>) -> RowError {
        error(UploadError {
            s3,
            api,
            ..UploadError::new(kind)
        })
    }

    #[wasm_bindgen_test]
    fn an_error_of_the_api_keeps_its_limit_code_and_message() {
        let mut api = ApiError::new(ErrorCode::FileTooLarge, "too large");
        api.max_bytes = Some(5_000_000);
        let shown = shown(ErrorKind::FileTooLarge, None, Some(api));
        assert_eq!(shown.max_bytes, Some(5_000_000));
        assert_eq!(shown.details, "FileTooLarge · too large");
    }

    #[wasm_bindgen_test]
    fn what_blocks_the_way_is_described_by_its_host_or_its_limit() {
        let blocked = error(UploadError {
            host: Some("bucket.s3.amazonaws.com".to_owned()),
            ..UploadError::new(ErrorKind::S3Blocked)
        });
        assert_eq!(blocked.host.as_deref(), Some("bucket.s3.amazonaws.com"));
        let limited = error(UploadError {
            limit: Some(10_000_000),
            ..UploadError::new(ErrorKind::RequestTooLarge)
        });
        assert_eq!(limited.max_bytes, Some(10_000_000));
    }

    #[wasm_bindgen_test]
    fn an_error_of_s3_shows_its_status_code_and_request_id() {
        let s3 = S3Error {
            status: 403,
            code: "AccessDenied".to_owned(),
            message: String::new(),
            request_id: "A1".to_owned(),
        };
        let shown = shown(ErrorKind::AccessDenied, Some(s3), None);
        assert_eq!(shown.details, "403 AccessDenied · request id A1");
    }

    #[wasm_bindgen_test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        for (until, expected) in [(10_000, 0), (10_001, 1), (11_000, 1), (9_000, 0)] {
            let waiting = FileStatus::Waiting {
                until: Duration::from_millis(until),
                error: UploadError::new(ErrorKind::S3Busy),
            };
            let RowState::Waiting { seconds, .. } = state(waiting, Duration::from_secs(10)) else {
                panic!("it waits");
            };
            assert_eq!(seconds, expected, "{until}");
        }
    }

    #[wasm_bindgen_test]
    fn a_batch_is_as_far_as_its_last_file() {
        let error = error(UploadError::new(ErrorKind::S3Busy));
        let check = |change: fn(&mut Totals), expected: RowState| {
            let mut totals = Totals {
                files: 3,
                stored: 1,
                failed: 1,
                ..Totals::default()
            };
            change(&mut totals);
            assert_eq!(batch_state(&totals, Some(&error)), expected);
        };
        check(|_| {}, RowState::Sending);
        check(|totals| totals.paused = 1, RowState::Paused);
        check(|totals| totals.interrupted = 1, RowState::Interrupted(None));
        check(|totals| totals.cancelled = 1, RowState::Failed(error.clone()));
        let all_but_one = |totals: &mut Totals| (totals.failed, totals.cancelled) = (0, 2);
        check(all_but_one, RowState::Stored);
        let none = |totals: &mut Totals| (totals.stored, totals.failed, totals.cancelled) = (0, 0, 3);
        check(none, RowState::Cancelled);
    }
}
