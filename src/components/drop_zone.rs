//! Where files come from: the picker, a drop anywhere on the page, and the clipboard.

use std::{cell::Cell, rc::Rc};

use leptos::{attr::custom::custom_attribute, callback::UnsyncCallback, html, prelude::*, task::spawn_local};
use messages::Limits;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, DragEvent, Event, HtmlInputElement};

use crate::{
    components::{
        icon::{Icon, Shape},
        left_out::LeftOut,
    },
    early::Early,
    effects::{
        files, folders,
        handle::{self, Picked},
        listen::listen,
    },
    format,
    i18n::{Text, t, t_plural, t_with},
    intake::Intake,
    page::use_page,
};

/// The part of the page that files come from, and what was left out of them.
#[component]
pub(crate) fn DropZone() -> impl IntoView {
    let page = use_page();
    let totals = page.uploads.totals;
    let is_over = RwSignal::new(false);
    let intake = Intake::new(page.uploads);
    take_drops(intake, is_over);
    if let Some(early) = use_context::<Early>() {
        take_early(early, intake);
    }
    let limits = page.config.with_value(|config| limits(&config.limits));
    let is_compact = move || totals.get().files > 0;
    let notice = move || match intake.is_reading.get() {
        true => t(Text::Reading),
        false => String::new(),
    };
    view! {
        <section
            class="drop-zone"
            class:compact=is_compact
            class:over=move || is_over.get()
            part="drop-zone"
            aria-label=t(Text::AddFiles)
        >
            <span class="drop-zone-picture">
                <Icon shape=Shape::Upload/>
            </span>
            <div class="drop-zone-hint">
                <p>{t(Text::DropHint)}</p>
                <p>{limits}</p>
            </div>
            <div class="drop-zone-buttons">
                <FilePicker intake/>
                <FolderPicker intake/>
            </div>
            <p class="drop-zone-notice" role="status">
                {notice}
            </p>
        </section>
        <LeftOut/>
    }
}

/// The picker for files, with the label that opens it.
#[component]
fn FilePicker(intake: Intake) -> impl IntoView {
    let page = use_page();
    let id = page.id("file-picker");
    let accept = page.config.with_value(|config| config.limits.accept.clone());
    // The browser's other picker returns handles, and takes the accepted types in another form.
    let returns_handles = StoredValue::new(handle::has_picker() && accept.is_empty());
    let picker = NodeRef::<html::Input>::new();
    let open = move || {
        if let Some(picker) = picker.get_untracked() {
            picker.click();
        }
    };
    page.uploads
        .update_callbacks(|callbacks| callbacks.on_pick_files = Some(UnsyncCallback::new(move |()| open())));
    let on_click = move |event: web_sys::MouseEvent| {
        if returns_handles.get_value() {
            event.prevent_default();
            spawn_local(async move {
                match handle::pick().await {
                    Picked::Files(files, left_out) => intake.take(files, left_out),
                    Picked::Nothing => page.uploads.add_nothing(),
                    Picked::Refused => {
                        returns_handles.set_value(false);
                        open();
                    }
                }
            });
        }
    };
    view! {
        <input
            class="visually-hidden"
            type="file"
            id=id.clone()
            multiple=true
            accept=accept
            on:change=move |event| intake.take_picked(&event_target(&event))
            on:cancel=move |_: Event| page.uploads.add_nothing()
            on:click=on_click
            node_ref=picker
        />
        <label class="button primary" for=id>
            {t(Text::ChooseFiles)}
        </label>
    }
}

/// The picker for a folder, with the label that opens it.
#[component]
fn FolderPicker(intake: Intake) -> impl IntoView {
    let id = use_page().id("folder-picker");
    view! {
        <input
            class="visually-hidden"
            type="file"
            id=id.clone()
            on:change=move |event| intake.take_picked(&event_target(&event))
            {..custom_attribute("webkitdirectory", "")}
        />
        <label class="button" for=id>
            <Icon shape=Shape::Folder/>
            <span>{t(Text::ChooseFolder)}</span>
        </label>
    }
}

/// What the page's settings allow, said before anything is chosen.
fn limits(limits: &Limits) -> String {
    let mut sentences = Vec::new();
    if !limits.accept.is_empty() {
        sentences.push(t_with(Text::AcceptedTypes, &[("types", &limits.accept)]));
    }
    if let Some(most) = limits.max_file_bytes {
        sentences.push(t_with(Text::AcceptedSize, &[("size", &format::size(most))]));
    }
    if let Some(most) = limits.max_files {
        sentences.push(t_plural(Text::AcceptedCount, most.into(), &[]));
    }
    sentences.join(" ")
}

/// Takes what was chosen before the page started, and what is still going to be: a picker may be open.
fn take_early(early: Early, intake: Intake) {
    for picker in early.pickers() {
        let take = move |picker: &HtmlInputElement| {
            if picker.files().is_some_and(|files| files.length() > 0) {
                intake.take_picked(picker);
            }
        };
        take(&picker);
        listen(&picker.clone(), &["change"], move |_| take(&picker));
    }
    let dropped = early.take_dropped();
    if !dropped.is_empty() {
        intake.take_dropped(dropped);
    }
}

/// Takes what is dropped anywhere on the page, or pasted, for as long as the component lives.
fn take_drops(intake: Intake, is_over: RwSignal<bool>) {
    // Entering a child fires before leaving its parent, so only the count says whether it is still over.
    let depth = Rc::new(Cell::new(0_i32));
    let on_drag = move |event: Event| {
        if !files::holds_files(&event) {
            return;
        }
        match event.type_().as_str() {
            "dragenter" => {
                event.prevent_default();
                depth.set(depth.get() + 1);
            }
            "dragleave" => depth.set((depth.get() - 1).max(0)),
            // Without this the browser would open the file in place of the page.
            "dragover" => event.prevent_default(),
            _ => {
                event.prevent_default();
                depth.set(0);
                let transfer = event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer);
                if let Some(transfer) = transfer {
                    intake.take_dropped(folders::dropped(&transfer));
                }
            }
        }
        is_over.set(depth.get() > 0);
    };
    let on_paste = move |event: Event| {
        let transfer = event
            .dyn_ref::<ClipboardEvent>()
            .and_then(ClipboardEvent::clipboard_data);
        let transfer = transfer.filter(|transfer| !files::is_text(transfer));
        let pasted = transfer.map(|transfer| folders::dropped(&transfer));
        if let Some(pasted) = pasted.filter(|pasted| !pasted.is_empty()) {
            intake.take_dropped(pasted);
        }
    };
    use_page().drop_target.with_value(|target| {
        listen(target, &["dragenter", "dragleave", "dragover", "drop"], on_drag);
        listen(target, &["paste"], on_paste);
    });
}
