//! What the user answers to the page's questions, and what waits for that. `static/fields.js` shows them, and is loaded
//! only if `config.json` has any.

use std::rc::Rc;

use js_sys::{Object, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::HtmlElement;

use crate::{config::ConfigError, effects::module::import, i18n};

/// The script, beside the page's other files.
const SCRIPT: &str = "fields.js";

#[wasm_bindgen]
extern "C" {
    type Module;

    #[wasm_bindgen(method, catch, js_name = formOf)]
    fn form_of(this: &Module, page: &Object, fields: &str) -> Result<Form, JsValue>;

    /// The script documents its methods.
    type Form;

    #[wasm_bindgen(method)]
    fn show(this: &Form, place: &HtmlElement, language: &str, texts: &JsValue);

    #[wasm_bindgen(method)]
    fn fill(this: &Form, answers: &str);

    #[wasm_bindgen(method, js_name = whenAnswered)]
    fn when_answered(this: &Form, callback: &JsValue);
}

/// The answers of the user. A copy is a handle to the same.
#[derive(Clone, Copy)]
pub(crate) struct Answers {
    /// What is asked, if anything is.
    questions: StoredValue<Option<Questions>, LocalStorage>,
}

#[derive(Clone)]
struct Questions {
    /// The folder of the script.
    assets: String,
    /// `fields` of the settings.
    fields: String,
    /// Stands for the page: each has a form of its own.
    page: Object,
    /// Called if they cannot be asked.
    fail: Rc<dyn Fn(ConfigError)>,
}

impl Questions {
    async fn form(&self) -> Result<Form, JsValue> {
        let module = import(&self.assets, SCRIPT).await?.unchecked_into::<Module>();
        module.form_of(&self.page, &self.fields)
    }
}

impl Answers {
    /// Asks for these `fields` of the settings, by the script that is in the folder `assets`. `fail` is called if they are
    /// not what they should be.
    pub(crate) fn new(assets: &str, fields: Option<String>, fail: Rc<dyn Fn(ConfigError)>) -> Self {
        let questions = fields.map(|fields| Questions {
            assets: assets.to_owned(),
            fields,
            page: Object::new(),
            fail,
        });
        Self {
            questions: StoredValue::new_local(questions),
        }
    }

    /// Whether anything is asked.
    pub(crate) fn are_wanted(self) -> bool {
        self.questions.with_value(Option::is_some)
    }

    /// Shows the form in this place.
    pub(crate) fn show(self, place: HtmlElement) {
        self.with_form(Box::new(move |form| {
            form.show(&place, i18n::locale(), &i18n::texts_with("fieldRequired"));
        }));
    }

    /// Fills in what the user answered before the page was loaded: JSON, by the names of the fields.
    pub(crate) fn fill(self, answers: String) {
        self.with_form(Box::new(move |form| form.fill(&answers)));
    }

    /// Takes the answers, an object by the names of the fields, as soon as they are valid; at once, and none, if nothing is
    /// asked.
    pub(crate) fn take(self, take: impl FnOnce(JsValue) + 'static) {
        if !self.are_wanted() {
            take(JsValue::UNDEFINED);
            return;
        }
        let take = Closure::once_into_js(take);
        self.with_form(Box::new(move |form| form.when_answered(&take)));
    }

    /// Does something with the form, once it is loaded. (Boxed, so that loading is compiled once.)
    fn with_form(self, then: Box<dyn FnOnce(Form)>) {
        let Some(questions) = self.questions.get_value() else {
            return;
        };
        spawn_local(async move {
            match questions.form().await {
                Ok(form) => then(form),
                Err(error) => {
                    let reason = Reflect::get(&error, &"message".into()).unwrap_or_default();
                    (questions.fail)(ConfigError::Invalid(reason.as_string().unwrap_or_default()));
                }
            }
        });
    }
}
