//! A page written with Leptos that has the uploader as a component, and lists what it stored.

use leptos::prelude::*;
use slipway::{Ended, Outcome, Upload, config::Config};
use wasm_bindgen_futures::spawn_local;

fn main() {
    console_error_panic_hook::set_once();
    mount_to_body(App);
}

/// The page. Its settings are in `config.json`, as those of the uploader's own page.
#[component]
fn App() -> impl IntoView {
    let title = "Hand in your report";
    let config = RwSignal::new(None::<Config>);
    let stored = RwSignal::new(Vec::<String>::new());
    spawn_local(async move {
        config.set(slipway::load("").await.ok());
    });
    let on_file_finished = Callback::new(move |file: Ended| {
        if let Outcome::Stored { key } = file.outcome {
            stored.update(|keys| keys.push(key));
        }
    });
    let uploader = move || {
        config
            .get()
            .map(|config| view! { <Upload config on_file_finished/> })
    };
    view! {
        <main>
            <h1>{move || title}</h1>
            {uploader}
            <ul id="received">
                <For each=move || stored.get() key=Clone::clone let:key>
                    <li>{move || key.clone()}</li>
                </For>
            </ul>
        </main>
    }
}
