//! Checks whether everything that an upload needs is set up, and if not, says what to paste.
//!
//! A probe goes through every step of a large file's multipart upload except the last: the API plans and
//! signs; S3 creates the upload, stores a part of one byte, lists it, and is asked to complete the upload with
//! a part that it does not have, which it refuses. Then the upload is aborted, so that nothing is left in the
//! bucket. If the API does not accept a file so large, a PutObject is sent whose byte is not the one that was
//! hashed, which S3 refuses too.
//!
//! `network` is the way out, `api_answers` and `s3_answers` say what an answer means, and `configuration` writes
//! what to paste. In the tests, recorded answers take the place of the network.

mod api_answers;
mod configuration;
mod network;
mod place;
mod quote;
mod s3_answers;
mod service;
mod step;
#[cfg(test)]
mod tests;

use engine::{HttpAnswer, parse_create_result};
use messages::{Finding, FindingKind};
use serde::{Serialize, de::DeserializeOwned};
use wire::{
    Endpoint, ErrorCode, FileToUpload, MultipartOperation, OperationOutcome, PlanOutcome,
    SMALL_FILE_MAX_BYTES, Sha256Digest, SignRequest, SignResponse, SignedRequest, UploadsRequest,
    UploadsResponse,
};

use api_answers::ApiProblem;
pub(crate) use network::BrowserNetwork;
use network::Network;
use place::Place;
use step::Step;

/// The probe's size in bytes, which makes it a multipart upload.
const PROBE_BYTES: u64 = SMALL_FILE_MAX_BYTES + 1;

/// The byte of the probe that is sent.
const PROBE: &str = "0";

/// The SHA-256 of [`PROBE`].
const PROBE_SHA256: Sha256Digest = Sha256Digest::new([
    0x5f, 0xec, 0xeb, 0x66, 0xff, 0xc8, 0x6f, 0x38, 0xd9, 0x52, 0x78, 0x6c, 0x6d, 0x69, 0x6c, 0x79, 0xc2,
    0xdb, 0xc2, 0x39, 0xdd, 0x4e, 0x91, 0xb4, 0x67, 0x29, 0xd7, 0x3a, 0x27, 0xfb, 0x57, 0xe9,
]);

/// The header by which S3 finds that a byte is not the one that was hashed.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// A byte that is not the one that was hashed.
const OTHER: &str = "1";

/// A body that completes no upload: the part that S3 has has another ETag.
const MISSING_PART: &str = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
     <Part><ETag>\"missing\"</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>";

/// Checks the set-up, and returns the findings in the order in which they were made. That everything is right
/// is a finding too.
pub(crate) async fn check(network: &impl Network) -> Vec<Finding> {
    let mut check = Check {
        network,
        findings: Vec::new(),
    };
    if let Err(finding) = check.run().await {
        check.add(finding);
    }
    if check.findings.is_empty() {
        check.findings.push(Finding::new(FindingKind::AllRight, "", ""));
    }
    check.findings
}

struct Check<'a, N> {
    network: &'a N,
    findings: Vec<Finding>,
}

/// The API's plan for the probe.
struct Plan {
    outcome: PlanOutcome,
    /// The API's clock, in seconds since 1970.
    server_time: u64,
}

