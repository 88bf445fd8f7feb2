//! Every fact about S3 that Slipway is built on, asked of the local S3 and of OpenStack Swift.
//!
//! The facts are those of Amazon S3: each row says what it answers. Both services have to answer the
//! same, but for the differences that a row lists with their reason. A listed difference is asserted too,
//! so that a test fails when it goes away.

mod checksums;
mod cors;
mod errors;
mod presigned;
mod run;
mod single_use;
mod sizes;
mod table;
mod uploads;

use anyhow::Result;

use run::{Kind, check};
use table::Fact;

/// The origin of the page.
const PAGE: &str = "http://127.0.0.1:8080";

fn facts() -> Vec<Fact> {
    [
        presigned::facts(),
        single_use::facts(),
        errors::facts(),
        checksums::facts(),
        sizes::facts(),
        cors::facts(),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_s3_answers_as_amazon_s3_does() -> Result<()> {
    check(Kind::Local, &facts()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn swift_answers_as_amazon_s3_does_but_for_listed_differences() -> Result<()> {
    check(Kind::Swift, &facts()).await
}
