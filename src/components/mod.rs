//! What the user sees and does, one file per component.

mod announcer;
mod drop_zone;
mod fields;
mod file_icon;
mod file_list;
mod file_row;
mod filters;
mod icon;
mod language_choice;
mod left_out;
mod link_maker;
mod page_error;
mod progress_bar;
mod row_actions;
mod scroll;
mod setup_check;
mod sign_in;
mod tab_signs;
mod totals_bar;
mod uploader;

pub(crate) use language_choice::LanguageChoice;
pub use link_maker::open_link_maker;
pub(crate) use page_error::PageError;
pub(crate) use sign_in::SignIn;
pub(crate) use tab_signs::TabSigns;
pub(crate) use totals_bar::percent;
pub(crate) use uploader::Uploader;
