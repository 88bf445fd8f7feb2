//! Looking at one object: its first bytes in, its verdict in its tags and in the audit.

use std::time::SystemTime;

use backend::shared::timestamp;
use uuid::Uuid;
use wire::Verdict;

use crate::{
    judge::{Judgement, Rules, judge},
    notification::Created,
    object_store::{Description, ObjectStore, StoreError, Tags},
};

/// The tag that holds an object's verdict.
pub const TAG: &str = "slipway:verdict";

/// How much of an object is read, in bytes: enough for every signature but those of disk images.
const FIRST_BYTES: u64 = 16 * 1024;

/// One invocation's way to objects.
pub(crate) struct Inspector<'a> {
    pub(crate) store: &'a dyn ObjectStore,
    pub(crate) rules: &'a Rules,
    pub(crate) key_prefix: &'a str,
    pub(crate) now: SystemTime,
    pub(crate) request_id: &'a str,
}

impl Inspector<'_> {
    /// Judges an object that was created. Doing it again, as S3 may deliver an event twice, changes nothing.
    ///
    /// An object that is gone, or that another has replaced since the event, is left alone: the other has an
    /// event of its own.
    ///
    /// # Errors
    /// Where the store refuses or does not answer, so that the event has to be delivered again.
    pub(crate) fn inspect(&self, created: &Created) -> Result<(), StoreError> {
        let object = &created.object;
        let Some(tags) = self.store.tags(object)? else {
            self.passed_over(created, "gone");
            return Ok(());
        };
        // Nobody can read what is under quarantine, and this function has put it there.
        if verdict_of(&tags) == Some(Verdict::Forbidden) {
            self.passed_over(created, "already forbidden");
            return Ok(());
        }
        let Some(description) = self.store.describe(object)? else {
            self.passed_over(created, "gone");
            return Ok(());
        };
        if created
            .etag
            .as_ref()
            .is_some_and(|etag| *etag != description.etag)
        {
            self.passed_over(created, "replaced");
            return Ok(());
        }
        let first_bytes = match description.size {
            0 => Some(Vec::new()),
            size => self.store.first_bytes(object, size.min(FIRST_BYTES))?,
        };
        let Some(first_bytes) = first_bytes else {
            self.passed_over(created, "gone");
            return Ok(());
        };
        let judgement = judge(&description.content_type, &first_bytes, self.rules);
        let is_new = verdict_of(&tags) != Some(judgement.verdict);
        if is_new {
            self.store
                .set_tags(object, &with_verdict(tags, judgement.verdict))?;
        }
        self.judged(created, &description, judgement, is_new);
        Ok(())
    }

    /// Writes the line of the audit that closes the one of the issuing.
    fn judged(&self, created: &Created, description: &Description, judgement: Judgement, is_new: bool) {
        let object = &created.object;
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.request_id,
            principal = principal(self.key_prefix, &object.key),
            key = object.key,
            version_id = object.version_id,
            size = description.size,
            sha256 = description.sha256,
            declared = description.content_type,
            detected = judgement.detected,
            verdict = judgement.verdict.as_str(),
            sequencer = created.sequencer,
            repeated = !is_new,
            "judged"
        );
    }

    /// Records that an object was not looked at.
    fn passed_over(&self, created: &Created, reason: &str) {
        let object = &created.object;
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.request_id,
            principal = principal(self.key_prefix, &object.key),
            key = object.key,
            version_id = object.version_id,
            size = created.size,
            sequencer = created.sequencer,
            reason,
            "passed over"
        );
    }
}

/// The verdict that an object's tags hold, if they hold one.
pub(crate) fn verdict_of(tags: &Tags) -> Option<Verdict> {
    let value = tags.get(TAG)?;
    Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == value)
}

fn with_verdict(mut tags: Tags, verdict: Verdict) -> Tags {
    tags.insert(TAG.to_owned(), verdict.to_string());
    tags
}

/// Whose object it is, by the key that `POST /uploads` made: `<prefix>/<principal>/<uuid>/<name>`. Nobody's
/// where the key was made otherwise, as by `GET /presign`.
fn principal<'a>(key_prefix: &str, key: &'a str) -> Option<&'a str> {
    let rest = match key_prefix {
        "" => key,
        prefix => key.strip_prefix(prefix)?.strip_prefix('/')?,
    };
    let mut segments = rest.splitn(3, '/');
    let principal = segments.next()?;
    let is_made = segments
        .next()
        .is_some_and(|segment| Uuid::try_parse(segment).is_ok());
    let has_name = segments.next().is_some_and(|name| !name.is_empty());
    (is_made && has_name && !principal.is_empty()).then_some(principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prefix: &str, key: &str, expected: Option<&str>) {
        assert_eq!(principal(prefix, key), expected, "{key} below {prefix:?}");
    }

    #[test]
    fn a_key_that_the_lambda_made_names_its_owner() {
        const ID: &str = "0e37df36-f698-11e6-8dd4-cb9ced3df976";
        check("uploads", &format!("uploads/me/{ID}/a/b.txt"), Some("me"));
        check("a/b", &format!("a/b/auth0!7C1/{ID}/c"), Some("auth0!7C1"));
        check("", &format!("me/{ID}/a"), Some("me"));
        check("uploads", &format!("uploads2/me/{ID}/a"), None);
        check("uploads", &format!("uploads/{ID}/a"), None);
        check("uploads", &format!("uploads//{ID}/a"), None);
        check("uploads", &format!("uploads/me/{ID}/"), None);
        check("uploads", "uploads/report.pdf", None);
        check("uploads", "uploads/some/folder/report.pdf", None);
    }

    #[test]
    fn only_a_verdict_is_taken_for_one() {
        let tags = |value: &str| Tags::from([(TAG.to_owned(), value.to_owned())]);
        assert_eq!(verdict_of(&tags("clean")), Some(Verdict::Clean));
        assert_eq!(verdict_of(&tags("Clean")), None);
        assert_eq!(verdict_of(&Tags::new()), None);
    }
}
