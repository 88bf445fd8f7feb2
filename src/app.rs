//! The whole page: its settings and its language, then the uploader.

use std::{rc::Rc, time::Duration};

use leptos::{callback::UnsyncCallback, either::Either, mount::mount_to, prelude::*};
use messages::{ErrorKind, Start};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, MessagePort};

use crate::{
    anew::Anew,
    answers::Answers,
    components::{LanguageChoice, PageError, SignIn, TabSigns, Uploader},
    config::{Config, ConfigError},
    early::{self, Early},
    effects,
    i18n::{self, Text, t},
    page::Page,
    text::{self, Explanation},
    uploads::{Callbacks, Uploads},
};

/// How long after the first view the worker is loaded, so that it does not hold that up.
const WORKER_DELAY: Duration = Duration::from_millis(50);

/// How a page is put together.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The URL of the page's own files, with a slash at its end; empty if they are beside the document.
    pub assets: String,
    /// Whether it is a whole document, with a heading, a choice of languages, and signs in its tab; else
    /// it is a part of somebody else's.
    pub is_document: bool,
    /// Hands the worker its end of the channel; a worker of its own is started if there is none.
    pub connect: Option<fn(MessagePort)>,
}

/// Why there is no uploader.
#[derive(Clone, Debug)]
enum Failure {
    Config(ConfigError),
    InsecureContext,
    /// The worker cannot be started, or is of another version than the page.
    WorkerMissing,
    /// The upload link lets nobody in, for this reason; or nobody knows yet.
    Link(Option<ErrorKind>),
}

impl Failure {
    fn explanation(&self) -> Option<Explanation> {
        Some(match self {
            Self::Link(kind) => text::explanation(Text::of_error((*kind)?)),
            Self::Config(error) => text::config_error(error),
            Self::InsecureContext => text::explanation([Text::InsecureContext, Text::InsecureContextAdvice]),
            Self::WorkerMissing => text::explanation([Text::WorkerMissing, Text::WorkerMissingAdvice]),
        })
    }
}

/// Mounts the page into `<main id="slipway">` of `index.html`. A document without that element only embeds
/// uploaders.
pub fn mount() {
    let Some(root) = document().get_element_by_id("slipway") else {
        return;
    };
    // Leptos has no executor before the first mount.
    wasm_bindgen_futures::spawn_local(async move {
        let options = Options {
            is_document: true,
            ..Options::default()
        };
        mount_into(root.unchecked_into(), load("").await, options);
    });
}

/// Mounts the page into an element, in place of what that showed until the WebAssembly had arrived. Files that were
/// chosen there are taken over.
pub fn mount_into(root: HtmlElement, loaded: Result<Config, ConfigError>, options: Options) {
    let place = root.clone();
    let focused = document().active_element().map(|focused| focused.id());
    mount_to(root.clone(), move || {
        provide_context(Early::take_over(&place));
        view! { <App place loaded options/> }
    })
    .forget();
    // A user who has gone to a picker with the keyboard stays there.
    let selector = focused.as_deref().and_then(early::successor);
    let picker = selector.and_then(|selector| root.query_selector(&selector).ok().flatten());
    if let Some(picker) = picker {
        let _ = picker.unchecked_into::<HtmlElement>().focus();
    }
}

/// Loads the page's texts and its settings from the folder at this URL.
///
/// # Errors
/// If there are no settings that it can work with.
pub async fn load(assets: &str) -> Result<Config, ConfigError> {
    // On a slow network two round trips, one after the other, would be a second.
    let config = effects::fetch::text(&[assets, "config.json"].concat());
    load_texts(assets).await;
    Config::parse(&config.await?)
}

/// Loads the texts of a first view from the folder at this URL, in the language that the user or else the browser chose.
/// [`App`] loads the others.
pub async fn load_texts(assets: &str) {
    let chosen = effects::language::chosen().and_then(|code| i18n::supported(&code));
    // A page without words is better than none.
    let _ = i18n::load(assets, chosen.unwrap_or_else(i18n::preferred)).await;
}

