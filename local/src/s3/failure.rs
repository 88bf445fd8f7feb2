//! S3's error answers (Amazon S3 API Reference, "Error responses").

use std::{
    borrow::Cow,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use base64ct::{Base64, Encoding as _};
use http::{Extensions, StatusCode};
use s3s::{S3Error, S3ErrorCode, xml::Serializer};
use uuid::Uuid;

use super::checksum::Algorithm;

/// An error as S3 answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// `<Code>`
    pub(crate) code: Cow<'static, str>,
    /// `<Message>`
    pub(crate) message: Cow<'static, str>,
    /// The elements between `<Message>` and `<RequestId>`.
    pub(crate) fields: Vec<(Cow<'static, str>, String)>,
}

impl Failure {
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// Adds an element to the error's document.
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        self.fields.push((name.into(), value.to_string()));
        self
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request("InvalidRequest", message)
    }

    pub(crate) fn invalid_argument(
        message: impl Into<Cow<'static, str>>,
        name: &str,
        value: impl ToString,
    ) -> Self {
        Self::bad_request("InvalidArgument", message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    pub(crate) fn access_denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    pub(crate) fn not_implemented_header(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
        )
        .with("Header", name)
    }

    pub(crate) fn missing_content_length() -> Self {
        Self::new(
            StatusCode::LENGTH_REQUIRED,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        )
    }

    pub(crate) fn incomplete_body() -> Self {
        Self::bad_request(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )
    }

    pub(crate) fn entity_too_large(proposed: u64, limit: u64) -> Self {
        Self::bad_request(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        )
        .with("ProposedSize", proposed)
        .with("MaxSizeAllowed", limit)
    }

    pub(crate) fn bad_digest(algorithm: Algorithm) -> Self {
        let name = algorithm.name();
        Self::bad_request(
            "BadDigest",
            format!("The {name} you specified did not match the calculated checksum."),
        )
    }

    pub(crate) fn invalid_checksum(algorithm: Algorithm) -> Self {
        let header = algorithm.header();
        Self::invalid_request(format!("Value for {header} header is invalid."))
    }

    pub(crate) fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
        .with("Condition", "If-None-Match")
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "The specified key does not exist.",
        )
        .with("Key", key)
    }

    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NoSuchBucket",
            "The specified bucket does not exist",
        )
        .with("BucketName", bucket)
    }

    pub(crate) fn no_such_upload(upload_id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        )
        .with("UploadId", upload_id)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "We encountered an internal error. Please try again.",
        )
    }

    /// The error's XML document.
    pub(crate) fn to_xml(&self, ids: &RequestIds) -> Vec<u8> {
        let mut xml = br#"<?xml version="1.0" encoding="UTF-8"?>"#.to_vec();
        xml.push(b'\n');
        let mut serializer = Serializer::new(&mut xml);
        let written = serializer.element("Error", |error| {
            error.content("Code", self.code.as_ref())?;
            error.content("Message", self.message.as_ref())?;
            for (name, value) in &self.fields {
                error.content(name, value.as_str())?;
            }
            error.content("RequestId", ids.request_id.as_str())?;
            error.content("HostId", ids.host_id.as_str())
        });
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        xml
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        tracing::error!("the storage failed: {error}");
        Self::internal()
    }
}

/// The two names that S3 gives to every request.
#[derive(Clone, Debug)]
pub(crate) struct RequestIds {
    /// `x-amz-request-id`
    pub(crate) request_id: String,
    /// `x-amz-id-2`
    pub(crate) host_id: String,
}

impl RequestIds {
    /// New random ids.
    pub(crate) fn new() -> Self {
        let request_id = Uuid::new_v4().simple().to_string().to_uppercase();
        let host = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        Self {
            request_id: request_id.chars().take(16).collect(),
            host_id: Base64::encode_string(&host),
        }
    }
}

/// Carries a [`Failure`] past s3s, whose own errors have no fields, back to the edge.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailureSlot(Arc<Mutex<Option<Failure>>>);

impl FailureSlot {
    /// The slot that the edge put into the request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Keeps the failure for the edge; the returned error makes s3s stop.
    pub(crate) fn raise(&self, failure: Failure) -> S3Error {
        let mut error = S3Error::new(S3ErrorCode::InternalError);
        error.set_status_code(failure.status);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        error
    }

    /// The failure that was raised.
    pub(crate) fn take(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_s3s_elements_in_s3s_order_and_escapes_what_it_quotes() {
        let ids = RequestIds {
            request_id: "R".to_owned(),
            host_id: "H=".to_owned(),
        };
        let xml = Failure::no_such_key("a<b>&c").to_xml(&ids);
        let xml = String::from_utf8(xml).expect("UTF-8");
        let document = roxmltree::Document::parse(&xml).expect("XML");
        let elements: Vec<_> = document
            .root_element()
            .children()
            .map(|e| (e.tag_name().name(), e.text()))
            .collect();
        assert_eq!(
            elements,
            [
                ("Code", Some("NoSuchKey")),
                ("Message", Some("The specified key does not exist.")),
                ("Key", Some("a<b>&c")),
                ("RequestId", Some("R")),
                ("HostId", Some("H=")),
            ]
        );
    }
}
