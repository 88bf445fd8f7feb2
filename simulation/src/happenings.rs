//! What happens in the simulated world, one thing after another.

use std::time::Duration;

use engine::{CallId, Event, FileId, Selection, Ticket, TransportFailure};

use crate::{
    disk::{Change, Content, DiskFile},
    lambda::Operation,
    network::{Outcome, chance},
    s3::{Body, Object, S3},
    s3_answers::expired,
    world::{Answer, Happening, Payload, Request, World},
};

impl World<'_> {
    /// Enters everything into the agenda that does not depend on the engine.
    pub(crate) fn plan_happenings(&mut self) {
        let end = self.scenario.faults_end;
        for index in 0..self.scenario.picks.len() {
            let at = self.scenario.picks[index].0;
            self.at(at, Happening::FilesPicked(index));
        }
        let plans: [(usize, fn() -> Happening); 6] = [
            (self.scenario.user_actions, || Happening::UserActs),
            (self.scenario.offline_spells, || Happening::NetworkGoes),
            (self.scenario.sleeps, || Happening::Sleep),
            (self.scenario.file_changes, || Happening::FileChanges),
            (self.scenario.dropped_uploads, || Happening::UploadIsDropped),
            (self.scenario.tab_deaths, || Happening::TabDies),
        ];
        for (count, happening) in plans {
            for _ in 0..count {
                let at = end.mul_f64(self.random.f64());
                self.at(at, happening());
            }
        }
        self.at(end, Happening::FaultsEnd);
    }

    pub(crate) fn happens(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::FilesPicked(index) => self.files_picked(index),
            Happening::Hashed(ticket, range) => self.hashed(ticket, range),
            Happening::Checked(ticket) => self.checked(ticket),
            Happening::Progress(ticket, sent) => self.progress(ticket, sent),
            Happening::RequestArrives(ticket) => self.request_arrives(ticket),
            Happening::RequestAnswered(ticket, answer) => self.request_answered(ticket, answer),
            Happening::AnsweredAgain(ticket, answer) => self.deliver(Event::Answered { ticket, answer }),
            Happening::CallArrives(call) => {
                self.call_arrives(call);
                Ok(())
            }
            Happening::CallAnswered(call, answer) => self.call_answered(call, answer),
            Happening::CallAnsweredAgain(call, answer) => self.deliver(Event::CallAnswered { call, answer }),
            Happening::Tick { generation } => self.ticks(generation),
            Happening::NetworkGoes => self.network_goes(),
            Happening::NetworkComes => self.network_comes(),
            Happening::Sleep => self.sleep(),
            Happening::UserActs => self.user_acts(),
            Happening::FileChanges => {
                self.some_file_changes();
                Ok(())
            }
            Happening::UploadIsDropped => {
                self.upload_is_dropped();
                Ok(())
            }
            Happening::TabDies => self.tab_dies(),
            Happening::FileComesBack(id) => self.file_comes_back(id),
            Happening::Written(write) => {
                self.written(write);
                Ok(())
            }
            Happening::FaultsEnd => {
                self.trace.line(self.time, || "faults end".to_owned());
                self.network.heal();
                self.network_comes()
            }
        }
    }

    fn files_picked(&mut self, index: usize) -> Result<(), String> {
        let files = std::mem::take(&mut self.scenario.picks[index].1);
        self.disk.extend(files.iter().cloned().map(DiskFile::new));
        self.deliver(Event::FilesAdded(files))
    }

    fn progress(&mut self, ticket: Ticket, sent: u64) -> Result<(), String> {
        match self.requests.get(&ticket.attempt) {
            Some(request) if !request.cancelled && !request.dead && self.network.up => {
                self.deliver(Event::Progress { ticket, sent })
            }
            _ => Ok(()),
        }
    }

    /// A request has reached S3, unless something was in its way.
    fn request_arrives(&mut self, ticket: Ticket) -> Result<(), String> {
        let Some(request) = self.requests.get_mut(&ticket.attempt) else {
            return Ok(());
        };
        request.arrived = true;
        let has_bytes = matches!(request.payload, Payload::Range(_));
        let cut = request.cancelled && self.random.bool();
        let silent = request.dead || self.random.bool();
        let outcome = if cut || request.dead || !self.network.up {
            Outcome::Lost { silent }
        } else {
            request.fate.outcome.clone()
        };
        let answer = match outcome {
            Outcome::Lost { silent } => {
                self.leave_other_part(ticket);
                (!silent).then_some(Err(TransportFailure::NoAnswer))
            }
            Outcome::Refused(answer) => Some(Ok(answer)),
            Outcome::Answered | Outcome::Taken => {
                if let Outcome::Taken = outcome {
                    self.take_key(ticket);
                }
                Some(self.carry_out(ticket)?)
            }
            Outcome::Mistaken(answer) => Some(self.carry_out(ticket)?.map(|_| answer)),
            Outcome::AnswerLost { silent } => {
                let _lost = self.carry_out(ticket)?;
                (!silent).then_some(Err(TransportFailure::NoAnswer))
            }
        };
        if has_bytes && chance(&mut self.random, self.network.rates.changed) {
            self.file_changes(ticket.file.0 as usize);
        }
        if let (Some(answer), Some(request)) = (answer, self.requests.get(&ticket.attempt)) {
            let delay = request.fate.answering;
            self.after(delay, Happening::RequestAnswered(ticket, answer));
        }
        Ok(())
    }

    /// Somebody else's object appears just before the request does.
    fn take_key(&mut self, ticket: Ticket) {
        if let Some(request) = self.requests.get(&ticket.attempt)
            && !request.cancelled
        {
            self.s3.objects.insert(request.grant.key.clone(), Object::Foreign);
            self.checker.blame.key_taken(ticket.file);
        }
    }

    /// Now and then S3 has other bytes under the number of a part that got lost, as after a tab that
    /// uploaded an earlier version of the file: only a listed checksum tells.
    fn leave_other_part(&mut self, ticket: Ticket) {
        let is_other = self.random.u8(0..8) == 0;
        if let Some(request) = self.requests.get(&ticket.attempt)
            && is_other
            && let Payload::Range(range) = &request.payload
            && let Operation::UploadPart {
                upload_id, number, ..
            } = &request.grant.operation
        {
            let content = Content {
                file: ticket.file,
                version: u32::MAX,
                range: range.clone(),
            };
            self.s3.store_part(upload_id, *number, content);
        }
    }

    /// Lets S3 carry a request out, as far as the browser can send it.
    pub(crate) fn carry_out(&mut self, ticket: Ticket) -> Result<Answer, String> {
        let Some(request) = self.requests.get(&ticket.attempt) else {
            return Ok(Err(TransportFailure::NoAnswer));
        };
        let grant = request.grant.clone();
        if request.started >= grant.expires_at {
            return Ok(Ok(expired()));
        }
        self.s3.now = self.server_time();
        let answer = match request.payload.clone() {
            Payload::Text(text) => self.s3.carry_out(&grant, Body::Text(&text)),
            Payload::Range(range) => match self.read(ticket.file, range) {
                Ok(content) => self.s3.carry_out(&grant, Body::Bytes(&content)),
                Err(_) => return Ok(Err(TransportFailure::NoAnswer)),
            },
        };
        self.checker.check_answer(&grant, &answer.body, &self.s3)?;
        self.checker.check_object(&grant.key, &self.facts())?;
        Ok(Ok(answer))
    }

    fn request_answered(&mut self, ticket: Ticket, answer: Answer) -> Result<(), String> {
        let Some(request) = self.requests.remove(&ticket.attempt) else {
            return Ok(());
        };
        let heard = !request.cancelled || chance(&mut self.random, self.network.rates.late);
        if !self.network.up {
            give_key_back(&request, &mut self.s3);
        }
        let lost = !self.network.up && self.random.bool();
        if request.dead || !heard || lost {
            return Ok(());
        }
        let answer = if self.network.up {
            answer
        } else {
            Err(TransportFailure::NoAnswer)
        };
        if request.fate.duplicated {
            let delay = Duration::from_millis(self.random.u64(0..30_000));
            self.after(delay, Happening::AnsweredAgain(ticket, answer.clone()));
        }
        self.deliver(Event::Answered { ticket, answer })
    }

    fn call_arrives(&mut self, id: CallId) {
        let now = self.server_time();
        let Some(call) = self.calls.get(&id) else { return };
        let answer = match &call.fate.outcome {
            _ if call.dead => None,
            _ if !self.network.up => Some(Err(TransportFailure::NoAnswer)),
            Outcome::Lost { silent } | Outcome::AnswerLost { silent } => {
                (!silent).then_some(Err(TransportFailure::NoAnswer))
            }
            Outcome::Refused(answer) | Outcome::Mistaken(answer) => Some(Ok(answer.clone())),
            Outcome::Answered | Outcome::Taken => Some(Ok(self.lambda.answer(call.route, &call.body, now))),
        };
        if let Some(answer) = answer {
            let delay = call.fate.answering;
            self.after(delay, Happening::CallAnswered(id, answer));
        }
    }

    fn call_answered(&mut self, id: CallId, answer: Answer) -> Result<(), String> {
        let Some(call) = self.calls.remove(&id) else {
            return Ok(());
        };
        if call.dead || (call.cancelled && !chance(&mut self.random, self.network.rates.late)) {
            return Ok(());
        }
        let answer = if self.network.up {
            answer
        } else {
            Err(TransportFailure::NoAnswer)
        };
        if call.fate.duplicated {
            let delay = Duration::from_millis(self.random.u64(0..30_000));
            self.after(delay, Happening::CallAnsweredAgain(id, answer.clone()));
        }
        self.deliver(Event::CallAnswered { call: id, answer })
    }

    fn network_goes(&mut self) -> Result<(), String> {
        self.network.up = false;
        let spell = Duration::from_millis(self.random.u64(10..60_000));
        self.after(spell, Happening::NetworkComes);
        self.trace.line(self.time, || "the network goes".to_owned());
        // Browsers notice a missing cable, and not a router without a line.
        if self.random.u8(0..4) > 0 {
            self.told_offline = true;
            self.deliver(Event::Offline)?;
        }
        Ok(())
    }

    fn network_comes(&mut self) -> Result<(), String> {
        self.network.up = true;
        self.trace.line(self.time, || "the network is there".to_owned());
        if std::mem::take(&mut self.told_offline) {
            self.deliver(Event::Online)?;
        }
        Ok(())
    }

    /// The machine sleeps: the servers' clock goes on, the page's own in some browsers only, and most
    /// connections die.
    fn sleep(&mut self) -> Result<(), String> {
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
            self.upload_is_dropped();
        }
        self.set_timer();
        self.deliver(Event::Woke)
    }

    fn user_acts(&mut self) -> Result<(), String> {
        let selection = if self.disk.is_empty() || self.random.u8(0..3) == 0 {
            Selection::All
        } else {
            let index = self.random.usize(..self.disk.len());
            Selection::File(FileId(u32::try_from(index).unwrap_or(u32::MAX)))
        };
        let event = match self.random.u8(0..8) {
            0 | 1 => Event::Pause(selection),
            2 | 3 => Event::Resume(selection),
            4 => Event::Cancel(selection),
            5 | 6 => Event::Retry(selection),
            _ => Event::Remove(selection),
        };
        // What a short pause cut is still on its way when the file goes on.
        let goes_on_at_once = matches!(event, Event::Pause(_)) && self.random.bool();
        self.deliver(event)?;
        if goes_on_at_once {
            self.deliver(Event::Resume(selection))?;
        }
        Ok(())
    }

    fn some_file_changes(&mut self) {
        if self.disk.is_empty() {
            return;
        }
        let index = self.random.usize(..self.disk.len());
        self.file_changes(index);
    }

    fn file_changes(&mut self, index: usize) {
        let change = match self.random.u8(0..4) {
            0 => Change::Vanished,
            1 => Change::Noticed,
            _ => Change::Unnoticed,
        };
        self.trace
            .line(self.time, || format!("file {index} changes: {change:?}"));
        self.disk[index].change(change);
    }

    /// S3 drops an unfinished multipart upload, as a lifecycle rule does. One that has all of its
    /// parts is left alone unless it is old: the rule takes a day, and a Complete follows the last part
    /// at once.
    fn upload_is_dropped(&mut self) {
        let now = self.server_time();
        let unfinished: Vec<String> = self
            .s3
            .uploads
            .iter()
            .filter(|(_, upload)| {
                let disk = self.disk.get(upload.file.0 as usize);
                disk.is_some_and(|disk| upload.bytes() < disk.description.size || upload.is_abandoned(now))
            })
            .map(|(upload_id, _)| upload_id.clone())
            .collect();
        if let Some(upload_id) = self.random.choice(unfinished) {
            self.trace.line(self.time, || format!("S3 drops {upload_id}"));
            self.s3.uploads.remove(&upload_id);
        }
    }
}

/// Takes somebody else's object away. After a PutObject without an answer, an object under its fresh
/// key can only be its own.
pub(crate) fn give_key_back(request: &Request, s3: &mut S3) {
    let puts = matches!(request.grant.operation, Operation::PutObject { .. });
    let is_foreign = matches!(s3.objects.get(&request.grant.key), Some(Object::Foreign));
    if puts && is_foreign {
        s3.objects.remove(&request.grant.key);
    }
}
