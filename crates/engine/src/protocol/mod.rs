//! What S3 and the Lambda say, and what it means.

pub(crate) mod judge;
pub(crate) mod lambda_answers;
pub(crate) mod recovery;
pub(crate) mod s3_xml;
