//! A model of S3: PutObject and multipart uploads, as strict as the real one in everything that the
//! engine could notice (Amazon S3 API reference).

use std::collections::BTreeMap;

use engine::{FileId, HttpAnswer};
use wire::{BatchId, MIN_PART_BYTES, Sha256Digest};

use crate::{
    models::{
        disk::{Content, DiskFile},
        lambda::{Grant, Operation},
        manifests::Manifest,
        s3_answers::{
            answer, complete_result, create_result, error, error_code, list_parts_result, no_such_upload,
        },
    },
    scenario::Service,
    violation::{Malformation, Violation},
};

/// An object.
#[derive(Debug)]
pub(crate) enum Object {
    /// Made of these contents, one after another.
    Uploaded(Vec<Content>),
    /// The manifest of a batch.
    Manifest(Manifest),
    /// Somebody else's.
    Foreign,
}

/// A part that was stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredPart {
    pub(crate) content: Content,
    pub(crate) etag: String,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) file: FileId,
    pub(crate) key: String,
    pub(crate) parts: BTreeMap<u32, StoredPart>,
    /// Whether a stored part was replaced, so that a client may name it wrongly through no fault of its
    /// own.
    pub(crate) replaced: bool,
    /// When it was created and when a request last named it, in seconds of the servers' clock.
    created: u64,
    last_used: u64,
    /// A Complete that S3 goes on with, until then.
    completing: Option<(u64, Vec<Content>)>,
}

impl Upload {
    /// Whether a lifecycle rule could drop it now: it is more than a day old, and no request has named it
    /// for more than an hour, both with an hour to spare for answers that take long.
    pub(crate) const fn is_abandoned(&self, now: u64) -> bool {
        now >= self.created + 25 * 3600 && now >= self.last_used + 2 * 3600
    }

    pub(crate) const fn is_completing(&self) -> bool {
        self.completing.is_some()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.parts.values().map(|part| part.content.size()).sum()
    }
}

