//! What an answer from S3, or none, says about the set-up.

use engine::{HttpAnswer, S3Error, parse_error, parse_list_parts_result};
use messages::{Finding, FindingKind};
use wire::{HttpMethod, PartSizes, SignedRequest};

use super::{configuration, place::Place, quote::quote, service, step::Step};

/// Clocks that differ by less than this many seconds count as equal.
const CLOCK_TOLERANCE_SECONDS: i64 = 60;

/// Nothing answers at S3's address.
pub(super) fn unreachable(place: &Place) -> Finding {
    let Place {
        storage,
        bucket,
        origin,
        ..
    } = place;
    let mut details = format!(
        "Nothing answers at {storage} for the bucket {bucket}. The page's Content-Security-Policy has to allow \
         it in connect-src."
    );
    if service::asks_for_local_network(origin, storage) {
        details += &format!(
            " {storage} is in the local network and {origin} is not: Chrome asks whether the page may reach the local \
             network, and until that is allowed, nothing gets through."
        );
    }
    Finding::new(FindingKind::S3Unreachable, details, "")
}

/// Nothing answers at the bucket's second endpoint, to which this request was sent.
pub(super) fn second_endpoint_unreachable(request: &SignedRequest) -> Finding {
    let address: Vec<&str> = request.url.split('/').take(3).collect();
    let details = format!(
        "Nothing answers at {}, so that all goes to the bucket's first address, by half as many connections. The \
         page's Content-Security-Policy has to allow it in connect-src, or secondEndpoint in config.json has to be \
         false.",
        address.join("/")
    );
    Finding::new(FindingKind::SecondEndpointUnreachable, details, "")
}

/// S3 answers, but its CORS configuration does not let the page send a request of this method at all.
pub(super) fn method_refused(step: Step, method: HttpMethod, place: &Place) -> Finding {
    let Place {
        origin,
        bucket,
        region,
        ..
    } = place;
    let details = format!(
        "{step}: the bucket {bucket} does not allow {} from {origin}. A bucket that is in another region than \
         {region} refuses in the same way. {PUT_CORS}",
        method.as_str(),
        step = step.name(),
    );
    Finding::new(FindingKind::BucketCors, details, place.cors())
}

/// S3 answers, but its CORS configuration does not let the page send these headers.
pub(super) fn headers_refused(step: Step, refused: &[&str], place: &Place) -> Finding {
    if refused.is_empty() {
        let details = format!("{} was answered only in part, or at a second try.", step.name());
        return Finding::new(FindingKind::S3Unreachable, details, "");
    }
    let details = format!(
        "{}: AllowedHeaders of the bucket {} lacks {}. {PUT_CORS}",
        step.name(),
        place.bucket,
        refused.join(", ")
    );
    Finding::new(FindingKind::BucketCors, details, place.cors())
}

/// Where a CORS configuration goes.
const PUT_CORS: &str = "Save this as cors.json and run aws s3api put-bucket-cors --bucket … \
                        --cors-configuration file://cors.json, which replaces the bucket's rules:";

/// What is wrong with an answer from S3; `None` if it is the one that the step expects.
pub(super) fn judge(
    step: Step,
    answer: &HttpAnswer,
    place: &Place,
    request: &SignedRequest,
) -> Option<Finding> {
    match parse_error(answer.status, &answer.body) {
        Some(error) if step.expected_errors().contains(&error.code.as_str()) => None,
        Some(error) => Some(
            not_implemented(step, &error, &answer.body, place, request)
                .unwrap_or_else(|| storage_error(step, &error, &answer.body, place)),
        ),
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

/// The answer is not one of S3's.
pub(super) fn unexpected(step: Step, answer: &HttpAnswer) -> Finding {
    let details = quote(step.name(), answer);
    Finding::new(FindingKind::S3UnexpectedAnswer, details, "")
}

fn hidden_headers(answer: &HttpAnswer, place: &Place) -> Option<Finding> {
    let read = [&answer.etag, &answer.request_id];
    let hidden: Vec<&str> = wire::EXPOSED_HEADERS
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
    (!hidden.is_empty()).then(|| Finding::new(FindingKind::HeadersHidden, details, place.cors()))
}

/// What to set for a service that completes no upload whose parts differ in size; `None` if that is set, or not needed.
pub(super) fn part_sizes(set: PartSizes, place: &Place) -> Option<Finding> {
    let (name, settings) = service::known(&place.storage, "")?;
    if !settings.contains("PART_SIZES") || set == PartSizes::Constant {
        return None;
    }
    let details = format!("{name} completes no upload whose parts differ in size. Set this for the Lambda:");
    Some(Finding::new(FindingKind::S3Refused, details, settings))
}

/// The service does not have what the request asks for, and uploads get on without it.
fn not_implemented(
    step: Step,
    error: &S3Error,
    body: &str,
    place: &Place,
    request: &SignedRequest,
) -> Option<Finding> {
    let is_unknown =
        error.status == 501 || ["NotImplemented", "InvalidArgument"].contains(&error.code.as_str());
    let sent: Vec<&str> = request.headers.keys().map(String::as_str).collect();
    let setting = service::missing_feature(body, &sent).filter(|_| is_unknown)?;
    let (name, settings) = service::known(&place.storage, body).unwrap_or(("The storage", setting));
    let settings = if settings.is_empty() { setting } else { settings };
    let details = format!(
        "{}: {} {}: {}. {name} does not have that. Set this for the Lambda, and read in docs/other-s3.md what is \
         lost by it:",
        step.name(),
        error.status,
        error.code,
        error.message
    );
    Some(Finding::new(FindingKind::S3Refused, details, settings))
}

fn storage_error(step: Step, error: &S3Error, body: &str, place: &Place) -> Finding {
    let said = format!(
        "{}: {} {}: {} (request id {}).",
        step.name(),
        error.status,
        error.code,
        error.message,
        error.request_id
    );
    let said = match service::known(&place.storage, body) {
        Some((name, _)) => {
            format!("{said} The storage is {name}, of which docs/other-s3.md says what it needs.")
        }
        None => said,
    };
    let Place { bucket, region, .. } = place;
    if let Some(right) = region_of(error, body).filter(|right| right != region) {
        let details =
            format!("{said} The bucket {bucket} is in {right}, not in {region}. Set this for the Lambda:");
        return Finding::new(
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
    Finding::new(kind, [said, advice].join(" ").trim(), paste)
}

/// The bucket's region if an error names it: as a field, in an endpoint, or in its message.
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

/// S3 finds a request too old or too early: the API's clock is wrong, or its URLs expire too soon.
fn clock(said: &str, body: &str, place: &Place) -> Finding {
    let server_time = element(body, "ServerTime").map(js_sys::Date::parse);
    let Some(storage_seconds) = server_time.filter(|time| time.is_finite()) else {
        return Finding::new(FindingKind::ClockSkewed, said, "");
    };
    let ahead = place.server_time as i64 - (storage_seconds / 1000.0) as i64;
    if ahead.abs() < CLOCK_TOLERANCE_SECONDS {
        let details =
            format!("{said} The clocks agree, so the URLs live too short. Set this for the Lambda:");
        return Finding::new(FindingKind::Expired, details, "URL_EXPIRATION_SECONDS=900");
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let details = format!(
        "{said} The clock of the API is {} {direction} that of the storage. On a machine of your own run:",
        distance(ahead.unsigned_abs())
    );
    Finding::new(FindingKind::ClockSkewed, details, "sudo timedatectl set-ntp true")
}

fn distance(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The text of an element in an S3 error document, in which no element occurs twice.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    (!text.is_empty()).then_some(text)
}
