//! The uploader as a leptos component, for pages that are written with leptos themselves.

use leptos::prelude::*;
use messages::Ended;

use crate::effects::task::spawn;
use crate::{Options, app, config::Config, load_words};

/// An uploader. Uploads end with the component.
///
/// The files that `cargo xtask dist` makes beside `index.html` are needed: the worker and the languages;
/// and its style sheets, in the document.
#[component]
pub fn Upload(
    /// Its settings, as `config.json` has them.
    config: Config,
    /// The URL of the page's own files, with a slash at its end; empty for beside the document.
    #[prop(optional, into)]
    assets: String,
    /// Is told of each file that was stored or given up.
    #[prop(optional, into)]
    on_ended: Option<Callback<Ended>>,
) -> impl IntoView {
    let place = NodeRef::<leptos::html::Div>::new();
    let owner = StoredValue::new(Owner::current());
    Effect::new(move || {
        let Some(place) = place.get() else { return };
        let (config, assets) = (config.clone(), assets.clone());
        spawn(async move {
            load_words(&assets).await;
            let options = Options {
                assets,
                ..Options::default()
            };
            // The component may have gone while the words were loaded.
            let Some(Some(owner)) = owner.try_get_value() else {
                return;
            };
            owner.with(|| {
                let Some(uploads) = app(&place, Ok(config), options) else {
                    return;
                };
                if let Some(on_ended) = on_ended {
                    uploads.on(|heard| {
                        heard.ended = Some(Box::new(move |files| {
                            for file in files {
                                on_ended.try_run(file.clone());
                            }
                        }));
                    });
                }
            });
        });
    });
    view! { <div class="slipway" node_ref=place></div> }
}
