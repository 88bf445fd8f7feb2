//! Where chosen files go: to the worker, which decides what goes onto the list.

use leptos::{prelude::*, task::spawn_local};
use messages::Reason;
use web_sys::HtmlInputElement;

use crate::{
    effects::{
        files::{self, Chosen},
        folders::{self, Dropped},
    },
    uploads::Uploads,
};

/// Where chosen files go. A copy is a handle to the same.
#[derive(Clone, Copy)]
pub(crate) struct Intake {
    uploads: Uploads,
    /// Whether dropped folders are being read.
    pub(crate) is_reading: RwSignal<bool>,
}

impl Intake {
    pub(crate) fn new(uploads: Uploads) -> Self {
        Self {
            uploads,
            is_reading: RwSignal::new(false),
        }
    }

    /// Takes what the user chose now, but for what is left out, once the page's questions are answered.
    pub(crate) fn take(self, chosen: Vec<Chosen>, left_out: Vec<(Reason, String)>) {
        let uploads = self.uploads;
        uploads.answers.take(move |answers| {
            let choice = uploads.begin_choice(answers);
            uploads.add(choice, chosen);
            uploads.leave_out(left_out);
        });
    }

    /// Takes the files out of a picker.
    pub(crate) fn take_picked(self, picker: &HtmlInputElement) {
        self.take(files::take_picked(picker), Vec::new());
    }

    /// Takes what was dropped, as it is read, once the page's questions are answered.
    pub(crate) fn take_dropped(self, dropped: Vec<Dropped>) {
        let uploads = self.uploads;
        uploads.answers.take(move |answers| {
            let choice = uploads.begin_choice(answers);
            self.is_reading.try_set(true);
            spawn_local(async move {
                let left_out = folders::read(dropped, |chosen| uploads.add(choice, chosen)).await;
                uploads.leave_out(left_out);
                self.is_reading.try_set(false);
            });
        });
    }
}
