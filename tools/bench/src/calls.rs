//! What an upload costs: requests, bytes besides those of the files, and dollars.

use std::time::Duration;

use anyhow::Result;
use local::RecordedRequest;
use tokio::time::sleep;

use crate::{
    client::Client,
    compare::Plan,
    curl,
    stage::{Setting, Stage, Traffic, Way},
    table::{Better, Table},
    upload::{open, watch},
    workload::{Limit, Workload},
};

/// A page that has loaded nothing for this long has loaded everything.
const QUIET: Duration = Duration::from_secs(1);

/// List prices of us-east-1 in dollars, without the free tier (AWS price lists, 2026).
mod price {
    /// S3 Standard: PUT, COPY, POST and LIST requests, each.
    pub(super) const S3_WRITE: f64 = 0.005 / 1000.0;
    /// S3 Standard: GET and all other requests, preflights among them, each.
    pub(super) const S3_READ: f64 = 0.0004 / 1000.0;
    /// Lambda: a request.
    pub(super) const LAMBDA_REQUEST: f64 = 0.20 / 1e6;
    /// Lambda on arm64: a gigabyte-second.
    pub(super) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
    /// API Gateway, HTTP API: a request.
    pub(super) const HTTP_API_REQUEST: f64 = 1.00 / 1e6;
}

/// What a call of the Lambda is billed for: 128 MB for 5 ms, more than any call here takes.
const GB_SECONDS_PER_CALL: f64 = 0.128 * 0.005;

/// Requests to S3 by their price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct S3Requests {
    /// PutObject, UploadPart, CreateMultipartUpload, CompleteMultipartUpload, ListParts.
    writes: u64,
    preflights: u64,
}

impl S3Requests {
    fn of(requests: &[RecordedRequest]) -> Self {
        let mut counted = Self::default();
        for request in requests {
            match request.method.as_str() {
                "OPTIONS" => counted.preflights += 1,
                // Aborting costs nothing.
                "DELETE" => {}
                _ => counted.writes += 1,
            }
        }
        counted
    }
}

/// The dollars that a million files cost if `files` of them have this traffic.
fn dollars_per_million(traffic: &Traffic, files: u64) -> f64 {
    let s3 = S3Requests::of(&traffic.s3);
    let calls = traffic.lambda_calls as f64;
    let api_requests = calls + traffic.api_preflights as f64;
    let dollars = s3.writes as f64 * price::S3_WRITE
        + s3.preflights as f64 * price::S3_READ
        + calls * (price::LAMBDA_REQUEST + GB_SECONDS_PER_CALL * price::LAMBDA_GB_SECOND)
        + api_requests * price::HTTP_API_REQUEST;
    dollars / files as f64 * 1e6
}

/// Uploads every workload by every client, once.
pub(crate) async fn measure(setting: &Setting, plan: &Plan, limit: Limit) -> Vec<Table> {
    plan.run(tables_of, async |client, workload| {
        let (traffic, bytes) = traffic(setting, client, workload, limit).await?;
        Ok(figures(&traffic, bytes, workload.count))
    })
    .await
}

fn tables_of(workload: Workload) -> Vec<Table> {
    let name = workload.name();
    let table = |figure: &str, unit| Table::new(format!("{name}: {figure}"), unit, Better::Less);
    vec![
        table("calls of the Lambda", "calls"),
        table("requests to S3 without preflights", "requests"),
        table("preflights of S3 and API", "requests"),
        table("bytes sent besides the files", "kB"),
        table("bytes received", "kB"),
        table("list price of a million such files", "US dollars"),
    ]
}

fn figures(traffic: &Traffic, bytes: u64, files: u64) -> Vec<f64> {
    let s3 = S3Requests::of(&traffic.s3);
    let overhead = traffic.sent.saturating_sub(bytes);
    vec![
        traffic.lambda_calls as f64,
        s3.writes as f64,
        (s3.preflights + traffic.api_preflights) as f64,
        overhead as f64 / 1e3,
        traffic.received as f64 / 1e3,
        dollars_per_million(traffic, files),
    ]
}

/// What an upload adds to the traffic of a page that has loaded, and the bytes of its files.
async fn traffic(
    setting: &Setting,
    client: Client,
    workload: Workload,
    limit: Limit,
) -> Result<(Traffic, u64)> {
    let files = workload.files(&setting.files)?;
    let stage = Stage::start(setting, client, &Way::Counted, "").await?;
    let outcome = if client == Client::Curl {
        curl::upload(&stage, workload, &setting.files, limit)
            .await
            .map(|(_, bytes)| (stage.traffic(), bytes))
    } else {
        let mut tab = open(client, &stage).await?;
        let before = quiet(&stage).await;
        let done = watch(&mut tab, client, &files, limit, async |_| Ok(())).await;
        tab.close().await?;
        done.map(|_| {
            let after = stage.traffic();
            let traffic = Traffic {
                sent: after.sent - before.sent,
                received: after.received - before.received,
                ..after
            };
            (traffic, workload.bytes())
        })
    };
    stage.stop().await?;
    outcome
}

/// The traffic when a page has loaded everything that it loads by itself.
pub(crate) async fn quiet(stage: &Stage) -> Traffic {
    let mut before = stage.traffic();
    loop {
        sleep(QUIET).await;
        let now = stage.traffic();
        if now.received == before.received {
            return now;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> RecordedRequest {
        RecordedRequest {
            method: method.to_owned(),
            path: "/bucket/key".to_owned(),
            host: String::new(),
            query: String::new(),
            status: 200,
            body_bytes: 0,
        }
    }

    #[test]
    fn a_million_files_cost_what_the_price_lists_say() {
        let traffic = Traffic {
            s3: ["OPTIONS", "PUT", "DELETE"].map(request).to_vec(),
            lambda_calls: 1,
            api_preflights: 1,
            sent: 0,
            received: 0,
        };
        let requests = S3Requests::of(&traffic.s3);
        assert_eq!((requests.writes, requests.preflights), (1, 1));
        // 5.00 for the PUTs, 0.40 for S3's preflights, 0.20 and 0.0085 for the Lambda, 2.00 for the API.
        let dollars = dollars_per_million(&traffic, 1);
        assert!((dollars - 7.6085).abs() < 1e-4, "{dollars}");
        assert!((dollars_per_million(&traffic, 2) - dollars / 2.0).abs() < 1e-9);
    }
}
