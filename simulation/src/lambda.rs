//! The simulated Lambda: plans and signs as the real one does. What a signed URL allows is kept in a
//! table, and the URL is the place in it.

use engine::{ApiRoute, FileId, HttpAnswer};
use serde::Serialize;
use wire::{
    ApiError, ErrorBody, ErrorCode, FilePlan, FileToUpload, HttpMethod, MultipartOperation, OperationOutcome,
    PlanOutcome, SINGLE_PUT_MAX_BYTES, SMALL_FILE_MAX_BYTES, Sha256Digest, SignRequest, SignResponse,
    SignedRequest, UploadsRequest, UploadsResponse,
};

/// Files of this type are refused.
pub(crate) const REFUSED_TYPE: &str = "application/x-refused";

/// What a signed URL allows.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) key: String,
    pub(crate) operation: Operation,
    /// Whether it is for the bucket's second address.
    pub(crate) at_second: bool,
    /// In seconds of the servers' clock.
    pub(crate) expires_at: u64,
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

/// The Lambda, and all that it ever signed.
#[derive(Debug)]
pub(crate) struct Lambda {
    /// How long a URL is good for, in seconds.
    url_seconds: u64,
    part_size: u64,
    keys: u64,
    grants: Vec<Grant>,
}

impl Lambda {
    pub(crate) const fn new(url_seconds: u64, part_size: u64) -> Self {
        Self {
            url_seconds,
            part_size,
            keys: 0,
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
        };
        answered.unwrap_or_else(|error| {
            let error = ApiError::new(ErrorCode::InvalidRequest, error.to_string());
            json(400, &ErrorBody { error, files: None })
        })
    }

    fn plan(&mut self, request: UploadsRequest, now: u64) -> HttpAnswer {
        let files: Vec<FilePlan> = request
            .files
            .into_iter()
            .map(|file| FilePlan {
                id: file.id.clone(),
                outcome: self.plan_file(&file, now),
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
            files,
        };
        json(200, &response)
    }

    fn plan_file(&mut self, file: &FileToUpload, now: u64) -> PlanOutcome {
        if file.media_type == REFUSED_TYPE {
            return PlanOutcome::Refused(ApiError::new(ErrorCode::TypeNotAllowed, "not this type"));
        }
        self.keys += 1;
        let key = format!("uploads/{}/{}", self.keys, file.name);
        if file.size > SINGLE_PUT_MAX_BYTES || file.size > SMALL_FILE_MAX_BYTES && file.sha256.is_none() {
            let id = file.id.parse().unwrap_or(u32::MAX);
            let operation = Operation::CreateMultipartUpload { file: FileId(id) };
            let create = self.issue(HttpMethod::Post, &key, operation, false, now);
            let part_size = self.part_size;
            return PlanOutcome::Multipart {
                key,
                create,
                part_size,
            };
        }
        let Some(sha256) = file.sha256 else {
            return PlanOutcome::Refused(ApiError::new(ErrorCode::ChecksumRequired, "no checksum"));
        };
        let operation = Operation::PutObject {
            size: file.size,
            sha256,
        };
        let put = self.issue(HttpMethod::Put, &key, operation, file.second_endpoint, now);
        PlanOutcome::Put { key, put }
    }

    fn sign(&mut self, request: SignRequest, now: u64) -> HttpAnswer {
        let SignRequest {
            key,
            upload_id,
            operations,
        } = request;
        let requests = operations
            .into_iter()
            .map(|operation| {
                let (method, operation, at_second) = signable(operation, upload_id.clone());
                OperationOutcome::Signed(self.issue(method, &key, operation, at_second, now))
            })
            .collect();
        let response = SignResponse {
            server_time: now,
            requests,
        };
        json(200, &response)
    }

    fn issue(
        &mut self,
        method: HttpMethod,
        key: &str,
        operation: Operation,
        at_second: bool,
        now: u64,
    ) -> SignedRequest {
        let url = format!("https://s3.simulated/{}", self.grants.len());
        let expires_at = now + self.url_seconds;
        self.grants.push(Grant {
            key: key.to_owned(),
            operation,
            at_second,
            expires_at,
        });
        SignedRequest {
            method,
            url,
            headers: std::collections::BTreeMap::new(),
            expires_at,
        }
    }
}

/// The method, the operation, and whether it is for the bucket's second address.
fn signable(operation: MultipartOperation, upload_id: String) -> (HttpMethod, Operation, bool) {
    match operation {
        MultipartOperation::UploadPart {
            part_number,
            size,
            sha256,
            second_endpoint,
        } => {
            let number = part_number;
            let operation = Operation::UploadPart {
                upload_id,
                number,
                size,
                sha256,
            };
            (HttpMethod::Put, operation, second_endpoint)
        }
        MultipartOperation::ListParts { part_number_marker } => {
            let marker = part_number_marker.unwrap_or(0);
            let operation = Operation::ListParts { upload_id, marker };
            (HttpMethod::Get, operation, false)
        }
        MultipartOperation::CompleteMultipartUpload { size } => (
            HttpMethod::Post,
            Operation::CompleteMultipartUpload { upload_id, size },
            false,
        ),
        MultipartOperation::AbortMultipartUpload => {
            let operation = Operation::AbortMultipartUpload { upload_id };
            (HttpMethod::Delete, operation, false)
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
