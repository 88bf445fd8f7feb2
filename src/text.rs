//! Every sentence that the page makes of its texts.

use messages::{
    BatchSummary, ErrorKind, FindingKind, LinkTerms, Mismatch, Notice, Row, RowError, RowState, Totals,
    Verdict,
};

use crate::{
    components::percent,
    config::ConfigError,
    format,
    i18n::{self, Number, Text, number, t, t_plural, t_with},
};

/// The least size that S3 takes for a part (Amazon S3 User Guide, "Multipart upload limits"), in bytes: what was
/// refused if nothing more is known.
const SMALLEST_PART: u64 = 5 << 20;

/// An error as a user needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub what: String,
    /// What it means, and what to do.
    pub advice: String,
}

/// An error whose texts have no values.
pub(crate) fn explanation([what, advice]: [Text; 2]) -> Explanation {
    Explanation {
        what: t(what),
        advice: t(advice),
    }
}

/// The page cannot work without its settings.
pub fn config_error(error: &ConfigError) -> Explanation {
    let reason = match error {
        ConfigError::Unreachable => "config.json".to_owned(),
        ConfigError::Status(status) => ["config.json: HTTP ", &status.to_string()].concat(),
        ConfigError::Invalid(reason) => ["config.json: ", reason].concat(),
    };
    Explanation {
        what: t(Text::ConfigError),
        advice: t_with(Text::ConfigErrorAdvice, &[("reason", &reason)]),
    }
}

/// What an upload link's maker says, and until when it is valid, in lines.
pub(crate) fn link(terms: &LinkTerms) -> String {
    let until = t_with(Text::LinkUntil, &[("time", &i18n::time(terms.expires_at))]);
    [terms.words.as_str(), &until].join("\n")
}

/// The name of a button, so that those of different files differ for a screen reader.
pub(crate) fn action_on(action: &str, file_name: &str) -> String {
    t_with(Text::ActionOn, &[("action", action), ("name", file_name)])
}

/// What a state is called.
pub(crate) const fn state(state: &RowState) -> Text {
    match state {
        RowState::Queued => Text::Queued,
        RowState::Hashing => Text::Hashing,
        RowState::Comparing => Text::Comparing,
        RowState::Preparing => Text::Preparing,
        RowState::Ready => Text::Ready,
        RowState::Sending => Text::Sending,
        RowState::Confirming => Text::Confirming,
        RowState::Finishing => Text::Finishing,
        RowState::Waiting { .. } => Text::Waiting,
        RowState::Unreadable => Text::Unreadable,
        RowState::Offline => Text::Offline,
        RowState::SignedOut => Text::SignedOut,
        RowState::LinkEnded => Text::LinkEnded,
        RowState::Paused => Text::Paused,
        RowState::Stored => Text::Stored,
        RowState::Failed(_) => Text::Failed,
        RowState::Cancelled => Text::Cancelled,
        RowState::Interrupted(_) => Text::Interrupted,
        RowState::Elsewhere => Text::Elsewhere,
    }
}

/// The name of a file; or the folder that a batch consists of, or how many files it has.
pub(crate) fn row_name(row: &Row) -> String {
    match &row.batch {
        Some(batch) if row.name.is_empty() => t_plural(Text::BatchFiles, batch.totals.files as u64, &[]),
        _ => row.name.clone(),
    }
}

/// How far a file or a batch is, in whole percent.
pub(crate) fn row_percent(row: &Row) -> u64 {
    match &row.batch {
        Some(batch) => percent(&batch.totals),
        None => format::percent(row.sent, row.size),
    }
}

/// What of a batch was stored, when and where, once it has ended.
pub(crate) fn receipt(row: &Row) -> Option<String> {
    let BatchSummary { totals, receipt, .. } = row.batch.as_deref()?;
    let has_ended = totals.stored + totals.failed + totals.cancelled == totals.files;
    let receipt = receipt.as_ref().filter(|_| has_ended)?;
    let size = format::size(receipt.bytes);
    let values = [
        ("size", &*size),
        ("time", &receipt.stored_at),
        ("batch", &receipt.batch),
    ];
    Some(t_plural(Text::BatchStored, receipt.files.into(), &values))
}

/// How a file, or all files of a batch, are doing, in one line.
pub(crate) fn status(row: &Row) -> String {
    if let Some(batch) = &row.batch {
        return [summary(&batch.totals), progress(&batch.totals)].join(" · ");
    }
    let percent = || format::percent_text(format::percent(row.sent, row.size));
    let state = state(&row.state);
    match &row.state {
        RowState::Sending => sending(row, t(state), percent()),
        RowState::Waiting { seconds, .. } => t_with(state, &[("time", &format::time((*seconds).into()))]),
        RowState::Paused | RowState::Comparing if row.sent > 0 => at(&t(state), &percent()),
        RowState::Interrupted(_) => two_sentences(&at(&t(state), &percent()), &t(Text::HowToResume)),
        _ => match remark(row) {
            Some(remark) => two_sentences(&t(state), &t(remark)),
            None => t(state),
        },
    }
}

/// What a row says besides the state: what was found in a stored file, else its notice.
const fn remark(row: &Row) -> Option<Text> {
    match (row.verdict, row.notice) {
        (Some(verdict), _) => Some(match verdict {
            Verdict::Clean => Text::VerdictClean,
            Verdict::Mismatch => Text::VerdictMismatch,
            Verdict::Forbidden => Text::VerdictForbidden,
            Verdict::Unknown => Text::VerdictUnknown,
        }),
        (None, Some(Notice::StartedOver)) => Some(Text::StartedOver),
        (None, None) => None,
    }
}

