//! Taking up what an earlier page left unfinished.
//!
//! The record says which parts S3 stored, and S3 is asked for those that it has (ListParts, all
//! pages). A part counts if its number and size fit and its checksum is that of the file's range: by
//! the record where the browser kept a handle of the very file, and by hashing the range again where
//! a person picked the file, or where only S3 knows of the part. Not a byte is sent before that is
//! settled, so that another file never mixes with what is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use wire::Sha256Digest;

use crate::{
    Attachment, Command, CompletedPart, Engine, FileDescription, FileId, ListedPart, Mismatch,
    MultipartRecord, Owner, UploadRecord,
    backoff::Attempts,
    file::{File, Interrupted, State, Work},
    multipart::{Listing, Multipart, MultipartWork, Parts},
    part_layout::PartLayout,
    planted::{Bug, planted},
    transfer::{Earlier, Then, Transfer},
};

/// How far the taking up of a multipart upload has come.
#[derive(Clone, Debug)]
pub(crate) enum Resumption {
    /// S3 is asked which parts it has.
    Asking {
        recorded: Vec<CompletedPart>,
        attachment: Attachment,
    },
    /// The file is compared with parts that S3 has.
    Comparing {
        /// The recorded parts that S3 still has.
        recorded: Vec<CompletedPart>,
        /// The parts whose comparison has not begun.
        queue: VecDeque<(u32, Earlier)>,
    },
    /// Nothing is left to settle.
    Over,
}

impl Parts {
    /// The upload of a record, unless the record cannot be right.
    fn resume(record: MultipartRecord, file_size: u64, attachment: Attachment) -> Option<Self> {
        let MultipartRecord {
            key,
            upload_id,
            part_size,
            part_size_changes,
            created,
            seen,
            parts: recorded,
        } = record;
        let layout = PartLayout::recorded(file_size, part_size, &part_size_changes)?;
        let mut parts = Self::new(key, upload_id, layout);
        (parts.created, parts.seen) = (created, seen);
        // Once its last part is stored, an upload may be completed at any moment.
        parts.complete_outcome_unknown = parts.bytes_of(&recorded) == file_size;
        parts.listing = Some(Listing::default());
        parts.resumption = Resumption::Asking { recorded, attachment };
        Some(parts)
    }

    /// How many bytes these parts hold.
    fn bytes_of(&self, parts: &[CompletedPart]) -> u64 {
        let numbers: BTreeSet<u32> = parts.iter().map(|part| part.number).collect();
        let ranges = numbers
            .into_iter()
            .filter(|number| self.has_part(*number))
            .map(|number| self.layout.range(number));
        ranges.map(|range| range.end - range.start).sum()
    }

    fn has_part(&self, number: u32) -> bool {
        number > 0 && u64::from(number) <= self.layout.count()
    }

    pub(crate) const fn is_asking_to_resume(&self) -> bool {
        matches!(self.resumption, Resumption::Asking { .. })
    }

    /// Whether anything is left to settle before bytes are sent.
    pub(crate) const fn is_resuming(&self) -> bool {
        !matches!(self.resumption, Resumption::Over)
    }

    /// Every part that S3 stored, as far as is known, by number.
    pub(crate) fn recorded_parts(&self) -> Vec<CompletedPart> {
        let recorded = match &self.resumption {
            Resumption::Asking { recorded, .. } | Resumption::Comparing { recorded, .. } => {
                recorded.as_slice()
            }
            Resumption::Over => &[],
        };
        let all: BTreeMap<u32, &CompletedPart> = recorded
            .iter()
            .chain(self.completed())
            .map(|part| (part.number, part))
            .collect();
        all.into_values().cloned().collect()
    }

    /// Begins to compare the next part that S3 has with the file.
    pub(crate) fn begin_next_comparison(&mut self) -> bool {
        let Resumption::Comparing { queue, .. } = &mut self.resumption else {
            return false;
        };
        if let Some((number, earlier)) = queue.pop_front() {
            let range = self.layout.range(number);
            self.transfers
                .push(Transfer::new_with_earlier(number, range, earlier));
            return true;
        }
        if !self.transfers.iter().any(Transfer::is_comparing) {
            self.resumption = Resumption::Over;
        }
        false
    }

