//! A file on the list, and the one enum that is its state.

use std::time::Duration;

use crate::{
    ErrorKind, FileDescription, FileId, FileStatus, FileView, Mismatch, Notice, UploadError, UploadRecord,
    backoff::Attempts,
    multipart::{Errand, Finish, Multipart, MultipartWork, Parts},
    progress::SpeedEstimator,
    transfer::{Stage, Transfer},
};

/// What there is to do for a file.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// One PutObject.
    Single {
        transfer: Transfer,
        /// Where the signed request puts it.
        key: Option<String>,
    },
    /// A multipart upload.
    Multipart(MultipartWork),
}

/// The state of a file.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// It waits to be admitted.
    Queued(Work),
    /// It has a place among the files under way.
    Active(Work),
    /// A person paused it.
    Paused(Work),
    /// It was given up; what is done of it is kept.
    Failed(Work, UploadError),
    /// S3 has it.
    Stored {
        /// Where.
        key: String,
    },
    /// A person cancelled it.
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
    pub(crate) state: State,
    /// Bytes shown as sent; never less than before.
    pub(crate) shown: u64,
    pub(crate) speed: SpeedEstimator,
    pub(crate) notice: Option<Notice>,
    /// How often S3 dropped the multipart upload.
    pub(crate) restarts: u32,
}

/// Every file on the list, by id. Ids are never given again, so that the place of a file that was removed
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

    /// The work of a file that is under way.
    pub(crate) fn active_mut(&mut self, id: FileId) -> Option<&mut Work> {
        self.get_mut(id)?.active_mut()
    }

    pub(crate) fn remove(&mut self, id: FileId) {
        if let Some(file) = self.0.get_mut(id.0 as usize) {
            *file = None;
        }
    }
}

impl Work {
    /// All that a file of this size takes.
    pub(crate) fn new(size: u64) -> Self {
        if size <= wire::SMALL_FILE_MAX_BYTES {
            Self::single(size)
        } else {
            Self::Multipart(MultipartWork::new())
        }
    }

    /// A file of this size as one PutObject.
    pub(crate) fn single(size: u64) -> Self {
        Self::Single {
            transfer: Transfer::new(None, 0..size),
            key: None,
        }
    }

    /// Whether it is a multipart upload for which nobody has been asked for anything.
    pub(crate) const fn is_untouched(&self) -> bool {
        matches!(self, Self::Multipart(work) if matches!(work.stage, Multipart::Unplanned))
    }

    pub(crate) fn transfers(&self) -> &[Transfer] {
        match self {
            Self::Single { transfer, .. } => std::slice::from_ref(transfer),
            Self::Multipart(work) => work.parts().map_or(&[], |parts| &parts.transfers),
        }
    }

    pub(crate) fn transfers_mut(&mut self) -> &mut [Transfer] {
        match self {
            Self::Single { transfer, .. } => std::slice::from_mut(transfer),
            Self::Multipart(work) => work.parts_mut().map_or(&mut [], |parts| &mut parts.transfers),
        }
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

    /// Bytes that S3 has or that are on their way.
    pub(crate) fn sent(&self) -> u64 {
        match self {
            Self::Single { transfer, .. } => transfer.sent(),
            Self::Multipart(work) => work.parts().map_or(0, Parts::sent),
        }
    }

    /// The attempts of everything but the parts.
    pub(crate) const fn attempts_mut(&mut self) -> &mut Attempts {
        match self {
            Self::Single { transfer, .. } => &mut transfer.attempts,
            Self::Multipart(work) => &mut work.attempts,
        }
    }

    /// Takes the file off the network and the disk, and gives the attempts to cancel. A Create and a
    /// Complete go on, since nobody could tell any more what became of them.
    pub(crate) fn stop(&mut self) -> Vec<u64> {
        match self {
            Self::Single { transfer, .. } => transfer.stop().into_iter().collect(),
            Self::Multipart(work) => match &mut work.stage {
                Multipart::Uploading(parts) => parts.stop(),
                stage @ Multipart::Planning(_) => {
                    *stage = Multipart::Unplanned;
                    Vec::new()
                }
                Multipart::Unplanned | Multipart::Planned { .. } | Multipart::Creating { .. } => Vec::new(),
            },
        }
    }

    /// Requests of this file that S3 is answering.
    pub(crate) fn requests_in_flight(&self) -> usize {
        let errands = match self {
            Self::Single { .. } => 0,
            Self::Multipart(work) => match &work.stage {
                Multipart::Creating { .. } => 1,
                Multipart::Uploading(parts) => {
                    usize::from(parts.is_completing()) + usize::from(parts.is_listing())
                }
                _ => 0,
            },
        };
        errands
            + self
                .transfers()
                .iter()
                .filter(|transfer| transfer.is_sending())
                .count()
    }
}

impl Parts {
    fn is_listing(&self) -> bool {
        self.listing
            .as_ref()
            .is_some_and(|listing| matches!(listing.errand, Errand::Sending { .. }))
    }
}

impl File {
    /// How fast a file's own speed follows the network.
    const SPEED_TIME_CONSTANT: Duration = Duration::from_secs(3);

    pub(crate) fn new(description: FileDescription) -> Self {
        let work = Work::new(description.size);
        Self {
            description,
            state: State::Queued(work),
            shown: 0,
            speed: SpeedEstimator::new(Self::SPEED_TIME_CONSTANT),
            notice: None,
            restarts: 0,
        }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.description.size
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
            State::Stored { .. } | State::Cancelled => false,
            _ => true,
        }
    }

