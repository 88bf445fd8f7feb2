//! A file on the list, and the one enum that is its state.

use std::time::Duration;

use wire::{BatchId, Sha256Digest};

use crate::{
    CompletedPart, CompletedUpload, ErrorKind, FileDescription, FileId, Mismatch, MultipartRecord, Notice,
    ObjectRecord, StoredObject, UploadError, UploadRecord,
    limits::FILE_SPEED_TIME,
    measure::{backoff::Attempts, speed::SpeedEstimator, turns::Class},
    upload::{
        multipart::{Multipart, MultipartWork},
        parts::Parts,
        resumption::Origin,
        transfer::Transfer,
    },
};

/// What there is to do for a file.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// One PutObject.
    Single { transfer: Transfer },
    /// A multipart upload.
    Multipart(MultipartWork),
}

/// The state of a file.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// It waits to be admitted.
    Queued(Work),
    /// It was admitted: it is hashed, signed and sent.
    Active(Work),
    /// It could not be read. It is tried again, with all that is done of it.
    Unreadable {
        work: Work,
        /// When; `None` while it is being tried.
        until: Option<Duration>,
    },
    /// A user paused it.
    Paused(Work),
    /// It was given up; what is done of it is kept.
    Failed(Work, UploadError),
    /// S3 has it.
    Stored(Box<StoredObject>),
    /// A user cancelled it.
    Cancelled,
    /// An earlier page left it unfinished; its file has to come back.
    Interrupted(Box<Interrupted>),
    /// Another tab works on it.
    Elsewhere,
}

/// An upload that an earlier page left unfinished.
#[derive(Clone, Debug)]
pub(crate) struct Interrupted {
    pub(crate) record: UploadRecord,
    /// Why the last file that came was not the one.
    pub(crate) mismatch: Option<Mismatch>,
}

/// A file on the list.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) description: FileDescription,
    /// The batch that it belongs to; `None` until the Lambda has opened one for a file of an earlier version.
    pub(crate) batch: Option<BatchId>,
    /// Which file of its name in the batch it is; 0 for the only one so far.
    pub(crate) copy: u32,
    /// The object that S3 may have of it. It is boxed, since most files have none.
    pub(crate) object: Option<Box<ObjectRecord>>,
    /// Whether the request that makes the object may have been sent.
    pub(crate) is_object_sent: bool,
    /// The time of its last change, in milliseconds since 1970, when the bytes were read that S3 has of it.
    sent_as_of: i64,
    pub(crate) state: State,
    /// Bytes shown as sent; never less than before.
    pub(crate) shown: u64,
    pub(crate) speed: SpeedEstimator,
    pub(crate) notice: Option<Notice>,
    /// How often S3 dropped the multipart upload.
    pub(crate) restarts: u32,
    /// How often it could not be read since more of it was last shown as sent.
    pub(crate) read_failures: u32,
}

/// Every file on the list, by id. Ids are never used again, so that the place of a file that was removed
/// stays; it is as small as can be, since a page may see many thousands of files before it is closed.
#[derive(Debug, Default)]
pub(crate) struct Files(Vec<Option<Box<File>>>);

impl Files {
    pub(crate) fn next_id(&self) -> FileId {
        FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX))
    }

    pub(crate) fn push(&mut self, file: File) {
        self.0.push(Some(Box::new(file)));
    }

    pub(crate) fn get(&self, id: FileId) -> Option<&File> {
        self.0.get(id.0 as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, id: FileId) -> Option<&mut File> {
        self.0.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Every file on the list.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FileId, &File)> {
        (0..)
            .map(FileId)
            .zip(&self.0)
            .filter_map(|(id, file)| Some((id, file.as_deref()?)))
    }

    /// The work of an active file.
    pub(crate) fn active(&self, id: FileId) -> Option<&Work> {
        self.get(id)?.active()
    }

    /// The work of an active file.
    pub(crate) fn active_mut(&mut self, id: FileId) -> Option<&mut Work> {
        self.get_mut(id)?.active_mut()
    }

    pub(crate) fn remove(&mut self, id: FileId) -> Option<Box<File>> {
        self.0.get_mut(id.0 as usize)?.take()
    }
}

/// What S3 may have of a file that is given up.
pub(crate) enum Leftover {
    /// A multipart upload.
    Upload { key: String, upload_id: String },
    /// S3 is being asked to create one.
    Creating { key: String },
}

impl Work {
    /// All that a file of this size takes.
    pub(crate) fn new(size: u64) -> Self {
        match Class::of_size(size) {
            Class::Small => Self::single(size),
            Class::Large => Self::Multipart(MultipartWork::new(Multipart::Unplanned)),
        }
    }

