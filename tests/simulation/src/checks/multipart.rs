//! The multipart uploads whose ids the engine has received: none may be left at S3 that nobody needs.

use std::collections::{BTreeMap, BTreeSet};

use engine::{ErrorKind, FileId, FileStatus};

use crate::{
    checks::page::Page,
    models::{records::Records, s3::S3},
    violation::Violation,
};

/// The multipart uploads that the engine knows, or knew.
#[derive(Debug, Default)]
pub(crate) struct MultipartUploads {
    /// Whose each is.
    files: BTreeMap<String, FileId>,
    /// How often an abort of each went wrong.
    failed_aborts: BTreeMap<String, u32>,
    /// Those that a crashed tab knew and that no record names: only the bucket's lifecycle rule can remove
    /// them.
    abandoned: BTreeSet<String>,
}

impl MultipartUploads {
    pub(crate) fn on_created(&mut self, upload_id: String, file: FileId) {
        self.files.insert(upload_id, file);
    }

    pub(crate) fn on_abort_failed(&mut self, upload_id: &str) {
        *self.failed_aborts.entry(upload_id.to_owned()).or_default() += 1;
    }

    /// Takes note that the tab crashed and that these records are left.
    pub(crate) fn on_tab_crash(&mut self, records: &Records) {
        let on_record: BTreeSet<&String> = records
            .values()
            .filter_map(|record| Some(&record.multipart.as_ref()?.upload_id))
            .collect();
        let lost = self.files.keys().filter(|upload| !on_record.contains(upload));
        self.abandoned.extend(lost.cloned());
    }

    /// S3 keeps no multipart upload that the engine knew and nobody needs, unless its abort failed so
    /// often that the engine had to give up.
    pub(crate) fn check_aborted(
        &self,
        page: &Page,
        s3: &S3,
        has_given_up: impl Fn(u32) -> bool,
    ) -> Result<(), Violation> {
        for (upload_id, file) in &self.files {
            let failures = self.failed_aborts.get(upload_id).copied().unwrap_or(0);
            let is_needed =
                self.is_last_of_file(upload_id, *file) && page.status(*file).is_some_and(is_resumable);
            let is_excused = has_given_up(failures) || self.abandoned.contains(upload_id);
            if s3.uploads.contains_key(upload_id) && !is_needed && !is_excused {
                return Err(Violation::NeverAborted {
                    upload_id: upload_id.clone(),
                    file: *file,
                });
            }
        }
        Ok(())
    }

    fn is_last_of_file(&self, upload_id: &str, file: FileId) -> bool {
        let mut others = self.files.iter().filter(|(_, other)| **other == file);
        others.all(|(other, _)| upload_number(other) <= upload_number(upload_id))
    }
}

fn upload_number(upload_id: &str) -> u64 {
    let number = upload_id
        .rsplit('-')
        .next()
        .and_then(|number| number.parse().ok());
    number.unwrap_or(0)
}

/// Whether a file in this state could go on with the parts that S3 has.
const fn is_resumable(status: &FileStatus) -> bool {
    match status {
        FileStatus::Paused | FileStatus::Interrupted(_) => true,
        FileStatus::Failed(error) => !matches!(
            error.kind,
            ErrorKind::FileChanged | ErrorKind::AlreadyExists | ErrorKind::UploadGone
        ),
        _ => false,
    }
}
