//! The simulated Lambda: it plans and signs as the real one does. What a signed URL allows is kept in
//! a table, and the URL contains the index.
//!
//! It is a model of its own and not `backend`, so that a fault in how the Lambda reads the contract cannot hide in both.

use std::collections::BTreeMap;

use engine::{ApiRoute, FileId, HttpAnswer};
use serde::Serialize;
use wire::{
    ApiError, BatchId, Endpoint, ErrorBody, ErrorCode, FilePlan, FileToUpload, HttpMethod, MIN_PART_BYTES,
    ManifestRequest, ManifestResponse, MultipartOperation, OperationOutcome, PartSizes, PlanOutcome,
    SINGLE_PUT_MAX_BYTES, Sha256Digest, SignRequest, SignResponse, SignedRequest, UploadsRequest,
    UploadsResponse,
};

use crate::scenario::Service;

/// Files of this type are refused.
pub(crate) const REFUSED_TYPE: &str = "application/x-refused";

/// What a signed URL allows.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) key: String,
    pub(crate) operation: Operation,
    pub(crate) endpoint: Endpoint,
    /// In seconds of the servers' clock.
    pub(crate) expires_at: u64,
}

impl Grant {
    /// What is stored by the request: an object by its key and 0, a part by its upload and number.
    pub(crate) fn target(&self) -> (String, u32) {
        match &self.operation {
            Operation::UploadPart {
                upload_id, number, ..
            } => (upload_id.clone(), *number),
            _ => (self.key.clone(), 0),
        }
    }
}

/// One operation of S3.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    PutObject {
        size: u64,
        sha256: Sha256Digest,
    },
    CreateMultipartUpload {
        file: FileId,
    },
    UploadPart {
        upload_id: String,
        number: u32,
        size: u64,
        sha256: Sha256Digest,
    },
    ListParts {
        upload_id: String,
        marker: u32,
    },
    CompleteMultipartUpload {
        upload_id: String,
        size: u64,
    },
    AbortMultipartUpload {
        upload_id: String,
    },
}

/// The Lambda, and everything that it has ever signed.
#[derive(Debug)]
pub(crate) struct Lambda {
    /// How long a URL is valid, in seconds.
    url_seconds: u64,
    part_size: u64,
    service: Service,
    batches: u8,
    grants: Vec<Grant>,
}

impl Lambda {
    pub(crate) const fn new(url_seconds: u64, part_size: u64, service: Service) -> Self {
        Self {
            url_seconds,
            part_size,
            service,
            batches: u8::MAX,
            grants: Vec::new(),
        }
    }

    /// What this URL allows. Every URL that the engine has comes from here.
    pub(crate) fn grant(&self, request: &SignedRequest) -> Option<&Grant> {
        let index = request.url.strip_prefix("https://s3.simulated/")?;
        self.grants.get(index.parse::<usize>().ok()?)
    }

    /// Answers a call at this time, in seconds.
    pub(crate) fn answer(&mut self, route: ApiRoute, body: &str, now: u64) -> HttpAnswer {
        let answered = match route {
            ApiRoute::Uploads => serde_json::from_str(body).map(|request| self.plan(request, now)),
            ApiRoute::Sign => serde_json::from_str(body).map(|request| self.sign(request, now)),
            ApiRoute::Manifests => {
                serde_json::from_str(body).map(|request| self.sign_manifest(&request, now))
            }
        };
        answered.unwrap_or_else(|error| {
            let error = ApiError::new(ErrorCode::InvalidRequest, error.to_string());
            json(400, &ErrorBody { error, files: None })
        })
    }

    fn plan(&mut self, request: UploadsRequest, now: u64) -> HttpAnswer {
        let batch = request.batch.unwrap_or_else(|| self.open_batch());
        let files: Vec<FilePlan> = request
            .files
            .into_iter()
            .map(|file| FilePlan {
                id: file.id.clone(),
                outcome: self.plan_file(batch, &file, now),
            })
            .collect();
        let all_refused = files
            .iter()
            .all(|plan| matches!(plan.outcome, PlanOutcome::Refused(_)));
        if all_refused {
            let error = ApiError::new(ErrorCode::TypeNotAllowed, "no file was accepted");
            let files = Some(files);
            return json(415, &ErrorBody { error, files });
        }
        let response = UploadsResponse {
            server_time: now,
            batch,
            files,
        };
        json(200, &response)
    }

    fn open_batch(&mut self) -> BatchId {
        self.batches -= 1;
        BatchId::new(0, [self.batches; 10])
    }