/// The page. Everything in it lives, and uploads go on, until the owner under which it is made is cleaned up.
#[component]
pub fn App(
    /// The element that it is put into. Unless it is a whole document, files may be dropped there.
    place: HtmlElement,
    /// What came of [`load`].
    loaded: Result<Config, ConfigError>,
    /// How it is put together.
    #[prop(optional)]
    options: Options,
    /// What is called when something happens.
    #[prop(optional)]
    callbacks: Callbacks,
) -> impl IntoView {
    let failure = RwSignal::new(None::<Failure>);
    let started = loaded
        .map_err(Failure::Config)
        .and_then(|config| start(&place, config, &options, callbacks, failure));
    let page = match started {
        Ok(page) => Some(page),
        Err(error) => {
            failure.set(Some(error));
            None
        }
    };
    if let Some(page) = page {
        provide_context(page);
    }
    let is_document = options.is_document;
    let content = move || {
        Anew(match (failure.get(), page) {
            (None, Some(page)) => Either::Right(view! {
                {match page.session {
                    Some(session) => Either::Left(view! { <SignIn session/> }),
                    None => Either::Right(view! { <Uploader/> }),
                }}
                {is_document.then(|| view! { <TabSigns/> })}
            }),
            (failure, _) => {
                let explanation = failure.and_then(|failure| failure.explanation());
                Either::Left(explanation.map(|explanation| view! { <PageError explanation/> }))
            }
        })
    };
    let locale = RwSignal::new(i18n::locale());
    effects::language::load_later(options.assets, locale);
    let place = StoredValue::new_local(place);
    // Everything is made anew when the language changes.
    move || {
        let code = locale.get();
        let direction = i18n::direction(code);
        if is_document {
            effects::language::declare(code, direction);
        }
        place.with_value(|place| {
            let _ = place.set_attribute("lang", code);
            let _ = place.set_attribute("dir", direction);
        });
        Anew(view! {
            {is_document.then(|| view! { <Header locale/> })}
            {content}
        })
    }
}

/// The heading of the document.
#[component]
fn Header(locale: RwSignal<&'static str>) -> impl IntoView {
    view! {
        <header class="page-header">
            <div>
                <h1 class="page-title">{t(Text::Title)}</h1>
                <p class="page-subtitle">{t(Text::Subtitle)}</p>
            </div>
            <LanguageChoice locale/>
        </header>
    }
}

/// Starts uploads by a worker, which is loaded a little later.
fn start(
    place: &HtmlElement,
    mut config: Config,
    options: &Options,
    mut callbacks: Callbacks,
    failure: RwSignal<Option<Failure>>,
) -> Result<Page, Failure> {
    // WebCrypto is there only in secure contexts (W3C Web Cryptography API, section 10).
    if !window().is_secure_context() {
        return Err(Failure::InsecureContext);
    }
    let fail = move || {
        failure.try_set(Some(Failure::WorkerMissing));
    };
    callbacks.on_version_mismatch = Some(UnsyncCallback::new(move |()| fail()));
    // A link is for the whole page that it opened, and not for a part of somebody else's.
    let link = if options.is_document {
        effects::link::kept()
    } else {
        None
    };
    if link.is_some() {
        // Whoever has a link need not sign in.
        config.sign_in = None;
        failure.set(Some(Failure::Link(None)));
        callbacks.on_link_refused = Some(UnsyncCallback::new(move |kind| {
            failure.try_set(Some(Failure::Link(Some(kind))));
        }));
    }
    config.links &= options.is_document;
    let start = worker_start(&config, link);
    let on_invalid = move |error| {
        failure.try_set(Some(Failure::Config(error)));
    };
    let answers = Answers::new(&options.assets, config.fields.take(), Rc::new(on_invalid));
    let (uploads, port) = Uploads::start(start, callbacks, answers).map_err(|_| Failure::WorkerMissing)?;
    let assets = options.assets.clone();
    match options.connect {
        Some(connect) => connect(port),
        None => set_timeout(move || effects::worker::start(&assets, port, fail), WORKER_DELAY),
    }
    let drop_target = if options.is_document {
        window().into()
    } else {
        place.clone().into()
    };
    let page = Page::new(uploads, config, &options.assets, drop_target);
    let on_link_opened = UnsyncCallback::new(move |terms| {
        page.bind(terms);
        failure.try_set(None);
    });
    uploads.update_callbacks(|callbacks| callbacks.on_link_opened = Some(on_link_opened));
    Ok(page)
}

fn worker_start(config: &Config, link: Option<String>) -> Start {
    Start {
        api_url: absolute(&config.api_url),
        link,
        settings: config.settings.clone(),
        limits: config.limits.clone(),
        verdicts: config.verdicts,
        resume: config.resume,
        // Full jitter only needs tabs that differ, not numbers that nobody can guess.
        seed: js_sys::Date::now().to_bits() ^ js_sys::Math::random().to_bits(),
    }
}

/// The worker has an address of its own, so that a path on the page's origin has to be made whole.
pub(crate) fn absolute(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match window().location().origin() {
        Ok(origin) if url.starts_with('/') || url.is_empty() => [&origin, url].concat(),
        _ => url.to_owned(),
    }
}
