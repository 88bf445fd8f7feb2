//! Where files come from: the picker, and a drop anywhere on the page.

use leptos::{html::Input, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Event, MouseEvent};

use crate::{
    effects::{
        files,
        handle::{self, Picked},
        listener::Listener,
    },
    restore::PICKER,
    text,
    ui::{SharedDriver, icon::Icon},
};

#[component]
pub(crate) fn DropZone(driver: SharedDriver) -> impl IntoView {
    let picker = NodeRef::<Input>::new();
    let is_over = RwSignal::new(false);
    let left_out = RwSignal::new(0);
    let list = driver.with_value(crate::driver::Driver::list);
    let has_files = Memo::new(move |_| list.with(|list| !list.is_empty()));
    let picked = move |_| {
        if let Some(picker) = picker.get() {
            left_out.set(0);
            driver.with_value(|driver| driver.add(files::take_picked(&picker)));
        }
    };
    let gives_handles = StoredValue::new_local(handle::has_picker());
    let clicked = move |event: MouseEvent| {
        if gives_handles.get_value() {
            event.prevent_default();
            left_out.set(0);
            spawn_local(pick_with_handles(driver, gives_handles));
        }
    };
    let cancelled = move |_: Event| driver.with_value(crate::driver::Driver::nothing_picked);
    take_drops(driver, is_over, left_out);
    view! {
        <section class="drop-zone" class:compact=has_files class:over=is_over aria-label=text::ADD_FILES>
            <span class="drop-zone-picture">{Icon::Upload.view()}</span>
            <p class="drop-zone-hint">{text::DROP_HINT}</p>
            <input
                id=PICKER
                class="visually-hidden"
                type="file"
                multiple
                node_ref=picker
                on:change=picked
                on:click=clicked
                on:cancel=cancelled
            />
            <label class="button primary" for=PICKER>
                {text::CHOOSE_FILES}
            </label>
            <p class="drop-zone-notice" role="status">
                {move || Some(left_out.get()).filter(|folders| *folders > 0).map(text::folders_left_out)}
            </p>
        </section>
    }
}

/// Lets a person pick files so that they can be read again after a reload.
async fn pick_with_handles(driver: SharedDriver, gives_handles: StoredValue<bool, LocalStorage>) {
    let picked = handle::pick().await;
    driver.try_with_value(|driver| match picked {
        Picked::Files(files) => driver.add_with_handles(files),
        Picked::Nothing => driver.nothing_picked(),
        Picked::Refused => {
            gives_handles.set_value(false);
            files::open_picker(PICKER);
        }
    });
}

/// Takes what is dropped anywhere on the page, for as long as the component lives.
fn take_drops(driver: SharedDriver, is_over: RwSignal<bool>, left_out: RwSignal<usize>) {
    let window: web_sys::EventTarget = window().into();
    // Entering a child fires before leaving its parent, so only the count says whether it is still over.
    let depth = StoredValue::new_local(0_i32);
    let enter = Listener::new(&window, "dragenter", move |event| {
        if files::holds_files(&event) {
            event.prevent_default();
            depth.update_value(|depth| *depth += 1);
            is_over.set(true);
        }
    });
    let leave = Listener::new(&window, "dragleave", move |event| {
        if files::holds_files(&event) {
            depth.update_value(|depth| *depth = (*depth - 1).max(0));
            is_over.set(depth.get_value() > 0);
        }
    });
    // Without this the browser would open the file in place of the page.
    let over = Listener::new(&window, "dragover", |event| {
        if files::holds_files(&event) {
            event.prevent_default();
        }
    });
    let drop = Listener::new(&window, "drop", move |event: Event| {
        let transfer = event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer);
        if let Some(transfer) = transfer.filter(|_| files::holds_files(&event)) {
            event.prevent_default();
            depth.set_value(0);
            is_over.set(false);
            let (dropped, folders) = files::dropped(&transfer);
            left_out.set(folders);
            driver.with_value(|driver| driver.add_dropped(dropped));
        }
    });
    let listeners = StoredValue::new_local(Some([enter, leave, over, drop]));
    on_cleanup(move || listeners.update_value(|listeners| std::mem::drop(listeners.take())));
}
