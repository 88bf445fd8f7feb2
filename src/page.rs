//! What the components of one uploader share.

use std::cell::Cell;

use leptos::prelude::*;
use messages::LinkTerms;
use wasm_bindgen::UnwrapThrowExt;
use web_sys::EventTarget;

use crate::{config::Config, session::Session, uploads::Uploads};

thread_local! {
    /// How many uploaders there have been in this document.
    static UPLOADERS: Cell<u32> = const { Cell::new(0) };
}

/// What the components of one uploader share. A copy is a handle to the same.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) uploads: Uploads,
    pub(crate) config: StoredValue<Config>,
    /// The sign-in, if the settings name an issuer.
    pub(crate) session: Option<Session>,
    /// What the upload link allows that the page was opened with.
    pub(crate) link: StoredValue<Option<LinkTerms>>,
    /// Where files may be dropped and pasted.
    pub(crate) drop_target: StoredValue<EventTarget, LocalStorage>,
    /// The URL of the page's own files with a slash at its end, or empty.
    assets: StoredValue<String>,
    /// Tells the elements of several uploaders in one document apart.
    number: u32,
}

impl Page {
    pub(crate) fn new(uploads: Uploads, config: Config, assets: &str, drop_target: EventTarget) -> Self {
        let sign_in = config.sign_in.clone();
        Self {
            uploads,
            config: StoredValue::new(config),
            session: sign_in.map(|settings| Session::start(assets.to_owned(), settings, uploads)),
            link: StoredValue::new(None),
            drop_target: StoredValue::new_local(drop_target),
            assets: StoredValue::new(assets.to_owned()),
            number: UPLOADERS.replace(UPLOADERS.get() + 1),
        }
    }

    /// The id of an element of this uploader, which is `name` for the first one.
    pub(crate) fn id(self, name: &str) -> String {
        match self.number {
            0 => name.to_owned(),
            number => [name, "-", &number.to_string()].concat(),
        }
    }

    /// Binds the page to what its upload link allows.
    pub(crate) fn bind(self, terms: LinkTerms) {
        self.config.update_value(|config| {
            config.limits.accept.clone_from(&terms.accept);
            config.limits.max_file_bytes = Some(terms.max_file_bytes);
        });
        self.link.set_value(Some(terms));
    }

    /// The address of the help on an error with this name.
    pub(crate) fn help(self, error_name: &str) -> String {
        let own = || self.assets.with_value(|assets| [assets, "help.html"].concat());
        let page = self.config.with_value(|config| config.help_url.clone());
        [&page.unwrap_or_else(own), "#", error_name].concat()
    }
}

/// The uploads of the [`App`](crate::App) that was made under this owner; `None` if it could not start.
pub fn use_uploads() -> Option<Uploads> {
    use_context::<Page>().map(|page| page.uploads)
}

/// The page that a component belongs to.
pub(crate) fn use_page() -> Page {
    // The panic of `expect_context` formats its words, which is four kilobytes.
    use_context().expect_throw("components are inside an App")
}
