//! What the stack pretends to have in AWS: one bucket, its owner, and the role of the Lambda.

/// The only bucket.
pub const BUCKET: &str = "slipway-uploads";

/// The region that requests are signed for.
pub const REGION: &str = "us-east-1";

/// The access key of the bucket's owner, who may do everything. It opens nothing but this stack.
pub const OWNER_ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// The secret of [`OWNER_ACCESS_KEY_ID`].
pub const OWNER_SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The secret that the stack's upload links are signed with. It opens nothing but this stack.
pub const LINK_SECRET: &str = "bG9jYWwgdXBsb2FkIGxpbmtzLCBhbmQgbm90aGluZyBlbHNlIQ==";

/// The access key of the Lambda's role: temporary credentials, as a Lambda always has. The role may
/// do what its URLs may do, under one prefix.
pub const ROLE_ACCESS_KEY_ID: &str = "ASIAIOSFODNN7EXAMPLE";

/// The secret of [`ROLE_ACCESS_KEY_ID`].
pub const ROLE_SECRET_ACCESS_KEY: &str = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY";

/// The session token of [`ROLE_ACCESS_KEY_ID`], with characters that have to be encoded in a URL.
pub const ROLE_SESSION_TOKEN: &str = "local//session+token/with=every&odd%character==";
