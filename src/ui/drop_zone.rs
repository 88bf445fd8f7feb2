//! Where files come from: the picker, a drop anywhere on the page, and the clipboard.

use std::{cell::Cell, rc::Rc};

use browser::Listener;
use leptos::prelude::{Get, GetUntracked, RwSignal, Set, Update};
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, DragEvent, Event};

use crate::effects::task::spawn;
use crate::{
    acceptance::{self, Reason},
    effects::{
        files::{self, Chosen},
        folders,
        handle::{self, Picked},
    },
    format,
    language::{fill, plural, word},
    ui::{
        Context,
        html::{Html, html, keep},
        icon::Icon,
        rejections::{self, Group, rejections},
    },
};

/// The part of the page that files come from.
pub(crate) fn drop_zone(context: &Context) -> [Html; 2] {
    let (is_over, is_reading) = (RwSignal::new(false), RwSignal::new(false));
    let left_out = RwSignal::new(Vec::<Group>::new());
    let intake = Intake {
        context: Rc::clone(context),
        left_out,
    };
    take_drops(&intake, is_over, is_reading);
    let totals = context.uploads.totals();
    let hint = html("div", "drop-zone-hint").with([
        html("p", "").text(&word("dropHint")),
        html("p", "").text(&limits(&context.config)),
    ]);
    let zone = html("section", "")
        .set("part", "drop-zone")
        .set("aria-label", &word("addFiles"))
        .follow("class", move || {
            let compact = if totals.get().files > 0 { " compact" } else { "" };
            let over = if is_over.get() { " over" } else { "" };
            ["drop-zone", compact, over].concat()
        })
        .with([
            html("span", "drop-zone-picture").with_picture(&Icon::Upload.draw()),
            hint,
            html("div", "drop-zone-buttons").with(pickers(&intake)),
            html("p", "drop-zone-notice")
                .set("role", "status")
                .follow_text(move || {
                    if is_reading.get() {
                        word("reading")
                    } else {
                        String::new()
                    }
                }),
        ]);
    [zone, rejections(context, left_out)]
}

/// The pickers for files and for a folder, each with the label that opens it.
fn pickers(intake: &Intake) -> [Html; 4] {
    let files = picker(intake, "file-picker").set("multiple", "");
    let folder = picker(intake, "folder-picker").set("webkitdirectory", "");
    let [file_picker, folder_picker] = ["file-picker", "folder-picker"].map(|id| intake.context.id(id));
    let accept = {
        let files = files.clone();
        intake
            .context
            .uploads
            .on(|heard| heard.wants_files = Some(Box::new(move || files.element().click())));
        intake.context.config.accept.clone()
    };
    let gives_handles = Rc::new(Cell::new(handle::has_picker() && accept.is_empty()));
    let (opened, cancelled, intake) = (files.clone(), intake.clone(), intake.clone());
    let files = files
        .set("accept", &accept)
        .on("cancel", move |_| cancelled.add(Vec::new()))
        .on("click", move |event| {
            // The browser's other picker gives handles, and tells of accepted types in another way.
            if gives_handles.get() {
                event.prevent_default();
                spawn(pick_with_handles(
                    intake.clone(),
                    Rc::clone(&gives_handles),
                    opened.clone(),
                ));
            }
        });
    [
        files,
        label(&file_picker, "chooseFiles").set("class", "button primary"),
        folder,
        label(&folder_picker, "chooseFolder"),
    ]
}

/// What opens the picker of this id.
fn label(picker: &str, key: &str) -> Html {
    html("label", "button").set("for", picker).text(&word(key))
}

fn picker(intake: &Intake, id: &str) -> Html {
    let picked = intake.clone();
    html("input", "visually-hidden")
        .set("type", "file")
        .set("id", &intake.context.id(id))
        .on("change", move |event| {
            let picker = event.target().and_then(|target| target.dyn_into().ok());
            if let Some(picker) = picker {
                picked.take_anew(files::take_picked(&picker));
            }
        })
}

