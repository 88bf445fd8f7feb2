//! Which origins may use the bucket and the API.

use anyhow::Result;
use ureq::http::Request;

use super::{OTHER_ORIGIN, outcome::Outcome, session::Session, web::Answer};

/// An origin that nobody has allowed.
const FOREIGN_ORIGIN: &str = "https://elsewhere.example";

/// The headers that a request may have without being allowed (Fetch Standard, "CORS-safelisted request-header"), of
/// those that are signed.
const SAFELISTED: [&str; 1] = ["content-length"];

/// The page may upload to the bucket, with every header that is signed.
pub(super) fn bucket_for_page(session: &mut Session<'_>) -> Result<Outcome> {
    bucket(session, session.output("PageAddress")?)
}

fn bucket(session: &Session<'_>, origin: &str) -> Result<Outcome> {
    match preflight_of_put(session, origin)? {
        Some(answer) => Ok(allows(&answer, origin)),
        None => Ok(Outcome::without("plan")),
    }
}

/// A page of another origin, which `OtherOrigins` names, may upload to the bucket.
pub(super) fn bucket_for_other_origin(session: &mut Session<'_>) -> Result<Outcome> {
    bucket(session, OTHER_ORIGIN)
}

/// That page may call the API.
pub(super) fn api_for_other_origin(session: &mut Session<'_>) -> Result<Outcome> {
    let uploads = format!("{}/uploads", session.web.api(session.outputs)?);
    let answer = preflight(session, &uploads, "POST", "content-type", OTHER_ORIGIN)?;
    Ok(allows(&answer, OTHER_ORIGIN))
}

/// That page may load the files of the uploader.
pub(super) fn page_for_other_origin(session: &mut Session<'_>) -> Result<Outcome> {
    let file = session.visit("config.json", &[("origin", OTHER_ORIGIN)])?;
    Ok(allows(&file, OTHER_ORIGIN))
}

/// The bucket allows nothing to a page of any other origin.
pub(super) fn bucket_for_foreign_origin(session: &mut Session<'_>) -> Result<Outcome> {
    let Some(answer) = preflight_of_put(session, FOREIGN_ORIGIN)? else {
        return Ok(Outcome::without("plan"));
    };
    let allowed = answer.header("access-control-allow-origin");
    if answer.status == 403 && allowed.is_empty() {
        Ok(Outcome::Right)
    } else {
        let status = answer.status;
        Ok(Outcome::wrong(format!(
            "the preflight answers {status} and allows {allowed:?}"
        )))
    }
}

/// The preflight that a browser sends before the PUT of the small file; `None` if no file was planned.
fn preflight_of_put(session: &Session<'_>, origin: &str) -> Result<Option<Answer>> {
    let Some(small) = &session.small else {
        return Ok(None);
    };
    let names = small.put.headers.keys().map(String::as_str);
    let names: Vec<_> = names.filter(|name| !SAFELISTED.contains(name)).collect();
    preflight(session, &small.put.url, "PUT", &names.join(","), origin).map(Some)
}

fn preflight(session: &Session<'_>, url: &str, method: &str, headers: &str, origin: &str) -> Result<Answer> {
    let request = Request::options(url)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", headers);
    session.web.send(request.body(Vec::new())?)
}

/// Right if the answer allows a page of this origin what it has asked for.
fn allows(answer: &Answer, origin: &str) -> Outcome {
    let allowed = answer.header("access-control-allow-origin");
    if matches!(answer.status, 200 | 204) && (allowed == origin || allowed == "*") {
        Outcome::Right
    } else {
        let summary = answer.summary();
        Outcome::wrong(format!(
            "the answer to {origin} is {summary} and allows {allowed:?}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::check::web::tests::answer;

    fn check(status: u16, allowed: &'static str, expected: Outcome) {
        let answer = answer(status, &[("access-control-allow-origin", allowed)], "");
        assert_eq!(
            allows(&answer, "https://a.example"),
            expected,
            "{status} {allowed}"
        );
    }

    #[test]
    fn an_origin_is_allowed_by_its_name_or_as_any() {
        check(200, "https://a.example", Outcome::Right);
        check(204, "*", Outcome::Right);
        let wrong = |what: &str| Outcome::wrong(format!("the answer to https://a.example is {what}"));
        check(
            200,
            "https://b.example",
            wrong("200 and allows \"https://b.example\""),
        );
        check(403, "", wrong("403 and allows \"\""));
    }
}
