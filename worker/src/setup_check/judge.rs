//! What an answer, or none, says of the set-up.

use engine::{HttpAnswer, S3Error, parse_error, parse_list_parts_result};
use messages::{Finding, FindingKind};
use serde::de::DeserializeOwned;
use wire::{ApiError, ErrorBody, ErrorCode, HttpMethod, SignedRequest};

use super::{configuration, finding};

/// Clocks this many seconds apart are taken for equal.
const CLOCK_TOLERANCE_SECONDS: i64 = 60;

/// So many characters of an answer that is not understood are quoted.
const QUOTED_CHARACTERS: usize = 120;

/// A request of the check, named as the Amazon S3 API Reference names its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    PutObject,
    CreateMultipartUpload,
    UploadPart,
    ListParts,
    CompleteMultipartUpload,
    AbortMultipartUpload,
}

impl Step {
    /// What a role needs for it (Amazon S3 User Guide, "Required permissions for Amazon S3 API operations").
    const fn action(self) -> &'static str {
        match self {
            Self::ListParts => "s3:ListMultipartUploadParts",
            Self::AbortMultipartUpload => "s3:AbortMultipartUpload",
            _ => "s3:PutObject",
        }
    }

    /// The errors by which S3 refuses what the check asks of it in vain: it took everything else.
    const fn expected_errors(self) -> &'static [&'static str] {
        match self {
            Self::PutObject => &["BadDigest", "XAmzContentChecksumMismatch"],
            Self::CompleteMultipartUpload => &[
                "InvalidPart",
                "InvalidPartOrder",
                "InvalidRequest",
                "MalformedXML",
                "EntityTooSmall",
            ],
            _ => &[],
        }
    }
}

/// Where the probe goes, read from what the API signed.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    origin: String,
    /// S3's origin.
    storage: String,
    bucket: String,
    /// The folder of every key, with a slash at its end, or empty.
    prefix: String,
    /// The region that the requests are signed for.
    region: String,
    /// The names of the headers that are signed for this deployment.
    signed_headers: Vec<String>,
    /// The API's clock, in seconds since 1970.
    server_time: u64,
}

impl Place {
    /// Reads it from a request for this key.
    pub(crate) fn of(request: &SignedRequest, key: &str, server_time: u64, origin: String) -> Self {
        let url = request.url.as_str();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let in_path = path.split(['/', '?']).next().unwrap_or_default();
        // A bucket's name may have dots, so the last ".s3" begins what is Amazon's.
        let bucket = host.rfind(".s3").map_or(in_path, |end| &host[..end]);
        let credential = url.split_once("X-Amz-Credential=").map(|(_, rest)| rest);
        let region = credential.and_then(|credential| credential.split("%2F").nth(2));
        // A key is `<prefix>/<principal>/<uuid>/<name>`.
        let prefix = key.rsplitn(4, '/').nth(3);
        Self {
            origin,
            storage: [scheme, "://", host].concat(),
            bucket: bucket.to_owned(),
            prefix: prefix.map(|prefix| [prefix, "/"].concat()).unwrap_or_default(),
            region: region.unwrap_or_default().to_owned(),
            signed_headers: request.headers.keys().cloned().collect(),
            server_time,
        }
    }

    fn cors(&self) -> String {
        configuration::bucket_cors(&self.origin, &self.signed_headers)
    }
}

/// Why the API did not do what it was asked.
#[derive(Debug)]
pub(crate) enum ApiProblem {
    /// It refused.
    Refused(ApiError),
    /// Something else is wrong.
    Found(Finding),
}

impl ApiProblem {
    pub(crate) fn finding(self) -> Finding {
        match self {
            Self::Refused(error) => refused(&error),
            Self::Found(finding) => finding,
        }
    }
}

/// Reads an answer of the API.
pub(crate) fn api<T: DeserializeOwned>(url: &str, answer: &HttpAnswer) -> Result<T, ApiProblem> {
    let error = match serde_json::from_str::<T>(&answer.body) {
        Ok(read) if answer.status == 200 => return Ok(read),
        _ => serde_json::from_str::<ErrorBody>(&answer.body).ok(),
    };
    let kind = match (error, answer.status) {
        (Some(body), _) => return Err(ApiProblem::Refused(body.error)),
        (None, 401) => FindingKind::NotSignedIn,
        (None, 429 | 500..) => FindingKind::ApiBusy,
        (None, _) => FindingKind::ApiUnexpectedAnswer,
    };
    let details = format!(
        "POST {url} was answered with {}: {}",
        answer.status,
        quoted(&answer.body)
    );
    Err(ApiProblem::Found(finding(kind, details, "")))
}

