//! PostObject: a form with a file, whose fields are what a PutObject has in its headers.
//!
//! s3s checks the signature, the policy's conditions and that each field has one (Amazon S3 API Reference, "POST Object"
//! and "Creating a POST policy"). Only the bucket's owner can sign forms here.

use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::{
    S3Request, S3Response,
    dto::{PostObjectInput, PostObjectOutput, PutObjectInput},
};

use super::{bucket::Bucket, failure::Failure};

impl Bucket {
    pub(super) async fn post_object(
        &self,
        request: S3Request<PostObjectInput>,
    ) -> Result<S3Response<PostObjectOutput>, Failure> {
        let headers = headers_of(&request.input)?;
        let mut request = request.map_input(|input| PutObjectInput {
            bucket: input.bucket,
            key: input.key,
            // An empty file has no length here.
            content_length: input.content_length.or(Some(0)),
            body: input.body,
            ..Default::default()
        });
        request.headers = headers;
        let response = self.put_object(request).await?;
        Ok(S3Response::new(PostObjectOutput {
            e_tag: response.output.e_tag,
            ..Default::default()
        }))
    }
}

/// The headers that a PutObject of the same object has.
fn headers_of(input: &PostObjectInput) -> Result<HeaderMap, Failure> {
    let fields = [
        ("content-type", input.content_type.clone()),
        ("x-amz-checksum-sha256", input.checksum_sha256.clone()),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let metadata = input.metadata.iter().flatten();
    let metadata = metadata.map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone()));
    let mut headers = HeaderMap::new();
    for (name, value) in fields.chain(metadata) {
        let invalid = || Failure::invalid_argument("A field is no header.", "ArgumentName", &name);
        let header = HeaderName::try_from(&name).map_err(|_| invalid())?;
        let value = HeaderValue::try_from(value).map_err(|_| invalid())?;
        headers.insert(header, value);
    }
    Ok(headers)
}
