//! The uploader: where files come from, all of them together, and each of them.

use leptos::prelude::*;
use web_sys::Event;

use crate::{
    components::{
        announcer::Announcer, drop_zone::DropZone, fields::Fields, file_list::FileList,
        setup_check::SetupCheck, totals_bar::TotalsBar,
    },
    effects::listen::listen,
    i18n::{Text, t},
    page::use_page,
    text,
};

/// All parts of the uploader, in the order in which they are read.
#[component]
pub(crate) fn Uploader() -> impl IntoView {
    let uploads = use_page().uploads;
    // Lets the browser ask before the page is left.
    listen(&window(), &["beforeunload"], move |event: Event| {
        if uploads.is_busy() {
            event.prevent_default();
        }
    });
    let notice = move || match uploads.is_storage_unavailable.get() {
        true => t(Text::StorageUnavailable),
        false => String::new(),
    };
    let link = use_page()
        .link
        .with_value(Option::clone)
        .map(|link| text::link(&link));
    view! {
        <p class="link-terms">{link.unwrap_or_default()}</p>
        <Fields/>
        <DropZone/>
        <p class="storage-notice" role="status">
            {notice}
        </p>
        <TotalsBar/>
        <SetupCheck/>
        <FileList/>
        <Announcer/>
    }
}
