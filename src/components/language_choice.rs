//! Choosing the language by hand.

use leptos::{prelude::*, task::spawn_local};
use web_sys::{Event, HtmlSelectElement};

use crate::{
    effects,
    i18n::{self, LANGUAGES, Text, t},
};

/// A list of the languages. `locale` is set to the chosen one once all of its texts are there.
#[component]
pub(crate) fn LanguageChoice(locale: RwSignal<&'static str>) -> impl IntoView {
    let on_change = move |event: Event| {
        let chosen = event_target::<HtmlSelectElement>(&event).value();
        let Some(code) = i18n::supported(&chosen) else {
            return;
        };
        spawn_local(async move {
            if i18n::load("", code).await.is_ok() {
                effects::language::choose(code);
                effects::language::load_later(String::new(), locale);
            }
        });
    };
    let options = LANGUAGES.map(|(code, name)| {
        let is_chosen = code == i18n::locale();
        view! {
            <option value=code lang=code selected=is_chosen>
                {name}
            </option>
        }
    });
    view! {
        <select class="language" aria-label=t(Text::ChooseLanguage) on:change=on_change>
            {options.collect_view()}
        </select>
    }
}
