//! Scanning one object: its first bytes in, its verdict in its tags and in the audit.

use std::{ops::Range, time::SystemTime};

use lambda_api::timestamp;
use uuid::Uuid;
use wire::{LINKS_FOLDER, LinkId, Verdict, is_manifest_name};

use crate::{
    containers::telling_bytes,
    judge::{Judgement, Rules, Subject, judge},
    notification::{Cause, Created},
    object_store::{Description, ObjectStore, ObjectVersion, StoreError, Tags},
};

/// The tag that holds an object's verdict.
pub const TAG: &str = "slipway:verdict";

/// The tag of GuardDuty Malware Protection, and its value for an object with malware (Amazon GuardDuty User Guide,
/// "S3 object potential scan status and result status").
const SCAN_TAG: &str = "GuardDutyMalwareScanStatus";
const THREATS_FOUND: &str = "THREATS_FOUND";

/// How often tags are written that somebody else replaces at the same time.
const WRITES: usize = 3;

/// How much of an object is read, in bytes: enough for every signature but those of disk images.
const FIRST_BYTES: u64 = 16 * 1024;

/// What one invocation needs to scan objects.
pub(crate) struct Inspector<'a> {
    pub(crate) store: &'a dyn ObjectStore,
    pub(crate) rules: &'a Rules,
    pub(crate) key_prefix: &'a str,
    pub(crate) now: SystemTime,
    pub(crate) request_id: &'a str,
}

/// What was read of an object.
struct Content {
    first: Vec<u8>,
    telling: Vec<u8>,
}

