//! Every word that the page says.

use engine::{ErrorKind, FileStatus, Mismatch, Notice, Totals, UploadError};

use crate::{config::ConfigError, format, sign_in::SignInError};

/// What can be done with files that are dragged.
pub const DROP_HINT: &str = "Drop files anywhere on this page";
/// The button that opens the picker.
pub const CHOOSE_FILES: &str = "Choose files";
/// The name of the part of the page that files come from.
pub const ADD_FILES: &str = "Add files";
/// The name of the part of the page about all files together.
pub const ALL_FILES: &str = "All files";
/// The name of the list.
pub const FILES: &str = "Files";
/// What can be done to all files.
pub const PAUSE_ALL: &str = "Pause all";
/// See [`PAUSE_ALL`].
pub const RESUME_ALL: &str = "Resume all";
/// See [`PAUSE_ALL`].
pub const RETRY_FAILED: &str = "Retry failed";
/// See [`PAUSE_ALL`].
pub const CANCEL_ALL: &str = "Cancel all";
/// See [`PAUSE_ALL`].
pub const CLEAR_FINISHED: &str = "Clear finished";
/// What can be done to one file.
pub const PAUSE: &str = "Pause";
/// See [`PAUSE`].
pub const RESUME: &str = "Resume";
/// See [`PAUSE`].
pub const RETRY: &str = "Retry";
/// See [`PAUSE`].
pub const CANCEL: &str = "Cancel";
/// See [`PAUSE`].
pub const FORGET: &str = "Forget the unfinished upload of";
/// See [`PAUSE`].
pub const REMOVE: &str = "Remove from the list:";

/// The name of a button, so that those of different files differ for a screen reader.
pub fn action_on(action: &str, file_name: &str) -> String {
    format!("{action} {file_name}")
}

/// The name of a file's progress bar.
pub fn progress_of(file_name: &str) -> String {
    format!("Progress of {file_name}")
}

/// An error as a person needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub what: String,
    /// What it means, and what to do.
    pub advice: String,
}

fn explanation(what: &str, advice: &str) -> Explanation {
    Explanation {
        what: what.to_owned(),
        advice: advice.to_owned(),
    }
}

/// The page cannot work without its settings.
pub fn config_error(error: &ConfigError) -> Explanation {
    explanation(
        "This page could not read its settings.",
        &format!("{error}. Nothing can be uploaded until whoever runs this page has mended it."),
    )
}

/// The button that leads to the issuer, in the picker's place.
pub const SIGN_IN: &str = "Sign in";
/// See [`SIGN_IN`].
pub const SIGN_IN_HINT: &str = "Sign in to upload files.";
/// Ends the sign-in.
pub const SIGN_OUT: &str = "Sign out";
/// Said while files may be under way.
pub const SIGN_IN_ENDED: &str =
    "Your sign-in has ended. Nothing was lost: sign in again, and the uploads go on.";
/// Opens a window to sign in.
pub const SIGN_IN_AGAIN: &str = "Sign in again";
/// Said in a window that was only for signing in and does not close by itself.
pub const CLOSE_WINDOW: &str = "You are signed in. You can close this window.";

/// Nobody is signed in, and why.
pub fn sign_in_error(error: &SignInError) -> Explanation {
    match error {
        SignInError::Unreachable(reason) => explanation(
            "The sign-in cannot be reached.",
            &format!(
                "Check your connection and try again; if others work, tell whoever runs this page. ({reason})"
            ),
        ),
        SignInError::Denied => explanation(
            "You were not signed in.",
            "The sign-in was cancelled, or you may not use this page. Sign in to upload files.",
        ),
        SignInError::Refused(reason) => explanation(
            "The sign-in did not work.",
            &format!("Try again; if it stays so, tell whoever runs this page: {reason}"),
        ),
        SignInError::Unexpected => explanation(
            "The sign-in took too long, or was begun in another tab.",
            "Nothing was lost. Sign in again.",
        ),
        SignInError::Browser => explanation(
            "The browser did not let this page sign you in.",
            "Allow this page to keep data and to open windows, and try again.",
        ),
    }
}

