//! The page's language: its texts, its plurals, and how it writes numbers.
//!
//! The texts are in `static/languages/`, of which only those of the language in use are loaded: a JSON file with what a
//! first view shows, and after it one with the rest, from `later/`. An entry is a string, or an object of strings by
//! plural category (Unicode CLDR, "Plural rules"). `{name}` stands for a value.

mod words;

use std::cell::{Cell, RefCell};

use js_sys::{Array, Function, Intl, JSON, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

pub use words::{FIELD_KEYS, KEYS, LANGUAGES, MAKER_KEYS};
pub(crate) use words::{MakerText, Text};

/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 1] = ["ar"];

/// The folder of the texts that a first view does not show.
const LATER: &str = "languages/later/";

thread_local! {
    static LOCALE: RefCell<Locale> = const { RefCell::new(Locale::none()) };
}

/// A language with its texts, plurals and numbers.
struct Locale {
    code: &'static str,
    texts: JsValue,
    /// Whether a text was wanted before it was there.
    lacked_text: Cell<bool>,
    /// `Intl.PluralRules.prototype.select` of the language.
    plural_category: Option<Function>,
    /// Number formats that were used before.
    number_formats: Vec<(Number, Function)>,
}

impl Locale {
    const fn none() -> Self {
        Self {
            code: "",
            texts: JsValue::UNDEFINED,
            lacked_text: Cell::new(false),
            plural_category: None,
            number_formats: Vec::new(),
        }
    }

    fn entry(&self, key: &str) -> JsValue {
        let entry = property(&self.texts, key);
        if entry.is_undefined() {
            self.lacked_text.set(true);
        }
        entry
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

/// The first of the browser's languages that the page speaks, else English.
pub(crate) fn preferred() -> &'static str {
    let wanted = web_sys::window().map(|window| window.navigator().languages());
    let wanted = wanted.unwrap_or_default();
    wanted
        .iter()
        .filter_map(|tag| tag.as_string())
        .find_map(|tag| supported(&tag))
        .unwrap_or("en")
}

/// The code of a language that the page speaks, for a tag such as `pt-BR` (RFC 5646).
pub(crate) fn supported(tag: &str) -> Option<&'static str> {
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

/// Makes this the page's language. `json` has its texts, or those of a first view.
///
/// # Errors
/// If `json` is not JSON.
pub fn set_locale(code: &'static str, json: &str) -> Result<(), JsValue> {
    let texts = JSON::parse(json)?;
    let rules = Intl::PluralRules::new(&Array::of1(&code.into()), &Object::new());
    let select = Reflect::get(&rules, &"select".into())?.dyn_into::<Function>()?;
    LOCALE.replace(Locale {
        code,
        texts,
        plural_category: Some(select.bind0(&rules)),
        ..Locale::none()
    });
    Ok(())
}

/// Adds texts to those of the page's language. Returns whether any text was wanted before.
///
/// # Errors
/// If `json` is not JSON.
pub fn add_texts(json: &str) -> Result<bool, JsValue> {
    let texts = JSON::parse(json)?;
    Ok(LOCALE.with_borrow(|locale| {
        Object::assign(locale.texts.unchecked_ref::<Object>(), texts.unchecked_ref());
        locale.lacked_text.get()
    }))
}

/// Makes this the page's language, with the texts of a first view from the page's own server.
///
/// # Errors
/// If they cannot be fetched.
pub(crate) async fn load(assets: &str, code: &'static str) -> Result<(), JsValue> {
    set_locale(code, &fetch(&[assets, "languages/", code]).await?)
}

/// Fetches the other texts of the page's language. Returns whether any of them was wanted before.
///
/// # Errors
/// If they cannot be fetched.
pub(crate) async fn load_later(assets: &str) -> Result<bool, JsValue> {
    let code = locale();
    let json = fetch(&[assets, LATER, code]).await?;
    // Another language may have been chosen meanwhile, with all of its texts.
    if locale() == code {
        add_texts(&json)
    } else {
        Ok(false)
    }
}

async fn fetch(path: &[&str]) -> Result<String, JsValue> {
    let url = [&path.concat(), ".json"].concat();
    let json = crate::effects::fetch::text(&url).await;
    json.map_err(|_| JsValue::UNDEFINED)
}

/// The code of the page's language.
pub(crate) fn locale() -> &'static str {
    LOCALE.with_borrow(|locale| locale.code)
}

/// The texts of the page's language, for a script that needs this one of them.
pub(crate) fn texts_with(key: &str) -> JsValue {
    LOCALE.with_borrow(|locale| {
        locale.entry(key);
        locale.texts.clone()
    })
}

/// A text in the page's language.
pub(crate) fn t(text: Text) -> String {
    LOCALE.with_borrow(|locale| locale.entry(text.key()).as_string().unwrap_or_default())
}

impl MakerText {
    /// The text in the page's language, with its values.
    pub(crate) fn say(self, values: &[(&str, &str)]) -> String {
        let text = LOCALE.with_borrow(|locale| locale.entry(self.key()).as_string());
        fill(&text.unwrap_or_default(), values)
    }
}

/// A text with its values.
pub(crate) fn t_with(text: Text, values: &[(&str, &str)]) -> String {
    fill(&t(text), values)
}

/// A text in the plural that goes with `count`, with its values; `{count}` is the count.
pub(crate) fn t_plural(text: Text, count: u64, values: &[(&str, &str)]) -> String {
    let form = LOCALE.with_borrow(|locale| {
        let forms = locale.entry(text.key());
        let category = locale.plural_category.as_ref().and_then(|select| {
            let count = JsValue::from_f64(count as f64);
            select.call1(&JsValue::UNDEFINED, &count).ok()?.as_string()
        });
        let form = |category: &str| property(&forms, category).as_string();
        category
            .and_then(|category| form(&category))
            .or_else(|| form("other"))
            .unwrap_or_default()
    });
    let count = number(Number::Plain, count as f64);
    let mut all = vec![("count", count.as_str())];
    all.extend_from_slice(values);
    fill(&form, &all)
}

/// A number as the language writes it.
pub(crate) fn number(kind: Number, value: f64) -> String {
    LOCALE.with_borrow_mut(|locale| {
        let known = locale.number_formats.iter().find(|(known, _)| *known == kind);
        let format = match known {
            Some((_, format)) => format.clone(),
            None => {
                let format = number_format(locale.code, kind);
                locale.number_formats.push((kind, format.clone()));
                format
            }
        };
        let written = format.call1(&JsValue::UNDEFINED, &JsValue::from_f64(value));
        written.ok().and_then(|text| text.as_string()).unwrap_or_default()
    })
}

/// A date and the time of day, as the language writes them, in the time zone of the device. `seconds` counts from
/// 1970-01-01T00:00:00Z.
pub(crate) fn time(seconds: u64) -> String {
    let options = Object::new();
    for (name, style) in [("dateStyle", "long"), ("timeStyle", "short")] {
        // A new object takes any property.
        let _ = Reflect::set(&options, &name.into(), &style.into());
    }
    let format = Intl::DateTimeFormat::new(&Array::of1(&locale().into()), &options).format();
    let milliseconds = JsValue::from_f64(seconds as f64 * 1000.0);
    let written = format.call1(&JsValue::UNDEFINED, &milliseconds);
    written.ok().and_then(|text| text.as_string()).unwrap_or_default()
}

fn number_format(code: &str, kind: Number) -> Function {
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
            // The short form has no plural: "5 byte".
            set(
                "unitDisplay",
                if unit == "byte" { "long" } else { "short" }.into(),
            );
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

fn property(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap_or_default()
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
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
