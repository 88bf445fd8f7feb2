//! The operations of S3's API that the bucket answers.

use std::sync::Arc;

use async_trait::async_trait;
use http::Extensions;
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
        DeleteObjectInput, DeleteObjectOutput, GetObjectInput, GetObjectOutput, GetObjectTaggingInput,
        GetObjectTaggingOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
        ListPartsInput, ListPartsOutput, PutObjectInput, PutObjectOutput, PutObjectTaggingInput,
        PutObjectTaggingOutput, UploadPartInput, UploadPartOutput,
    },
};

use super::{
    failure::{Failure, FailureSlot},
    multipart::UploadLocks,
};
use crate::{notifications::Notifications, storage::Store};

/// One bucket's operations.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(super) bucket: Arc<str>,
    pub(super) store: Arc<Store>,
    pub(super) upload_locks: Arc<UploadLocks>,
    pub(super) notifications: Notifications,
}

impl Operations {
    pub(crate) fn new(bucket: &str, store: Arc<Store>, notifications: Notifications) -> Self {
        Self {
            bucket: bucket.into(),
            store,
            upload_locks: Arc::default(),
            notifications,
        }
    }

    /// Runs what waits for the disk where waiting is allowed.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = Arc::clone(&self.store);
        let outcome = tokio::task::spawn_blocking(move || work(&store)).await;
        outcome.unwrap_or_else(|_| Err(Failure::internal()))
    }

    /// # Errors
    /// 404 NoSuchBucket for any bucket but this one.
    fn check_bucket(&self, bucket: &str) -> Result<(), Failure> {
        if bucket == &*self.bucket {
            Ok(())
        } else {
            Err(Failure::no_such_bucket(bucket))
        }
    }
}

/// Hands a [`Failure`] to the edge and stops s3s.
fn answer<T>(extensions: &Extensions, outcome: Result<T, Failure>) -> S3Result<T> {
    outcome.map_err(|failure| FailureSlot::of(extensions).raise(failure))
}

/// One method of [`S3`] that checks the bucket and delegates to a method of [`Operations`].
macro_rules! operations {
    ($($name:ident: $input:ty => $output:ty;)*) => {
        #[async_trait]
        impl S3 for Operations {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    let extensions = request.extensions.clone();
                    let outcome = match self.check_bucket(&request.input.bucket) {
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