    /// Takes what S3 listed.
    pub(crate) fn settle_resumed(&mut self, found: &[ListedPart]) {
        let Resumption::Asking { recorded, attachment } =
            std::mem::replace(&mut self.resumption, Resumption::Over)
        else {
            return;
        };
        let on_record: BTreeMap<u32, Sha256Digest> = recorded
            .into_iter()
            .map(|part| (part.number, part.sha256))
            .collect();
        let (mut confirmed, mut queue) = (Vec::new(), VecDeque::new());
        for listed in found {
            let (number, etag) = (listed.number, listed.etag.clone());
            if !self.has_part(number) {
                continue;
            }
            let range = self.layout.range(number);
            let recorded = on_record.get(&number).copied();
            if let Some(sha256) = recorded.filter(|_| planted(Bug::ResumeByPartNumber)) {
                self.stored(CompletedPart { number, etag, sha256 });
                continue;
            }
            let Some(sha256) = listed.sha256.filter(|_| listed.size == range.end - range.start) else {
                continue;
            };
            let part = CompletedPart { number, etag, sha256 };
            match (recorded == Some(sha256), attachment) {
                (true, Attachment::Handle) => self.stored(part),
                (true, Attachment::Picked) => {
                    queue.push_back((number, keep_recorded(&part)));
                    confirmed.push(part);
                }
                (false, _) => {
                    let then = Then::KeepListed { etag: part.etag };
                    queue.push_back((number, Earlier { digest: sha256, then }));
                }
            }
        }
        let recorded = confirmed;
        // An upload that lacks a part was not completed, whatever the record says.
        let found: Vec<CompletedPart> = self.completed().chain(&recorded).cloned().collect();
        self.complete_outcome_unknown &= self.bytes_of(&found) == self.layout.file_size();
        self.resumption = Resumption::Comparing { recorded, queue };
    }

    /// S3 does not know the upload any more and had all of its parts: it is most likely completed, and
    /// the record stands for what S3 would have listed.
    pub(crate) fn settle_resumed_by_record(&mut self) {
        let Resumption::Asking { recorded, attachment } =
            std::mem::replace(&mut self.resumption, Resumption::Over)
        else {
            return;
        };
        let mut queue = VecDeque::new();
        for part in recorded.iter().filter(|part| self.has_part(part.number)) {
            queue.push_back((part.number, keep_recorded(part)));
        }
        if attachment == Attachment::Handle {
            queue.clear();
            recorded.iter().for_each(|part| self.stored(part.clone()));
        }
        self.resumption = Resumption::Comparing { recorded, queue };
    }
}

fn keep_recorded(part: &CompletedPart) -> Earlier {
    Earlier {
        digest: part.sha256,
        then: Then::KeepRecorded {
            etag: part.etag.clone(),
        },
    }
}

impl Engine {
    pub(crate) fn restore(&mut self, records: Vec<UploadRecord>, owner: Owner, commands: &mut Vec<Command>) {
        for record in records {
            let id = self.next_file_id();
            let mut file = File::new(record.description());
            file.shown = recorded_bytes(&record);
            file.state = match owner {
                Owner::ThisPage => State::Interrupted(Box::new(Interrupted {
                    record,
                    mismatch: None,
                })),
                Owner::AnotherTab => State::Elsewhere,
            };
            self.totals.files += 1;
            self.totals.bytes += file.size();
            self.totals.sent += file.shown;
            self.files.push(file);
            self.count_state(id, true);
            commands.push(Command::Changed(id));
        }
    }

