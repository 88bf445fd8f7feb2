//! The verdict: a pure decision by what an object was declared as and what its first bytes are.

use lambda_api::{AllowedTypes, MediaType};
use wire::Verdict;

use crate::{
    content_coding::{Decoded, decode},
    types::{Comparison, Sample, compare, detect, is_claim},
};

/// The most bytes that are unpacked of a file with a `Content-Encoding`.
const UNPACKED_BYTES: u64 = 16 * 1024;

/// What must not be uploaded.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The types that are accepted; by the settings of the Lambda that signs.
    pub allowed: AllowedTypes,
    /// The types that are forbidden, whatever they were declared as; `None` if none is.
    pub forbidden: Option<AllowedTypes>,
}

/// What is known of an object.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its key, which ends with the file's name.
    pub name: &'a str,
    /// Its `Content-Type`.
    pub content_type: &'a str,
    /// Its `Content-Encoding`, empty if it has none.
    pub content_encoding: &'a str,
    /// Its first bytes, as they are stored.
    pub first_bytes: &'a [u8],
    /// If the first bytes are those of a container, the bytes that say what it contains, as far as they are known.
    pub telling_bytes: &'a [u8],
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The type that the first bytes show, unpacked if they are encoded; `None` if they show none.
    pub detected: Option<&'static str>,
}

/// What an object was declared as.
struct Claim {
    /// The type, as far as the header can be read.
    media_type: Option<MediaType>,
    /// Whether the header is one.
    is_readable: bool,
}

/// Judges an object.
///
/// Forbidden is what is, or was declared as, one of the forbidden types or none of the accepted ones. What is of another
/// type than it was declared as is a mismatch; so is what has a `Content-Type` or a `Content-Encoding` that recipients
/// read in different ways or not at all.
pub fn judge(subject: &Subject<'_>, rules: &Rules) -> Judgement {
    let stored = detect(Sample {
        name: subject.name,
        first: subject.first_bytes,
        telling: subject.telling_bytes,
    });
    let decoded = decode(subject.content_encoding, subject.first_bytes, UNPACKED_BYTES);
    let detected = match &decoded {
        Decoded::AsStored | Decoded::Unreadable => stored,
        Decoded::Unpacked(bytes) => detect(Sample {
            name: subject.name,
            first: bytes,
            telling: &[],
        }),
    };
    let claim = Claim::read(subject.content_type);
    let comparison = compare(claim.essence(), detected);
    let is_clear = claim.is_readable && decoded != Decoded::Unreadable;
    let found = [stored, detected].map(|found| found.and_then(MediaType::parse));
    let verdict = if rules.forbid(claim.media_type.iter().chain(found.iter().flatten()))
        || !rules.accept(&claim, comparison, found[1].as_ref())
    {
        Verdict::Forbidden
    } else if !is_clear {
        Verdict::Mismatch
    } else {
        match comparison {
            Comparison::Differs => Verdict::Mismatch,
            Comparison::Agrees => Verdict::Clean,
            Comparison::CannotTell => Verdict::Unknown,
        }
    };
    Judgement { verdict, detected }
}

impl Claim {
    /// Reads a `Content-Type`; of one that is not, what stands before its parameters.
    fn read(content_type: &str) -> Self {
        let whole = MediaType::parse(content_type);
        let is_readable = whole.is_some();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        Self {
            media_type: whole.or_else(|| MediaType::parse(essence)),
            is_readable,
        }
    }

    fn essence(&self) -> &str {
        self.media_type.as_ref().map_or("", MediaType::essence)
    }
}

