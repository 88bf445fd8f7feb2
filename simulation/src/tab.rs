//! The tab dies, and the next one takes up what it left.

use engine::{
    Attachment, Command, CompletedPart, Engine, Event, FileDescription, FileId, FileStatus, Mismatch, Owner,
    UploadRecord,
};
use std::{collections::BTreeMap, time::Duration};

use crate::{
    disk::{Change, DiskFile},
    world::{Happening, World},
};

/// What the browser keeps when a tab dies.
pub(crate) type Kept = BTreeMap<FileId, UploadRecord>;

/// One write of what is kept, on its way to the disk.
#[derive(Debug)]
pub(crate) enum Write {
    /// The whole record of a file, or that there is none any more.
    Record(FileId, Option<UploadRecord>),
    /// One more part.
    Part(FileId, CompletedPart),
}

impl World<'_> {
    /// Starts a write. Writes take a moment and end in order, and a death in between loses them.
    pub(crate) fn keep(&mut self, command: &Command) {
        let write = match command {
            Command::Save(id) | Command::Forget(id) => Write::Record(*id, self.engine.record(*id)),
            Command::SavePart(id, number) => match self.engine.recorded_part(*id, *number) {
                Some(part) => Write::Part(*id, part.clone()),
                None => return,
            },
            _ => return,
        };
        let ends = self.time + Duration::from_millis(self.random.u64(1..15));
        self.last_write = self.last_write.max(ends);
        self.at(self.last_write, Happening::Written(write));
    }

    pub(crate) fn written(&mut self, write: Write) {
        match write {
            Write::Record(id, Some(record)) => {
                self.kept.insert(id, record);
            }
            Write::Record(id, None) => {
                self.kept.remove(&id);
            }
            Write::Part(id, part) => {
                let record = self.kept.get_mut(&id);
                let multipart = record.and_then(|record| record.multipart.as_mut());
                if let Some(multipart) = multipart {
                    multipart.parts.retain(|other| other.number != part.number);
                    multipart.parts.push(part);
                }
            }
        }
    }

    /// The tab dies without a word, and another one is opened.
    pub(crate) fn tab_dies(&mut self) -> Result<(), String> {
        self.trace.line(self.time, || "the tab dies".to_owned());
        self.let_go_of_requests()?;
        self.drop_what_the_tab_awaits();
        self.told_offline = false;
        self.second_reasons += 1;
        self.engine = Engine::new(self.scenario.settings.clone(), self.random.u64(..));
        self.checker.tab_died(&self.kept);
        for index in 0..self.disk.len() {
            self.restore(FileId(u32::try_from(index).unwrap_or(u32::MAX)))?;
        }
        Ok(())
    }

    /// Requests that were on their way break off, or are carried out with nobody to hear of it.
    fn let_go_of_requests(&mut self) -> Result<(), String> {
        let tickets: Vec<_> = self
            .requests
            .values()
            .filter(|request| !request.arrived)
            .map(|request| request.ticket)
            .collect();
        for ticket in tickets {
            if self.network.up && self.random.bool() {
                let _unheard = self.carry_out(ticket)?;
            }
        }
        self.requests.clear();
        self.calls.clear();
        Ok(())
    }

    /// Gives every file the id that it had, so that ids go on to be places on the disk: what had ended
    /// is passed over as something that another tab ended.
    fn restore(&mut self, id: FileId) -> Result<(), String> {
        let Some(record) = self.kept.get(&id).cloned() else {
            let ended = ended(&self.disk[id.0 as usize].description);
            self.deliver(Event::Restored {
                records: vec![ended],
                owner: Owner::AnotherTab,
            })?;
            return self.deliver(Event::TakenOver { id, record: None });
        };
        let records = vec![record.clone()];
        if self.random.bool() {
            let owner = Owner::ThisPage;
            self.deliver(Event::Restored { records, owner })?;
        } else {
            let owner = Owner::AnotherTab;
            self.deliver(Event::Restored { records, owner })?;
            let record = Some(record);
            self.deliver(Event::TakenOver { id, record })?;
        }
        self.file_will_come_back(id);
        Ok(())
    }

    fn file_will_come_back(&mut self, id: FileId) {
        let delay = Duration::from_millis(self.random.u64(0..20_000));
        self.after(delay, Happening::FileComesBack(id));
    }

    /// A person picks the file of an interrupted upload, or the browser has its handle; now and then it
    /// is another file.
    pub(crate) fn file_comes_back(&mut self, id: FileId) -> Result<(), String> {
        let index = id.0 as usize;
        let is_awaited = |status| matches!(status, FileStatus::Interrupted(_));
        let is_gone = self.disk[index].change == Some(Change::Vanished);
        if is_gone || !self.engine.view(id).is_some_and(|view| is_awaited(view.status)) {
            return Ok(());
        }
        let mut description = self.disk[index].description.clone();
        let is_changed = self.disk[index].change.is_some();
        let is_other = self.random.u8(0..6) == 0;
        if is_changed {
            description.last_modified += 1;
        } else if is_other {
            self.change_description(&mut description);
        }
        let may_be_by_handle = !self.disk[index].was_replaced;
        let attachment = if may_be_by_handle && self.random.bool() {
            Attachment::Handle
        } else {
            Attachment::Picked
        };
        if attachment == Attachment::Picked && self.has_recorded_part(id) && self.random.u8(0..4) == 0 {
            self.disk[index].replace();
        }
        self.deliver(Event::Attached {
            id,
            description,
            attachment,
        })?;
        if is_other && !is_changed {
            self.file_will_come_back(id);
        }
        Ok(())
    }

    fn change_description(&mut self, description: &mut FileDescription) {
        match self.random.u8(0..3) {
            0 => description.name.push('x'),
            1 => description.size += 1,
            _ => description.last_modified -= 1,
        }
    }

    /// Whether S3 has a part that is on record, so that another file cannot pass.
    fn has_recorded_part(&self, id: FileId) -> bool {
        let record = self.kept.get(&id).and_then(|record| record.multipart.as_ref());
        record.is_some_and(|record| {
            let upload = self.s3.uploads.get(&record.upload_id);
            upload.is_some_and(|upload| {
                record.parts.iter().any(|part| {
                    let stored = upload.parts.get(&part.number);
                    stored.is_some_and(|stored| stored.content.digest() == part.sha256)
                })
            })
        })
    }

    /// A file was refused because of what it holds: the person finds the right one.
    pub(crate) fn look_for_the_right_file(&mut self, id: FileId) {
        let status = self.engine.view(id).map(|view| view.status);
        let is_refused = status == Some(FileStatus::Interrupted(Some(Mismatch::Content)));
        if is_refused && self.disk[id.0 as usize].swap_back() {
            self.file_will_come_back(id);
        }
    }
}

fn ended(file: &FileDescription) -> UploadRecord {
    UploadRecord {
        name: file.name.clone(),
        size: file.size,
        media_type: file.media_type.clone(),
        last_modified: file.last_modified,
        multipart: None,
    }
}

impl DiskFile {
    /// Puts another file of the same name, size and time in its place.
    const fn replace(&mut self) {
        self.was_replaced = true;
        self.version ^= 1 << 31;
    }

    /// Puts the other one of the two files there, if there were two.
    const fn swap_back(&mut self) -> bool {
        if self.was_replaced {
            self.version ^= 1 << 31;
        }
        self.was_replaced && self.change.is_none()
    }
}
