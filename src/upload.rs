//! The uploader as a Leptos component, for pages that are written with Leptos themselves.

use leptos::{callback::UnsyncCallback, html, prelude::*, task::spawn_local};
use messages::Ended;

use crate::{App, Callbacks, Options, config::Config, load_texts};

/// An uploader. Uploads end with the component.
///
/// The files that `cargo xtask dist` makes beside `index.html` are needed: the worker, the languages, and
/// `fields.js` if the settings have fields; and in the document its style sheets `theme.css`, `slipway.css` and, behind
/// it, `later.css`.
#[component]
pub fn Upload(
    /// Its settings, as `config.json` has them.
    config: Config,
    /// The URL of the page's own files, with a slash at its end; empty if they are beside the document.
    #[prop(optional, into)]
    assets: String,
    /// Is called for each file that was stored or given up.
    #[prop(optional, into)]
    on_file_finished: Option<Callback<Ended>>,
) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let has_texts = RwSignal::new(false);
    spawn_local({
        let assets = assets.clone();
        async move {
            load_texts(&assets).await;
            // The component may have gone in the meantime.
            has_texts.try_set(true);
        }
    });
    // This runs in an owner of its own, so that the app's context does not reach the component's neighbours.
    let app = move || {
        let place = place.get().filter(|_| has_texts.get())?;
        let options = Options {
            assets: assets.clone(),
            ..Options::default()
        };
        let callbacks = Callbacks {
            on_file_finished: on_file_finished.map(|on_file_finished| {
                UnsyncCallback::new(move |file| {
                    on_file_finished.try_run(file);
                })
            }),
            ..Callbacks::default()
        };
        Some(view! { <App place=place.into() loaded=Ok(config.clone()) options callbacks/> })
    };
    view! { <div class="slipway" node_ref=place>{app}</div> }
}