/// The API has understood, and refuses.
pub(crate) fn refused(error: &ApiError) -> Finding {
    let kind = match error.code {
        ErrorCode::NotSignedIn => FindingKind::NotSignedIn,
        ErrorCode::InternalError => FindingKind::ApiBusy,
        _ => FindingKind::ApiRefused,
    };
    finding(kind, format!("{:?}: {}", error.code, error.message), "")
}

/// The API has planned nothing, and refused nothing.
pub(crate) fn empty_answer() -> Finding {
    finding(FindingKind::ApiUnexpectedAnswer, "It planned nothing.", "")
}

/// The browser shows no answer of the API.
pub(crate) fn api_silence(url: &str, is_reachable: bool, origin: &str) -> Finding {
    if is_reachable {
        let details =
            format!("{url} answers, but does not allow pages of {origin}. Set this for the Lambda:");
        finding(FindingKind::ApiCors, details, format!("ALLOWED_ORIGINS={origin}"))
    } else {
        let details = format!(
            "Nothing answers at {url}. The address is apiUrl in config.json; the page's \
             Content-Security-Policy has to allow it in connect-src."
        );
        finding(FindingKind::ApiUnreachable, details, "")
    }
}

/// Nothing answers at S3's address.
pub(crate) fn unreachable(place: &Place) -> Finding {
    let Place { storage, bucket, .. } = place;
    let details = format!(
        "Nothing answers at {storage} for the bucket {bucket}. The page's Content-Security-Policy has to allow \
         it in connect-src."
    );
    finding(FindingKind::S3Unreachable, details, "")
}

/// Nothing answers at the bucket's second endpoint, which this request is for.
pub(crate) fn second_endpoint_unreachable(request: &SignedRequest) -> Finding {
    let address: Vec<&str> = request.url.split('/').take(3).collect();
    let details = format!(
        "Nothing answers at {}, so that all goes to the bucket's first address, by half as many connections. The \
         page's Content-Security-Policy has to allow it in connect-src, or secondEndpoint in config.json has to be \
         false.",
        address.join("/")
    );
    finding(FindingKind::SecondEndpointUnreachable, details, "")
}

/// S3 answers, but its CORS configuration does not let the page send a request of this method at all.
pub(crate) fn method_refused(step: Step, method: HttpMethod, place: &Place) -> Finding {
    let Place {
        origin,
        bucket,
        region,
        ..
    } = place;
    let details = format!(
        "{step:?}: the bucket {bucket} does not allow {} from {origin}. A bucket that is in another region than \
         {region} refuses in the same way. {PUT_CORS}",
        method.as_str()
    );
    finding(FindingKind::BucketCors, details, place.cors())
}

/// S3 answers, but its CORS configuration does not let the page send these headers.
pub(crate) fn headers_refused(step: Step, refused: &[&str], place: &Place) -> Finding {
    if refused.is_empty() {
        let details = format!("{step:?} was answered only in part, or at a second try.");
        return finding(FindingKind::S3Unreachable, details, "");
    }
    let details = format!(
        "{step:?}: AllowedHeaders of the bucket {} lacks {}. {PUT_CORS}",
        place.bucket,
        refused.join(", ")
    );
    finding(FindingKind::BucketCors, details, place.cors())
}

/// Where a CORS configuration goes.
const PUT_CORS: &str = "Save this as cors.json and run aws s3api put-bucket-cors --bucket … \
                        --cors-configuration file://cors.json, which replaces the bucket's rules:";

/// What an answer of S3 says; nothing where it is what the step should be answered with.
pub(crate) fn storage(step: Step, answer: &HttpAnswer, place: &Place) -> Option<Finding> {
    match parse_error(answer.status, &answer.body) {
        Some(error) if step.expected_errors().contains(&error.code.as_str()) => None,
        Some(error) => Some(storage_error(step, &error, &answer.body, place)),
        None if !(200..300).contains(&answer.status) => Some(unexpected(step, answer)),
        None => match step {
            Step::UploadPart => hidden_headers(answer, place),
            Step::ListParts if parse_list_parts_result(&answer.body).is_err() => {
                Some(unexpected(step, answer))
            }
            _ => None,
        },
    }
}

/// The answer is none of S3's.
pub(crate) fn unexpected(step: Step, answer: &HttpAnswer) -> Finding {
    let details = format!(
        "{step:?} was answered with {}: {}",
        answer.status,
        quoted(&answer.body)
    );
    finding(FindingKind::S3UnexpectedAnswer, details, "")
}

fn hidden_headers(answer: &HttpAnswer, place: &Place) -> Option<Finding> {
    let read = [&answer.etag, &answer.request_id];
    let hidden: Vec<&str> = configuration::EXPOSED_HEADERS
        .into_iter()
        .zip(read)
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name)
        .collect();
    let details = format!(
        "ExposeHeaders of the bucket {} lacks {}. {PUT_CORS}",
        place.bucket,
        hidden.join(", ")
    );
    (!hidden.is_empty()).then(|| finding(FindingKind::HeadersHidden, details, place.cors()))
}

