//! The whole page: its settings, then the uploader.

use leptos::{mount::mount_to, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, UnwrapThrowExt};

use crate::{
    config::{Config, ConfigError},
    driver::Driver,
    effects, text,
    ui::{page_error::PageError, sign_in::SignedInUploader, uploader::Uploader},
};

/// Mounts the page into `<main id="slipway">` of `index.html`, in place of what that shows until the
/// WebAssembly has arrived.
pub fn mount() {
    let root: web_sys::HtmlElement = document()
        .get_element_by_id("slipway")
        .expect_throw("index.html has an element with the id slipway")
        .unchecked_into();
    root.set_text_content(None);
    mount_to(root, App).forget();
}

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let config = RwSignal::new(None::<Result<Config, ConfigError>>);
    spawn_local(async move {
        let loaded = effects::config::load().await;
        config.try_set(Some(loaded));
    });
    move || {
        config.get().map(|loaded| match loaded {
            Ok(config) if has_crypto() => {
                let seed = seed();
                match config.sign_in.clone() {
                    Some(settings) => view! { <SignedInUploader config settings seed /> }.into_any(),
                    None => {
                        let driver = Driver::new(&config, seed);
                        view! { <Uploader driver=StoredValue::new_local(driver) /> }.into_any()
                    }
                }
            }
            Ok(_) => view! { <PageError explanation=text::insecure_context() /> }.into_any(),
            Err(error) => view! { <PageError explanation=text::config_error(&error) /> }.into_any(),
        })
    }
}

/// WebCrypto is there only in secure contexts (W3C Web Cryptography API, section 10).
fn has_crypto() -> bool {
    window().is_secure_context()
}

fn seed() -> u64 {
    // Full jitter only needs tabs that differ, not numbers that nobody can guess.
    js_sys::Date::now().to_bits() ^ js_sys::Math::random().to_bits()
}
