//! The development stack: a strict S3 on the disk and API Gateway's part
