//! What a service answers.

use anyhow::{Context, Result, ensure};
use http::HeaderMap;

/// An answer with its whole body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value, where it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The text of the first element of this name, where the body is XML and has it.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = std::str::from_utf8(&self.body).ok()?;
        let document = roxmltree::Document::parse(text).ok()?;
        let element = document
            .descendants()
            .find(|node| node.tag_name().name() == name)?;
        Some(element.text().unwrap_or_default().to_owned())
    }

    /// The texts of all elements of this name.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        let Ok(document) = roxmltree::Document::parse(&text) else {
            return Vec::new();
        };
        let elements = document
            .descendants()
            .filter(|node| node.tag_name().name() == name);
        elements
            .map(|element| element.text().unwrap_or_default().to_owned())
            .collect()
    }

    /// The answer in a few words: the status, the error's code, and which of `fields` the error has.
    pub fn summary(&self, fields: &[&str]) -> String {
        let mut summary = self.status.to_string();
        if let Some(code) = self.element("Code") {
            summary = format!("{summary} {code}");
        }
        let present: Vec<&str> = fields
            .iter()
            .copied()
            .filter(|field| self.element(field).is_some())
            .collect();
        if !present.is_empty() {
            summary = format!("{summary} with {}", present.join(", "));
        }
        summary
    }

    /// The answer itself, where it is a success.
    ///
    /// # Errors
    /// Where it is none.
    pub fn success(self) -> Result<Self> {
        let body = String::from_utf8_lossy(&self.body);
        ensure!((200..300).contains(&self.status), "{}: {body}", self.status);
        Ok(self)
    }

    /// The text of an element that has to be there.
    ///
    /// # Errors
    /// Where it is not.
    pub fn need(&self, name: &str) -> Result<String> {
        self.element(name)
            .with_context(|| format!("no {name} in {}", String::from_utf8_lossy(&self.body)))
    }
}