    /// A file of this size as one PutObject.
    pub(crate) fn single(size: u64) -> Self {
        let transfer = Transfer::new(None, 0..size);
        Self::Single { transfer }
    }

    /// What a record says there is left to do for a file of this size.
    pub(crate) fn resumed(parts: Parts) -> Self {
        Self::Multipart(MultipartWork::new(Multipart::Uploading(Box::new(parts))))
    }

    /// Whether it is a multipart upload for which nobody has been asked for anything.
    pub(crate) const fn is_untouched(&self) -> bool {
        matches!(self, Self::Multipart(work) if matches!(work.stage, Multipart::Unplanned))
    }

    pub(crate) fn transfers(&self) -> &[Transfer] {
        match self {
            Self::Single { transfer } => std::slice::from_ref(transfer),
            Self::Multipart(work) => work.parts().map_or(&[], |parts| &parts.transfers),
        }
    }

    pub(crate) fn transfers_mut(&mut self) -> &mut [Transfer] {
        match self {
            Self::Single { transfer } => std::slice::from_mut(transfer),
            Self::Multipart(work) => work.parts_mut().map_or(&mut [], |parts| &mut parts.transfers),
        }
    }

    /// The transfer of a part; that of the whole file if `part` is `None`.
    pub(crate) fn transfer_mut(&mut self, part: Option<u32>) -> Option<&mut Transfer> {
        self.transfers_mut()
            .iter_mut()
            .find(|transfer| transfer.part == part)
    }

    pub(crate) const fn parts(&self) -> Option<&Parts> {
        match self {
            Self::Single { .. } => None,
            Self::Multipart(work) => work.parts(),
        }
    }

    pub(crate) const fn parts_mut(&mut self) -> Option<&mut Parts> {
        match self {
            Self::Single { .. } => None,
            Self::Multipart(work) => work.parts_mut(),
        }
    }

    pub(crate) const fn multipart_mut(&mut self) -> Option<&mut MultipartWork> {
        match self {
            Self::Single { .. } => None,
            Self::Multipart(work) => Some(work),
        }
    }

    /// Bytes that S3 has or that are on their way.
    pub(crate) fn sent(&self) -> u64 {
        match self {
            Self::Single { transfer } => transfer.sent(),
            Self::Multipart(work) => work.parts().map_or(0, Parts::sent),
        }
    }

    /// The attempts of everything but the parts.
    pub(crate) const fn attempts_mut(&mut self) -> &mut Attempts {
        match self {
            Self::Single { transfer } => &mut transfer.attempts,
            Self::Multipart(work) => &mut work.attempts,
        }
    }

    /// When each waiting thing of the file may be tried again.
    pub(crate) fn retry_times(&self) -> impl Iterator<Item = Duration> {
        let transfers = self.transfers().iter().filter(|transfer| transfer.is_waiting());
        let control = match self {
            Self::Single { .. } => None,
            Self::Multipart(work) => work.retry_time(),
        };
        transfers
            .map(|transfer| transfer.attempts.not_before)
            .chain(control)
    }

    /// Forgets every failure, because a user asks for another try.
    pub(crate) fn reset_attempts(&mut self) {
        self.attempts_mut().reset();
        if let Some(multipart) = self.multipart_mut() {
            multipart.conflict_since = None;
        }
        for transfer in self.transfers_mut() {
            transfer.attempts.reset();
        }
    }

    /// Takes the file off the disk and lets go of what is being signed. What is in flight to S3 goes on.
    pub(crate) fn hold(&mut self) {
        match self {
            Self::Single { transfer } => transfer.hold(),
            Self::Multipart(work) => {
                if let Some(parts) = work.parts_mut() {
                    parts.hold();
                }
            }
        }
    }

    /// What is left to do once the file was changed: what S3 has of it is compared with it before it goes on.
    pub(crate) fn compared(self, size: u64) -> Self {
        match self {
            Self::Multipart(MultipartWork {
                stage: Multipart::Uploading(parts),
                ..
            }) => parts.compared().map_or_else(|| Self::new(size), Self::resumed),
            other => other,
        }
    }

    /// Takes the file off the network and the disk. A Create and a Complete go on.
    pub(crate) fn stop(&mut self) {
        match self {
            Self::Single { transfer } => transfer.stop(),
            Self::Multipart(work) => work.stop(),
        }
    }
}

impl File {
    pub(crate) fn new(description: FileDescription, batch: BatchId) -> Self {
        let state = State::Queued(Work::new(description.size));
        Self {
            batch: Some(batch),
            ..Self::with_state(description, state, 0)
        }
    }

