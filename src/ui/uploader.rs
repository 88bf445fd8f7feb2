//! The uploader: where files come from, all of them together, and each of them.

use leptos::prelude::*;
use web_sys::Event;

use crate::{
    effects::listener::Listener,
    text,
    ui::{
        SharedDriver, announcer::Announcer, drop_zone::DropZone, file_list::FileList, totals_bar::TotalsBar,
    },
};

#[component]
pub(crate) fn Uploader(driver: SharedDriver) -> impl IntoView {
    ask_before_leaving(driver);
    let keeps_nothing = driver.with_value(crate::driver::Driver::keeps_nothing);
    view! {
        <DropZone driver />
        <p class="storage-notice" role="status">
            {move || keeps_nothing.get().then_some(text::KEEPS_NOTHING)}
        </p>
        <TotalsBar driver />
        <FileList driver />
        <Announcer driver />
    }
}

/// Lets the browser ask before a page is left that has something under way.
fn ask_before_leaving(driver: SharedDriver) {
    let listener = Listener::new(&window(), "beforeunload", move |event: Event| {
        if driver.with_value(crate::driver::Driver::is_busy) {
            event.prevent_default();
        }
    });
    let listener = StoredValue::new_local(Some(listener));
    on_cleanup(move || listener.update_value(|listener| drop(listener.take())));
}