fn storage_error(step: Step, error: &S3Error, body: &str, place: &Place) -> Finding {
    let said = format!(
        "{step:?}: {} {}: {} (request id {}).",
        error.status, error.code, error.message, error.request_id
    );
    let Place { bucket, region, .. } = place;
    if let Some(right) = region_of(error, body).filter(|right| right != region) {
        let details =
            format!("{said} The bucket {bucket} is in {right}, not in {region}. Set this for the Lambda:");
        return finding(
            FindingKind::WrongRegion,
            details,
            format!("AWS_REGION_NAME={right}"),
        );
    }
    let (kind, advice, paste) = match (error.code.as_str(), error.status) {
        ("RequestTimeTooSkewed", _) => return clock(&said, body, place),
        ("AccessDenied", _) if error.message.contains("expired") => return clock(&said, body, place),
        ("PermanentRedirect" | "IllegalLocationConstraintException" | "AuthorizationHeaderMalformed", _) => {
            let advice = format!("The bucket {bucket} is not in {region}.");
            (FindingKind::WrongRegion, advice, String::new())
        }
        ("NoSuchBucket", _) => {
            let advice = format!("BUCKET_NAME of the Lambda is {bucket}, and {region} has no such bucket.");
            (FindingKind::BucketMissing, advice, String::new())
        }
        ("ExpiredToken", _) => {
            let advice = "The session of the Lambda's role has ended.".to_owned();
            (FindingKind::Expired, advice, String::new())
        }
        ("SignatureDoesNotMatch" | "InvalidAccessKeyId" | "InvalidToken", _) => {
            let advice = "The credentials of the Lambda are wrong, or something between page and storage \
                          changes the requests."
                .to_owned();
            (FindingKind::SignatureRefused, advice, String::new())
        }
        ("AccessDenied" | "AllAccessDisabled", _) => {
            let advice = format!(
                "The Lambda's role needs {} on the bucket {bucket}, and no policy may deny it. Its policy:",
                step.action()
            );
            let policy = configuration::role_policy(bucket, &place.prefix);
            (FindingKind::AccessDenied, advice, policy)
        }
        (_, 429 | 500 | 502..=504) => (FindingKind::S3Busy, String::new(), String::new()),
        _ => (FindingKind::S3Refused, String::new(), String::new()),
    };
    finding(kind, [said, advice].join(" ").trim(), paste)
}

/// The bucket's region where an error tells it: as a field, in the endpoint that it names, or in words.
fn region_of(error: &S3Error, body: &str) -> Option<String> {
    let of_location = || {
        let (region, _) = error.message.split_once(" location constraint is incompatible")?;
        region.rsplit(' ').next()
    };
    let region = match error.code.as_str() {
        "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError" => element(body, "Region"),
        "PermanentRedirect" | "TemporaryRedirect" => {
            element(body, "Region").or_else(|| element(body, "Endpoint").and_then(region_of_host))
        }
        "IllegalLocationConstraintException" => of_location(),
        _ => None,
    };
    region.map(str::to_owned)
}

/// The region in `bucket.s3.REGION.amazonaws.com`, or in the older `bucket.s3-REGION.amazonaws.com`.
fn region_of_host(host: &str) -> Option<&str> {
    let (_, rest) = host.rsplit_once(".s3").or_else(|| host.split_once("s3"))?;
    let region = rest.strip_prefix(['.', '-'])?.split('.').next()?;
    (region != "amazonaws").then_some(region)
}

/// S3 finds a request too old or too early: the API's clock is wrong, or its URLs live too short.
fn clock(said: &str, body: &str, place: &Place) -> Finding {
    let server_time = element(body, "ServerTime").map(js_sys::Date::parse);
    let Some(storage_seconds) = server_time.filter(|time| time.is_finite()) else {
        return finding(FindingKind::ClockSkewed, said, "");
    };
    let ahead = place.server_time as i64 - (storage_seconds / 1000.0) as i64;
    if ahead.abs() < CLOCK_TOLERANCE_SECONDS {
        let details =
            format!("{said} The clocks agree, so the URLs live too short. Set this for the Lambda:");
        return finding(FindingKind::Expired, details, "URL_EXPIRATION_SECONDS=900");
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let details = format!(
        "{said} The clock of the API is {} {direction} that of the storage. On a machine of your own run:",
        distance(ahead.unsigned_abs())
    );
    finding(FindingKind::ClockSkewed, details, "sudo timedatectl set-ntp true")
}

fn distance(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The text of an element in one of S3's error documents, none of whose elements comes twice.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    (!text.is_empty()).then_some(text)
}

fn quoted(body: &str) -> String {
    body.chars().take(QUOTED_CHARACTERS).collect()
}
