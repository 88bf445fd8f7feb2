//! What a person sees and does, one file a component.

pub(crate) mod announcer;
pub(crate) mod drop_zone;
pub(crate) mod file_icon;
pub(crate) mod file_list;
pub(crate) mod file_row;
pub(crate) mod filters;
pub(crate) mod html;
pub(crate) mod icon;
pub(crate) mod language_choice;
pub(crate) mod page_error;
pub(crate) mod rejections;
pub(crate) mod setup_check;
pub(crate) mod sign_in;
pub(crate) mod tab_signs;
pub(crate) mod totals_bar;
pub(crate) mod uploader;

use std::{cell::OnceCell, rc::Rc};

use web_sys::EventTarget;

use crate::config::Config;
pub(crate) use crate::uploads::{Shown, Uploads};

/// What components share.
pub(crate) struct Shared {
    pub(crate) uploads: Uploads,
    pub(crate) config: Config,
    /// Where the page's own files are: empty, or a URL that ends in a slash.
    pub(crate) assets: String,
    /// The sign-in, where the settings name an issuer.
    pub(crate) session: OnceCell<sign_in::Session>,
    /// Tells the elements of several uploaders in one document apart.
    pub(crate) number: u32,
    /// Where files may be dropped and pasted.
    pub(crate) target: EventTarget,
}

impl Shared {
    /// The id of an element of this uploader, which is `name` for the first one.
    pub(crate) fn id(&self, name: &str) -> String {
        match self.number {
            0 => name.to_owned(),
            number => [name, "-", &number.to_string()].concat(),
        }
    }

    /// A page about errors, to which the name of an error is added as the fragment.
    pub(crate) fn help(&self) -> String {
        let own = || [&self.assets, "help.html"].concat();
        self.config.help_url.clone().unwrap_or_else(own)
    }
}

/// What components share, as they pass it on.
pub(crate) type Context = Rc<Shared>;
