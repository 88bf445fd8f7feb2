//! What small files would gain if they were sent as forms (Amazon S3 API Reference, "POST Object"): a form needs no
//! preflight, a PUT needs one for each file. Everything is signed beforehand, and the bytes are made in the page, so that
//! nothing but the requests is measured.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64ct::{Base64, Encoding as _};
use local::{BUCKET, OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY, REGION};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use url::Url;

use crate::{
    client::Client,
    stage::{Setting, Stage, Way},
    table::{Better, Table},
    upload::open,
};

const SEND: &str = include_str!("forms.js");

/// The sizes of the files, in bytes: multiples of 8.
const SIZES: [u64; 3] = [1 << 10, 10 << 10, 100 << 10];

/// More files than any server gets in ten seconds.
const FILES: u64 = 5_000;

/// How long a request is valid.
const EXPIRATION: Duration = Duration::from_secs(3600);

const CONTENT_TYPE: &str = "text/plain";

/// How a file is sent.
#[derive(Clone, Copy)]
enum Sent {
    Put,
    Post,
}

/// What a report says about how it was measured.
pub(crate) fn method(time: Duration) -> String {
    format!(
        "Files that were stored in {} s, six requests at once to each of two endpoints; signed beforehand, bytes made in \
         the page.",
        time.as_secs()
    )
}

/// Sends files of each size in both ways, in turn, for `time` each.
pub(crate) async fn measure(setting: &Setting, way: &Way, rounds: u32, time: Duration) -> Result<Vec<Table>> {
    let name = |size: u64| format!("files of {} KiB", size >> 10);
    let mut tables = SIZES.map(|size| Table::new(name(size), "files/s", Better::More));
    for round in 1..=rounds {
        for (size, table) in SIZES.into_iter().zip(&mut tables) {
            let mut ways = [(Sent::Post, "form"), (Sent::Put, "PUT with its preflight")];
            ways.rotate_left(round as usize % 2);
            for (sent, subject) in ways {
                let rate = send(setting, way, sent, size, time).await?;
                eprintln!("round {round}, {}, {subject}: {rate:.1} files/s", name(size));
                table.add(subject, rate);
            }
        }
    }
    tables
        .iter_mut()
        .for_each(|table| table.order(&["form", "PUT with its preflight"]));
    Ok(tables.into())
}

async fn send(setting: &Setting, way: &Way, sent: Sent, size: u64, time: Duration) -> Result<f64> {
    let stage = Stage::start(setting, Client::Xhr, way, "").await?;
    let mut tab = open(Client::Xhr, &stage).await?;
    let [first, second] = stage.s3_urls();
    let requests = [
        prepare(first, 0, sent, size)?,
        prepare(second, FILES, sent, size)?,
    ];
    let name = match sent {
        Sent::Put => "put",
        Sent::Post => "post",
    };
    let call = format!(
        "({SEND})('{name}', {size}, {}, {})",
        json!(requests),
        time.as_millis()
    );
    let stored = tab.evaluate(&call).await;
    tab.close().await?;
    stage.stop().await?;
    Ok(stored?.as_f64().context("a count")? / time.as_secs_f64())
}

/// The requests for files to one endpoint.
fn prepare(endpoint: &str, from: u64, sent: Sent, size: u64) -> Result<Vec<Value>> {
    let bucket = Bucket::new(Url::parse(endpoint)?, UrlStyle::Path, BUCKET, REGION)?;
    let files = (from..from + FILES).map(|number| {
        let bytes = format!("{number:08}").repeat((size / 8) as usize);
        let sha256 = Base64::encode_string(&Sha256::digest(bytes));
        match sent {
            Sent::Put => Ok(put(&bucket, number, &sha256)),
            Sent::Post => form(&bucket, number, &sha256, size),
        }
    });
    files.collect()
}

/// A PutObject as Slipway's page sends it.
fn put(bucket: &Bucket, number: u64, sha256: &str) -> Value {
    let credentials = Credentials::new(OWNER_ACCESS_KEY_ID, OWNER_SECRET_ACCESS_KEY);
    let key = key_of(number);
    let headers = [
        ("content-type", CONTENT_TYPE),
        ("if-none-match", "*"),
        ("x-amz-checksum-sha256", sha256),
        ("x-amz-meta-filename", &key),
    ];
    let mut action = bucket.put_object(Some(&credentials), &key);
    for (name, value) in headers {
        action.headers_mut().insert(name, value);
    }
    let url = action.sign(EXPIRATION);
    let headers: serde_json::Map<String, Value> = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    json!({ "number": number, "url": url, "headers": headers })
}

/// A form whose policy allows this file and no other.
fn form(bucket: &Bucket, number: u64, sha256: &str, size: u64) -> Result<Value> {
    let now = SystemTime::now();
    let time = OffsetDateTime::from(now);
    let date = time.format(format_description!("[year][month][day]"))?;
    let amz_date = time.format(format_description!("[year][month][day]T[hour][minute][second]Z"))?;
    let key = key_of(number);
    let mut fields = json!({
        "key": key,
        "content-type": CONTENT_TYPE,
        "x-amz-checksum-sha256": sha256,
        "x-amz-meta-filename": key,
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": format!("{OWNER_ACCESS_KEY_ID}/{date}/{REGION}/s3/aws4_request"),
        "x-amz-date": amz_date,
    });
    let of_fields = fields.as_object().context("the fields")?.iter();
    let mut conditions: Vec<Value> = of_fields.map(|(name, value)| json!({ name: value })).collect();
    conditions.push(json!({ "bucket": BUCKET }));
    conditions.push(json!(["content-length-range", size, size]));
    let expiration = (time + EXPIRATION).format(&Rfc3339)?;
    let policy = json!({ "expiration": expiration, "conditions": conditions }).to_string();
    let policy = Base64::encode_string(policy.as_bytes());
    let signing_key = generate_signing_key(OWNER_SECRET_ACCESS_KEY, now, REGION, "s3");
    fields["x-amz-signature"] = json!(calculate_signature(signing_key, policy.as_bytes()));
    fields["policy"] = json!(policy);
    Ok(json!({ "number": number, "url": bucket.base_url(), "fields": fields }))
}

fn key_of(number: u64) -> String {
    format!("uploads/form/{number:08}.txt")
}