    /// The tab that worked on an upload is gone: so is the upload if it had ended, and otherwise it is
    /// this page's to go on with.
    pub(crate) fn take_over(
        &mut self,
        id: FileId,
        record: Option<UploadRecord>,
        commands: &mut Vec<Command>,
    ) {
        let file = self.files.get(id);
        if !file.is_some_and(|file| matches!(file.state, State::Elsewhere)) {
            return;
        }
        let Some(record) = record else {
            self.take_off(id, commands);
            return;
        };
        let sent = recorded_bytes(&record);
        self.change_state(id, commands, |_| {
            State::Interrupted(Box::new(Interrupted {
                record,
                mismatch: None,
            }))
        });
        self.show_at_least(id, sent);
    }

    pub(crate) fn attach(
        &mut self,
        id: FileId,
        description: &FileDescription,
        attachment: Attachment,
        commands: &mut Vec<Command>,
    ) {
        let Some(file) = self.files.get_mut(id) else {
            return;
        };
        let State::Interrupted(interrupted) = &mut file.state else {
            return;
        };
        interrupted.mismatch = mismatch(&file.description, description);
        if interrupted.mismatch.is_some() {
            commands.push(Command::Changed(id));
            return;
        }
        let record = interrupted.record.clone();
        let work = match record.multipart {
            Some(record) => match Parts::resume(record, description.size, attachment) {
                Some(parts) => resumed(parts),
                None => Work::new(description.size),
            },
            None => Work::new(description.size),
        };
        self.change_state(id, commands, |_| State::Queued(work));
        self.enqueue_last(id);
    }

    /// A part that S3 has is what the file has there.
    pub(crate) fn part_matches(
        &mut self,
        id: FileId,
        number: Option<u32>,
        etag: String,
        sha256: Sha256Digest,
        commands: &mut Vec<Command>,
    ) {
        let parts = self.files.active_mut(id).and_then(Work::parts_mut);
        if let (Some(parts), Some(number)) = (parts, number) {
            parts.stored(CompletedPart { number, etag, sha256 });
            commands.push(Command::SavePart(id, number));
            self.show_progress(id, commands);
        }
    }

    /// A part that S3 has and nobody remembers is not what the file has there: it is sent in its turn.
    pub(crate) fn part_differs(&mut self, id: FileId, number: Option<u32>) {
        if let Some(parts) = self.files.active_mut(id).and_then(Work::parts_mut) {
            parts.transfers.retain(|transfer| transfer.part != number);
        }
    }

    /// The file that came back is of no use. The upload waits for the right one.
    pub(crate) fn not_the_file(&mut self, id: FileId, mismatch: Mismatch, commands: &mut Vec<Command>) {
        self.stop(id, commands);
        let Some(record) = self.record(id) else { return };
        self.change_state(id, commands, |_| {
            State::Interrupted(Box::new(Interrupted {
                record,
                mismatch: Some(mismatch),
            }))
        });
    }

    fn show_at_least(&mut self, id: FileId, sent: u64) {
        self.count_state(id, false);
        if let Some(file) = self.files.get_mut(id) {
            let more = sent.saturating_sub(file.shown);
            file.shown += more;
            self.totals.sent += more;
        }
        self.count_state(id, true);
    }
}

fn resumed(parts: Parts) -> Work {
    Work::Multipart(MultipartWork {
        stage: Multipart::Uploading(Box::new(parts)),
        attempts: Attempts::default(),
    })
}

fn recorded_bytes(record: &UploadRecord) -> u64 {
    let Some(multipart) = record.multipart.clone() else {
        return 0;
    };
    let parts = multipart.parts.clone();
    Parts::resume(multipart, record.size, Attachment::Picked).map_or(0, |resumed| resumed.bytes_of(&parts))
}

/// What tells a file from the one that an upload was begun with.
fn mismatch(before: &FileDescription, now: &FileDescription) -> Option<Mismatch> {
    if before.name != now.name {
        Some(Mismatch::Name)
    } else if before.size != now.size {
        Some(Mismatch::Size)
    } else if before.last_modified != now.last_modified {
        Some(Mismatch::LastModified)
    } else {
        None
    }
}
