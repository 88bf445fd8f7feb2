//! What a check has at hand, and what earlier checks have left for it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::http::Request;
use wire::SignedRequest;

use super::{
    account::{Account, Resource},
    web::{Answer, Web, output},
};
use crate::deploy::{command_line::Outputs, page_files::Page};

/// How often to ask again for what takes its time.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// How long an emulator may take for anything. It has no caches and no queues to wait for.
const EMULATOR_PATIENCE: Duration = Duration::from_secs(15);
const EMULATOR_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A deployed stack that is being checked.
pub(super) struct Session<'a> {
    pub(super) account: &'a Account<'a>,
    pub(super) web: &'a Web,
    pub(super) page: &'a Page,
    pub(super) outputs: &'a Outputs,
    /// The stack's resources, by their names in the template.
    pub(super) resources: BTreeMap<String, Resource>,
    /// A small file and the request that stores it.
    pub(super) small: Option<PlannedFile>,
    /// A request that is kept until it has expired, and when it was signed.
    pub(super) expiring: Option<(PlannedFile, Instant)>,
    /// Whether the bucket's policy was seen refusing a write without a condition.
    pub(super) is_condition_demanded: bool,
    /// A URL of `GET /presign`, and the answer to the first PUT to it.
    pub(super) presigned: Option<(String, Answer)>,
    /// The line of the audit about the small file.
    pub(super) audit_line: Option<Value>,
    /// Whether somebody gets mails of the alarms.
    pub(super) has_alarm_email: bool,
}

/// A file that the API has planned as one PutObject.
pub(super) struct PlannedFile {
    pub(super) key: String,
    pub(super) put: SignedRequest,
    pub(super) bytes: Vec<u8>,
}

impl Session<'_> {
    /// An output of the stack.
    pub(super) fn output(&self, name: &str) -> Result<&str> {
        output(self.outputs, name)
    }

    /// The name in the account of a resource.
    pub(super) fn resource(&self, logical_id: &str) -> Result<&str> {
        let resource = self.resources.get(logical_id);
        let resource = resource.with_context(|| format!("the stack has no resource {logical_id}"))?;
        Ok(&resource.name)
    }

    /// A GET of a file of the page.
    pub(super) fn visit(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Answer> {
        self.web.visit(self.outputs, path, headers)
    }

    /// A GET at the API.
    pub(super) fn get(&self, path: &str) -> Result<Answer> {
        let request = Request::get(format!("{}{path}", self.web.api(self.outputs)?));
        self.web.send(request.body(Vec::new())?)
    }

    /// A POST to the API, and its answer, whatever that is.
    pub(super) fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer> {
        let request = Request::post(format!("{}{path}", self.web.api(self.outputs)?))
            .header("content-type", "application/json");
        self.web.send(request.body(serde_json::to_vec(body)?)?)
    }

    /// A POST to the API that has to succeed.
    pub(super) fn call<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let answer = self.post(path, body)?;
        if answer.status != 200 {
            bail!("{path} answers {}: {}", answer.status, answer.text());
        }
        serde_json::from_slice(answer.body())
            .with_context(|| format!("{path} answers what is not understood"))
    }

    /// Asks until there is an answer or the time is over.
    pub(super) fn wait_for<T>(
        &self,
        time: Duration,
        ask: impl Fn() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let (time, interval) = if self.web.is_emulated() {
            (time.min(EMULATOR_PATIENCE), EMULATOR_POLL_INTERVAL)
        } else {
            (time, POLL_INTERVAL)
        };
        let start = Instant::now();
        loop {
            let answer = ask()?;
            if answer.is_some() || start.elapsed() >= time {
                return Ok(answer);
            }
            self.pause(interval)?;
        }
    }

    /// Waits until a moment.
    pub(super) fn wait_until(&self, moment: Instant) -> Result<()> {
        self.pause(moment.saturating_duration_since(Instant::now()))
    }

    fn pause(&self, time: Duration) -> Result<()> {
        if self.account.toolbox.interrupt.wait(time) {
            bail!("interrupted");
        }
        Ok(())
    }
}