impl Rules {
    fn forbid<'a>(&self, mut types: impl Iterator<Item = &'a MediaType>) -> bool {
        let forbidden = self.forbidden.as_ref();
        forbidden.is_some_and(|forbidden| types.any(|media_type| forbidden.allow(media_type)))
    }

    /// Whether files of this kind may be uploaded: of the declared type, if they are it; and of the detected one, if they
    /// are another or were not declared as anything.
    fn accept(&self, claim: &Claim, comparison: Comparison, detected: Option<&MediaType>) -> bool {
        let accepted =
            |media_type: Option<&MediaType>| media_type.is_some_and(|found| self.allowed.allow(found));
        let claim_is_accepted = accepted(claim.media_type.as_ref());
        if !is_claim(claim.essence()) {
            return claim_is_accepted || accepted(MediaType::parse("").as_ref()) || accepted(detected);
        }
        claim_is_accepted && (comparison != Comparison::Differs || accepted(detected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const ELF: [u8; 64] = {
        let mut bytes = [0; 64];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (0x7F, b'E', b'L', b'F');
        bytes
    };

    fn check(allowed: &str, declared: &str, bytes: &[u8], expected: Verdict) {
        let rules = Rules {
            allowed: AllowedTypes::parse(allowed).expect("types"),
            forbidden: Some(AllowedTypes::parse("application/x-executable").expect("types")),
        };
        let judgement = judge(&subject(declared, bytes), &rules);
        assert_eq!(
            judgement.verdict, expected,
            "{declared} by {allowed:?}: {judgement:?}"
        );
    }

    fn subject<'a>(content_type: &'a str, first_bytes: &'a [u8]) -> Subject<'a> {
        Subject {
            name: "uploads/a",
            content_type,
            content_encoding: "",
            first_bytes,
            telling_bytes: &[],
        }
    }

    fn check_encoded(coding: &str, bytes: &[u8], expected: Verdict) {
        let rules = Rules {
            allowed: AllowedTypes::parse("").expect("types"),
            forbidden: Some(AllowedTypes::parse("application/x-executable").expect("types")),
        };
        let subject = Subject {
            content_encoding: coding,
            ..subject("image/png", bytes)
        };
        assert_eq!(judge(&subject, &rules).verdict, expected, "{coding}");
    }

    #[test]
    fn an_encoded_file_is_what_a_browser_unpacks() {
        let gzip = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            std::io::Write::write_all(&mut encoder, bytes).expect("written");
            encoder.finish().expect("packed")
        };
        check_encoded("gzip", &gzip(&ELF), Verdict::Forbidden);
        check_encoded("gzip", &gzip(PNG), Verdict::Clean);
        check_encoded("gzip", &gzip(b"text"), Verdict::Mismatch);
    }

    #[test]
    fn an_encoding_that_nobody_can_read_is_a_mismatch() {
        check_encoded("gzip", PNG, Verdict::Mismatch);
        check_encoded("x-of-our-own", PNG, Verdict::Mismatch);
        check_encoded("gzip", &ELF, Verdict::Forbidden);
        check_encoded("compress", &ELF, Verdict::Forbidden);
        check_encoded("identity", PNG, Verdict::Clean);
    }

    #[test]
    fn a_declaration_that_nobody_can_read_is_a_mismatch() {
        check("", "image/png; x", PNG, Verdict::Mismatch);
        check("", "image png", PNG, Verdict::Mismatch);
        check("", "application/x-executable; x", PNG, Verdict::Forbidden);
        check("", "no media type", b"\0", Verdict::Mismatch);
    }

    #[test]
    fn what_is_truthfully_declared_and_not_accepted_is_forbidden() {
        check("image/*", "text/html", b"<!DOCTYPE html>", Verdict::Forbidden);
        check("image/*", "application/pdf", b"%PDF-1.7\n", Verdict::Forbidden);
        check("image/*", "application/x-of-our-own", b"\0", Verdict::Forbidden);
        check("image/*", "text/html", PNG, Verdict::Forbidden);
        check(
            "application/zip",
            "application/zip",
            b"PK\x03\x04\x14\0\0\0\x08\0",
            Verdict::Clean,
        );
    }

    #[test]
    fn what_was_not_declared_is_accepted_by_what_it_is() {
        check("image/*", "", PNG, Verdict::Clean);
        check("image/*", "binary/octet-stream", b"text", Verdict::Forbidden);
        check("image/*", "", b"\0", Verdict::Forbidden);
        check("application/octet-stream", "", PNG, Verdict::Clean);
    }

    #[test]
    fn what_is_as_declared_is_clean() {
        check("", "image/png", PNG, Verdict::Clean);
        check("", "IMAGE/PNG; a=b", PNG, Verdict::Clean);
        check("image/*", "image/png", PNG, Verdict::Clean);
        check("", "binary/octet-stream", PNG, Verdict::Clean);
        check("", "", b"text", Verdict::Clean);
    }

    #[test]
    fn another_type_is_a_mismatch_and_forbidden_if_not_accepted() {
        check("", "image/gif", PNG, Verdict::Mismatch);
        check("image/*", "image/gif", PNG, Verdict::Mismatch);
        check("image/gif", "image/gif", PNG, Verdict::Forbidden);
        check("text/*", "text/plain", PNG, Verdict::Forbidden);
    }

    #[test]
    fn a_forbidden_type_is_forbidden_under_any_name() {
        check("", "application/x-executable", &ELF, Verdict::Forbidden);
        check("", "image/png", &ELF, Verdict::Forbidden);
        check("", "", &ELF, Verdict::Forbidden);
        check("", "application/x-executable", PNG, Verdict::Forbidden);
        check("", "application/x-executable", b"", Verdict::Forbidden);
    }

    #[test]
    fn what_shows_nothing_is_unknown() {
        check("", "image/png", b"", Verdict::Unknown);
        check("", "application/x-of-our-own", PNG, Verdict::Unknown);
    }

    #[test]
    fn if_no_type_is_forbidden_a_program_is_a_file_like_others() {
        let rules = Rules {
            allowed: AllowedTypes::parse("").expect("types"),
            forbidden: None,
        };
        assert_eq!(judge(&subject("", &ELF), &rules).verdict, Verdict::Clean);
    }
}