fn two_sentences(first: &str, second: &str) -> String {
    t_with(Text::TwoSentences, &[("first", first), ("second", second)])
}

fn at(state: &str, percent: &str) -> String {
    t_with(Text::StatePercent, &[("state", state), ("percent", percent)])
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

/// What went wrong with a file; and what to do, unless it goes on by itself. Empty if nothing did.
pub(crate) fn message(state: &RowState) -> String {
    match state {
        RowState::Failed(error) => {
            let Explanation { what, advice } = explain(error);
            t_with(Text::WhatAndAdvice, &[("what", &what), ("advice", &advice)])
        }
        RowState::Waiting { error, .. } => explain(error).what,
        RowState::Interrupted(Some(mismatch)) => t(match mismatch {
            Mismatch::Name => Text::MismatchName,
            Mismatch::Size => Text::MismatchSize,
            Mismatch::Content => Text::MismatchContent,
            Mismatch::Unreadable => Text::MismatchUnreadable,
        }),
        _ => String::new(),
    }
}

/// What an error is, what it means for the file, and what to do.
pub fn explain(error: &RowError) -> Explanation {
    let explanation = explanation(Text::of_error(error.kind));
    let advice = match (error.kind, error.max_bytes) {
        (ErrorKind::FileTooLarge, Some(bytes)) => {
            t_with(Text::FileTooLargeSize, &[("size", &format::size(bytes))])
        }
        (ErrorKind::RequestTooLarge, limit) => {
            let size = format::size(limit.unwrap_or(SMALLEST_PART));
            t_with(Text::RequestTooLargeAdvice, &[("size", &size)])
        }
        (ErrorKind::S3Blocked, _) => {
            let host = error.host.as_deref().unwrap_or("S3");
            t_with(Text::S3BlockedAdvice, &[("host", host)])
        }
        (ErrorKind::TypeNotAllowed, _) if !error.allowed_types.is_empty() => {
            let types = error.allowed_types.join(&t(Text::Separator));
            t_with(Text::TypeNotAllowedTypes, &[("types", &types)])
        }
        _ => explanation.advice,
    };
    Explanation {
        advice,
        ..explanation
    }
}

/// The name of an error, as the addresses of the help page and the events of the custom element have it.
pub const fn error_name(kind: ErrorKind) -> &'static str {
    let [what, _] = Text::of_error(kind);
    what.key()
}

/// What a finding of the set-up check is called.
pub(crate) const fn finding(kind: FindingKind) -> Text {
    match kind {
        FindingKind::AllRight => Text::SetupRight,
        FindingKind::ApiUnreachable => Text::ApiUnreachable,
        FindingKind::ApiCors => Text::ApiCors,
        FindingKind::ApiBusy => Text::ApiBusy,
        FindingKind::ApiUnexpectedAnswer => Text::ApiUnexpectedAnswer,
        FindingKind::NotSignedIn => Text::NotSignedIn,
        FindingKind::ApiRefused => Text::ApiRefused,
        FindingKind::S3Unreachable => Text::S3Unreachable,
        FindingKind::SecondEndpointUnreachable => Text::SecondEndpointUnreachable,
        FindingKind::BucketCors => Text::BucketCors,
        FindingKind::HeadersHidden => Text::HeadersHidden,
        FindingKind::WrongRegion => Text::WrongRegion,
        FindingKind::ClockSkewed => Text::ClockSkewed,
        FindingKind::Expired => Text::Expired,
        FindingKind::AccessDenied => Text::AccessDenied,
        FindingKind::SignatureRefused => Text::SignatureRefused,
        FindingKind::BucketMissing => Text::BucketMissing,
        FindingKind::S3Busy => Text::S3Busy,
        FindingKind::S3UnexpectedAnswer => Text::S3UnexpectedAnswer,
        FindingKind::S3Refused => Text::S3Refused,
    }
}

/// All files in one line.
pub fn summary(totals: &Totals) -> String {
    let stored = number(Number::Plain, totals.stored as f64);
    let mut summary = t_plural(Text::UploadedOf, totals.files as u64, &[("stored", &stored)]);
    for (count, text) in [
        (totals.failed, Text::CountFailed),
        (totals.paused, Text::CountPaused),
        (totals.interrupted, Text::CountInterrupted),
        (totals.elsewhere, Text::CountElsewhere),
        (totals.cancelled, Text::CountCancelled),
    ] {
        if count > 0 {
            summary.push_str(&t(Text::Separator));
            summary.push_str(&t_plural(text, count as u64, &[]));
        }
    }
    summary
}

/// How far all files together are, and how long the rest takes.
pub(crate) fn progress(totals: &Totals) -> String {
    let (sent, size) = (format::size(totals.sent), format::size(totals.bytes));
    let mut parts = vec![t_with(Text::SentOf, &[("sent", &sent), ("size", &size)])];
    if totals.unfinished() > 0 && totals.bytes_per_second > 0 {
        parts.push(format::speed(totals.bytes_per_second));
        parts.extend(totals.time_left.map(|time| format::time_left(time.as_secs())));
    }
    parts.join(" · ")
}

/// What is announced when the last file has ended.
pub(crate) fn all_ended(totals: &Totals) -> String {
    t_with(Text::Finished, &[("summary", &summary(totals))])
}
