//! JSON objects read strictly, field by field, so that each field can have its own error.

use serde_json::{Map, Value};
use wire::{ApiError, ErrorCode, MAX_BATCH};

use crate::bucket::Endpoint;

/// The fields of a JSON object that nobody has taken yet.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a request's body.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            ApiError::new(ErrorCode::InvalidJson, format!("the body is not JSON: {error}"))
        })?;
        Self::of(value).ok_or_else(|| invalid("the body is not a JSON object"))
    }

    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self(fields)),
            _ => None,
        }
    }

    /// Takes a field out, if it is there.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Takes out a field that must be there.
    pub fn need(&mut self, name: &str) -> Result<Value, ApiError> {
        self.take(name)
            .ok_or_else(|| invalid(format!("the field {name} is missing")))
    }

    /// Takes out a field that must be a string.
    pub fn need_string(&mut self, name: &str) -> Result<String, ApiError> {
        match self.need(name)? {
            Value::String(text) => Ok(text),
            _ => Err(invalid(format!("the field {name} is not a string"))),
        }
    }

    /// Takes out the field that chooses between the bucket's endpoints.
    pub(crate) fn take_endpoint(&mut self) -> Result<Endpoint, ApiError> {
        match self.take("secondEndpoint") {
            None | Some(Value::Bool(false)) => Ok(Endpoint::First),
            Some(Value::Bool(true)) => Ok(Endpoint::Second),
            Some(_) => Err(invalid("the field secondEndpoint is neither true nor false")),
        }
    }

    /// Takes out a field that must be an array of 1 to [`MAX_BATCH`] objects.
    pub fn need_batch(&mut self, name: &str) -> Result<Vec<Fields>, ApiError> {
        let Value::Array(entries) = self.need(name)? else {
            return Err(invalid(format!("the field {name} is not an array")));
        };
        if !(1..=MAX_BATCH).contains(&entries.len()) {
            let message = format!(
                "{name} has {} entries; 1 to {MAX_BATCH} are accepted",
                entries.len()
            );
            return Err(ApiError::new(ErrorCode::InvalidBatchSize, message));
        }
        let fields: Option<Vec<_>> = entries.into_iter().map(Self::of).collect();
        fields.ok_or_else(|| invalid(format!("an entry of {name} is not a JSON object")))
    }

    /// Makes sure that every field was taken: what is left is unknown.
    pub fn finish(&self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            Some(name) => Err(invalid(format!("the field {name:?} is unknown"))),
            None => Ok(()),
        }
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}

/// A size in bytes: a whole number that is not negative, below 2^64.
pub(crate) fn read_size(value: &Value) -> Result<u64, ApiError> {
    value.as_u64().ok_or_else(|| {
        ApiError::new(
            ErrorCode::InvalidSize,
            "the size is not a whole number of bytes from 0 to 2^64 - 1",
        )
    })
}

/// A SHA-256 digest in base64.
pub(crate) fn read_sha256(value: &Value) -> Result<wire::Sha256Digest, ApiError> {
    let digest = value.as_str().and_then(|text| text.parse().ok());
    digest.ok_or_else(|| {
        ApiError::new(
            ErrorCode::InvalidChecksum,
            "the SHA-256 is not 32 bytes in base64, 44 characters",
        )
    })
}

/// Refuses a file or an object above the limit.
pub(crate) fn check_limit(size: u64, max_bytes: u64) -> Result<(), ApiError> {
    if size <= max_bytes {
        return Ok(());
    }
    let message = format!("{size} bytes are more than the {max_bytes} bytes that are accepted");
    let mut error = ApiError::new(ErrorCode::FileTooLarge, message);
    error.max_bytes = Some(max_bytes);
    Err(error)
}
