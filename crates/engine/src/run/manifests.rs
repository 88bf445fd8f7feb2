//! The manifests of the batches that have ended: when one is written, and how it gets to S3.

use wire::{BatchId, ManifestResponse, Sha256Digest};

use crate::{
    ApiRoute, Command, Engine, FileId, HttpAnswer, ManifestRecord,
    measure::{endpoints::PerEndpoint, env::Env},
    protocol::recovery::Recovery,
    upload::{
        in_flight::{CallPurpose, Slot},
        manifest::{Answered, Manifest},
    },
};

impl Engine {
    /// Has the manifests written of the batches that have ended.
    pub(super) fn write_manifests(&mut self) {
        while let Some(batch) = self.batches.take_due() {
            let manifest = self.manifests.start_writing(batch);
            self.output.push(Command::WriteManifest { manifest, batch });
        }
    }

    /// A manifest is written, unless nobody waits for it.
    pub(super) fn on_manifest_written(&mut self, id: FileId, size: u64, sha256: Sha256Digest) {
        if let Some(batch) = self.manifests.on_written(id) {
            let (edition, may_be_stored) = self.batches.edition_of(batch, sha256);
            let record = ManifestRecord { edition, sha256 };
            self.manifests
                .push(Manifest::new(id, batch, size, record, may_be_stored));
        }
    }

    pub(super) fn on_manifest_not_written(&mut self, id: FileId) {
        if let Some(batch) = self.manifests.on_written(id) {
            self.batches.on_manifest_failed(batch);
        }
    }

    pub(super) fn start_manifest_call(&mut self) -> bool {
        let Some(mut manifest) = self.manifests.take_unsigned(self.env.now()) else {
            return false;
        };
        let call = self.in_flight.new_call_id();
        let request = manifest.sign_request(self.env.endpoints.for_control());
        self.start_call(
            call,
            CallPurpose::SignManifest(manifest),
            ApiRoute::Manifests,
            &request,
        );
        true
    }

    pub(super) fn on_manifest_signed(&mut self, manifest: Manifest, response: ManifestResponse) {
        self.on_call_succeeded(Some(response.server_time));
        if !self.env.clock.is_fresh(&response.put, self.env.now()) {
            let answered = self
                .manifests
                .on_dead_on_arrival(manifest, &mut self.env.conditions);
            self.after_manifest(answered);
            return;
        }
        let (id, save) = (manifest.id, self.in_flight.new_save_id());
        let is_new = self
            .manifests
            .on_signed(manifest, response.key, response.put, save);
        if is_new {
            self.output.push(Command::Save(id));
            self.await_save(save, Vec::new());
        }
    }

    /// Sends a manifest, if one may be sent.
    pub(super) fn start_manifest(&mut self, has_capacity: PerEndpoint<bool>) -> bool {
        let room = self.room_for_body();
        let Env { clock, endpoints, .. } = &self.env;
        let next = self
            .manifests
            .take_signed(clock, endpoints, has_capacity, room, self.env.now());
        let Some((manifest, endpoint, request)) = next else {
            return false;
        };
        self.batches.mark_manifest_sent(manifest.batch);
        let (id, range, body) = (manifest.id, 0..manifest.size, self.env.bodies.next());
        let slot = Slot::Manifest { manifest, body };
        self.send_body(id, slot, (endpoint, request), range, body);
        true
    }

    pub(super) fn on_manifest_answered(&mut self, manifest: Manifest, judged: Result<HttpAnswer, Recovery>) {
        let answered = self
            .manifests
            .on_answered(manifest, judged, &mut self.env.conditions);
        self.after_manifest(answered);
    }

    fn after_manifest(&mut self, answered: Answered) {
        match answered {
            Answered::Again => {}
            Answered::Stored(manifest) => self.on_manifest_stored(manifest),
            Answered::KeyTaken(mut manifest) => {
                let edition = self.batches.next_edition(manifest.batch, manifest.record.sha256);
                manifest.renumber(edition);
                self.manifests.push(manifest);
            }
            Answered::GivenUp(manifest) => self.give_up_manifest(&manifest),
        }
    }

    fn on_manifest_stored(&mut self, manifest: Manifest) {
        let Manifest { id, batch, key, .. } = manifest;
        self.output.push(Command::ManifestStored { batch, key });
        self.output.push(Command::Removed(id));
        if self.batches.on_manifest_stored(batch) {
            self.output.push(Command::ForgetBatch(batch));
        }
    }

    pub(super) fn give_up_manifest(&mut self, manifest: &Manifest) {
        self.batches.on_manifest_failed(manifest.batch);
        self.output.push(Command::Removed(manifest.id));
    }

    /// Earlier pages stored files of this batch.
    pub(super) fn restore_batch(&mut self, batch: BatchId, manifest: Option<ManifestRecord>) {
        if self.settings().manifests {
            self.batches.restore(batch, manifest);
        }
    }
}
