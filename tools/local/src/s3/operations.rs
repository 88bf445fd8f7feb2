//! The operations of S3's API that the bucket has.

use async_trait::async_trait;
use http::Extensions;
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
        DeleteObjectInput, DeleteObjectOutput, GetObjectInput, GetObjectOutput, GetObjectTaggingInput,
        GetObjectTaggingOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
        ListPartsInput, ListPartsOutput, PostObjectInput, PostObjectOutput, PutObjectInput, PutObjectOutput,
        PutObjectTaggingInput, PutObjectTaggingOutput, UploadPartInput, UploadPartOutput,
    },
};

use super::{
    bucket::Bucket,
    failure::{Failure, FailureSlot},
};
use crate::account::BUCKET;

/// Refuses every bucket but the stack's own.
fn check_bucket(name: &str) -> Result<(), Failure> {
    if name == BUCKET {
        Ok(())
    } else {
        Err(Failure::of("NoSuchBucket").with("BucketName", name))
    }
}

/// Hands a [`Failure`] to the front end and stops s3s.
fn answer<T>(extensions: &Extensions, outcome: Result<T, Failure>) -> S3Result<T> {
    outcome.map_err(|failure| FailureSlot::of(extensions).raise(failure))
}

/// One method of [`S3`] that checks the bucket and delegates to a method of [`Bucket`].
macro_rules! operations {
    ($($name:ident: $input:ty => $output:ty;)*) => {
        #[async_trait]
        impl S3 for Bucket {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    let extensions = request.extensions.clone();
                    let outcome = match check_bucket(&request.input.bucket) {
                        Ok(()) => Self::$name(self, request).await,
                        Err(failure) => Err(failure),
                    };
                    answer(&extensions, outcome)
                }
            )*
        }
    };
}

operations! {
    put_object: PutObjectInput => PutObjectOutput;
    post_object: PostObjectInput => PostObjectOutput;
    get_object: GetObjectInput => GetObjectOutput;
    head_object: HeadObjectInput => HeadObjectOutput;
    get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput;
    put_object_tagging: PutObjectTaggingInput => PutObjectTaggingOutput;
    delete_object: DeleteObjectInput => DeleteObjectOutput;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output;
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput;
    upload_part: UploadPartInput => UploadPartOutput;
    list_parts: ListPartsInput => ListPartsOutput;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput;
}