/// What the page's settings allow, told before anything is chosen.
fn limits(config: &crate::config::Config) -> String {
    let mut limits = Vec::new();
    if !config.accept.is_empty() {
        limits.push(fill("acceptedTypes", &[("types", &config.accept)]));
    }
    if let Some(most) = config.max_file_bytes {
        limits.push(fill("acceptedSize", &[("size", &format::size(most))]));
    }
    if let Some(most) = config.max_files {
        limits.push(plural("acceptedCount", most.into(), &[]));
    }
    limits.join(" ")
}

/// Where chosen files go: on to the uploads, or among those that were left out.
#[derive(Clone)]
struct Intake {
    context: Context,
    left_out: RwSignal<Vec<Group>>,
}

impl Intake {
    /// Takes what a person chose now.
    fn take_anew(&self, chosen: Vec<Chosen>) {
        self.left_out.set(Vec::new());
        self.add(chosen);
    }

    /// Takes more of what was chosen; nothing, where the person closed the picker.
    fn add(&self, mut chosen: Vec<Chosen>) {
        let mut groups = self.left_out.try_get_untracked().unwrap_or_default();
        let before = groups.clone();
        let totals = self.context.uploads.totals().get_untracked();
        let mut unfinished = totals.unfinished() + totals.paused;
        chosen.retain(|chosen| {
            let (media_type, size) = (chosen.file.type_(), || chosen.file.size() as u64);
            match acceptance::refuse(&self.context.config, &chosen.name, &media_type, size, unfinished) {
                Some(reason) => {
                    rejections::add(&mut groups, reason, Some(&chosen.name));
                    false
                }
                None => {
                    unfinished += 1;
                    true
                }
            }
        });
        self.context.uploads.add(chosen);
        if groups != before {
            self.left_out.try_set(groups);
        }
    }

    fn unreadable(&self, count: u32) {
        if count > 0 {
            self.left_out.try_update(|groups| {
                for _ in 0..count {
                    rejections::add(groups, Reason::Unreadable, None);
                }
            });
        }
    }
}

/// Lets a person pick files so that they can be read again after a reload.
async fn pick_with_handles(intake: Intake, gives_handles: Rc<Cell<bool>>, picker: Html) {
    match handle::pick().await {
        Picked::Files(files) => intake.take_anew(files),
        Picked::Nothing => intake.add(Vec::new()),
        Picked::Refused => {
            gives_handles.set(false);
            picker.element().click();
        }
    }
}

/// Takes what is dropped anywhere on the page, or pasted, for as long as the component lives.
fn take_drops(intake: &Intake, is_over: RwSignal<bool>, is_reading: RwSignal<bool>) {
    let (intake, pasted_to) = (intake.clone(), intake.clone());
    let target = intake.context.target.clone();
    // Entering a child fires before leaving its parent, so only the count says whether it is still over.
    let depth = Rc::new(Cell::new(0_i32));
    let dragged = move |event: Event| {
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
                    spawn(read(intake.clone(), folders::dropped(&transfer), is_reading));
                }
            }
        }
        is_over.set(depth.get() > 0);
    };
    let pasted = move |event: Event| {
        let pasted = event
            .dyn_ref::<ClipboardEvent>()
            .and_then(ClipboardEvent::clipboard_data);
        let chosen = pasted
            .map(|pasted| files::of_transfer(&pasted))
            .unwrap_or_default();
        if !chosen.is_empty() {
            pasted_to.take_anew(chosen);
        }
    };
    let mut listeners: Vec<Listener> = ["dragenter", "dragleave", "dragover", "drop"]
        .map(|name| Listener::new(&target, name, dragged.clone()))
        .into();
    listeners.push(Listener::new(&target, "paste", pasted));
    keep(listeners);
}

async fn read(intake: Intake, dropped: Vec<folders::Dropped>, is_reading: RwSignal<bool>) {
    intake.left_out.try_set(Vec::new());
    is_reading.try_set(true);
    let unreadable = folders::read(dropped, |chosen| {
        if !chosen.is_empty() {
            intake.add(chosen);
        }
    })
    .await;
    intake.unreadable(unreadable);
    is_reading.try_set(false);
}
