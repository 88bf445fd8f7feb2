//! The verdict: a pure decision by what an object was declared as and what its first bytes are.

use backend::shared::{AllowedTypes, MediaType};
use wire::Verdict;

use crate::types::{Comparison, compare, detect};

/// What nobody may upload.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The types that are accepted; by the settings of the Lambda that signs.
    pub allowed: AllowedTypes,
    /// The types that are forbidden, whatever they were declared as; `None` where none is.
    pub forbidden: Option<AllowedTypes>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The type that the first bytes show, where they show one.
    pub detected: Option<&'static str>,
}

/// Judges an object by its `Content-Type` and its first bytes.
///
/// Forbidden is what is, or was declared as, one of the forbidden types; and what is of another type than
/// it was declared as, if that other type is not an accepted one.
pub fn judge(declared: &str, first_bytes: &[u8], rules: &Rules) -> Judgement {
    let detected = detect(first_bytes);
    let declared_type = MediaType::parse(declared);
    let detected_type = detected.and_then(MediaType::parse);
    let is_forbidden = |media_type: &MediaType| {
        let forbidden = rules.forbidden.as_ref();
        forbidden.is_some_and(|forbidden| forbidden.allow(media_type))
    };
    let is_accepted = detected_type
        .as_ref()
        .is_none_or(|found| rules.allowed.allow(found));
    let claim = declared_type.as_ref().map_or("", MediaType::essence);
    let verdict = match compare(claim, detected) {
        _ if declared_type.iter().chain(&detected_type).any(is_forbidden) => Verdict::Forbidden,
        Comparison::Differs if !is_accepted => Verdict::Forbidden,
        Comparison::Differs => Verdict::Mismatch,
        Comparison::Agrees => Verdict::Clean,
        Comparison::CannotTell => Verdict::Unknown,
    };
    Judgement { verdict, detected }
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
        let judgement = judge(declared, bytes, &rules);
        assert_eq!(
            judgement.verdict, expected,
            "{declared} by {allowed:?}: {judgement:?}"
        );
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
    fn what_is_something_else_is_a_mismatch_and_forbidden_where_that_is_not_accepted() {
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
    fn what_tells_nothing_is_unknown() {
        check("", "image/png", b"", Verdict::Unknown);
        check("", "application/x-of-our-own", PNG, Verdict::Unknown);
        check("", "no media type", b"\0", Verdict::Unknown);
    }

    #[test]
    fn where_no_type_is_forbidden_a_program_is_a_file_like_others() {
        let rules = Rules {
            allowed: AllowedTypes::parse("").expect("types"),
            forbidden: None,
        };
        assert_eq!(judge("", &ELF, &rules).verdict, Verdict::Clean);
    }
}
