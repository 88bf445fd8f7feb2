//! The requests that a service received.

use local::{BUCKET, RecordedRequest};
use percent_encoding::percent_decode_str;

/// The word with which Swift's proxy server starts a line of its log about a request.
pub(crate) const ANSWERED: &str = "answered";

/// A request about an object that a service has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredRequest {
    pub method: String,
    /// The query as it was sent.
    pub query: String,
    /// The status of the answer.
    pub status: u16,
}

impl AnsweredRequest {
    /// The request that a line of Swift's log is about, if it is about one: the word, the method, the path and
    /// the query percent-encoded together, and the status.
    pub(crate) fn in_log_line(line: &str) -> Option<Self> {
        let (_, request) = line.split_once(ANSWERED)?;
        let mut fields = request.split_whitespace();
        let (method, path, status) = (fields.next()?, fields.next()?, fields.next()?);
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        path.starts_with(&format!("/{BUCKET}/")).then_some(())?;
        Some(Self {
            method: method.to_owned(),
            query: query.to_owned(),
            status: status.parse().ok()?,
        })
    }
}

impl From<RecordedRequest> for AnsweredRequest {
    fn from(request: RecordedRequest) -> Self {
        Self {
            method: request.method,
            query: request.query,
            status: request.status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AnsweredRequest;

    #[test]
    fn a_line_of_swifts_log_is_about_a_request_or_not() {
        let line = "proxy-server: answered PUT /slipway-uploads/a%2520b%3FpartNumber%3D1%26uploadId%3DZj 200 (txn: tx1)";
        let expected = AnsweredRequest {
            method: "PUT".to_owned(),
            query: "partNumber=1&uploadId=Zj".to_owned(),
            status: 200,
        };
        assert_eq!(AnsweredRequest::in_log_line(line), Some(expected));
        for other in [
            "proxy-server: answered HEAD /v1/AUTH_slipway/slipway-uploads 204 (txn: tx1)",
            "proxy-server: Using crc32c_isal implementation for CRC32C.",
        ] {
            assert_eq!(AnsweredRequest::in_log_line(other), None, "{other}");
        }
    }
}
