//! GetObjectTagging and PutObjectTagging, and the header by which an object gets its first tags.

use std::collections::BTreeMap;

use http::HeaderMap;
use s3s::{
    S3Request, S3Response,
    dto::{
        GetObjectTaggingInput, GetObjectTaggingOutput, PutObjectTaggingInput, PutObjectTaggingOutput, Tag,
    },
};

use super::{bucket::Bucket, failure::Failure};
use crate::{checksum::Algorithm, storage::ObjectRecord};

/// The header of PutObject and CreateMultipartUpload that holds tags as a query does. An object keeps its
/// tags in this form among its headers.
pub(crate) const HEADER: &str = "x-amz-tagging";

/// The most tags of an object, and their longest names and values in characters (Amazon S3 User Guide,
/// "Categorizing your objects using tags").
const MAX_TAGS: usize = 10;
const MAX_NAME_CHARACTERS: usize = 128;
const MAX_VALUE_CHARACTERS: usize = 256;

/// Tags by name.
pub(crate) type Tags = BTreeMap<String, String>;

impl Bucket {
    pub(super) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> Result<S3Response<GetObjectTaggingOutput>, Failure> {
        let key = request.input.key;
        let record = self
            .on_disk(move |store| {
                let opened = store.open_object(&key)?;
                Ok(opened.ok_or_else(|| Failure::no_such_key(&key))?.record)
            })
            .await?;
        let tags = tags_of(&record).into_iter().map(|(name, value)| Tag {
            key: Some(name),
            value: Some(value),
        });
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: tags.collect(),
            version_id: None,
        }))
    }

    pub(super) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> Result<S3Response<PutObjectTaggingOutput>, Failure> {
        check_has_digest(&request.headers)?;
        let tags = request.input.tagging.tag_set.into_iter();
        let tags = checked(tags.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())))?;
        let key = request.input.key;
        self.on_disk(move |store| {
            let found = store.set_header(&key, HEADER, &tagging_header(&tags))?;
            found.then_some(()).ok_or_else(|| Failure::no_such_key(&key))
        })
        .await?;
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }
}

/// The tags of an object.
pub(crate) fn tags_of(record: &ObjectRecord) -> Tags {
    let header = record.headers.get(HEADER).map_or("", String::as_str);
    form_urlencoded::parse(header.as_bytes()).into_owned().collect()
}

/// The header of an object with these tags.
pub(crate) fn tagging_header(tags: &Tags) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(tags)
        .finish()
}

/// Checks the header of a request that creates an object.
///
/// # Errors
/// As [`checked`].
pub(super) fn check_header(value: &str) -> Result<(), Failure> {
    checked(form_urlencoded::parse(value.as_bytes()).into_owned()).map(drop)
}

/// The tags, if an object may have them.
///
/// # Errors
/// 400 BadRequest for more than ten, 400 InvalidTag for one that is too long or occurs twice.
fn checked(tags: impl Iterator<Item = (String, String)>) -> Result<Tags, Failure> {
    let invalid = |message: &'static str| Failure::new("InvalidTag", message);
    let mut checked = Tags::new();
    for (name, value) in tags {
        if !(1..=MAX_NAME_CHARACTERS).contains(&name.chars().count()) {
            return Err(invalid("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > MAX_VALUE_CHARACTERS {
            return Err(invalid("The TagValue you have provided is invalid"));
        }
        if checked.insert(name, value).is_some() {
            return Err(invalid("Cannot provide multiple Tags with the same key"));
        }
    }
    if checked.len() > MAX_TAGS {
        return Err(Failure::new(
            "BadRequest",
            "Object tags cannot be greater than 10",
        ));
    }
    Ok(checked)
}

fn check_has_digest(headers: &HeaderMap) -> Result<(), Failure> {
    let mut digests = Algorithm::ALL
        .into_iter()
        .map(Algorithm::header)
        .chain(["content-md5"]);
    if digests.any(|name| headers.contains_key(name)) {
        return Ok(());
    }
    Err(Failure::invalid_request(
        "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: usize, name: &str, value: &str, expected: Option<&str>) {
        let tags = (0..count).map(|number| (format!("{name}{number}"), value.to_owned()));
        let code = checked(tags).err().map(|failure| failure.code.into_owned());
        assert_eq!(code.as_deref(), expected, "{count} times {name}={value}");
    }

    #[test]
    fn an_object_has_ten_tags_of_some_length() {
        check(10, "a", "b", None);
        check(11, "a", "b", Some("BadRequest"));
        check(1, &"é".repeat(127), &"é".repeat(256), None);
        check(1, &"n".repeat(128), "", Some("InvalidTag"));
        check(1, "n", &"v".repeat(257), Some("InvalidTag"));
    }

    #[test]
    fn tags_survive_their_header() {
        let tags = Tags::from(
            [("slipway:verdict", "clean"), ("a b&c=d", "é+/")]
                .map(|(name, value)| (name.into(), value.into())),
        );
        let header = tagging_header(&tags);
        assert_eq!(
            checked(form_urlencoded::parse(header.as_bytes()).into_owned()).ok(),
            Some(tags)
        );
        assert!(check_header("a=1&a=2").is_err());
    }
}