    /// A file whose state is known from a record, and how many bytes of it were sent.
    pub(crate) const fn with_state(description: FileDescription, state: State, shown: u64) -> Self {
        Self {
            sent_as_of: description.last_modified,
            description,
            batch: None,
            copy: 0,
            object: None,
            is_object_sent: false,
            state,
            shown,
            speed: SpeedEstimator::new(FILE_SPEED_TIME),
            notice: None,
            restarts: 0,
            read_failures: 0,
        }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.description.size
    }

    pub(crate) const fn class(&self) -> Class {
        Class::of_size(self.size())
    }

    /// All that it takes, from its first byte. If S3 may have it, the way by which it came there is the way to find out.
    pub(crate) fn all_work(&self) -> Work {
        if self.put_key().is_none() {
            return match self.may_be_stored_in_parts() {
                true => Work::Multipart(MultipartWork::new(Multipart::Unplanned)),
                false => Work::new(self.size()),
            };
        }
        let mut transfer = Transfer::new(None, 0..self.size());
        transfer.outcome_unknown = true;
        Work::Single { transfer }
    }

    /// The key of the PutObject that S3 may have carried out.
    pub(crate) fn put_key(&self) -> Option<&str> {
        let object = self.object.as_ref().filter(|_| self.is_object_sent)?;
        object.sha256.map(|_| object.key.as_str())
    }

    /// Whether S3 may have made an object of its parts.
    pub(crate) fn may_be_stored_in_parts(&self) -> bool {
        let object = self.object.as_ref().filter(|_| self.is_object_sent);
        object.is_some_and(|object| object.sha256.is_none())
    }

    /// Whether S3 may have it under this key, with the bytes that it has now. `sha256` is known of a whole file.
    pub(crate) fn may_be_stored_as(&self, key: &str, sha256: Option<Sha256Digest>) -> bool {
        let Some(object) = self
            .object
            .as_ref()
            .filter(|object| self.is_object_sent && object.key == key)
        else {
            return false;
        };
        match (object.sha256, sha256) {
            (Some(stored), Some(sha256)) => stored == sha256,
            _ => object.last_modified == self.description.last_modified,
        }
    }

    /// The upload of which S3 may have made the object under this key.
    pub(crate) fn completed_upload(&self, key: &str) -> Option<&CompletedUpload> {
        let object = self.object.as_ref().filter(|object| object.key == key)?;
        object.upload.as_ref()
    }

    /// Whether the file is only compared with the object that S3 may have made of this upload.
    pub(crate) fn is_compared_with_object(&self) -> bool {
        self.work().and_then(Work::parts).is_some_and(|parts| {
            let upload = self.completed_upload(&parts.key);
            upload.is_some_and(|upload| upload.multipart.upload_id == parts.upload_id)
        })
    }

    /// What is left to do once an object was found of which it is not known whether it has the bytes of the file as it is
    /// now: the file is compared with the parts of which the object was made. `None` if they are not known.
    pub(crate) fn comparison_with_object(&mut self, key: &str) -> Option<Work> {
        let CompletedUpload { multipart, parts } = self.completed_upload(key)?.clone();
        let multipart = MultipartRecord { parts, ..multipart };
        let parts = Parts::resume(multipart, self.size(), Origin::Touched)?;
        self.sent_as_of = self.object.as_ref()?.last_modified;
        Some(Work::resumed(parts))
    }

    /// A Complete whose outcome is not known may have made its object.
    pub(crate) fn record_object_of_parts(&mut self) {
        let last_modified = self.sent_as_of();
        if let Some(parts) = self
            .work()
            .and_then(Work::parts)
            .filter(|parts| parts.complete_outcome_unknown)
        {
            self.object = Some(Box::new(ObjectRecord {
                key: parts.key.clone(),
                sha256: None,
                last_modified,
                upload: parts.completed_upload(),
            }));
            self.is_object_sent = true;
        }
    }

    /// The time of its last change as it is kept. As long as what S3 has is still to be compared with the file as it is
    /// now, that is the time before, so that no later page takes that for done.
    fn sent_as_of(&self) -> i64 {
        let parts = self.work().and_then(Work::parts);
        match parts.and_then(|parts| parts.resumption.origin()) {
            Some(Origin::Picked | Origin::Touched) => self.sent_as_of,
            Some(Origin::Same) | None => self.description.last_modified,
        }
    }

    /// It is there again, and was last changed then.
    pub(crate) fn set_last_modified(&mut self, last_modified: i64) {
        self.sent_as_of = self.sent_as_of();
        self.description.last_modified = last_modified;
    }

