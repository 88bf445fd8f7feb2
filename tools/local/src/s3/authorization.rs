//! What S3 checks of a signed request beyond the signature, which s3s verifies.
//!
//! Sources: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS
//! Signature Version 4)", and the recorded answers of S3 for each refusal.

use std::borrow::Cow;

use http::{HeaderMap, Uri, header};
use time::{
    Duration, OffsetDateTime, PrimitiveDateTime, format_description::FormatItem, macros::format_description,
};

use super::{failure::Failure, request_head::Query};

/// The time of a signature, such as `20130524T000000Z`.
const AMZ_DATE: &[FormatItem<'static>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// A time as S3's error documents write it.
const DOCUMENT_TIME: &[FormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// The longest life of a presigned URL in seconds: 7 days.
const MAX_EXPIRES_SECONDS: i64 = 604_800;

/// The largest difference between a request's time and S3's, in milliseconds.
const MAX_SKEW_MILLISECONDS: u32 = 900_000;

const QUERY_PARAMETERS: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
];

/// Checks how a request is signed before s3s looks at the signature.
///
/// # Errors
/// 400 AuthorizationQueryParametersError for a presigned URL that is not well-formed, lives longer
/// than 7 days or is for another region; 400 InvalidArgument for two ways of signing at once; 400
/// InvalidRequest for Signature Version 2.
pub(crate) fn check_form(uri: &Uri, headers: &HeaderMap, region: &str) -> Result<(), Failure> {
    let query = Query::of(uri);
    let is_presigned = QUERY_PARAMETERS
        .iter()
        .any(|name| query.all(name).next().is_some());
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let is_version_2 = query.all("Signature").next().is_some()
        || authorization.is_some_and(|value| value.starts_with(b"AWS "));
    if is_version_2 {
        return Err(Failure::invalid_request(
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ));
    }
    if is_presigned && let Some(authorization) = authorization {
        return Err(Failure::invalid_argument(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
            "Authorization",
            String::from_utf8_lossy(authorization),
        ));
    }
    if is_presigned {
        check_query(&query, region)
    } else {
        Ok(())
    }
}

fn check_query(query: &Query<'_>, region: &str) -> Result<(), Failure> {
    let values = QUERY_PARAMETERS.map(|name| query.only(name).filter(|value| !value.is_empty()));
    let [
        Some(algorithm),
        Some(credential),
        Some(_),
        Some(date),
        Some(_),
        Some(expires),
    ] = values
    else {
        return Err(query_error(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ));
    };
    if algorithm != "AWS4-HMAC-SHA256" {
        return Err(query_error(
            r#"X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256""#,
        ));
    }
    check_credential(credential, region)?;
    if parse_amz_date(date).is_none() {
        return Err(query_error(
            r#"X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'""#,
        ));
    }
    match expires.parse::<i64>() {
        Err(_) => Err(query_error("X-Amz-Expires should be a number")),
        Ok(..0) => Err(query_error("X-Amz-Expires must be non-negative")),
        Ok(0..=MAX_EXPIRES_SECONDS) => Ok(()),
        Ok(_) => Err(query_error(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        )),
    }
}

fn check_credential(credential: &str, region: &str) -> Result<(), Failure> {
    let parts: Vec<&str> = credential.rsplitn(5, '/').collect();
    let [terminator, service, credential_region, _date, _access_key] = parts[..] else {
        return Err(query_error(
            r#"Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"."#,
        ));
    };
    if credential_region != region {
        return Err(query_error(format!(
            "Error parsing the X-Amz-Credential parameter; the region '{credential_region}' is wrong; expecting '{region}'"
        ))
        .with("Region", region));
    }
    if service != "s3" {
        return Err(query_error(format!(
            r#"Error parsing the X-Amz-Credential parameter; incorrect service "{service}". This endpoint belongs to "s3"."#
        )));
    }
    if terminator != "aws4_request" {
        return Err(query_error(format!(
            r#"Error parsing the X-Amz-Credential parameter; incorrect terminal "{terminator}". This endpoint uses "aws4_request"."#
        )));
    }
    Ok(())
}

fn query_error(message: impl Into<Cow<'static, str>>) -> Failure {
    Failure::new("AuthorizationQueryParametersError", message)
}

fn parse_amz_date(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, AMZ_DATE)
        .ok()
        .map(PrimitiveDateTime::assume_utc)
}

/// The names of the headers that a request's signature covers, in lower case.
pub(crate) fn signed_headers(uri: &Uri, headers: &HeaderMap) -> Vec<String> {
    let from_query = Query::of(uri).only("X-Amz-SignedHeaders").map(str::to_owned);
    let names = from_query.or_else(|| {
        let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, rest) = authorization.split_once("SignedHeaders=")?;
        Some(rest.split(',').next()?.trim().to_owned())
    });
    names
        .unwrap_or_default()
        .split(';')
        .map(str::to_lowercase)
        .collect()
}

/// Checks that the signature covers what S3 wants covered and that every covered header is there.
///
/// # Errors
/// 403 AccessDenied with `HeadersNotSigned` for an uncovered `host` or `x-amz-*` header, except
/// `x-amz-content-sha256`; 403 SignatureDoesNotMatch for a covered header that was not sent.
pub(crate) fn check_signed_headers(uri: &Uri, headers: &HeaderMap) -> Result<(), Failure> {
    let signed = signed_headers(uri, headers);
    if signed.iter().any(|name| !headers.contains_key(name.as_str())) {
        return Err(Failure::of("SignatureDoesNotMatch"));
    }
    let must_be_signed =
        |name: &&str| *name == "host" || name.starts_with("x-amz-") && *name != "x-amz-content-sha256";
    let names = headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(must_be_signed);
    let mut unsigned: Vec<&str> = names
        .filter(|name| !signed.iter().any(|found| found == name))
        .collect();
    if unsigned.is_empty() {
        return Ok(());
    }
    unsigned.sort_unstable();
    Err(Failure::new(
        "AccessDenied",
        "There were headers present in the request which were not signed",
    )
    .with("HeadersNotSigned", unsigned.join(", ")))
}

