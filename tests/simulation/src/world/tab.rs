//! The tab crashes, and the next one resumes what is on record.

use std::time::Duration;

use engine::{
    Attachment, Command, Engine, Event, FileDescription, FileId, FileStatus, Mismatch, Owner, SaveId,
    Selection, UploadRecord,
};

use crate::{
    models::{
        disk::{ANOTHER_FILE, DiskFile, Presence},
        records::Write,
        s3::Object,
    },
    violation::Violation,
    world::{World, sim_event::SimEvent},
};

/// More manifests than any tab writes.
const MANIFESTS_PER_TAB: u32 = 100_000;

impl World<'_> {
    /// Starts a write. Writes take a moment and end in order, and a crash in between loses them.
    pub(crate) fn start_write(&mut self, command: &Command) {
        let write = match command {
            Command::Save(id) | Command::Forget(id) => {
                let record = self.engine.record(*id).map(Box::new);
                Write::Record(self.record_id(*id), record)
            }
            Command::SavePart(id, number) => match self.engine.recorded_part(*id, *number) {
                Some(part) => Write::Part(*id, part.clone()),
                None => return,
            },
            Command::ForgetBatch(batch) => Write::Batch(*batch),
            _ => return,
        };
        let ends = self.time + Duration::from_millis(self.random.u64(1..self.scenario.slowest_write));
        self.last_write = self.last_write.max(ends);
        self.schedule_at(self.last_write, SimEvent::WriteDone(write));
    }

    /// The id under which the record of a file or a manifest is kept. Each tab numbers its manifests anew.
    fn record_id(&self, id: FileId) -> FileId {
        if (id.0 as usize) < self.disk.len() {
            id
        } else {
            FileId(self.first_manifest - (u32::MAX - id.0))
        }
    }

    /// Reports when every write so far is done. The report may come late.
    pub(crate) fn report_saved(&mut self, save: SaveId) {
        let late = Duration::from_millis(self.random.u64(0..100));
        let then = self.last_write.max(self.time) + late;
        self.schedule_at(then, SimEvent::Saved(save));
    }

    /// The tab crashes, and another one is opened.
    pub(crate) fn crash_tab(&mut self) -> Result<(), Violation> {
        self.trace.line(self.time, || "the tab crashes".to_owned());
        self.break_off_requests()?;
        self.discard_tab_events();
        self.reported_offline = false;
        self.engine = Engine::new(self.scenario.settings.clone(), self.random.u64(..));
        self.noted.clear();
        self.manifests.clear();
        self.first_manifest -= MANIFESTS_PER_TAB;
        self.checker.on_tab_crash(&self.records, &self.s3);
        let ended = self.records.values();
        let ended = ended.filter(|record| record.has_ended && record.manifest.is_none());
        let keys = ended.filter_map(|record| record.object_key().map(str::to_owned));
        let keys = keys.collect();
        self.deliver(Event::KeysTaken(keys))?;
        for index in 0..self.disk.len() {
            self.restore(FileId(u32::try_from(index).unwrap_or(u32::MAX)))?;
        }
        self.restore_batches()
    }

    /// Requests that were on their way break off, or are carried out without anybody to receive the answer.
    fn break_off_requests(&mut self) -> Result<(), Violation> {
        let tickets: Vec<_> = self
            .requests
            .values()
            .filter(|request| !request.arrived)
            .map(|request| request.ticket)
            .collect();
        for ticket in tickets {
            if self.network.up && self.random.bool() {
                let _undelivered = self.carry_out(ticket)?;
            }
        }
        // What a new tab finds under a key that is on record is its own.
        let recorded = self.records.values().filter_map(UploadRecord::object_key);
        self.tried_keys.extend(recorded.map(str::to_owned));
        // Nobody else knows a batch. Somebody else's objects only stand for what this tab could meet.
        self.s3
            .objects
            .retain(|_, object| !matches!(object, Object::Foreign));
        self.requests.clear();
        self.forwarded_at = self.time;
        self.calls.clear();
        Ok(())
    }

    /// A tab that crashed gets no answer to anything that it was waiting for.
    fn discard_tab_events(&mut self) {
        self.queue.retain(|_, event| event.survives_tab());
        self.cancelled_reads.clear();
        self.wake_at = None;
        self.tick_generation += 1;
    }

    /// Gives every file the id that it had, so that an id remains an index of the disk: what had ended is
    /// restored as an upload that another tab had and ended.
    fn restore(&mut self, id: FileId) -> Result<(), Violation> {
        let unfinished = self.records.get(&id).filter(|record| !record.has_ended);
        let Some(record) = unfinished.cloned() else {
            let ended = ended_record(&self.disk[id.0 as usize].description);
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
            let record = Some(Box::new(record));
            self.deliver(Event::TakenOver { id, record })?;
        }
        self.schedule_return(id);
        Ok(())
    }

    fn schedule_return(&mut self, id: FileId) {
        let delay = Duration::from_millis(self.random.u64(0..20_000));
        self.schedule_in(delay, SimEvent::FileReturned(id));
    }

    /// The user picks the file of an interrupted upload, or the browser has its handle; now and then it is
    /// another file.
    pub(crate) fn return_file(&mut self, id: FileId) -> Result<(), Violation> {
        let index = id.0 as usize;
        let is_awaited = |status| matches!(status, FileStatus::Interrupted(_));
        if let Presence::Away(_) = self.disk[index].presence {
            self.schedule_return(id);
            return Ok(());
        }
        let status = self.engine.view(id).map(|view| view.status);
        let is_unreadable = status == Some(FileStatus::Interrupted(Some(Mismatch::Unreadable)));
        if is_unreadable && self.random.bool() {
            return self.deliver(Event::Retry(Selection::File(id)));
        }
        let is_gone = self.disk[index].presence == Presence::Gone;
        if is_gone || !self.engine.view(id).is_some_and(|view| is_awaited(view.status)) {
            return Ok(());
        }
        let mut description = self.disk[index].description.clone();
        let is_changed = self.disk[index].has_changed;
        let is_other = self.random.u8(0..6) == 0;
        if is_other && !is_changed {
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
        self.disk[index].open();
        self.deliver(Event::Attached {
            id,
            description,
            attachment,
        })?;
        if is_other && !is_changed {
            self.schedule_return(id);
        }
        Ok(())
    }

    fn change_description(&mut self, description: &mut FileDescription) {
        if self.random.bool() {
            description.name.push('x');
        } else {
            description.size += 1;
        }
    }

    /// Whether S3 has a part that is on record, so that another file is noticed.
    fn has_recorded_part(&self, id: FileId) -> bool {
        let record = self.records.get(&id).and_then(|record| record.multipart.as_ref());
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

    /// A file was refused because of its content: the user finds the right one. The page may hear of it several times
    /// at once, and the user looks once.
    pub(crate) fn find_right_file(&mut self, id: FileId) {
        let status = self.engine.view(id).map(|view| view.status);
        let Some(FileStatus::Interrupted(Some(mismatch))) = status else {
            return;
        };
        let is_return = |event: &SimEvent| matches!(event, SimEvent::FileReturned(other) if *other == id);
        if self.queue.values().any(is_return) {
            return;
        }
        let is_to_return = match mismatch {
            Mismatch::Unreadable => true,
            Mismatch::Content => self.disk[id.0 as usize].swap_back(),
            _ => false,
        };
        if is_to_return {
            self.schedule_return(id);
        }
    }
}

fn ended_record(file: &FileDescription) -> UploadRecord {
    UploadRecord {
        name: file.name.clone(),
        size: file.size,
        media_type: file.media_type.clone(),
        last_modified: file.last_modified,
        batch: None,
        has_ended: false,
        copy: 0,
        stored: None,
        manifest: None,
        fields: Default::default(),
        object: None,
        multipart: None,
    }
}

impl DiskFile {
    /// Puts another file of the same name, size and time in its place.
    const fn replace(&mut self) {
        self.was_replaced = true;
        self.version ^= ANOTHER_FILE;
    }

    /// Puts the other one of the two files there, if there were two.
    fn swap_back(&mut self) -> bool {
        if self.was_replaced {
            self.version ^= ANOTHER_FILE;
        }
        self.was_replaced && !self.is_lost()
    }
}
