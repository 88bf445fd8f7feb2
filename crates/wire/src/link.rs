//! Upload links: what lets somebody without an account upload into one folder for some time, `POST /links`, which makes
//! one, and `GET /link`, which says what it allows.

use serde::{Deserialize, Serialize};

use crate::LinkId;

/// The folder below the prefix in which every link has its own: `<prefix>/links/<folder>/<jti>/`.
pub const LINKS_FOLDER: &str = "links";

/// The longest link, in bytes of its token.
pub const MAX_LINK_BYTES: usize = 4_096;

/// The longest name of a link's folder, in bytes of UTF-8.
pub const MAX_LINK_FOLDER_BYTES: usize = 128;

/// How long a link can be valid, in seconds: 366 days.
pub const MAX_LINK_SECONDS: u64 = 366 * 24 * 60 * 60;

/// What an upload link says: the claims of its token (RFC 7519). Whoever has the link can read them.
///
/// A claim that is not known is an error, so that no limit of a newer version is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
    /// The link's id.
    pub jti: LinkId,
    /// From when on it is valid, in seconds since 1970-01-01T00:00:00Z.
    pub nbf: u64,
    /// Until when it is valid.
    pub exp: u64,
    /// Where its files go: one segment of a key, of at most [`MAX_LINK_FOLDER_BYTES`].
    pub folder: String,
    /// The largest file in bytes, if the link has a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The most files in one `POST /link/uploads`, if the link has a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_files: Option<u32>,
    /// The media types that it accepts of those that the deployment accepts, such as `image/*`; none means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// What the page calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the page says to whoever has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The body of `POST /links`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkRequest {
    /// As [`Link::folder`].
    pub folder: String,
    /// How long the link is to be valid, in seconds: 1 to [`MAX_LINK_SECONDS`].
    pub expires_in: u64,
    /// As [`Link::max_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// As [`Link::max_files`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_files: Option<u32>,
    /// As [`Link::types`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// As [`Link::title`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// As [`Link::note`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The answer to `POST /links`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkResponse {
    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub server_time: u64,
    /// The link's token, which belongs behind `#link=` in the page's address, where no server sees it.
    pub token: String,
    /// What it says.
    pub link: Link,
}

/// The answer to `GET /link`: what the link in the request allows here and now. Of the link's limits and the
/// deployment's it has the stricter ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkTerms {
    /// The Lambda's clock, in seconds since 1970-01-01T00:00:00Z.
    pub server_time: u64,
    /// As [`Link::exp`].
    pub expires_at: u64,
    /// The largest file in bytes.
    pub max_bytes: u64,
    /// The most files in one `POST /link/uploads`.
    pub max_files: u32,
    /// The media types that are accepted, such as `image/*`; none means all of them.
    pub types: Vec<String>,
    /// As [`Link::title`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// As [`Link::note`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const JTI: &str = "01a3185c-5000-7000-8000-000000000000";

    #[test]
    fn a_link_is_written_and_read() {
        for more in [
            "",
            r#","maxBytes":5,"maxFiles":2,"types":["image/*"],"title":"t","note":"n","by":"ada""#,
        ] {
            let json = format!(r#"{{"jti":"{JTI}","nbf":1,"exp":2,"folder":"acme"{more}}}"#);
            let link: Link = serde_json::from_str(&json).expect("a link");
            assert_eq!(serde_json::to_string(&link).expect("JSON"), json);
        }
    }

    #[test]
    fn a_claim_that_is_unknown_missing_or_twice_is_refused() {
        for claims in [
            format!(r#""jti":"{JTI}","nbf":1,"exp":2,"folder":"acme","maxTotal":1"#),
            format!(r#""jti":"{JTI}","nbf":1,"exp":2,"folder":"acme","folder":"acme""#),
            format!(r#""jti":"{JTI}","nbf":1,"folder":"acme""#),
            r#""jti":"1","nbf":1,"exp":2,"folder":"acme""#.to_owned(),
            format!(r#""jti":"{JTI}","nbf":1,"exp":-2,"folder":"acme""#),
            format!(r#""jti":"{JTI}","nbf":1,"exp":"2","folder":"acme""#),
        ] {
            assert!(
                serde_json::from_str::<Link>(&format!("{{{claims}}}")).is_err(),
                "{claims}"
            );
        }
    }

    #[test]
    fn terms_are_written_and_read() {
        let least = r#"{"serverTime":1,"expiresAt":2,"maxBytes":3,"maxFiles":4,"types":["image/*"]"#;
        for more in ["", r#","title":"t","note":"n""#] {
            let json = format!("{least}{more}}}");
            let terms: LinkTerms = serde_json::from_str(&json).expect("terms");
            assert_eq!(serde_json::to_string(&terms).expect("JSON"), json);
        }
    }

    #[test]
    fn a_request_is_written_and_read() {
        for more in [
            "",
            r#","maxBytes":5,"maxFiles":2,"types":["image/*"],"title":"t","note":"n""#,
        ] {
            let json = format!(r#"{{"folder":"acme","expiresIn":60{more}}}"#);
            let request: LinkRequest = serde_json::from_str(&json).expect("a request");
            assert_eq!(serde_json::to_string(&request).expect("JSON"), json);
        }
        assert!(serde_json::from_str::<LinkRequest>(r#"{"folder":"a","expiresIn":1,"jti":"1"}"#).is_err());
    }
}
