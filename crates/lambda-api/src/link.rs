//! Upload links: JSON Web Tokens (RFC 7519) that a deployment signs with its own secret by HMAC with SHA-256 (`HS256`,
//! RFC 7518, section 3.2), and verifies itself.
//!
//! The algorithm is never chosen by a token, and nothing of a token is parsed before its signature was found to be this
//! deployment's (RFC 8725, sections 3.1 and 3.2).

use std::{
    collections::BTreeSet,
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;
use wire::{
    ApiError, ErrorCode, Link, LinkId, LinkRequest, MAX_LINK_BYTES, MAX_LINK_FOLDER_BYTES, MAX_LINK_SECONDS,
};

use crate::{Request, key::check_key, media_type::AllowedTypes, object::JsonObject, settings::entries};

/// How far the clock of whoever made a link may be from this one, in seconds.
const CLOCK_SKEW_SECONDS: u64 = 60;

/// The lengths in bytes that a secret may have: at least that of the hash (RFC 7518, section 3.2), and at most that of
/// its block.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 32..=64;

/// The one algorithm.
const ALGORITHM: &str = "HS256";

/// The header of a token. Any further field, such as `crit`, `jwk` or `kid`, is one that is not understood here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
}

/// The secret that links are signed with. It is never shown.
#[derive(Clone)]
pub struct LinkSecret(Vec<u8>);

/// What makes and verifies the links of a deployment.
#[derive(Clone, Debug)]
pub struct Links {
    secret: LinkSecret,
    revoked: BTreeSet<LinkId>,
}

/// A link that this deployment made, whether or not it is still valid.
#[derive(Clone, Debug)]
pub struct LinkGrant {
    /// What it says.
    pub link: Link,
    /// [`Link::types`].
    pub types: AllowedTypes,
    is_revoked: bool,
}

impl LinkSecret {
    /// Reads a secret: 32 to 64 bytes in base64 (RFC 4648, section 4).
    ///
    /// # Errors
    ///
    /// A phrase that completes "the secret …".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let bytes = Base64::decode_vec(text).map_err(|_| "is not base64")?;
        if SECRET_BYTES.contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err("has not 32 to 64 bytes")
        }
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkSecret")
    }
}

/// Reads comma-separated ids of links.
pub(crate) fn parse_revoked(list: &str) -> Result<BTreeSet<LinkId>, String> {
    let ids = entries(list).map(|entry| {
        let id = entry.parse();
        id.map_err(|_| format!("has the entry {entry:?}, which is no link's id"))
    });
    ids.collect()
}

impl Links {
    /// The links of this secret, but for those that were revoked.
    pub fn new(secret: LinkSecret, revoked: BTreeSet<LinkId>) -> Self {
        Self { secret, revoked }
    }

    /// Signs a link. [`new_link`] makes one.
    ///
    /// # Errors
    ///
    /// `InvalidRequest` if it is longer than a link may be.
    pub fn sign(&self, link: &Link) -> Result<String, ApiError> {
        let header = Header {
            alg: ALGORITHM.to_owned(),
            typ: Some("JWT".to_owned()),
        };
        let signed = format!("{}.{}", segment(&header)?, segment(link)?);
        let signature = self.mac(&signed).finalize().into_bytes();
        let token = format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature));
        if token.len() > MAX_LINK_BYTES {
            let message = format!("a link has at most {MAX_LINK_BYTES} bytes; title and note make it longer");
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
        Ok(token)
    }

    /// The link that a request has, as `Authorization: Bearer …` (RFC 6750, section 2.1).
    ///
    /// # Errors
    ///
    /// `InvalidLink` if it has none that this deployment made.
    pub fn of(&self, request: &Request) -> Result<LinkGrant, ApiError> {
        let header = request.header(AUTHORIZATION.as_str()).unwrap_or_default();
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim_matches(' '));
        token.and_then(|token| self.read(token)).ok_or_else(|| {
            let message = "the request has no upload link that this deployment made";
            ApiError::new(ErrorCode::InvalidLink, message)
        })
    }

    /// Reads a token; `None` if this deployment did not make it.
    pub fn read(&self, token: &str) -> Option<LinkGrant> {
        if token.len() > MAX_LINK_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
        // The comparison takes the same time wherever two signatures differ.
        self.mac(signed).verify_slice(&signature).ok()?;
        let (header, claims) = signed.split_once('.')?;
        let Header { alg, typ } = content(header)?;
        if alg != ALGORITHM || typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return None;
        }
        let link: Link = content(claims)?;
        check_folder(&link.folder).ok()?;
        Some(LinkGrant {
            types: AllowedTypes::parse(&link.types.join(",")).ok()?,
            is_revoked: self.revoked.contains(&link.jti),
            link,
        })
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.secret.0).expect("HMAC takes a key of any length");
        mac.chain_update(signed)
    }
}

