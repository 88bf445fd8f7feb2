//! All files together, and what can be done to all of them.

use engine::{Event, Selection, Totals};
use leptos::prelude::*;

use crate::{format, text, ui::SharedDriver};

#[component]
pub(crate) fn TotalsBar(driver: SharedDriver) -> impl IntoView {
    let totals = driver.with_value(crate::driver::Driver::totals);
    let totals = Memo::new(move |_| totals.get());
    let tell = move |event: fn(Selection) -> Event| {
        driver.with_value(|driver| driver.tell(event(Selection::All)));
    };
    let button = move |label: &'static str, event: fn(Selection) -> Event, fits: fn(&Totals) -> bool| {
        view! {
            <button class="button" type="button" hidden=move || !fits(&totals.get()) on:click=move |_| tell(event)>
                {label}
            </button>
        }
    };
    view! {
        <section class="totals" aria-label=text::ALL_FILES hidden=move || totals.get().files == 0>
            <div class="totals-line">
                <p class="totals-summary">{move || text::summary(&totals.get())}</p>
                <p class="totals-progress">{move || progress(&totals.get())}</p>
            </div>
            <progress
                class="bar"
                aria-label=text::ALL_FILES
                max="100"
                prop:value=move || percent(&totals.get()).to_string()
            ></progress>
            <div class="totals-actions">
                {button(text::PAUSE_ALL, Event::Pause, |totals| totals.unfinished() > 0)}
                {button(text::RESUME_ALL, Event::Resume, |totals| totals.paused + totals.interrupted > 0)}
                {button(text::RETRY_FAILED, Event::Retry, |totals| totals.failed > 0)}
                {button(text::CANCEL_ALL, Event::Cancel, |totals| totals.unfinished() + totals.paused > 0)}
                {button(text::CLEAR_FINISHED, Event::Remove, |totals| totals.stored + totals.cancelled > 0)}
            </div>
        </section>
    }
}

/// Empty files count as done with the last file, since no byte tells of them.
fn percent(totals: &Totals) -> u64 {
    if totals.bytes == 0 {
        format::percent(totals.stored as u64, totals.files as u64)
    } else {
        format::percent(totals.sent, totals.bytes)
    }
}

fn progress(totals: &Totals) -> String {
    let mut progress = format!("{} of {}", format::size(totals.sent), format::size(totals.bytes));
    if totals.unfinished() > 0 && totals.bytes_per_second > 0 {
        progress.push_str(&format!(" · {}/s", format::size(totals.bytes_per_second)));
        if let Some(time) = totals.time_left {
            progress.push_str(&format!(" · {} left", format::time_left(time)));
        }
    }
    progress
}
