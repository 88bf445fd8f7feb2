//! A file that an earlier page left unfinished comes back.

use crate::{
    Attachment, FileDescription, Mismatch, Owner, UploadRecord,
    upload::{
        file::{File, Interrupted, State, Work},
        parts::Parts,
        resumption::Origin,
        upload_mut::UploadMut,
    },
};

impl File {
    /// An upload on record, whose file is not there yet.
    pub(crate) fn restored(record: UploadRecord, owner: Owner) -> Self {
        let (description, shown) = (record.description(), recorded_bytes(&record));
        let mut file = Self::with_state(description, State::Elsewhere, shown);
        if owner == Owner::ThisPage {
            file.learn_place(&record);
            file.state = interrupted(record);
        }
        file
    }

    /// Where it goes, as an earlier page kept it.
    fn learn_place(&mut self, record: &UploadRecord) {
        self.batch = record.batch;
        self.copy = record.copy;
        self.object = record.object.clone().map(Box::new);
        self.is_object_sent = true;
    }
}

impl UploadMut<'_> {
    /// The tab that worked on it is gone, and the upload had not ended: it is this page's to go on with.
    pub(crate) fn take_over(&mut self, record: UploadRecord) {
        let sent = recorded_bytes(&record);
        self.totals.remove(self.file);
        self.file.learn_place(&record);
        self.file.shown = self.file.shown.max(sent);
        self.totals.add(self.file);
        if let Some(batch) = self.file.batch {
            self.batches.add(batch, self.file.is_unfinished());
        }
        self.change_state(|_| interrupted(record));
        self.claim_recorded_keys();
    }

    /// The keys that are on record for it are its own.
    pub(crate) fn claim_recorded_keys(&mut self) {
        let multipart = match &self.file.state {
            State::Interrupted(interrupted) => interrupted.record.multipart.as_ref(),
            _ => None,
        };
        let object = self.file.object.as_ref().map(|object| &object.key);
        for key in object
            .into_iter()
            .chain(multipart.map(|multipart| &multipart.key))
        {
            // No two files of this page have one key, as no two of the page had that kept them.
            let _ = self.keys.claim(key, self.id, self.file.copy);
        }
    }

    /// The file of an interrupted upload is there again.
    pub(crate) fn attach(&mut self, description: &FileDescription, attachment: Attachment) {
        if matches!(self.file.state, State::Unreadable { .. }) {
            self.wait_for_file(Mismatch::Unreadable);
        }
        let State::Interrupted(interrupted) = &mut self.file.state else {
            return;
        };
        interrupted.mismatch = mismatch(&self.file.description, description);
        if interrupted.mismatch.is_some() {
            self.changed();
            return;
        }
        // A file that was touched may hold other bytes by now, whoever brought it.
        let before = interrupted.record.last_modified;
        let is_touched = before != description.last_modified;
        let origin = Origin::of(attachment, is_touched);
        let multipart = interrupted.record.multipart.clone();
        let parts = multipart.and_then(|record| Parts::resume(record, description.size, origin));
        let work = parts.map_or_else(|| self.file.all_work(), Work::resumed);
        self.file.read_failures = 0;
        self.file.description.last_modified = before;
        self.file.set_last_modified(description.last_modified);
        self.change_state(|_| State::Queued(work));
        self.enqueue_last();
    }
}

fn interrupted(record: UploadRecord) -> State {
    let mismatch = None;
    State::Interrupted(Box::new(Interrupted { record, mismatch }))
}

fn recorded_bytes(record: &UploadRecord) -> u64 {
    let multipart = record.multipart.clone();
    let parts = multipart.and_then(|record_| Parts::resume(record_, record.size, Origin::Picked));
    parts.map_or(0, |parts| {
        parts.layout.total_bytes_of(parts.resumption.recorded())
    })
}

/// What distinguishes a file from the one that an upload was started with.
fn mismatch(before: &FileDescription, now: &FileDescription) -> Option<Mismatch> {
    if before.name != now.name {
        Some(Mismatch::Name)
    } else if before.size != now.size {
        Some(Mismatch::Size)
    } else {
        None
    }
}
