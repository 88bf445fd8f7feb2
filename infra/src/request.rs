//! A request that is to be authorised, and the values that policies compare it with.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A request by a role of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The action, such as `s3:PutObject`.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
    /// The ARN of the role.
    pub principal: String,
    /// The values of condition keys; a key that is missing here is missing in the request.
    pub context: BTreeMap<String, Vec<String>>,
}

impl Request {
    /// The request with this value of a condition key, and no other.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.context.insert(key.to_owned(), vec![value.to_owned()]);
        self
    }

    /// The request without a condition key.
    pub fn without(mut self, key: &str) -> Self {
        self.context.remove(key);
        self
    }
}

/// A string, or a list of strings.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(crate) fn any(&self, mut holds: impl FnMut(&String) -> bool) -> bool {
        match self {
            Self::One(text) => holds(text),
            Self::More(texts) => texts.iter().any(holds),
        }
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text and `?` for any character.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            text.char_indices()
                .map(|(index, _)| index)
                .chain([text.len()])
                .any(|index| matches(rest, &text[index..]))
        }
        (Some(expected), Some(found)) if expected == '?' || expected == found => {
            matches(&pattern[expected.len_utf8()..], &text[found.len_utf8()..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_are_wildcards() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*c", "abcbc", true),
            ("a*d", "abc", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("uploads/*", "uploads/a/b", true),
            ("uploads/*", "uploadsa/b", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