/// The page cannot hash without a secure context.
pub fn insecure_context() -> Explanation {
    explanation(
        "This page was not loaded over a secure connection.",
        "Browsers let a page compute checksums only over HTTPS. Open the page's https:// address.",
    )
}

/// Folders were dropped, which the page does not take yet.
pub fn folders_left_out(folders: usize) -> String {
    match folders {
        1 => "A folder was left out: open it and drop the files in it.".to_owned(),
        more => format!("{more} folders were left out: open them and drop the files in them."),
    }
}

/// The state of a file in a few words. The row adds the progress.
pub fn status(status: &FileStatus) -> &'static str {
    match status {
        FileStatus::Queued => "Queued",
        FileStatus::Hashing => "Computing checksum",
        FileStatus::Preparing => "Preparing",
        FileStatus::Ready => "Ready",
        FileStatus::Sending => "Uploading",
        FileStatus::Finishing => "Finishing",
        FileStatus::Waiting { .. } => "Trying again",
        FileStatus::Offline => "Waiting for the network",
        FileStatus::Paused => "Paused",
        FileStatus::Stored => "Uploaded",
        FileStatus::Failed(_) => "Failed",
        FileStatus::Cancelled => "Cancelled",
        FileStatus::Comparing => "Comparing with what was sent",
        FileStatus::Interrupted(_) => "Interrupted",
        FileStatus::Elsewhere => "Running in another tab",
    }
}

/// Something a person should know about a file that goes on nonetheless.
pub const fn notice(notice: Notice) -> &'static str {
    match notice {
        Notice::StartedOver => "The storage had dropped the unfinished upload, so it started over.",
    }
}

/// Said once where nothing outlives the page.
pub const KEEPS_NOTHING: &str = "This browser keeps nothing for this page, as in a private window or with a full disk. \
     Uploads work, but cannot go on after the page was closed.";

/// What to do about an interrupted file.
pub const HOW_TO_RESUME: &str = "Resume, or choose the same file again.";

/// Why a file is not the one whose upload was interrupted, and what to do.
pub const fn mismatch(mismatch: Mismatch) -> &'static str {
    match mismatch {
        Mismatch::Name => "That file has another name. Choose the file whose upload was interrupted.",
        Mismatch::Size => {
            "That file has another size than the one that was being uploaded. Choose the same file, or forget this upload."
        }
        Mismatch::LastModified => {
            "The file was changed since its upload began. Forget this upload, and choose the file to send it as it is now."
        }
        Mismatch::Content => {
            "That is another file: its content is not what was sent. Choose the same file, or forget this upload."
        }
        Mismatch::Unreadable => "That file cannot be read. Nothing was lost: choose it again.",
    }
}

/// All files in one line.
pub fn summary(totals: &Totals) -> String {
    let files = match totals.files {
        1 => "1 file".to_owned(),
        more => format!("{more} files"),
    };
    let mut summary = format!("{} of {files} uploaded", totals.stored);
    for (count, word) in [
        (totals.failed, "failed"),
        (totals.paused, "paused"),
        (totals.interrupted, "interrupted"),
        (totals.elsewhere, "in another tab"),
        (totals.cancelled, "cancelled"),
    ] {
        if count > 0 {
            summary.push_str(&format!(", {count} {word}"));
        }
    }
    summary
}

/// What is said aloud when the last file has ended.
pub fn all_ended(totals: &Totals) -> String {
    format!("Finished: {}.", summary(totals))
}