/// Adds the times to "Request has expired", as S3 does.
pub(crate) fn with_expiry(failure: Failure, uri: &Uri) -> Failure {
    let query = Query::of(uri);
    let seconds = query.only("X-Amz-Expires").unwrap_or_default();
    let signed = query.only("X-Amz-Date").and_then(parse_amz_date);
    let lifetime = seconds.parse().ok().map(Duration::seconds);
    let expires = signed
        .zip(lifetime)
        .map(|(signed, lifetime)| document_time(signed + lifetime));
    failure
        .with("X-Amz-Expires", seconds)
        .with("Expires", expires.unwrap_or_default())
        .with("ServerTime", document_time(OffsetDateTime::now_utc()))
}

/// Adds the times to RequestTimeTooSkewed, as S3 does.
pub(crate) fn with_skew(failure: Failure, uri: &Uri, headers: &HeaderMap) -> Failure {
    let query = Query::of(uri);
    let in_header = headers.get("x-amz-date").and_then(|value| value.to_str().ok());
    let request_time = query.only("X-Amz-Date").or(in_header);
    failure
        .with("RequestTime", request_time.unwrap_or_default())
        .with("ServerTime", document_time(OffsetDateTime::now_utc()))
        .with("MaxAllowedSkewMilliseconds", MAX_SKEW_MILLISECONDS)
}

fn document_time(time: OffsetDateTime) -> String {
    time.format(DOCUMENT_TIME).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F20261124%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0&X-Amz-Date=20261124T000000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=604800";

    fn check(query: &str, expected: Result<(), &str>) {
        let uri: Uri = format!("/bucket/key?{query}").parse().expect("a URI");
        let outcome = check_form(&uri, &HeaderMap::new(), "us-east-1");
        match (outcome, expected) {
            (Ok(()), Ok(())) => {}
            (Err(failure), Err(message)) => {
                assert_eq!(failure.code, "AuthorizationQueryParametersError", "{query}");
                assert!(failure.message.contains(message), "{query}: {}", failure.message);
            }
            (outcome, _) => panic!("{query}: {outcome:?}"),
        }
    }

    #[test]
    fn a_presigned_query_is_complete_and_well_formed() {
        check("", Ok(()));
        check(GOOD, Ok(()));
        for name in QUERY_PARAMETERS {
            check(
                &GOOD.replacen(name, "Other", 1),
                Err("requires the X-Amz-Algorithm"),
            );
            check(
                &format!("{GOOD}&{name}=twice"),
                Err("requires the X-Amz-Algorithm"),
            );
        }
        check(
            &GOOD.replace("HMAC", "ECDSA"),
            Err("X-Amz-Algorithm only supports"),
        );
        check(
            &GOOD.replace("us-east-1", "eu-west-1"),
            Err("the region 'eu-west-1' is wrong"),
        );
        check(&GOOD.replace("%2Fs3%2F", "%2Fsts%2F"), Err("incorrect service"));
        check(
            &GOOD.replace("aws4_request", "aws5_request"),
            Err("incorrect terminal"),
        );
        check(
            &GOOD.replace("K%2F20261124%2F", ""),
            Err("the Credential is mal-formed"),
        );
        check(&GOOD.replace("T000000Z", ""), Err("X-Amz-Date must be"));
        check(
            &GOOD.replace("=604800", "=604801"),
            Err("must be less than a week"),
        );
        check(&GOOD.replace("=604800", "=-1"), Err("must be non-negative"));
        check(&GOOD.replace("=604800", "=1.5"), Err("should be a number"));
    }

    /// Checks a request with these headers, of which those named in `signed` are signed.
    fn check_headers(signed: &str, names: &[&'static str], expected: Result<(), (&str, &str)>) {
        let uri: Uri = format!("/b/k?X-Amz-SignedHeaders={signed}")
            .parse()
            .expect("a URI");
        let pairs = names.iter().map(|name| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static("v"),
            )
        });
        let outcome = check_signed_headers(&uri, &pairs.collect());
        let outcome = outcome.map_err(|failure| {
            let field = failure
                .fields
                .first()
                .map_or(String::new(), |(_, value)| value.clone());
            (failure.code.into_owned(), field)
        });
        let expected = expected.map_err(|(code, field)| (code.to_owned(), field.to_owned()));
        assert_eq!(outcome, expected, "{signed} {names:?}");
    }

    #[test]
    fn amz_headers_must_be_signed_and_signed_headers_sent() {
        check_headers("host", &["host", "content-type", "x-amz-content-sha256"], Ok(()));
        check_headers("host;x-amz-acl", &["host", "x-amz-acl"], Ok(()));
        check_headers(
            "host",
            &["host", "x-amz-tagging", "x-amz-acl"],
            Err(("AccessDenied", "x-amz-acl, x-amz-tagging")),
        );
        check_headers(
            "content-type",
            &["host", "content-type"],
            Err(("AccessDenied", "host")),
        );
        check_headers(
            "host;if-none-match",
            &["host"],
            Err(("SignatureDoesNotMatch", "")),
        );
    }
}
