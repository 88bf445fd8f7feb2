//! `POST /links` of the API.

use js_sys::{Array, JSON, Object, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

/// What a link is to allow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LinkWish {
    pub(crate) folder: String,
    pub(crate) days: f64,
    pub(crate) title: String,
    pub(crate) note: String,
    /// The largest file in bytes, if there is a limit.
    pub(crate) max_bytes: Option<f64>,
    /// The accepted media types, comma-separated; all if it is empty.
    pub(crate) types: String,
}

/// A link that was made.
#[derive(Clone, Debug)]
pub(crate) struct MadeLink {
    pub(crate) token: String,
    pub(crate) folder: String,
    /// Until when it is valid, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) expires_at: u64,
}

/// Why no link was made.
#[derive(Clone, Debug)]
pub(crate) enum LinkProblem {
    /// There is no answer, or none of the API.
    Unreachable,
    /// The API cannot answer at the moment.
    Busy,
    /// The user is not signed in any more.
    NotSignedIn,
    /// They may not make links.
    Forbidden,
    /// Such a link cannot be; the API's words say why.
    Invalid(String),
}

/// Makes a link.
pub(crate) async fn make(api: &str, token: Option<String>, wish: &LinkWish) -> Result<MadeLink, LinkProblem> {
    let token = token.ok_or(LinkProblem::NotSignedIn)?;
    let (status, answer) = post(api, &token, wish)
        .await
        .map_err(|_| LinkProblem::Unreachable)?;
    let text = |path: &[&str]| field(&answer, path).as_string();
    let message = || text(&["error", "message"]).unwrap_or_default();
    match status {
        200 => made(&answer).ok_or(LinkProblem::Unreachable),
        400 => Err(LinkProblem::Invalid(message())),
        401 => Err(LinkProblem::NotSignedIn),
        403 | 404 => Err(LinkProblem::Forbidden),
        429 | 500.. => Err(LinkProblem::Busy),
        _ => Err(LinkProblem::Unreachable),
    }
}

fn made(answer: &JsValue) -> Option<MadeLink> {
    Some(MadeLink {
        token: field(answer, &["token"]).as_string()?,
        folder: field(answer, &["link", "folder"]).as_string()?,
        expires_at: field(answer, &["link", "exp"]).as_f64()? as u64,
    })
}

async fn post(api: &str, token: &str, wish: &LinkWish) -> Result<(u16, JsValue), JsValue> {
    let headers = object(&[
        ("authorization", ["Bearer ", token].concat().into()),
        ("content-type", "application/json".into()),
    ]);
    let options = RequestInit::new();
    options.set_method("POST");
    options.set_headers(&headers);
    options.set_body(&JSON::stringify(&body(wish))?.into());
    let url = [api, "/links"].concat();
    let response = JsFuture::from(window().fetch_with_str_and_init(&url, &options)).await?;
    let response: Response = response.dyn_into()?;
    let status = response.status();
    // Who refuses may do so in other words than JSON.
    let answer = JsFuture::from(response.json()?).await.unwrap_or_default();
    Ok((status, answer))
}

/// The body, as the API documents it (`wire::LinkRequest`).
fn body(wish: &LinkWish) -> JsValue {
    const SECONDS: f64 = 24.0 * 60.0 * 60.0;
    let optional = |text: &str| match text.trim() {
        "" => JsValue::UNDEFINED,
        text => text.into(),
    };
    let types = wish
        .types
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    object(&[
        ("folder", wish.folder.trim().into()),
        ("expiresIn", (wish.days * SECONDS).into()),
        ("title", optional(&wish.title)),
        ("note", optional(&wish.note)),
        (
            "maxBytes",
            wish.max_bytes.map_or(JsValue::UNDEFINED, JsValue::from),
        ),
        ("types", types.map(JsValue::from).collect::<Array>().into()),
    ])
}

fn object(properties: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in properties {
        // A new object takes any property.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

fn field(value: &JsValue, path: &[&str]) -> JsValue {
    let step = |value: JsValue, name: &&str| Reflect::get(&value, &(*name).into()).unwrap_or_default();
    path.iter().fold(value.clone(), step)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn what_is_empty_is_no_limit() {
        let mut wish = LinkWish {
            folder: " acme ".to_owned(),
            days: 7.0,
            ..LinkWish::default()
        };
        let json = |wish: &LinkWish| JSON::stringify(&body(wish)).map(String::from);
        let least = r#"{"folder":"acme","expiresIn":604800,"types":[]}"#;
        assert_eq!(json(&wish).as_deref(), Ok(least));
        wish.title = "t".to_owned();
        wish.note = "n\n".to_owned();
        wish.max_bytes = Some(5e6);
        wish.types = "image/*, ,text/plain".to_owned();
        let all = r#"{"folder":"acme","expiresIn":604800,"title":"t","note":"n","maxBytes":5000000,"types":["image/*","text/plain"]}"#;
        assert_eq!(json(&wish).as_deref(), Ok(all));
    }
}