    /// The work of a file that has not ended.
    pub(crate) const fn work(&self) -> Option<&Work> {
        match &self.state {
            State::Queued(work) | State::Active(work) | State::Paused(work) | State::Failed(work, _) => {
                Some(work)
            }
            _ => None,
        }
    }

    pub(crate) const fn work_mut(&mut self) -> Option<&mut Work> {
        match &mut self.state {
            State::Queued(work) | State::Active(work) | State::Paused(work) | State::Failed(work, _) => {
                Some(work)
            }
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

    /// The file as the page shows it.
    pub(crate) fn view(&self, now: Duration, online: bool, api: &Attempts) -> FileView {
        let status = self.status(now, online, api);
        let bytes_per_second = match status {
            FileStatus::Sending => self.speed.bytes_per_second().unwrap_or(0),
            _ => 0,
        };
        FileView {
            name: self.description.name.clone(),
            size: self.size(),
            media_type: self.description.media_type.clone(),
            status,
            sent: self.shown,
            bytes_per_second,
            key: match &self.state {
                State::Stored { key } => Some(key.clone()),
                _ => None,
            },
            notice: self.notice,
        }
    }

    fn status(&self, now: Duration, online: bool, api: &Attempts) -> FileStatus {
        match &self.state {
            State::Queued(_) => FileStatus::Queued,
            State::Paused(_) => FileStatus::Paused,
            State::Failed(_, error) => FileStatus::Failed(error.clone()),
            State::Stored { .. } => FileStatus::Stored,
            State::Cancelled => FileStatus::Cancelled,
            State::Interrupted(interrupted) => FileStatus::Interrupted(interrupted.mismatch),
            State::Elsewhere => FileStatus::Elsewhere,
            State::Active(work) if work.requests_in_flight() == 0 && !online => FileStatus::Offline,
            State::Active(Work::Single { transfer, .. }) => transfer_status(transfer, now, api),
            State::Active(Work::Multipart(work)) => multipart_status(work, now, api),
        }
    }
}

fn waiting(attempts: &Attempts, now: Duration) -> Option<FileStatus> {
    attempts.waiting(now).map(|(until, error)| FileStatus::Waiting {
        until,
        error: error.clone(),
    })
}

fn transfer_status(transfer: &Transfer, now: Duration, api: &Attempts) -> FileStatus {
    if transfer.is_sending() {
        return FileStatus::Sending;
    }
    if let Some(status) = waiting(&transfer.attempts, now) {
        return status;
    }
    match transfer.stage {
        Stage::Unhashed(_) | Stage::Hashing { .. } => FileStatus::Hashing,
        Stage::Hashed(_) => waiting(api, now).unwrap_or(FileStatus::Preparing),
        Stage::Signing { .. } | Stage::Lost(_) => FileStatus::Preparing,
        Stage::Signed { .. } => FileStatus::Ready,
        Stage::Sending { .. } => FileStatus::Sending,
    }
}

fn multipart_status(work: &MultipartWork, now: Duration, api: &Attempts) -> FileStatus {
    let is_sending = work
        .parts()
        .is_some_and(|parts| parts.transfers.iter().any(Transfer::is_sending));
    if is_sending {
        return FileStatus::Sending;
    }
    if let Some(status) = waiting(&work.attempts, now) {
        return status;
    }
    match &work.stage {
        Multipart::Unplanned => waiting(api, now).unwrap_or(FileStatus::Preparing),
        Multipart::Planning(_) | Multipart::Planned { .. } | Multipart::Creating { .. } => {
            FileStatus::Preparing
        }
        Multipart::Uploading(parts) => parts_status(parts, now, api),
    }
}

fn parts_status(parts: &Parts, now: Duration, api: &Attempts) -> FileStatus {
    if parts.is_asking_to_resume() {
        return waiting(api, now).unwrap_or(FileStatus::Preparing);
    }
    if parts.is_resuming() && !parts.all_stored() {
        return FileStatus::Comparing;
    }
    match parts.finish {
        Finish::Checking { .. } | Finish::Asking(_) => return FileStatus::Finishing,
        Finish::Completing(Errand::Unsigned) => {
            return waiting(api, now).unwrap_or(FileStatus::Finishing);
        }
        Finish::Completing(_) => return FileStatus::Finishing,
        Finish::Open => {}
    }
    let statuses = || {
        parts
            .transfers
            .iter()
            .map(|transfer| transfer_status(transfer, now, api))
    };
    // A file whose every part waits shows the part that goes on first.
    let all_wait =
        !parts.transfers.is_empty() && statuses().all(|status| matches!(status, FileStatus::Waiting { .. }));
    if all_wait {
        return statuses()
            .min_by_key(|status| match status {
                FileStatus::Waiting { until, .. } => *until,
                _ => Duration::MAX,
            })
            .unwrap_or(FileStatus::Sending);
    }
    FileStatus::Sending
}

/// Whether the API takes no such file at all.
const fn is_never_accepted(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::FileTooLarge | ErrorKind::TypeNotAllowed)
}

/// Whether trying again can use what is done: a changed file or a taken key makes that worthless.
pub(crate) const fn can_go_on_after(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::FileChanged | ErrorKind::FileMissing | ErrorKind::AlreadyExists | ErrorKind::UploadGone
    )
}