impl Inspector<'_> {
    /// Judges an object that was created. Doing it again, as S3 may deliver an event twice, changes nothing.
    ///
    /// A manifest is left alone, because it is no user's file. So is an object that is gone, or that another has replaced
    /// since the event: the other has an event of its own.
    ///
    /// # Errors
    ///
    /// If the store refuses or does not answer, so that the event has to be delivered again.
    pub(crate) fn inspect(&self, created: &Created) -> Result<(), StoreError> {
        let object = &created.object;
        if is_manifest(self.key_prefix, &object.key) {
            self.record_passed_over(created, "a manifest");
            return Ok(());
        }
        let Some(tags) = self.store.tags(object)? else {
            self.record_passed_over(created, "gone");
            return Ok(());
        };
        // An object under quarantine cannot be read, not even by this function.
        if let Some(reason) = quarantine(&tags) {
            self.record_passed_over(created, reason);
            return Ok(());
        }
        // Tags change by every verdict too, and somebody may have set another one by hand.
        if created.cause == Cause::Tagged && verdict_of(&tags).is_some() {
            return Ok(());
        }
        let Some(description) = self.store.describe(object)? else {
            self.record_passed_over(created, "gone");
            return Ok(());
        };
        if created
            .etag
            .as_ref()
            .is_some_and(|etag| *etag != description.etag)
        {
            self.record_passed_over(created, "replaced");
            return Ok(());
        }
        let Some(content) = self.sample(object, description.size)? else {
            self.record_passed_over(created, "gone");
            return Ok(());
        };
        let subject = Subject {
            name: &object.key,
            content_type: &description.content_type,
            content_encoding: description.content_encoding.as_deref().unwrap_or_default(),
            first_bytes: &content.first,
            telling_bytes: &content.telling,
        };
        let judgement = judge(&subject, self.rules);
        let is_new = self.write_down(object, judgement.verdict)?;
        self.record_judged(created, &description, judgement, is_new);
        Ok(())
    }

    /// Sets the tag with the verdict, and returns whether it was another before.
    ///
    /// S3 replaces all tags of an object at once and without a condition, and others write tags at the same time: a malware
    /// scan does. So the tags are read again right before they are written, and read back.
    fn write_down(&self, object: &ObjectVersion, verdict: Verdict) -> Result<bool, StoreError> {
        for attempt in 0..WRITES {
            // An object that is gone needs no verdict.
            let Some(tags) = self.store.tags(object)? else {
                return Ok(attempt > 0);
            };
            let found = verdict_of(&tags);
            // Another verdict behind the own one was set by hand, and stays.
            if found == Some(verdict) || (attempt > 0 && found.is_some()) {
                return Ok(attempt > 0);
            }
            self.store.set_tags(object, &with_verdict(tags, verdict))?;
        }
        match self.store.tags(object)? {
            Some(tags) if verdict_of(&tags).is_none() => Err(StoreError::Failed {
                operation: "PutObjectTagging",
                reason: "others replace the tags again and again".to_owned(),
            }),
            _ => Ok(true),
        }
    }

    /// The first bytes of an object, and of a container those that say what it contains.
    fn sample(&self, object: &ObjectVersion, size: u64) -> Result<Option<Content>, StoreError> {
        let read = |range: Range<u64>| match range.is_empty() {
            true => Ok(Some(Vec::new())),
            false => self.store.bytes(object, range),
        };
        let Some(first) = read(0..size.min(FIRST_BYTES))? else {
            return Ok(None);
        };
        let telling = read(telling_bytes(&first, size).unwrap_or_default())?;
        Ok(telling.map(|telling| Content { first, telling }))
    }

    /// Writes the line of the audit that completes the one of the URL's issuing.
    fn record_judged(
        &self,
        created: &Created,
        description: &Description,
        judgement: Judgement,
        is_new: bool,
    ) {
        let object = &created.object;
        let owner = owner(self.key_prefix, &object.key);
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.request_id,
            principal = owner.principal(),
            link = owner.link(),
            key = object.key,
            version_id = object.version_id,
            size = description.size,
            sha256 = description.sha256,
            declared = description.content_type,
            encoding = description.content_encoding,
            detected = judgement.detected,
            verdict = judgement.verdict.as_str(),
            sequencer = created.sequencer,
            repeated = !is_new,
            "judged"
        );
    }

    /// Records that an object was not scanned.
    fn record_passed_over(&self, created: &Created, reason: &str) {
        let object = &created.object;
        let owner = owner(self.key_prefix, &object.key);
        tracing::info!(
            time = timestamp(self.now),
            request_id = self.request_id,
            principal = owner.principal(),
            link = owner.link(),
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

/// Why nobody can read an object with these tags, if it is under quarantine.
pub(crate) fn quarantine(tags: &Tags) -> Option<&'static str> {
    if verdict_of(tags) == Some(Verdict::Forbidden) {
        return Some("already forbidden");
    }
    let is_malware = tags.get(SCAN_TAG).is_some_and(|status| status == THREATS_FOUND);
    is_malware.then_some("malware was found")
}

fn with_verdict(mut tags: Tags, verdict: Verdict) -> Tags {
    tags.insert(TAG.to_owned(), verdict.to_string());
    tags
}

/// Whose object it is, by the key that the signing Lambda made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner<'a> {
    /// `<prefix>/<principal>/…`
    Principal(&'a str),
    /// `<prefix>/links/<folder>/<jti>/…`
    Link(&'a str),
    /// The key was made otherwise, as by `GET /presign`.
    Unknown,
}

impl<'a> Owner<'a> {
    fn principal(self) -> Option<&'a str> {
        match self {
            Self::Principal(principal) => Some(principal),
            Self::Link(_) | Self::Unknown => None,
        }
    }

    fn link(self) -> Option<&'a str> {
        match self {
            Self::Link(jti) => Some(jti),
            Self::Principal(_) | Self::Unknown => None,
        }
    }
}

/// Whose object it is. In the owner's folder lie a batch's files, `<uuid>/<name>`, and its manifests.
fn owner<'a>(key_prefix: &str, key: &'a str) -> Owner<'a> {
    let Some((owner, rest)) = owned(key_prefix, key) else {
        return Owner::Unknown;
    };
    let is_file = rest
        .split_once('/')
        .is_some_and(|(batch, name)| Uuid::try_parse(batch).is_ok() && !name.is_empty());
    if is_file || is_manifest_name(rest) {
        owner
    } else {
        Owner::Unknown
    }
}

/// Whether a key is a manifest's: `<batch>.slipway-manifest.json` in an owner's folder, where no user's file can be.
fn is_manifest(key_prefix: &str, key: &str) -> bool {
    owned(key_prefix, key).is_some_and(|(_, name)| is_manifest_name(name))
}

