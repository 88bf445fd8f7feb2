//! What happens in the simulated world: to files, machine and network, and what the user does.

use std::time::Duration;

use engine::{Event, FileFailure, FileId, Selection};
use fastrand::Rng;
use wire::BatchId;

use crate::{
    models::{
        disk::{Change, DiskFile},
        records,
    },
    violation::Violation,
    world::{World, sim_event::SimEvent},
};

impl World<'_> {
    /// Schedules everything that does not depend on the engine.
    pub(crate) fn schedule_scenario(&mut self) {
        let end = self.scenario.faults_end;
        for index in 0..self.scenario.picks.len() {
            let at = self.scenario.picks[index].0;
            self.schedule_at(at, SimEvent::FilesPicked(index));
        }
        let plans: [(usize, fn() -> SimEvent); 6] = [
            (self.scenario.user_actions, || SimEvent::UserAction),
            (self.scenario.offline_spells, || SimEvent::NetworkDown),
            (self.scenario.sleeps, || SimEvent::Sleep),
            (self.scenario.file_changes, || SimEvent::FileChange),
            (self.scenario.dropped_uploads, || SimEvent::UploadDropped),
            (self.scenario.tab_crashes, || SimEvent::TabCrash),
        ];
        for (count, event) in plans {
            for _ in 0..count {
                let at = end.mul_f64(self.random.f64());
                self.schedule_at(at, event());
            }
        }
        self.schedule_at(end, SimEvent::FaultsEnd);
    }

    pub(crate) fn dispatch(&mut self, event: SimEvent) -> Result<(), Violation> {
        match event {
            SimEvent::FilesPicked(index) => self.on_files_picked(index),
            SimEvent::Hashed(ticket, range) => self.on_hashed(ticket, range),
            SimEvent::Checked(ticket) => self.on_checked(ticket),
            SimEvent::Progress(ticket, sent) => self.on_progress(ticket, sent),
            SimEvent::RequestArrived(ticket) => self.on_request_arrived(ticket),
            SimEvent::RequestAnswered(ticket, answer) => self.on_request_answered(ticket, answer),
            SimEvent::AnsweredAgain(ticket, answer) => self.deliver(Event::Answered { ticket, answer }),
            SimEvent::CallArrived(call) => {
                self.on_call_arrived(call);
                Ok(())
            }
            SimEvent::CallAnswered(call, answer) => self.on_call_answered(call, answer),
            SimEvent::CallAnsweredAgain(call, answer) => self.deliver(Event::CallAnswered { call, answer }),
            SimEvent::Tick { generation } => self.on_tick(generation),
            SimEvent::NetworkDown => self.on_network_down(),
            SimEvent::NetworkUp => self.on_network_up(),
            SimEvent::Sleep => self.on_sleep(),
            SimEvent::UserAction => self.on_user_action(),
            SimEvent::FileChange => {
                self.change_some_file();
                Ok(())
            }
            SimEvent::FileBack(index) => {
                self.trace.line(self.time, || format!("file {index} is back"));
                self.disk[index].return_to_disk();
                Ok(())
            }
            SimEvent::Reopened(ticket) => self.on_reopened(ticket),
            SimEvent::UploadDropped => {
                self.drop_some_upload();
                Ok(())
            }
            SimEvent::TabCrash => self.crash_tab(),
            SimEvent::FileReturned(id) => self.return_file(id),
            SimEvent::WriteDone(write) => {
                records::apply(&mut self.records, write);
                Ok(())
            }
            SimEvent::Saved(save) => self.deliver(Event::Saved(save)),
            SimEvent::ManifestWritten(id) => self.on_manifest_written(id),
            SimEvent::FaultsEnd => {
                self.trace.line(self.time, || "faults end".to_owned());
                self.network.heal();
                self.on_network_up()
            }
        }
    }

    fn on_files_picked(&mut self, index: usize) -> Result<(), Violation> {
        let files = std::mem::take(&mut self.scenario.picks[index].1);
        let batch = BatchId::new(0, [index as u8; 10]);
        for file in &files {
            let noticing = self.scenario.noticing;
            let has_handle = self.scenario.has_handles && file.last_modified % 2 == 0;
            self.disk
                .push(DiskFile::new(batch, file.clone(), noticing, has_handle));
        }
        self.deliver(Event::FilesAdded { batch, files })
    }

    fn on_network_down(&mut self) -> Result<(), Violation> {
        self.network.up = false;
        let spell = Duration::from_millis(self.random.u64(10..60_000));
        self.schedule_in(spell, SimEvent::NetworkUp);
        self.trace.line(self.time, || "the network is down".to_owned());
        // Browsers notice an unplugged cable, but not a router that has lost its line.
        if self.random.u8(0..4) > 0 {
            self.reported_offline = true;
            self.deliver(Event::Offline)?;
        }
        Ok(())
    }

    fn on_network_up(&mut self) -> Result<(), Violation> {
        self.network.up = true;
        self.trace.line(self.time, || "the network is up".to_owned());
        if std::mem::take(&mut self.reported_offline) {
            self.deliver(Event::Online)?;
        }
        Ok(())
    }

    /// The machine sleeps: the servers' clock goes on, the page's own in some browsers only, and most
    /// connections break.
    fn on_sleep(&mut self) -> Result<(), Violation> {
        let longest = if self.random.bool() { 20_000 } else { 300_000 };
        let slept = Duration::from_secs(self.random.u64(10..longest));
        self.wall_jump += slept;
        if self.random.bool() {
            self.page_jump += slept;
        }
        self.trace
            .line(self.time, || format!("the machine slept for {slept:?}"));
        for request in self.requests.values_mut() {
            request.dead |= self.random.u8(0..4) > 0;
        }
        for call in self.calls.values_mut() {
            call.dead |= self.random.u8(0..4) > 0;
        }
        if self.random.bool() {
            self.drop_some_upload();
        }
        self.set_timer();
        self.deliver(Event::Woke)
    }

    fn on_user_action(&mut self) -> Result<(), Violation> {
        let selection = if self.disk.is_empty() || self.random.u8(0..3) == 0 {
            Selection::All
        } else {
            let index = self.random.usize(..self.disk.len());
            // From a stream of its own, so that older seeds make the same worlds apart from this.
            match Rng::with_seed(self.random.clone().u64(..)).u8(0..3) {
                0 => Selection::Batch(self.disk[index].batch),
                _ => Selection::File(FileId(u32::try_from(index).unwrap_or(u32::MAX))),
            }
        };
        let event = match self.random.u8(0..8) {
            0 | 1 => Event::Pause(selection),
            2 | 3 => Event::Resume(selection),
            4 => Event::Cancel(selection),
            5 | 6 => Event::Retry(selection),
            _ => Event::Remove(selection),
        };
        // What a short pause cancels is still on its way when the file goes on.
        let resumes_at_once = matches!(event, Event::Pause(_)) && self.random.bool();
        self.deliver(event)?;
        if resumes_at_once {
            self.deliver(Event::Resume(selection))?;
        }
        Ok(())
    }

    fn change_some_file(&mut self) {
        if self.disk.is_empty() {
            return;
        }
        let index = self.random.usize(..self.disk.len());
        self.change_file(index);
    }

    pub(crate) fn change_file(&mut self, index: usize) {
        if index >= self.disk.len() {
            return;
        }
        let kind = self.random.u8(0..4);
        // From a stream of its own, so that older seeds make the same worlds apart from this.
        let random = &mut Rng::with_seed(self.random.clone().u64(..));
        let failure = *random
            .choice([FileFailure::Missing, FileFailure::Unreadable].iter())
            .unwrap_or(&FileFailure::Missing);
        let change = match (kind, random.u8(0..4)) {
            (0, 0) => Change::Vanished,
            (0, _) => Change::Away(failure),
            (1, 0) => Change::OtherSize,
            (1, _) => Change::OtherBytes,
            _ => Change::Touched,
        };
        let longest = if random.bool() { 10_000 } else { 200_000 };
        let away = Duration::from_millis(random.u64(100..longest));
        self.trace
            .line(self.time, || format!("file {index} changes: {change:?}"));
        self.disk[index].change(change);
        if let Change::Away(_) = change {
            self.schedule_in(away, SimEvent::FileBack(index));
        }
    }

    /// S3 drops an unfinished multipart upload, as a lifecycle rule does. One that has all of its
    /// parts is left alone unless it is old: the rule waits for a day, and a Complete follows the last
    /// part at once.
    fn drop_some_upload(&mut self) {
        let now = self.server_time();
        let unfinished: Vec<String> = self
            .s3
            .uploads
            .iter()
            .filter(|(_, upload)| {
                let disk = self.disk.get(upload.file.0 as usize);
                let is_unfinished =
                    |disk: &DiskFile| upload.bytes() < disk.picked_size || upload.is_abandoned(now);
                !upload.is_completing() && disk.is_some_and(is_unfinished)
            })
            .map(|(upload_id, _)| upload_id.clone())
            .collect();
        if let Some(upload_id) = self.random.choice(unfinished) {
            self.trace.line(self.time, || format!("S3 drops {upload_id}"));
            self.s3.uploads.remove(&upload_id);
        }
    }
}
