//! Every sentence that the page makes. The words are in `languages/`.

use messages::{ErrorKind, Mismatch, Notice, Row, RowError, RowState, Totals, Verdict};

use crate::{
    config::ConfigError,
    format,
    language::{fill, plural, word},
};

/// An error as a person needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub what: String,
    /// What it means, and what to do.
    pub advice: String,
}

/// The page cannot work without its settings.
pub fn config_error(error: &ConfigError) -> Explanation {
    let reason = match error {
        ConfigError::Unreachable => "config.json".to_owned(),
        ConfigError::Status(status) => format!("config.json: HTTP {status}"),
        ConfigError::Invalid(reason) => ["config.json: ", reason].concat(),
    };
    Explanation {
        what: word("configError"),
        advice: fill("configErrorAdvice", &[("reason", &reason)]),
    }
}

/// An error of the page itself, by the name of its words.
pub(crate) fn page_error(key: &str) -> Explanation {
    Explanation {
        what: word(key),
        advice: word(&[key, "Advice"].concat()),
    }
}

/// The name of a button, so that those of different files differ for a screen reader.
pub(crate) fn action_on(action: &str, file_name: &str) -> String {
    fill("actionOn", &[("action", action), ("name", file_name)])
}

/// The state as the style sheet, the tests and the words know it.
pub(crate) const fn state(state: &RowState) -> &'static str {
    match state {
        RowState::Queued => "queued",
        RowState::Hashing => "hashing",
        RowState::Comparing => "comparing",
        RowState::Preparing => "preparing",
        RowState::Ready => "ready",
        RowState::Sending => "sending",
        RowState::Finishing => "finishing",
        RowState::Waiting { .. } => "waiting",
        RowState::Offline => "offline",
        RowState::Paused => "paused",
        RowState::Stored => "stored",
        RowState::Failed(_) => "failed",
        RowState::Cancelled => "cancelled",
        RowState::Interrupted(_) => "interrupted",
        RowState::Elsewhere => "elsewhere",
    }
}

/// How a file is doing, in one line.
pub(crate) fn status(row: &Row) -> String {
    let percent = || format::percent_text(format::percent(row.sent, row.size));
    let name = state(&row.state);
    match &row.state {
        RowState::Sending => sending(row, word(name), percent()),
        RowState::Waiting { seconds, .. } => fill(name, &[("time", &format::time((*seconds).into()))]),
        RowState::Paused | RowState::Comparing if row.sent > 0 => at(&word(name), &percent()),
        RowState::Interrupted(_) => two_sentences(&at(&word(name), &percent()), &word("howToResume")),
        _ => match said_besides(row) {
            Some(key) => two_sentences(&word(name), &word(key)),
            None => word(name),
        },
    }
}

/// What a row says besides the state: what was found in a stored file, else its notice.
const fn said_besides(row: &Row) -> Option<&'static str> {
    match (row.verdict, row.notice) {
        (Some(verdict), _) => Some(match verdict {
            Verdict::Clean => "verdictClean",
            Verdict::Mismatch => "verdictMismatch",
            Verdict::Forbidden => "verdictForbidden",
            Verdict::Unknown => "verdictUnknown",
        }),
        (None, Some(Notice::StartedOver)) => Some("startedOver"),
        (None, None) => None,
    }
}

fn two_sentences(first: &str, second: &str) -> String {
    fill("twoSentences", &[("first", first), ("second", second)])
}

fn at(state: &str, percent: &str) -> String {
    fill("statePercent", &[("state", state), ("percent", percent)])
}

fn sending(row: &Row, state: String, percent: String) -> String {
    let line = at(&state, &percent);
    if row.bytes_per_second == 0 {
        return line;
    }
    let seconds = (row.size - row.sent) / row.bytes_per_second;
    [
        line,
        format::speed(row.bytes_per_second),
        format::time_left(seconds),
    ]
    .join(" · ")
}

