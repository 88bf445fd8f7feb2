//! Quoting answers in findings.

use engine::HttpAnswer;

/// How many characters of an answer are quoted.
const MAX_CHARACTERS: usize = 120;

/// Says how a request was answered.
pub(super) fn quote(request: &str, answer: &HttpAnswer) -> String {
    let body: String = answer.body.chars().take(MAX_CHARACTERS).collect();
    format!("{request} was answered with {}: {body}", answer.status)
}