impl<N: Network> Check<'_, N> {
    /// Goes through all steps. An error is a finding after which no further step is possible.
    async fn run(&mut self) -> Result<(), Finding> {
        let plan = self.plan().await?;
        match plan.outcome {
            PlanOutcome::Multipart {
                key,
                create,
                part_sizes,
                ..
            } => {
                let place = Place::of(&create, &key, plan.server_time, self.network.origin());
                self.findings.extend(s3_answers::part_sizes(part_sizes, &place));
                self.multipart(&place, &key, &create).await
            }
            // Without a checksum, S3 would store the byte and not refuse it.
            PlanOutcome::Put { put, .. } if !put.headers.contains_key(CHECKSUM) => Ok(()),
            PlanOutcome::Put { key, put } => {
                let place = Place::of(&put, &key, plan.server_time, self.network.origin());
                self.step(Step::PutObject, &place, &put, OTHER).await.map(|_| ())
            }
            PlanOutcome::Refused(error) => Err(api_answers::refused(&error)),
        }
    }

    /// Asks for a plan. If the API does not accept the probe's type or size, asks again with one that it accepts.
    async fn plan(&self) -> Result<Plan, Finding> {
        let (mut media_type, mut size) = ("application/octet-stream".to_owned(), PROBE_BYTES);
        loop {
            let file = FileToUpload {
                id: "probe".to_owned(),
                name: "slipway-set-up-check".to_owned(),
                copy: 0,
                size,
                media_type: media_type.clone(),
                sha256: (size < PROBE_BYTES).then_some(PROBE_SHA256),
                endpoint: Endpoint::First,
            };
            let request = UploadsRequest {
                batch: None,
                files: vec![file],
            };
            let answer = self.call::<UploadsResponse>("/uploads", &request).await;
            match answer {
                Ok(mut response) => {
                    let plan = response.files.pop().ok_or_else(api_answers::empty_answer)?;
                    return Ok(Plan {
                        outcome: plan.outcome,
                        server_time: response.server_time,
                    });
                }
                Err(ApiProblem::Refused(error)) => match (error.code, &error.allowed_types) {
                    (ErrorCode::FileTooLarge, _) if size > 1 => size = 1,
                    (ErrorCode::TypeNotAllowed, Some(types)) if is_new(&media_type, types) => {
                        media_type = types[0].replace('*', "x-probe");
                    }
                    _ => return Err(api_answers::refused(&error)),
                },
                Err(ApiProblem::Found(finding)) => return Err(finding),
            }
        }
    }

    async fn multipart(&mut self, place: &Place, key: &str, create: &SignedRequest) -> Result<(), Finding> {
        let created = self.step(Step::CreateMultipartUpload, place, create, "").await?;
        let upload_id = parse_create_result(&created.body)
            .map_err(|_| s3_answers::unexpected(Step::CreateMultipartUpload, &created))?;
        if self.network.has_second_endpoint()
            && let Err(finding) = self.second_endpoint(place, key, &upload_id).await
        {
            self.add(finding);
        }
        let signed = self.sign(key, &upload_id, operations()).await?;
        let steps = [
            (Step::UploadPart, PROBE),
            (Step::ListParts, ""),
            (Step::CompleteMultipartUpload, MISSING_PART),
            (Step::AbortMultipartUpload, ""),
        ];
        for ((step, body), outcome) in steps.into_iter().zip(signed) {
            match outcome {
                OperationOutcome::Signed(request) => {
                    if let Err(mut finding) = self.step(step, place, &request, body).await {
                        if step == Step::AbortMultipartUpload {
                            finding.details += &format!(" The upload {upload_id} of {key} was not removed.");
                        }
                        self.add(finding);
                    }
                }
                OperationOutcome::Error(error) => self.add(api_answers::refused(&error)),
            }
        }
        Ok(())
    }

    /// Stores the part through the bucket's second endpoint too.
    async fn second_endpoint(&self, place: &Place, key: &str, upload_id: &str) -> Result<(), Finding> {
        for outcome in self
            .sign(key, upload_id, vec![upload_part(Endpoint::Second)])
            .await?
        {
            let OperationOutcome::Signed(request) = outcome else {
                continue;
            };
            let found = match self.network.send(&request, PROBE).await {
                Some(answer) => s3_answers::judge(Step::UploadPart, &answer, place, &request),
                None => Some(s3_answers::second_endpoint_unreachable(&request)),
            };
            if let Some(finding) = found {
                return Err(finding);
            }
        }
        Ok(())
    }

    async fn sign(
        &self,
        key: &str,
        upload_id: &str,
        operations: Vec<MultipartOperation>,
    ) -> Result<Vec<OperationOutcome>, Finding> {
        let request = SignRequest {
            key: key.to_owned(),
            upload_id: upload_id.to_owned(),
            endpoint: Endpoint::First,
            operations,
        };
        match self.call::<SignResponse>("/sign", &request).await {
            Ok(signed) => Ok(signed.requests),
            Err(problem) => Err(problem.finding()),
        }
    }

    /// Sends one request to S3; an error says why it does not work.
    async fn step(
        &self,
        step: Step,
        place: &Place,
        request: &SignedRequest,
        body: &str,
    ) -> Result<HttpAnswer, Finding> {
        match self.network.send(request, body).await {
            Some(answer) => match s3_answers::judge(step, &answer, place, request) {
                Some(finding) => Err(finding),
                None => Ok(answer),
            },
            None => Err(self.silence(step, place, request, body).await),
        }
    }

    /// Finds out why the browser shows no answer from S3. Each header is tried alone; none of these requests can
    /// do anything, since S3 refuses a request that lacks a signed header.
    async fn silence(&self, step: Step, place: &Place, request: &SignedRequest, body: &str) -> Finding {
        if !self.network.is_reachable(&request.url).await {
            return s3_answers::unreachable(place);
        }
        let with = |headers| SignedRequest {
            headers,
            ..request.clone()
        };
        if self.network.send(&with([].into()), body).await.is_none() {
            return s3_answers::method_refused(step, request.method, place);
        }
        let mut refused = Vec::new();
        for (name, value) in &request.headers {
            let alone = with([(name.clone(), value.clone())].into());
            if self.network.send(&alone, body).await.is_none() {
                refused.push(name.as_str());
            }
        }
        s3_answers::headers_refused(step, &refused, place)
    }

    async fn call<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ApiProblem> {
        let request = self.network.api_request(path);
        let body = serde_json::to_string(body).unwrap_or_default();
        match self.network.send(&request, &body).await {
            Some(answer) => api_answers::read(&request.url, &answer),
            None => {
                let is_reachable = self.network.is_reachable(&request.url).await;
                let origin = self.network.origin();
                Err(ApiProblem::Found(api_answers::api_silence(
                    &request.url,
                    is_reachable,
                    &origin,
                )))
            }
        }
    }

    /// Adds a finding. If an earlier one is fixed by the same paste, only its details are added.
    fn add(&mut self, finding: Finding) {
        let is_known = |known: &Finding| known.kind == finding.kind && known.paste == finding.paste;
        match self.findings.iter_mut().find(|known| is_known(known)) {
            Some(known) => known.details = [known.details.as_str(), &finding.details].join(" "),
            None => self.findings.push(finding),
        }
    }
}

/// Whether the first of the accepted types has not been tried yet.
fn is_new(tried: &str, types: &[String]) -> bool {
    types
        .first()
        .is_some_and(|first| first.replace('*', "x-probe") != tried)
}

const fn upload_part(endpoint: Endpoint) -> MultipartOperation {
    MultipartOperation::UploadPart {
        part_number: 1,
        size: PROBE.len() as u64,
        sha256: PROBE_SHA256,
        endpoint,
    }
}

fn operations() -> Vec<MultipartOperation> {
    vec![
        upload_part(Endpoint::First),
        MultipartOperation::ListParts {
            part_number_marker: None,
        },
        MultipartOperation::CompleteMultipartUpload { size: PROBE_BYTES },
        MultipartOperation::AbortMultipartUpload,
    ]
}
