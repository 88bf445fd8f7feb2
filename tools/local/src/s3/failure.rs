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
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Failure {
    /// An error with the status and the message that S3 has for its code.
    pub(crate) fn of(code: &'static str) -> Self {
        Self::new(code, usual_message(code))
    }

    /// An error with the status that S3 has for its code, and this message.
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self {
            status: usual_status(&code),
            code,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds an element to the error's document.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("InvalidRequest", message)
    }

    pub(crate) fn invalid_argument(
        message: impl Into<Cow<'static, str>>,
        name: &str,
        value: impl ToString,
    ) -> Self {
        Self::new("InvalidArgument", message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    pub(crate) fn not_implemented_header(name: &str) -> Self {
        Self::of("NotImplemented").with("Header", name)
    }

    pub(crate) fn entity_too_large(proposed: u64, limit: u64) -> Self {
        Self::of("EntityTooLarge")
            .with("ProposedSize", proposed)
            .with("MaxSizeAllowed", limit)
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::of("NoSuchKey").with("Key", key)
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

/// The status that S3 has for a code; 400 for the few that s3s does not know.
fn usual_status(code: &str) -> StatusCode {
    S3ErrorCode::from_bytes(code.as_bytes())
        .and_then(|code| code.status_code())
        .unwrap_or(StatusCode::BAD_REQUEST)
}

/// The message that S3 has for a code.
pub(super) fn usual_message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access Denied",
        "ConditionalRequestConflict" => {
            "The conditional request cannot succeed due to a conflicting operation against this resource."
        }
        "EntityTooLarge" => "Your proposed upload exceeds the maximum allowed size",
        "IncompleteBody" => {
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        }
        "InvalidAccessKeyId" => "The AWS Access Key Id you provided does not exist in our records.",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidDigest" => "The Content-MD5 you specified was invalid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "NoSuchBucket" => "The specified bucket does not exist",
        "NoSuchKey" => "The specified key does not exist.",
        "NoSuchUpload" => {
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
        }
        "NotImplemented" => "A header you provided implies functionality that is not implemented",
        "OperationAborted" => {
            "A conflicting conditional operation is currently in progress against this resource. Please try again."
        }
        "PreconditionFailed" => "At least one of the pre-conditions you specified did not hold",
        "RequestTimeTooSkewed" => {
            "The difference between the request time and the current time is too large."
        }
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        "SlowDown" => "Please reduce your request rate.",
        _ => "We encountered an internal error. Please try again.",
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        tracing::error!("the storage failed: {error}");
        Self::of("InternalError")
    }
}

/// The two ids that S3 gives every request.
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

/// Carries a [`Failure`] past s3s, whose own errors have no fields, back to the front end.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailureSlot(Arc<Mutex<Option<Failure>>>);

impl FailureSlot {
    /// The slot that the front end put into the request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Keeps the failure for the front end; the returned error makes s3s stop.
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
    fn the_document_has_s3s_elements_in_order_and_escaped() {
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
