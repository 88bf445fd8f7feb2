//! `POST /verdicts`: what the content scan found in files after they were stored.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ApiError;

/// What a content scan found in a stored object, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is what it was declared as.
    Clean,
    /// It is of another type than it was declared as.
    Mismatch,
    /// It is of a type that must not be uploaded, and a bucket policy keeps it from being read.
    Forbidden,
    /// Its first bytes do not show what it is, as with an empty file.
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 4] = [Self::Clean, Self::Mismatch, Self::Forbidden, Self::Unknown];

    /// The verdict in one word, as JSON and the object's tag have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Mismatch => "mismatch",
            Self::Forbidden => "forbidden",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The body of `POST /verdicts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerdictsRequest {
    /// 1 to [`crate::MAX_BATCH`] keys, as the answers to `POST /uploads` have them.
    pub keys: Vec<String>,
}

/// The answer to `POST /verdicts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictsResponse {
    /// One outcome for each key, in the order of the request.
    pub verdicts: Vec<VerdictOutcome>,
}

/// What is known of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VerdictOutcome {
    /// `{"verdict": "clean"}`
    Verdict(Verdict),
    /// `"pending"`: it was not scanned yet, or there is no object.
    Pending,
    /// `{"error": {…}}`
    Error(ApiError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_its_word() {
        for verdict in Verdict::ALL {
            let json = serde_json::to_string(&verdict).expect("JSON");
            assert_eq!(json, format!("\"{verdict}\""));
            assert_eq!(
                serde_json::from_str::<Verdict>(&json).expect("a verdict"),
                verdict
            );
        }
    }

    #[test]
    fn each_outcome_is_written_and_read() {
        let json =
            r#"{"verdicts":[{"verdict":"clean"},"pending",{"error":{"code":"Forbidden","message":"m"}}]}"#;
        let response: VerdictsResponse = serde_json::from_str(json).expect("an answer");
        assert_eq!(serde_json::to_string(&response).expect("JSON"), json);
    }
}
