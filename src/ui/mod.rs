//! What a person sees and does, one file a component.

pub(crate) mod announcer;
pub(crate) mod drop_zone;
pub(crate) mod file_list;
pub(crate) mod file_row;
pub(crate) mod icon;
pub(crate) mod page_error;
pub(crate) mod sign_in;
pub(crate) mod totals_bar;
pub(crate) mod uploader;

use leptos::prelude::{LocalStorage, StoredValue};

use crate::driver::Driver;

/// The driver, as components share it: it lives with the root and never leaves the main thread.
pub(crate) type SharedDriver = StoredValue<Driver, LocalStorage>;
