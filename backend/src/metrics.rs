//! What a request led to, as CloudWatch metrics in the embedded metric format (Amazon CloudWatch User
//! Guide, "Specification: Embedded metric format").

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value, json};
use wire::ErrorCode;

use crate::s3_request::{PUT_MANIFEST, S3Request};

/// Where CloudWatch keeps the metrics.
const NAMESPACE: &str = "Slipway";

/// The dimension that distinguishes functions.
const FUNCTION_NAME: &str = "FunctionName";

/// The counts of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metrics {
    urls_issued: u64,
    bytes_authorised: u64,
    manifests_issued: u64,
    links_made: u64,
    links_opened: u64,
    /// Refusals by the name of their error code.
    refused: BTreeMap<&'static str, u64>,
}

impl Metrics {
    /// Counts a URL, and the bytes that may be sent to it.
    pub(crate) fn count_issued(&mut self, request: &S3Request) {
        self.urls_issued += 1;
        self.bytes_authorised = self.bytes_authorised.saturating_add(request.body_bytes);
        self.manifests_issued += u64::from(request.operation == PUT_MANIFEST);
    }

    /// Counts an upload link.
    pub(crate) fn count_link(&mut self) {
        self.links_made += 1;
    }

    /// Counts that an upload link was opened.
    pub(crate) fn count_link_opened(&mut self) {
        self.links_opened += 1;
    }

    /// Counts a refusal.
    pub(crate) fn count_refused(&mut self, code: ErrorCode) {
        *self.refused.entry(code.as_str()).or_default() += 1;
    }

    /// The document of a request at this time, in one line; `None` if nothing was issued or refused.
    ///
    /// `UrlsIssued`, `BytesAuthorised` and `RequestsRefused` are always there, `ManifestsIssued` if one of the URLs is a
    /// manifest's, `LinksMade` and `LinksOpened` if an upload link was made or opened, and `Refused<Code>` for each error
    /// code that occurred. The link that the request came with is named beside them and is no dimension, because each would
    /// cost as a metric.
    pub(crate) fn document(
        &self,
        now: SystemTime,
        function_name: &str,
        link: Option<String>,
    ) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let milliseconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut values = Map::new();
        let mut definitions = Vec::new();
        for (name, unit, value) in self.values() {
            definitions.push(json!({"Name": name, "Unit": unit}));
            values.insert(name, value.into());
        }
        values.insert(FUNCTION_NAME.to_owned(), function_name.into());
        values.extend(link.map(|link| ("Link".to_owned(), link.into())));
        values.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": u64::try_from(milliseconds).unwrap_or_default(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [[FUNCTION_NAME]],
                    "Metrics": definitions,
                }],
            }),
        );
        Some(Value::Object(values).to_string())
    }

    /// The names, units and values of all metrics.
    fn values(&self) -> Vec<(String, &'static str, u64)> {
        let mut values = vec![
            ("UrlsIssued".to_owned(), "Count", self.urls_issued),
            ("BytesAuthorised".to_owned(), "Bytes", self.bytes_authorised),
            ("RequestsRefused".to_owned(), "Count", self.refused.values().sum()),
        ];
        if self.manifests_issued > 0 {
            values.push(("ManifestsIssued".to_owned(), "Count", self.manifests_issued));
        }
        if self.links_made > 0 {
            values.push(("LinksMade".to_owned(), "Count", self.links_made));
        }
        if self.links_opened > 0 {
            values.push(("LinksOpened".to_owned(), "Count", self.links_opened));
        }
        let reasons = self.refused.iter();
        values.extend(reasons.map(|(code, count)| (format!("Refused{code}"), "Count", *count)));
        values
    }
}
