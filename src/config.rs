//! The page's settings, from `config.json` at run time, so that one build serves every stage.

use std::time::Duration;

use js_sys::{JSON, Object, Reflect};
use messages::{Limits, Settings};
use wasm_bindgen::{JsCast, JsValue};

/// `config.json`. Only `apiUrl` is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `apiUrl`: where the Lambda's API is, an absolute URL or a path on the page's own origin.
    pub api_url: String,
    /// `accept`, `maxFileBytes` and `maxFiles`: which files may be chosen.
    pub limits: Limits,
    /// `helpUrl`: a page about errors; the name of an error is added as the fragment. The page's own if it is not
    /// set.
    pub help_url: Option<String>,
    /// `signIn`: where users sign in, as the JSON that the crate `sign-in` reads; nobody has to if it is not set.
    pub sign_in: Option<String>,
    /// `verdicts`: whether the API can say what was found in stored files.
    pub verdicts: bool,
    /// `links`: whether the API lets users who are signed in make upload links.
    pub links: bool,
    /// `resume`: whether uploads can be resumed after a reload.
    pub resume: bool,
    /// `fields`: what users are asked before they upload, as the JSON that `static/fields.js` reads.
    pub fields: Option<String>,
    /// `parallelRequests`, `secondEndpoint`, `maxAttempts`, `backoffMilliseconds`, `stallSeconds` and `manifests`: the
    /// engine's settings.
    pub settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_url: String::new(),
            limits: Limits::default(),
            help_url: None,
            sign_in: None,
            verdicts: false,
            links: false,
            resume: true,
            fields: None,
            settings: Settings::default(),
        }
    }
}

/// Why there are no settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// `config.json` could not be fetched.
    Unreachable,
    /// The server answered with this status.
    Status(u16),
    /// It is not what it should be; the text names the field.
    Invalid(String),
}

impl Config {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] names what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        // The browser's own parser costs the page no bytes.
        let parsed = JSON::parse(text).map_err(|error| {
            let reason = Reflect::get(&error, &"message".into()).ok();
            let reason = reason.and_then(|reason| reason.as_string());
            invalid("JSON", &reason.unwrap_or_default())
        })?;
        let object = parsed
            .dyn_ref::<Object>()
            .ok_or_else(|| invalid("JSON", "an object is needed"))?;
        let mut config = Self::default();
        for name in Object::keys(object).iter().filter_map(|name| name.as_string()) {
            let value = Reflect::get(object, &name.as_str().into()).unwrap_or_default();
            config.set(&name, &value)?;
        }
        if config.api_url.is_empty() {
            return Err(invalid("apiUrl", "it is missing"));
        }
        Ok(config)
    }

    fn set(&mut self, name: &str, value: &JsValue) -> Result<(), ConfigError> {
        let number = |least, most| integer(name, value, least, most);
        match name {
            "apiUrl" => self.api_url = url(name, value)?,
            "helpUrl" => self.help_url = Some(url(name, value)?),
            "signIn" => self.sign_in = Some(json(name, value)?),
            "fields" => self.fields = Some(json(name, value)?),
            "resume" => self.resume = boolean(name, value)?,
            "verdicts" => self.verdicts = boolean(name, value)?,
            "links" => self.links = boolean(name, value)?,
            "manifests" => self.settings.manifests = boolean(name, value)?,
            "accept" => self.limits.accept = string(name, value)?,
            "maxFileBytes" => self.limits.max_file_bytes = Some(number(0, u64::MAX >> 11)?),
            "maxFiles" => self.limits.max_files = Some(number(1, u32::MAX.into())? as u32),
            "parallelRequests" => self.settings.parallel_requests = number(1, 32)? as usize,
            "secondEndpoint" => self.settings.second_endpoint = boolean(name, value)?,
            "maxAttempts" => self.settings.max_attempts = number(1, 100)? as u32,
            "backoffMilliseconds" => self.settings.backoff_base = Duration::from_millis(number(1, 60_000)?),
            "stallSeconds" => self.settings.stall = Duration::from_secs(number(1, 3600)?),
            _ => return Err(invalid(name, "there is no such setting")),
        }
        Ok(())
    }
}

fn invalid(name: &str, reason: &str) -> ConfigError {
    ConfigError::Invalid([name, ": ", reason].concat())
}

fn string(name: &str, value: &JsValue) -> Result<String, ConfigError> {
    value.as_string().ok_or_else(|| invalid(name, "a text is needed"))
}

fn boolean(name: &str, value: &JsValue) -> Result<bool, ConfigError> {
    value
        .as_bool()
        .ok_or_else(|| invalid(name, "true or false is needed"))
}

fn json(name: &str, value: &JsValue) -> Result<String, ConfigError> {
    let text = JSON::stringify(value).ok().map(String::from);
    text.filter(|_| value.is_object())
        .ok_or_else(|| invalid(name, "an object is needed"))
}

fn url(name: &str, value: &JsValue) -> Result<String, ConfigError> {
    let url = string(name, value)?;
    let is_url = ["https://", "http://", "/"]
        .iter()
        .any(|start| url.starts_with(start));
    if is_url {
        Ok(url)
    } else {
        Err(invalid(name, "it has to begin with https://, http:// or /"))
    }
}

fn integer(name: &str, value: &JsValue, least: u64, most: u64) -> Result<u64, ConfigError> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0);
    // A float turns into the nearest whole number there is, so that nothing is out of range unseen.
    match number.filter(|number| (least as f64..=most as f64).contains(number)) {
        Some(number) => Ok(number as u64),
        None => {
            let range = [
                "a whole number from ",
                &least.to_string(),
                " to ",
                &most.to_string(),
            ]
            .concat();
            Err(invalid(name, &range))
        }
    }
}
