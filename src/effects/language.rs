//! The language of the document, the one that was chosen by hand, and the texts that are loaded after the first view.

use std::time::Duration;

use leptos::{
    prelude::{GetUntracked, RwSignal, Set, document, set_timeout, window},
    task::spawn_local,
};

use crate::i18n;

/// How long after a failure the texts are fetched again.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// The name under which the choice is kept.
const CHOSEN: &str = "slipway-language";

/// The language that was chosen by hand, if that was ever done and the browser kept it.
pub(crate) fn chosen() -> Option<String> {
    let storage = window().local_storage().ok().flatten()?;
    storage.get_item(CHOSEN).ok().flatten()
}

/// Keeps the choice, if the browser does.
pub(crate) fn choose(code: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(CHOSEN, code);
    }
}

/// Tells the browser, and with it screen readers, in which language and direction the page is.
pub(crate) fn declare(code: &str, direction: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("lang", code);
        let _ = root.set_attribute("dir", direction);
    }
}

/// Loads the texts that a first view does not show, and tries until they are there. Sets `locale`, so that everything is
/// made anew, if one of them was wanted before or the language has changed.
pub(crate) fn load_later(assets: String, locale: RwSignal<&'static str>) {
    spawn_local(async move {
        let loaded = i18n::load_later(&assets).await;
        let code = i18n::locale();
        match loaded {
            Ok(lacked) if lacked || locale.try_get_untracked() != Some(code) => {
                locale.try_set(code);
            }
            // Without any texts there is no language yet.
            Err(_) if !code.is_empty() => set_timeout(move || load_later(assets, locale), RETRY_DELAY),
            _ => {}
        }
    });
}