/// What went wrong with a file; and what to do, unless it goes on by itself.
pub(crate) fn message(state: &RowState) -> String {
    match state {
        RowState::Failed(error) => {
            let explanation = explain(error);
            fill(
                "whatAndAdvice",
                &[("what", &explanation.what), ("advice", &explanation.advice)],
            )
        }
        RowState::Waiting { error, .. } => explain(error).what,
        RowState::Interrupted(Some(mismatch)) => word(match mismatch {
            Mismatch::Name => "mismatchName",
            Mismatch::Size => "mismatchSize",
            Mismatch::LastModified => "mismatchLastModified",
            Mismatch::Content => "mismatchContent",
            Mismatch::Unreadable => "mismatchUnreadable",
        }),
        _ => String::new(),
    }
}

/// What an error is, what it means for the file, and what to do.
pub fn explain(error: &RowError) -> Explanation {
    let explanation = page_error(error_name(error.kind));
    let advice = match (error.kind, error.max_bytes) {
        (ErrorKind::FileTooLarge, Some(bytes)) => fill("fileTooLargeSize", &[("size", &format::size(bytes))]),
        (ErrorKind::TypeNotAllowed, _) if !error.allowed_types.is_empty() => fill(
            "typeNotAllowedTypes",
            &[("types", &error.allowed_types.join(&word("separator")))],
        ),
        _ => explanation.advice,
    };
    Explanation {
        advice,
        ..explanation
    }
}

/// The name of an error in `languages/`, and in the addresses of the help page.
pub const fn error_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ApiUnreachable => "apiUnreachable",
        ErrorKind::ApiBusy => "apiBusy",
        ErrorKind::ApiUnexpectedAnswer => "apiUnexpectedAnswer",
        ErrorKind::NotSignedIn => "notSignedIn",
        ErrorKind::ApiRefused => "apiRefused",
        ErrorKind::FileTooLarge => "fileTooLarge",
        ErrorKind::TypeNotAllowed => "typeNotAllowed",
        ErrorKind::S3Unreachable => "s3Unreachable",
        ErrorKind::Stalled => "stalled",
        ErrorKind::S3Busy => "s3Busy",
        ErrorKind::Expired => "expired",
        ErrorKind::ClockSkewed => "clockSkewed",
        ErrorKind::AccessDenied => "accessDenied",
        ErrorKind::SignatureRefused => "signatureRefused",
        ErrorKind::Corrupted => "corrupted",
        ErrorKind::AlreadyExists => "alreadyExists",
        ErrorKind::UploadGone => "uploadGone",
        ErrorKind::EtagHidden => "etagHidden",
        ErrorKind::S3UnexpectedAnswer => "s3UnexpectedAnswer",
        ErrorKind::S3Refused => "s3Refused",
        ErrorKind::FileMissing => "fileMissing",
        ErrorKind::FileChanged => "fileChanged",
    }
}

/// All files in one line.
pub fn summary(totals: &Totals) -> String {
    let stored = crate::language::number(crate::language::Number::Plain, totals.stored as f64);
    let mut summary = plural("uploadedOf", totals.files as u64, &[("stored", &stored)]);
    for (count, key) in [
        (totals.failed, "countFailed"),
        (totals.paused, "countPaused"),
        (totals.interrupted, "countInterrupted"),
        (totals.elsewhere, "countElsewhere"),
        (totals.cancelled, "countCancelled"),
    ] {
        if count > 0 {
            summary.push_str(&word("separator"));
            summary.push_str(&plural(key, count as u64, &[]));
        }
    }
    summary
}

/// How far all files together are, and how long the rest takes.
pub(crate) fn progress(totals: &Totals) -> String {
    let mut parts = vec![fill(
        "sentOf",
        &[
            ("sent", &format::size(totals.sent)),
            ("size", &format::size(totals.bytes)),
        ],
    )];
    if totals.unfinished() > 0 && totals.bytes_per_second > 0 {
        parts.push(format::speed(totals.bytes_per_second));
        parts.extend(totals.time_left.map(|time| format::time_left(time.as_secs())));
    }
    parts.join(" · ")
}

/// What is said aloud when the last file has ended.
pub(crate) fn all_ended(totals: &Totals) -> String {
    fill("finished", &[("summary", &summary(totals))])
}
