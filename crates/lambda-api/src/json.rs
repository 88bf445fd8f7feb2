//! JSON bodies, read as the request types of [`wire`].
//!
//! A body is parsed as JSON first and then read as its type. So text that is not JSON, nesting deeper than
//! 128 levels and a number beyond the range of a double are all `InvalidJson`; if a key occurs twice, the last one counts;
//! and an array is never taken for an object, as a derived `Deserialize` alone would do.

use http::header::CONTENT_TYPE;
use mime::Mime;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use wire::{ApiError, ErrorCode, MAX_BATCH};

use crate::Request;

/// The longest body in bytes; 100 files with long names stay well below.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The longest part in bytes of an error's text, which can quote what was sent.
const MAX_PROBLEM_BYTES: usize = 300;

/// A JSON object.
pub type Object = Map<String, Value>;

/// A field with an error of its own: its name in JSON, and the code and the message if its value is not what the field
/// takes.
pub type FieldError<'a> = (&'a str, ErrorCode, &'a str);

/// Reads the JSON body of a request.
///
/// # Errors
///
/// If there is none (`MissingBody`), if it has more than 1 MiB (`BodyTooLarge`), if it is not declared as JSON
/// (`UnsupportedMediaType`) or is not JSON (`InvalidJson`), and if it is not what `T` takes (`InvalidRequest`, with the name
/// of the field).
pub fn read_body<T: DeserializeOwned>(request: Request) -> Result<T, ApiError> {
    let bytes = request.body_bytes();
    if bytes == 0 {
        return Err(ApiError::new(ErrorCode::MissingBody, "the request has no body"));
    }
    if bytes > MAX_BODY_BYTES {
        let message = format!("the body has {bytes} bytes; at most {MAX_BODY_BYTES} are accepted");
        let mut error = ApiError::new(ErrorCode::BodyTooLarge, message);
        error.max_bytes = Some(MAX_BODY_BYTES as u64);
        return Err(error);
    }
    let content_type = request.header(CONTENT_TYPE.as_str());
    let content_type: Option<Mime> = content_type.and_then(|text| text.parse().ok());
    if content_type.is_none_or(|mime| mime.essence_str() != "application/json") {
        let message = "the body is not declared as application/json";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    match serde_json::from_slice(&request.into_body()?) {
        Ok(Value::Object(object)) => read_object(object, &[]),
        Ok(_) => Err(invalid("the body is not a JSON object")),
        Err(error) => {
            let message = format!("the body is not JSON: {error}");
            Err(ApiError::new(ErrorCode::InvalidJson, message))
        }
    }
}

/// Reads an object as its type; `fields` are those with an error of their own.
///
/// # Errors
///
/// The error of the first field in `fields` that is there and cannot be read; else `InvalidRequest`, with the name of the
/// field that is missing, unknown or not what it should be.
pub fn read_object<T: DeserializeOwned>(object: Object, fields: &[FieldError<'_>]) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(object).map_err(|error| {
        let path = error.path().to_string();
        match fields.iter().find(|(name, ..)| *name == path) {
            Some((_, code, message)) => ApiError::new(*code, *message),
            None => invalid(&problem(&path, &error.into_inner().to_string())),
        }
    })
}

/// Checks how many entries the field `name` has.
///
/// # Errors
///
/// `InvalidBatchSize` if they are not 1 to [`MAX_BATCH`].
pub fn check_batch_size<T>(name: &str, entries: &[T]) -> Result<(), ApiError> {
    let count = entries.len();
    if (1..=MAX_BATCH).contains(&count) {
        return Ok(());
    }
    let message = format!("{name} has {count} entries; 1 to {MAX_BATCH} are accepted");
    Err(ApiError::new(ErrorCode::InvalidBatchSize, message))
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}

/// What is wrong, and where: the path is `.` at the top.
fn problem(path: &str, error: &str) -> String {
    let mut text = match path {
        "." => error.to_owned(),
        path => format!("the field {path}: {error}"),
    };
    text.truncate(text.floor_char_boundary(MAX_PROBLEM_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parcel {
        weight: u64,
        #[serde(default)]
        labels: Vec<String>,
    }

    fn request(body: &str) -> Request {
        let event = json!({
            "rawPath": "/parcels",
            "headers": {"content-type": "application/json"},
            "requestContext": {"http": {"method": "POST"}},
            "body": body,
        });
        Request::read(event.to_string().as_bytes(), "").expect("a request")
    }

    fn check(body: &str, expected: Result<u64, (ErrorCode, &str)>) {
        let parcel: Result<Parcel, ApiError> = read_body(request(body));
        let weight = parcel.map(|parcel| parcel.weight);
        match (weight, expected) {
            (Ok(weight), Ok(expected)) => assert_eq!(weight, expected, "{body}"),
            (Err(error), Err((code, says))) => {
                assert_eq!(error.code, code, "{body}");
                assert!(error.message.contains(says), "{}", error.message);
            }
            (weight, _) => panic!("{body} was read as {weight:?}"),
        }
    }

    #[test]
    fn an_error_names_the_field() {
        let invalid = |says| Err((ErrorCode::InvalidRequest, says));
        check(r#"{"weight": 5}"#, Ok(5));
        check("{}", invalid("weight"));
        check(r#"{"weight": "5"}"#, invalid("the field weight"));
        check(r#"{"weight": 5, "height": 5}"#, invalid("height"));
        check(
            r#"{"weight": 5, "labels": ["a", 1]}"#,
            invalid("the field labels[1]"),
        );
        check("[5]", invalid("not a JSON object"));
    }

    #[test]
    fn what_serde_json_does_not_take_is_not_json() {
        let not_json = || Err((ErrorCode::InvalidJson, "not JSON"));
        check("{", not_json());
        check(&"[".repeat(1000), not_json());
        check(r#"{"weight": 1e999}"#, not_json());
        check(r#"{"weight": 5} {}"#, not_json());
    }

    #[test]
    fn if_a_key_occurs_twice_the_last_one_counts() {
        check(r#"{"weight": 5, "weight": 6}"#, Ok(6));
    }

    #[test]
    fn an_error_does_not_quote_a_long_value() {
        let body = json!({"weight": "é".repeat(100_000)}).to_string();
        let parcel: Result<Parcel, ApiError> = read_body(request(&body));
        assert!(parcel.expect_err("a text").message.len() <= MAX_PROBLEM_BYTES);
    }

    #[test]
    fn a_field_may_have_an_error_of_its_own() {
        let fields = [("weight", ErrorCode::InvalidSize, "the weight is no number")];
        let read = |parcel: Value| {
            let Value::Object(parcel) = parcel else {
                panic!("{parcel} is no object")
            };
            read_object::<Parcel>(parcel, &fields).map_err(|error| error.code)
        };
        assert_eq!(read(json!({"weight": -1})), Err(ErrorCode::InvalidSize));
        assert_eq!(read(json!({"labels": []})), Err(ErrorCode::InvalidRequest));
        let labels = json!({"weight": 1, "labels": 1});
        assert_eq!(read(labels), Err(ErrorCode::InvalidRequest));
    }
}
