//! How S3 is to keep every uploaded object: its encryption and its tags.

use std::collections::BTreeMap;

use lambda_api::{percent_encode, settings::entries};

/// The longest identifier of a KMS key in bytes (AWS KMS API Reference, `KeyId`).
const MAX_KEY_ID_BYTES: usize = 2_048;

/// The most tags of an object, and their longest names and values in characters (Amazon S3 User Guide,
/// "Categorizing your objects using tags").
const MAX_TAGS: usize = 10;
const MAX_TAG_NAME_CHARACTERS: usize = 128;
const MAX_TAG_VALUE_CHARACTERS: usize = 256;

/// What the requests that create an object say besides what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StorageOptions {
    /// The KMS key that encrypts the object, by id, alias or ARN; else the bucket's default holds.
    pub(crate) kms_key_id: Option<String>,
    /// The object's tags by name.
    pub(crate) tags: BTreeMap<String, String>,
}

impl StorageOptions {
    /// Whether nothing is asked for.
    pub(crate) fn are_defaults(&self) -> bool {
        *self == Self::default()
    }

    /// The headers that say it (Amazon S3 API Reference, PutObject and CreateMultipartUpload).
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if let Some(key_id) = &self.kms_key_id {
            headers.push(("x-amz-server-side-encryption", "aws:kms".to_owned()));
            headers.push(("x-amz-server-side-encryption-aws-kms-key-id", key_id.clone()));
        }
        if !self.tags.is_empty() {
            let pairs = self.tags.iter();
            let pairs: Vec<_> = pairs
                .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
                .collect();
            headers.push(("x-amz-tagging", pairs.join("&")));
        }
        headers
    }
}

/// Checks the identifier of a KMS key.
pub(crate) fn parse_kms_key_id(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:".contains(&byte);
    if text.len() > MAX_KEY_ID_BYTES || !text.bytes().all(allowed) {
        return Err("is no id, alias or ARN of a key");
    }
    Ok(text.to_owned())
}

/// Reads comma-separated tags, each as `name=value`.
pub(crate) fn parse_tags(list: &str) -> Result<BTreeMap<String, String>, String> {
    let mut tags = BTreeMap::new();
    for entry in entries(list) {
        let (name, value) = entry
            .split_once('=')
            .filter(|(name, value)| is_tag(name, value))
            .ok_or_else(|| format!("has the entry {entry:?}, which is no tag"))?;
        if tags.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("has the tag {name:?} twice"));
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(format!("has {} tags", tags.len()));
    }
    Ok(tags)
}

fn is_tag(name: &str, value: &str) -> bool {
    let allowed = |text: &str| {
        text.chars()
            .all(|character| character.is_alphanumeric() || " +-=._:/@".contains(character))
    };
    (1..=MAX_TAG_NAME_CHARACTERS).contains(&name.chars().count())
        && value.chars().count() <= MAX_TAG_VALUE_CHARACTERS
        && allowed(name)
        && allowed(value)
        && !name.to_lowercase().starts_with("aws:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_tagging(list: &str, expected: Option<&str>) {
        let options = StorageOptions {
            kms_key_id: None,
            tags: parse_tags(list).expect(list),
        };
        let header = options.headers().into_iter().next();
        assert_eq!(
            header,
            expected.map(|value| ("x-amz-tagging", value.to_owned())),
            "{list}"
        );
    }

    #[test]
    fn tags_are_written_as_a_query() {
        check_tagging("", None);
        check_tagging("team=media, source=slipway", Some("source=slipway&team=media"));
        check_tagging("équipe=a b+c=d,empty=", Some("empty=&%C3%A9quipe=a%20b%2Bc%3Dd"));
    }

    #[test]
    fn what_s3_takes_for_no_tag_is_refused() {
        for list in [
            "team", "=media", "a=b,a=c", "aws:a=b", "AWS:a=b", "a=b&c", "a=b;c", "a=\u{7}",
        ] {
            assert!(parse_tags(list).is_err(), "{list}");
        }
        assert!(parse_tags(&format!("{}=v", "n".repeat(129))).is_err());
        assert!(parse_tags(&format!("n={}", "v".repeat(257))).is_err());
        let eleven: Vec<_> = (0..11).map(|number| format!("n{number}=v")).collect();
        assert!(parse_tags(&eleven.join(",")).is_err());
        assert_eq!(parse_tags(&eleven[..10].join(",")).map(|tags| tags.len()), Ok(10));
    }

    #[test]
    fn a_key_is_named_by_id_alias_or_arn() {
        for key_id in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/uploads",
            "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            assert_eq!(parse_kms_key_id(key_id).as_deref(), Ok(key_id));
        }
        for key_id in ["a b", "a\nb", "é", &"a".repeat(2_049)] {
            assert!(parse_kms_key_id(key_id).is_err(), "{key_id:?}");
        }
    }
}
