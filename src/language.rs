//! The language that the page speaks: its words, its plurals, and how it writes numbers.
//!
//! Words are in `languages/`, one JSON file a language, of which only the one in use is loaded. An entry
//! is a text, or an object of texts by plural category (Unicode CLDR, "Plural rules"). `{name}` is a
//! place for a value.

use std::cell::RefCell;

use js_sys::{Array, Function, Intl, JSON, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// The languages that the page speaks, each with the name that its speakers give it.
pub const LANGUAGES: [(&str, &str); 7] = [
    ("en", "English"),
    ("fr", "Français"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("pt", "Português"),
    ("ja", "日本語"),
    ("ar", "العربية"),
];

/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 1] = ["ar"];

thread_local! {
    static SPOKEN: RefCell<Language> = const { RefCell::new(Language::silent()) };
}

/// The words and the ways of one language.
struct Language {
    code: &'static str,
    words: JsValue,
    /// `Intl.PluralRules.prototype.select` of the language.
    plural: Option<Function>,
    /// Writers of numbers that were needed before.
    numbers: Vec<(Number, Function)>,
}

impl Language {
    const fn silent() -> Self {
        Self {
            code: "",
            words: JsValue::UNDEFINED,
            plural: None,
            numbers: Vec::new(),
        }
    }
}

/// How a number is written (ECMA-402, `Intl.NumberFormat`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// As a count.
    Plain,
    /// As a share of a whole.
    Percent,
    /// With a unit, such as `megabyte`, and this many digits after the point.
    Unit(&'static str, u8),
}

/// The first language of the browser's that the page speaks, else English.
pub(crate) fn preferred() -> &'static str {
    let wanted = web_sys::window().map(|window| window.navigator().languages());
    let wanted = wanted.unwrap_or_default();
    wanted
        .iter()
        .filter_map(|tag| tag.as_string())
        .find_map(|tag| spoken(&tag))
        .unwrap_or("en")
}

/// The code of a language that the page speaks, for a tag such as `pt-BR` (RFC 5646).
pub(crate) fn spoken(tag: &str) -> Option<&'static str> {
    let primary = tag.split('-').next().unwrap_or_default();
    let is_it = |(code, _): &&(&'static str, &str)| code.eq_ignore_ascii_case(primary);
    LANGUAGES.iter().find(is_it).map(|(code, _)| *code)
}

/// In which direction a language is written, as HTML's `dir` has it.
pub(crate) fn direction(code: &str) -> &'static str {
    if RIGHT_TO_LEFT.contains(&code) {
        "rtl"
    } else {
        "ltr"
    }
}

/// Speaks this language from now on. The text is the JSON of its words.
///
/// # Errors
/// Where the text is no JSON.
pub fn speak(code: &'static str, json: &str) -> Result<(), JsValue> {
    let words = JSON::parse(json)?;
    let rules = Intl::PluralRules::new(&Array::of1(&code.into()), &Object::new());
    let select = Reflect::get(&rules, &"select".into())?.dyn_into::<Function>()?;
    let language = Language {
        code,
        words,
        plural: Some(select.bind0(&rules)),
        numbers: Vec::new(),
    };
    SPOKEN.replace(language);
    Ok(())
}

/// The code of the language that the page speaks.
pub(crate) fn code() -> &'static str {
    SPOKEN.with_borrow(|language| language.code)
}

/// A text.
pub(crate) fn word(key: &str) -> String {
    SPOKEN.with_borrow(|language| entry(&language.words, key).as_string().unwrap_or_default())
}

/// A text with its values.
pub(crate) fn fill(key: &str, values: &[(&str, &str)]) -> String {
    filled(&word(key), values)
}

/// A text in the plural that goes with `count`, with its values; `{count}` is the count.
pub(crate) fn plural(key: &str, count: u64, values: &[(&str, &str)]) -> String {
    let text = SPOKEN.with_borrow(|language| {
        let forms = entry(&language.words, key);
        let category = language.plural.as_ref().and_then(|select| {
            let count = JsValue::from_f64(count as f64);
            select.call1(&JsValue::UNDEFINED, &count).ok()?.as_string()
        });
        let form = |category: &str| entry(&forms, category).as_string();
        category
            .and_then(|category| form(&category))
            .or_else(|| form("other"))
            .unwrap_or_default()
    });
    let count = number(Number::Plain, count as f64);
    let mut all = vec![("count", count.as_str())];
    all.extend_from_slice(values);
    filled(&text, &all)
}

/// A number as the language writes it.
pub(crate) fn number(kind: Number, value: f64) -> String {
    SPOKEN.with_borrow_mut(|language| {
        let known = language.numbers.iter().find(|(known, _)| *known == kind);
        let format = match known {
            Some((_, format)) => format.clone(),
            None => {
                let format = writer(language.code, kind);
                language.numbers.push((kind, format.clone()));
                format
            }
        };
        let written = format.call1(&JsValue::UNDEFINED, &JsValue::from_f64(value));
        written.ok().and_then(|text| text.as_string()).unwrap_or_default()
    })
}

fn writer(code: &str, kind: Number) -> Function {
    let options = Object::new();
    let set = |name: &str, value: JsValue| {
        // A new object takes any property.
        let _ = Reflect::set(&options, &name.into(), &value);
    };
    match kind {
        Number::Plain => {}
        Number::Percent => set("style", "percent".into()),
        Number::Unit(unit, digits) => {
            set("style", "unit".into());
            set("unit", unit.into());
            set("unitDisplay", "short".into());
            set("minimumFractionDigits", digits.into());
            set("maximumFractionDigits", digits.into());
        }
    }
    let locales = if code.is_empty() {
        Array::new()
    } else {
        Array::of1(&code.into())
    };
    Intl::NumberFormat::new(&locales, &options).format()
}

fn entry(words: &JsValue, key: &str) -> JsValue {
    Reflect::get(words, &key.into()).unwrap_or_default()
}

fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Fetches the words of a language from the page's own server, and speaks it.
///
/// # Errors
/// Where they cannot be had.
pub(crate) async fn load(assets: &str, code: &'static str) -> Result<(), JsValue> {
    let json = crate::effects::fetch::text(&[assets, "languages/", code, ".json"].concat())
        .await
        .map_err(|_| JsValue::UNDEFINED)?;
    speak(code, &json)
}