    /// Whether nobody waits for its bytes.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(
            self.state,
            State::Paused(_) | State::Failed(..) | State::Interrupted(_) | State::Elsewhere
        )
    }

    /// Whether it has to outlive the page.
    pub(crate) const fn is_kept(&self) -> bool {
        match &self.state {
            State::Failed(_, error) => can_go_on_after(error.kind) && !is_never_accepted(error.kind),
            State::Stored(_) | State::Cancelled => false,
            _ => true,
        }
    }

    /// The work of a file that has not ended.
    pub(crate) const fn work(&self) -> Option<&Work> {
        match &self.state {
            State::Queued(work)
            | State::Active(work)
            | State::Unreadable { work, .. }
            | State::Paused(work)
            | State::Failed(work, _) => Some(work),
            _ => None,
        }
    }

    pub(crate) const fn work_mut(&mut self) -> Option<&mut Work> {
        match &mut self.state {
            State::Queued(work)
            | State::Active(work)
            | State::Unreadable { work, .. }
            | State::Paused(work)
            | State::Failed(work, _) => Some(work),
            _ => None,
        }
    }

    pub(crate) const fn active(&self) -> Option<&Work> {
        match &self.state {
            State::Active(work) => Some(work),
            _ => None,
        }
    }

    pub(crate) const fn active_mut(&mut self) -> Option<&mut Work> {
        match &mut self.state {
            State::Active(work) => Some(work),
            _ => None,
        }
    }

    /// What S3 stored of a part, if the file has not ended.
    pub(crate) fn completed_part(&self, number: u32) -> Option<&CompletedPart> {
        self.work()?.parts()?.completed_part(number)
    }

    /// What has to be kept of it; `None` if it has ended or another tab keeps it.
    pub(crate) fn record(&self) -> Option<UploadRecord> {
        match &self.state {
            _ if !self.is_kept() => self.ended_record(),
            State::Interrupted(interrupted) => Some(interrupted.record.clone()),
            State::Elsewhere => None,
            _ => Some(UploadRecord {
                last_modified: self.sent_as_of(),
                object: self.object.as_deref().cloned(),
                multipart: self.work().and_then(Work::parts).map(Parts::record),
                ..self.plain_record()
            }),
        }
    }

    /// What is kept of a file that has ended, until all of its batch is stored: what S3 has, or may have.
    pub(crate) fn ended_record(&self) -> Option<UploadRecord> {
        self.batch?;
        let mut record = UploadRecord {
            has_ended: true,
            ..self.plain_record()
        };
        match &self.state {
            State::Stored(stored) => record.stored = Some(StoredObject::clone(stored)),
            _ => record.object = Some(self.object.as_deref().filter(|_| self.is_object_sent)?.clone()),
        }
        Some(record)
    }

    /// Whether its batch goes on because of it.
    pub(crate) const fn is_unfinished(&self) -> bool {
        !matches!(
            self.state,
            State::Stored(_) | State::Failed(..) | State::Cancelled | State::Elsewhere
        )
    }

    fn plain_record(&self) -> UploadRecord {
        let description = &self.description;
        UploadRecord {
            name: description.name.clone(),
            size: description.size,
            media_type: description.media_type.clone(),
            last_modified: description.last_modified,
            batch: self.batch,
            copy: self.copy,
            has_ended: false,
            stored: None,
            manifest: None,
            fields: Default::default(),
            object: None,
            multipart: None,
        }
    }

    /// Takes out what S3 may have of it. The file can only start over afterwards.
    pub(crate) fn take_leftover(&mut self) -> Option<Leftover> {
        if let State::Interrupted(interrupted) = &self.state {
            let multipart = interrupted.record.multipart.as_ref()?;
            return Some(Leftover::Upload {
                key: multipart.key.clone(),
                upload_id: multipart.upload_id.clone(),
            });
        }
        let work = self.work_mut()?.multipart_mut()?;
        match std::mem::replace(&mut work.stage, Multipart::Unplanned) {
            Multipart::Uploading(parts) => Some(Leftover::Upload {
                key: parts.key,
                upload_id: parts.upload_id,
            }),
            Multipart::Creating(plan) => Some(Leftover::Creating { key: plan.key }),
            Multipart::Unplanned | Multipart::Planning(..) | Multipart::Planned(_) => None,
        }
    }
}

/// Whether the API takes no such file at all.
const fn is_never_accepted(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::FileTooLarge | ErrorKind::TypeNotAllowed)
}

/// Whether trying again can use what is done: a changed file or a taken key makes that worthless.
pub(crate) const fn can_go_on_after(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::FileChanged | ErrorKind::AlreadyExists | ErrorKind::UploadGone
    )
}