/// In whose folder a key lies, and what follows that folder. No principal is called `links`.
fn owned<'a>(key_prefix: &str, key: &'a str) -> Option<(Owner<'a>, &'a str)> {
    let (first, rest) = below(key_prefix, key)?;
    if first != LINKS_FOLDER {
        return Some((Owner::Principal(first), rest));
    }
    let (_folder, rest) = rest.split_once('/')?;
    let (jti, rest) = rest.split_once('/')?;
    jti.parse::<LinkId>().is_ok().then_some((Owner::Link(jti), rest))
}

/// The first segment of a key below the prefix, and what follows it.
fn below<'a>(key_prefix: &str, key: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = match key_prefix {
        "" => key,
        prefix => key.strip_prefix(prefix)?.strip_prefix('/')?,
    };
    rest.split_once('/')
        .filter(|(principal, _)| !principal.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prefix: &str, key: &str, expected: Option<&str>) {
        let expected = expected.map_or(Owner::Unknown, Owner::Principal);
        assert_eq!(owner(prefix, key), expected, "{key} below {prefix:?}");
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
        check("uploads", &format!("uploads/me/{MANIFEST}"), Some("me"));
    }

    const JTI: &str = "01a3185c-5000-7000-8000-000000000001";

    fn check_link(prefix: &str, key: &str, expected: Option<&str>) {
        let expected = expected.map_or(Owner::Unknown, Owner::Link);
        assert_eq!(owner(prefix, key), expected, "{key} below {prefix:?}");
    }

    #[test]
    fn a_file_of_a_link_names_the_link() {
        const ID: &str = "0e37df36-f698-11e6-8dd4-cb9ced3df976";
        check_link(
            "uploads",
            &format!("uploads/links/acme/{JTI}/{ID}/a/b.txt"),
            Some(JTI),
        );
        check_link("", &format!("links/acme/{JTI}/{ID}/a"), Some(JTI));
        check_link("uploads", &format!("uploads/links/{ID}/{JTI}/{ID}/a"), Some(JTI));
        check_link(
            "uploads",
            &format!("uploads/links/acme/{JTI}/{MANIFEST}"),
            Some(JTI),
        );
        check_link("uploads", &format!("uploads/links/acme/{ID}/{ID}/a"), None);
        check_link("uploads", &format!("uploads/links/{JTI}/{ID}/a"), None);
        check_link("uploads", &format!("uploads/links/acme/{JTI}/a"), None);
        check_link("uploads", &format!("uploads/links/acme/{JTI}"), None);
    }

    const MANIFEST: &str = "01a3185c-5000-7000-8000-000000000000.2.slipway-manifest.json";

    #[test]
    fn a_manifest_is_one_only_beside_its_batch() {
        for (prefix, key, expected) in [
            ("uploads", format!("uploads/me/{MANIFEST}"), true),
            ("", format!("me/{MANIFEST}"), true),
            ("uploads", format!("uploads/{MANIFEST}"), false),
            ("uploads", format!("uploads2/me/{MANIFEST}"), false),
            ("uploads", format!("uploads/me/folder/{MANIFEST}"), false),
            ("uploads", "uploads/me/a.slipway-manifest.json".to_owned(), false),
            ("uploads", format!("uploads/me/{MANIFEST}").to_uppercase(), false),
            ("uploads", format!("uploads/links/acme/{JTI}/{MANIFEST}"), true),
            ("", format!("links/acme/{JTI}/{MANIFEST}"), true),
            ("uploads", format!("uploads/links/{MANIFEST}"), false),
            ("uploads", format!("uploads/links/acme/{MANIFEST}"), false),
            ("uploads", format!("uploads/links/a/b/{JTI}/{MANIFEST}"), false),
            (
                "uploads",
                format!("uploads/links/acme/{JTI}/{JTI}/{MANIFEST}"),
                false,
            ),
            ("uploads", format!("uploads/me/acme/{JTI}/{MANIFEST}"), false),
        ] {
            assert_eq!(is_manifest(prefix, &key), expected, "{key} below {prefix:?}");
        }
    }

    #[test]
    fn only_a_verdict_is_taken_for_one() {
        let tags = |value: &str| Tags::from([(TAG.to_owned(), value.to_owned())]);
        assert_eq!(verdict_of(&tags("clean")), Some(Verdict::Clean));
        assert_eq!(verdict_of(&tags("Clean")), None);
        assert_eq!(verdict_of(&Tags::new()), None);
    }
}