/// What a request carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    Bytes(&'a Content),
    Manifest(&'a Manifest),
    Text(&'a str),
}

/// The bucket.
#[derive(Debug)]
pub(crate) struct S3 {
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// How many parts a page of ListParts has; few, so that short uploads have several pages.
    parts_per_page: usize,
    service: Service,
    etags: u64,
    /// In seconds of the servers' clock.
    pub(crate) now: u64,
    /// How many seconds the next Complete takes.
    pub(crate) completing: u64,
}

/// One `<Part>` of CompleteMultipartUpload.
struct NamedPart {
    number: u32,
    etag: String,
    sha256: Option<String>,
}

impl S3 {
    pub(crate) const fn new(parts_per_page: usize, service: Service) -> Self {
        Self {
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            parts_per_page,
            service,
            etags: 0,
            now: 0,
            completing: 0,
        }
    }

    /// Checks that an answer is not one that only a broken client gets. A part may be named as it no longer
    /// is if a late copy of it replaced it.
    pub(crate) fn check_answer(&self, grant: &Grant, body: &str) -> Result<(), Violation> {
        let is_replaced = match &grant.operation {
            Operation::CompleteMultipartUpload { upload_id, .. } => {
                self.uploads.get(upload_id).is_some_and(|upload| upload.replaced)
            }
            _ => false,
        };
        let code = match error_code(body) {
            Some("InvalidPart") if !is_replaced => Malformation::InvalidPart,
            Some("InvalidPartOrder") => Malformation::InvalidPartOrder,
            Some("UnequalParts") => Malformation::UnequalParts,
            Some("EntityTooSmall") => Malformation::EntityTooSmall,
            Some("MalformedXML") => Malformation::MalformedXml,
            _ => return Ok(()),
        };
        let answer = body.to_owned();
        Err(Violation::RequestMalformed { code, answer })
    }

    /// Checks that an object is one version of one file, whole and in order.
    pub(crate) fn check_object(&self, key: &str, disk: &[DiskFile]) -> Result<(), Violation> {
        let Some(Object::Uploaded(contents)) = self.objects.get(key) else {
            return Ok(());
        };
        let first = &contents[0];
        let mut end = 0;
        let is_whole = contents.iter().all(|content| {
            let follows = content.range.start == end && content.version == first.version;
            end = content.range.end;
            follows && content.file == first.file
        });
        let size = disk.get(first.file.0 as usize).map(|disk| disk.picked_size);
        if is_whole && Some(end) == size {
            return Ok(());
        }
        Err(Violation::ObjectScrambled {
            key: key.to_owned(),
            contents: format!("{contents:?}"),
        })
    }

    /// Checks that no file is stored twice with the same bytes.
    pub(crate) fn check_once(&self) -> Result<(), Violation> {
        let mut keys = BTreeMap::<(FileId, u32), Vec<String>>::new();
        for (key, object) in &self.objects {
            if let Object::Uploaded(contents) = object {
                let bytes = (contents[0].file, contents[0].version);
                keys.entry(bytes).or_default().push(key.clone());
            }
        }
        match keys.into_iter().find(|(_, keys)| keys.len() > 1) {
            Some(((file, _), keys)) => Err(Violation::StoredTwice { file, keys }),
            None => Ok(()),
        }
    }

    /// The manifests of a batch.
    pub(crate) fn manifests(&self, batch: BatchId) -> impl Iterator<Item = &Manifest> {
        self.objects.values().filter_map(move |object| match object {
            Object::Manifest(manifest) if manifest.batch == batch => Some(manifest),
            _ => None,
        })
    }

    /// Whether S3 is still putting this file's parts together.
    pub(crate) fn is_completing(&self, file: FileId) -> bool {
        let mut uploads = self.uploads.values();
        uploads.any(|upload| upload.file == file && upload.is_completing())
    }

    /// Makes the objects whose parts are put together by now.
    pub(crate) fn finish_completing(&mut self, now: u64) {
        self.now = now;
        let is_due = |upload: &Upload| upload.completing.as_ref().is_some_and(|(until, _)| *until <= now);
        let due = self.uploads.extract_if(.., |_, upload| is_due(upload));
        for (_, upload) in due {
            if let Some((_, contents)) = upload.completing {
                self.objects.insert(upload.key, Object::Uploaded(contents));
            }
        }
    }

    /// Carries a request out.
    pub(crate) fn carry_out(&mut self, grant: &Grant, body: Body<'_>) -> HttpAnswer {
        let Grant { key, operation, .. } = grant;
        if let Operation::UploadPart { upload_id, .. } | Operation::ListParts { upload_id, .. } = operation
            && let Some(upload) = self.uploads.get_mut(upload_id)
        {
            upload.last_used = self.now;
        }
        match (operation, body) {
            (Operation::PutObject { size, sha256 }, Body::Bytes(content)) => {
                let refused = refuse_bytes(*size, sha256, content.size(), content.digest());
                let object = Object::Uploaded(vec![content.clone()]);
                self.put_object(key, refused, object)
            }
            (Operation::PutObject { size, sha256 }, Body::Manifest(manifest)) => {
                let refused = refuse_bytes(*size, sha256, manifest.size(), manifest.digest());
                self.put_object(key, refused, Object::Manifest(manifest.clone()))
            }
            (Operation::CreateMultipartUpload { file }, Body::Text(_)) => self.create(*file, key),
            (
                Operation::UploadPart {
                    upload_id,
                    number,
                    size,
                    sha256,
                },
                Body::Bytes(content),
            ) => self.upload_part(upload_id, *number, *size, sha256, content),
            (Operation::ListParts { upload_id, marker }, Body::Text(_)) => self.list(upload_id, *marker),
            (Operation::CompleteMultipartUpload { upload_id, size }, Body::Text(text)) => {
                self.complete(upload_id, *size, text)
            }
            (Operation::AbortMultipartUpload { upload_id }, Body::Text(_)) => {
                match self.uploads.remove(upload_id) {
                    Some(_) => answer(204, None, String::new()),
                    None => no_such_upload(),
                }
            }
            _ => error(400, "InvalidRequest", "The body is not one for this operation"),
        }
    }

    /// Whether an object has this key that no request replaces.
    fn keeps(&self, key: &str) -> bool {
        !self.service.unconditional && self.objects.contains_key(key)
    }

    fn new_etag(&mut self) -> String {
        self.etags += 1;
        format!("\"{}\"", self.etags)
    }

    fn put_object(&mut self, key: &str, refused: Option<HttpAnswer>, object: Object) -> HttpAnswer {
        if self.keeps(key) {
            return taken();
        }
        if let Some(refused) = refused {
            return refused;
        }
        self.objects.insert(key.to_owned(), object);
        let etag = self.new_etag();
        answer(200, Some(etag), String::new())
    }

    fn create(&mut self, file: FileId, key: &str) -> HttpAnswer {
        self.etags += 1;
        let upload_id = format!("upload-{}", self.etags);
        let upload = Upload {
            file,
            key: key.to_owned(),
            parts: BTreeMap::new(),
            replaced: false,
            created: self.now,
            last_used: self.now,
            completing: None,
        };
        let body = create_result(key, &upload_id);
        self.uploads.insert(upload_id, upload);
        answer(200, None, body)
    }

    fn upload_part(
        &mut self,
        upload_id: &str,
        number: u32,
        size: u64,
        sha256: &Sha256Digest,
        content: &Content,
    ) -> HttpAnswer {
        if !self.uploads.contains_key(upload_id) {
            return no_such_upload();
        }
        if let Some(refused) = refuse_bytes(size, sha256, content.size(), content.digest()) {
            return refused;
        }
        let etag = self.store_part(upload_id, number, content.clone());
        answer(200, Some(etag), String::new())
    }

    /// Stores a part, whoever sent it.
    pub(crate) fn store_part(&mut self, upload_id: &str, number: u32, content: Content) -> String {
        let etag = self.new_etag();
        if let Some(upload) = self.uploads.get_mut(upload_id) {
            let etag = etag.clone();
            let before = upload.parts.insert(number, StoredPart { content, etag });
            upload.replaced |= before.is_some();
        }
        etag
    }

    /// Whether a part is stored with this checksum.
    pub(crate) fn has_part(&self, upload_id: &str, number: u32, sha256: &Sha256Digest) -> bool {
        let upload = self.uploads.get(upload_id);
        upload
            .and_then(|upload| upload.parts.get(&number))
            .is_some_and(|part| part.content.digest() == *sha256)
    }

    fn list(&self, upload_id: &str, marker: u32) -> HttpAnswer {
        let Some(upload) = self.uploads.get(upload_id) else {
            return no_such_upload();
        };
        let page: Vec<(u32, &StoredPart)> = upload
            .parts
            .range(marker + 1..)
            .map(|(number, part)| (*number, part))
            .take(self.parts_per_page)
            .collect();
        let last = page.last().map_or(marker, |(number, _)| *number);
        let next = upload.parts.range(last + 1..).next().map(|_| last);
        let parts = page
            .into_iter()
            .map(|(number, part)| (number, &*part.etag, &part.content));
        answer(
            200,
            None,
            list_parts_result(parts, next, !self.service.without_checksums),
        )
    }

    fn complete(&mut self, upload_id: &str, size: u64, body: &str) -> HttpAnswer {
        let Some(upload) = self.uploads.get(upload_id) else {
            return no_such_upload();
        };
        if self.keeps(&upload.key) {
            return taken();
        }
        if upload.is_completing() {
            let code = match self.service.unconditional {
                true => "OperationAborted",
                false => "ConditionalRequestConflict",
            };
            return error(409, code, "A conflicting operation is in progress");
        }
        let contents = match complete_contents(upload, size, body, self.service) {
            Ok(contents) => contents,
            Err(refused) => return refused,
        };
        let body = complete_result(&upload.key);
        let seconds = std::mem::take(&mut self.completing);
        if seconds > 0 {
            if let Some(upload) = self.uploads.get_mut(upload_id) {
                upload.completing = Some((self.now + seconds, contents));
            }
        } else if let Some(upload) = self.uploads.remove(upload_id) {
            self.objects.insert(upload.key, Object::Uploaded(contents));
        }
        answer(200, None, body)
    }
}

fn taken() -> HttpAnswer {
    error(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
}

/// What a request that was signed for a size and a checksum is refused with, if its body has others.
fn refuse_bytes(size: u64, sha256: &Sha256Digest, sent: u64, digest: Sha256Digest) -> Option<HttpAnswer> {
    if sent != size {
        return Some(error(403, "SignatureDoesNotMatch", "The content-length differs"));
    }
    (digest != *sha256).then(|| error(400, "BadDigest", "The SHA256 you specified did not match"))
}

/// What the object would be made of, if the request names the parts as they are.
fn complete_contents(
    upload: &Upload,
    size: u64,
    body: &str,
    service: Service,
) -> Result<Vec<Content>, HttpAnswer> {
    let named = named_parts(body).ok_or_else(|| error(400, "MalformedXML", "Not the published schema"))?;
    if !named.windows(2).all(|pair| pair[0].number < pair[1].number) {
        return Err(error(400, "InvalidPartOrder", "The parts were not in order"));
    }
    let mut contents = Vec::new();
    for part in &named {
        let has_checksum = |stored: &StoredPart| match service.without_checksums {
            true => part.sha256.is_none(),
            false => part.sha256 == Some(stored.content.digest().to_string()),
        };
        let stored = upload.parts.get(&part.number);
        let stored = stored.filter(|stored| stored.etag == part.etag && has_checksum(stored));
        let Some(stored) = stored else {
            return Err(error(400, "InvalidPart", "A part could not be found"));
        };
        contents.push(stored.content.clone());
    }
    let all_but_last = contents.len().saturating_sub(1);
    if contents
        .iter()
        .take(all_but_last)
        .any(|content| content.size() < MIN_PART_BYTES)
    {
        return Err(error(400, "EntityTooSmall", "A part is too small"));
    }
    let all_but_last = &contents[..all_but_last];
    if service.constant_parts
        && all_but_last
            .windows(2)
            .any(|pair| pair[0].size() != pair[1].size())
    {
        return Err(error(400, "UnequalParts", "All parts but the last have one size"));
    }
    if contents.is_empty() || contents.iter().map(Content::size).sum::<u64>() != size {
        return Err(error(400, "InvalidRequest", "The object would have another size"));
    }
    Ok(contents)
}

fn named_parts(body: &str) -> Option<Vec<NamedPart>> {
    let document = roxmltree::Document::parse(body).ok()?;
    document
        .root_element()
        .children()
        .map(|part| {
            let text = |name| {
                let child = part
                    .children()
                    .find(|child| child.has_tag_name(("http://s3.amazonaws.com/doc/2006-03-01/", name)))?;
                child.text()
            };
            Some(NamedPart {
                number: text("PartNumber")?.parse().ok()?,
                etag: text("ETag")?.to_owned(),
                sha256: text("ChecksumSHA256").map(str::to_owned),
            })
        })
        .collect()
}