    fn plan_file(&mut self, batch: BatchId, file: &FileToUpload, now: u64) -> PlanOutcome {
        if file.media_type == REFUSED_TYPE {
            return PlanOutcome::Refused(ApiError::new(ErrorCode::TypeNotAllowed, "not this type"));
        }
        let key = key(batch, file);
        if file.size > SINGLE_PUT_MAX_BYTES || file.size > MIN_PART_BYTES && file.sha256.is_none() {
            let id = file.id.parse().unwrap_or(u32::MAX);
            let operation = Operation::CreateMultipartUpload { file: FileId(id) };
            let create = self.issue(HttpMethod::Post, &key, operation, file.endpoint, now);
            let part_size = self.part_size;
            return PlanOutcome::Multipart {
                key,
                create,
                part_size,
                part_sizes: match self.service.constant_parts {
                    true => PartSizes::Constant,
                    false => PartSizes::Growing,
                },
            };
        }
        let Some(sha256) = file.sha256 else {
            return PlanOutcome::Refused(ApiError::new(ErrorCode::ChecksumRequired, "no checksum"));
        };
        let operation = Operation::PutObject {
            size: file.size,
            sha256,
        };
        let put = self.issue(HttpMethod::Put, &key, operation, file.endpoint, now);
        PlanOutcome::Put { key, put }
    }

    fn sign(&mut self, request: SignRequest, now: u64) -> HttpAnswer {
        let SignRequest {
            key,
            upload_id,
            endpoint: control,
            operations,
        } = request;
        let requests = operations
            .into_iter()
            .map(|operation| {
                let (method, operation, endpoint) = signable(operation, upload_id.clone(), control);
                OperationOutcome::Signed(self.issue(method, &key, operation, endpoint, now))
            })
            .collect();
        let response = SignResponse {
            server_time: now,
            requests,
        };
        json(200, &response)
    }

    fn sign_manifest(&mut self, request: &ManifestRequest, now: u64) -> HttpAnswer {
        let ManifestRequest { batch, edition, .. } = request;
        let key = format!("manifests/{batch}/{edition}");
        let operation = Operation::PutObject {
            size: request.size,
            sha256: request.sha256,
        };
        let put = self.issue(HttpMethod::Put, &key, operation, request.endpoint, now);
        let response = ManifestResponse {
            server_time: now,
            key,
            put,
        };
        json(200, &response)
    }

    fn issue(
        &mut self,
        method: HttpMethod,
        key: &str,
        operation: Operation,
        endpoint: Endpoint,
        now: u64,
    ) -> SignedRequest {
        let url = format!("https://s3.simulated/{}", self.grants.len());
        let expires_at = now + self.url_seconds;
        let headers = self.headers(&operation);
        self.grants.push(Grant {
            key: key.to_owned(),
            operation,
            endpoint,
            expires_at,
        });
        SignedRequest {
            method,
            url,
            headers,
            expires_at,
        }
    }

    /// The signed headers that say what S3 is asked for.
    fn headers(&self, operation: &Operation) -> BTreeMap<String, String> {
        let is_conditional = !self.service.unconditional;
        let (name, value) = match operation {
            Operation::PutObject { .. } | Operation::CompleteMultipartUpload { .. } if is_conditional => {
                (wire::IF_NONE_MATCH, "*")
            }
            Operation::CreateMultipartUpload { .. } if !self.service.without_checksums => {
                (wire::CHECKSUM_ALGORITHM, "SHA256")
            }
            _ => return BTreeMap::new(),
        };
        [(name.to_owned(), value.to_owned())].into()
    }
}

/// Different names may have one key, as names do that differ only in what is not safe in a key.
fn key(batch: BatchId, file: &FileToUpload) -> String {
    let name = file.name.replace('?', "_");
    match file.copy {
        0 | 1 => format!("uploads/{batch}/{name}"),
        copy => format!("uploads/{batch}/{name} ({copy})"),
    }
}

/// The method, the operation, and the endpoint that it is for.
fn signable(
    operation: MultipartOperation,
    upload_id: String,
    control: Endpoint,
) -> (HttpMethod, Operation, Endpoint) {
    match operation {
        MultipartOperation::UploadPart {
            part_number,
            size,
            sha256,
            endpoint,
        } => {
            let number = part_number;
            let operation = Operation::UploadPart {
                upload_id,
                number,
                size,
                sha256,
            };
            (HttpMethod::Put, operation, endpoint)
        }
        MultipartOperation::ListParts { part_number_marker } => {
            let marker = part_number_marker.unwrap_or(0);
            let operation = Operation::ListParts { upload_id, marker };
            (HttpMethod::Get, operation, control)
        }
        MultipartOperation::CompleteMultipartUpload { size } => (
            HttpMethod::Post,
            Operation::CompleteMultipartUpload { upload_id, size },
            control,
        ),
        MultipartOperation::AbortMultipartUpload => {
            let operation = Operation::AbortMultipartUpload { upload_id };
            (HttpMethod::Delete, operation, control)
        }
    }
}

fn json(status: u16, body: &impl Serialize) -> HttpAnswer {
    HttpAnswer {
        status,
        // The wire types are plain structures, which always serialize.
        body: serde_json::to_string(body).unwrap_or_default(),
        ..HttpAnswer::default()
    }
}