impl LinkGrant {
    /// Checks that the link may be used now.
    ///
    /// # Errors
    ///
    /// `LinkRevoked`, `LinkNotYetValid` or `LinkExpired`.
    pub fn check(&self, now: SystemTime) -> Result<(), ApiError> {
        let error = |code, message| Err(ApiError::new(code, message));
        let now = seconds(now);
        if self.is_revoked {
            return error(ErrorCode::LinkRevoked, "the upload link was revoked");
        }
        if now.saturating_add(CLOCK_SKEW_SECONDS) < self.link.nbf {
            return error(ErrorCode::LinkNotYetValid, "the upload link is not valid yet");
        }
        if now >= self.link.exp.saturating_add(CLOCK_SKEW_SECONDS) {
            return error(ErrorCode::LinkExpired, "the upload link has expired");
        }
        Ok(())
    }
}

/// Makes a link that is valid from now on.
///
/// # Errors
///
/// `InvalidRequest` if a link cannot have its folder, its duration or one of its limits.
pub fn new_link(
    request: LinkRequest,
    by: Option<String>,
    random: [u8; 10],
    now: SystemTime,
) -> Result<Link, ApiError> {
    check_request(&request).map_err(|problem| ApiError::new(ErrorCode::InvalidRequest, problem))?;
    let milliseconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let nbf = seconds(now);
    Ok(Link {
        jti: LinkId::new(milliseconds, random),
        nbf,
        exp: nbf + request.expires_in,
        folder: request.folder,
        max_bytes: request.max_bytes,
        max_files: request.max_files,
        types: request.types,
        title: request.title,
        note: request.note,
        by,
    })
}

fn check_request(request: &LinkRequest) -> Result<(), String> {
    check_folder(&request.folder)?;
    if !(1..=MAX_LINK_SECONDS).contains(&request.expires_in) {
        return Err(format!("a link is valid for 1 to {MAX_LINK_SECONDS} seconds"));
    }
    if request.max_bytes == Some(0) || request.max_files == Some(0) {
        return Err("a limit of 0 lets no file pass".to_owned());
    }
    let types =
        AllowedTypes::parse(&request.types.join(",")).map_err(|problem| format!("types {problem}"))?;
    if types.patterns().len() != request.types.len() {
        return Err("types has an entry that is not one media type".to_owned());
    }
    Ok(())
}

/// Checks the name of a link's folder: it is one segment of a key, means nothing else to Windows or a terminal, and
/// reads as it is written.
fn check_folder(folder: &str) -> Result<(), &'static str> {
    let is_odd = |character: char| {
        matches!(
            character,
            '<' | '>' | ':' | '"' | '/' | '|' | '?' | '*' | '\u{61c}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    let at_an_edge = |character: char| character == '.' || character.is_whitespace();
    if folder.len() > MAX_LINK_FOLDER_BYTES {
        Err("the folder's name is longer than 128 bytes")
    } else if check_key(folder).is_err()
        || folder.contains(is_odd)
        || folder.trim_matches(at_an_edge) != folder
    {
        Err("the folder is not one plain name, without slashes and without a dot or a space at either end")
    } else {
        Ok(())
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A part of a token: JSON in base64url without padding (RFC 7515, section 3.1).
fn segment(content: &impl Serialize) -> Result<String, ApiError> {
    let json = serde_json::to_vec(content).map_err(|error| {
        tracing::error!(%error, "a link could not be written as JSON");
        ApiError::new(ErrorCode::InternalError, "the link could not be written")
    })?;
    Ok(Base64UrlUnpadded::encode_string(&json))
}

/// What a part of a token says. A name that is there twice is an error, because parsers differ in which one counts.
fn content<T: DeserializeOwned>(segment: &str) -> Option<T> {
    let json = Base64UrlUnpadded::decode_vec(segment).ok()?;
    let JsonObject(content) = serde_json::from_slice(&json).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests;