/// What an error is, what it means for the file, and what to do.
pub fn error(error: &UploadError) -> Explanation {
    match error.kind {
        ErrorKind::ApiUnreachable => explanation(
            "The upload service cannot be reached.",
            "Nothing was sent. Check your connection and try again; if others work, tell whoever runs this page.",
        ),
        ErrorKind::ApiBusy => explanation(
            "The upload service has a problem.",
            "Nothing was lost. Try again in a few minutes.",
        ),
        ErrorKind::ApiUnexpectedAnswer => explanation(
            "The upload service gave an answer that this page does not understand.",
            "Reload the page. If it stays so, the address of the API in config.json is most likely wrong.",
        ),
        ErrorKind::NotSignedIn => explanation(
            "You are not signed in.",
            "Nothing was lost. Sign in and try again.",
        ),
        ErrorKind::ApiRefused => explanation(
            "The upload service refused this file.",
            "It was not sent. The details below say why.",
        ),
        ErrorKind::FileTooLarge => too_large(error),
        ErrorKind::TypeNotAllowed => type_not_allowed(error),
        ErrorKind::S3Unreachable => explanation(
            "The connection to the storage was lost.",
            "The file is not stored yet. Check your connection and try again.",
        ),
        ErrorKind::Stalled => explanation(
            "The upload stopped moving.",
            "The file is not stored yet. Check your connection and try again.",
        ),
        ErrorKind::S3Busy => explanation(
            "The storage is busy or has a problem.",
            "The file is not stored yet. Try again in a few minutes.",
        ),
        ErrorKind::Expired => explanation(
            "The permission to upload this file had expired.",
            "The file is not stored. Try again; if it stays so, the clock of the upload service is most likely wrong.",
        ),
        ErrorKind::ClockSkewed => explanation(
            "The upload service and the storage disagree about the time.",
            "The file is not stored. Whoever runs this page has to set the clock of the upload service.",
        ),
        ErrorKind::AccessDenied => explanation(
            "The storage does not let this page write.",
            "The file is not stored. Whoever runs this page has to give its role s3:PutObject on the bucket.",
        ),
        ErrorKind::SignatureRefused => explanation(
            "The storage did not accept the signature of the upload.",
            "The file is not stored. Try again; if it stays so, the credentials of the upload service are wrong.",
        ),
        ErrorKind::Corrupted => explanation(
            "The bytes arrived damaged.",
            "The storage refused them, so nothing wrong is stored. Try again, on another network if it stays so.",
        ),
        ErrorKind::AlreadyExists => explanation(
            "There is already an object where this file would go.",
            "It was not overwritten. Try again to upload the file to a new place.",
        ),
        ErrorKind::UploadGone => explanation(
            "The storage dropped the unfinished upload, several times.",
            "The file is not stored. Try again to start over.",
        ),
        ErrorKind::EtagHidden => explanation(
            "The storage hides what this page needs to finish a large file.",
            "Whoever runs this page has to add ETag to ExposeHeaders in the CORS configuration of the bucket.",
        ),
        ErrorKind::S3UnexpectedAnswer => explanation(
            "The storage gave an answer that this page does not understand.",
            "The file is not stored as far as is known. Try again.",
        ),
        ErrorKind::S3Refused => explanation(
            "The storage refused the upload.",
            "The file is not stored. The details below say why.",
        ),
        ErrorKind::FileMissing => explanation(
            "The file is not there any more.",
            "It was moved, renamed or deleted since you picked it. Pick it again from where it is now.",
        ),
        ErrorKind::FileChanged => explanation(
            "The file changed since you picked it.",
            "It was not stored, so that nothing half old and half new is. Pick it again to upload it as it is now.",
        ),
    }
}

fn too_large(error: &UploadError) -> Explanation {
    let most = error.api.as_ref().and_then(|api| api.max_bytes);
    let advice = match most {
        Some(bytes) => format!(
            "It was not sent. The largest file accepted has {}.",
            format::size(bytes)
        ),
        None => "It was not sent. Ask whoever runs this page for the limit.".to_owned(),
    };
    explanation("This file is too large.", &advice)
}

fn type_not_allowed(error: &UploadError) -> Explanation {
    let types = error.api.as_ref().and_then(|api| api.allowed_types.as_ref());
    let advice = match types {
        Some(types) => format!("It was not sent. Accepted are: {}.", types.join(", ")),
        None => "It was not sent. Ask whoever runs this page which types are accepted.".to_owned(),
    };
    explanation("Files of this type are not accepted.", &advice)
}

/// What support will ask for: the code and the request id, or what the API said. Empty where nobody
/// said anything.
pub fn error_details(error: &UploadError) -> String {
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
        format!("{:?} · {}", api.code, api.message)
    } else {
        String::new()
    }
}
