//! The whole page: its settings and its language, then the uploader.

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
    time::Duration,
};

use leptos::{
    mount::mount_to,
    prelude::{
        Get, RwSignal, Set, StoredValue, Track, Update, WithValue, document, on_cleanup, set_timeout, window,
    },
};
use messages::Start;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, MessagePort};

use crate::effects::task::spawn;
use crate::{
    config::{Config, ConfigError},
    effects, language,
    text::{self, Explanation},
    ui::{
        Context, Shared,
        html::{Html, html, redraw},
        language_choice::language_choice,
        page_error::page_error,
        sign_in::{Session, signed_in},
        tab_signs::tab_signs,
        uploader::uploader,
    },
    uploads::Uploads,
};

/// How long after the first view the worker is loaded, so that it does not hold that up.
const WORKER_DELAY: Duration = Duration::from_millis(50);

thread_local! {
    /// How many uploaders there have been in this document.
    static UPLOADERS: Cell<u32> = const { Cell::new(0) };
}

/// How a page is put together.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the page's own files are: empty for beside the document, else a URL that ends in a slash.
    pub assets: String,
    /// Whether it is a whole document, with a heading, a choice of languages, and signs in its tab; else
    /// it is a part of somebody else's.
    pub is_document: bool,
    /// Gives the worker its end of the channel; a worker of its own is started where there is none.
    pub connect: Option<fn(MessagePort)>,
}

/// Mounts the page into `<main id="slipway">` of `index.html`, in place of what that shows until the
/// WebAssembly has arrived. A document without that element only embeds uploaders.
pub fn mount() {
    let Some(root) = document().get_element_by_id("slipway") else {
        return;
    };
    let root: HtmlElement = root.unchecked_into();
    spawn(async move {
        let loaded = load("").await;
        let place = root.clone();
        let options = Options {
            is_document: true,
            ..Options::default()
        };
        mount_to(root, move || {
            app(&place, loaded, options);
        })
        .forget();
    });
}

/// Loads the page's words and its settings, which are at this address.
///
/// # Errors
/// Where there are no settings that it can work with.
pub async fn load(assets: &str) -> Result<Config, ConfigError> {
    // On a slow network two round trips, one after the other, would be a second.
    let config = effects::fetch::text(&[assets, "config.json"].concat());
    load_words(assets).await;
    Config::parse(&config.await?)
}

/// Loads the page's words, which are at this address, in the language that the person or else the
/// browser chose.
pub async fn load_words(assets: &str) {
    let chosen = effects::language::chosen().and_then(|code| language::spoken(&code));
    // Words that cannot be had leave the page silent, and still better than none.
    let _ = language::load(assets, chosen.unwrap_or_else(language::preferred)).await;
}

/// Puts the page into an element, by what came of [`load`], and gives its uploads if it has any.
/// Everything in it lives, and uploads go on, until the owner under which this is called is cleaned up.
pub fn app(place: &HtmlElement, loaded: Result<Config, ConfigError>, options: Options) -> Option<Uploads> {
    let failure = RwSignal::new(None::<Explanation>);
    let context = match loaded {
        Ok(config) => begin(place, config, &options, failure),
        Err(error) => {
            failure.set(Some(text::config_error(&error)));
            None
        }
    };
    let uploads = context.as_ref().map(|context| context.uploads.clone());
    let ending = StoredValue::new_local(uploads.clone());
    on_cleanup(move || {
        ending.try_with_value(|uploads| uploads.as_ref().map(Uploads::end));
    });
    // Counts up when the language changes.
    let spoken = RwSignal::new(0);
    let place = Html::from(place.clone());
    redraw(place.clone(), move || {
        spoken.track();
        let (code, direction) = (language::code(), language::direction(language::code()));
        if options.is_document {
            effects::language::declare(code, direction);
        }
        let _ = place.clone().set("lang", code).set("dir", direction);
        parts(context.as_ref(), failure.get().as_ref(), &options, spoken)
    });
    uploads
}

fn parts(
    context: Option<&Context>,
    failure: Option<&Explanation>,
    options: &Options,
    spoken: RwSignal<u32>,
) -> Vec<Html> {
    let mut parts = Vec::new();
    if options.is_document {
        parts.push(header(spoken));
    }
    match (failure, context) {
        (Some(failure), _) => parts.push(page_error(failure)),
        (None, Some(context)) => {
            match context.session.get() {
                Some(session) => parts.push(signed_in(context, session)),
                None => parts.extend(uploader(context)),
            }
            if options.is_document {
                tab_signs(context);
            }
        }
        (None, None) => {}
    }
    parts
}

fn header(spoken: RwSignal<u32>) -> Html {
    let choose = move |code: &'static str| {
        spawn(async move {
            if language::load("", code).await.is_ok() {
                effects::language::choose(code);
                spoken.update(|spoken| *spoken += 1);
            }
        });
    };
    html("header", "page-header").with([
        html("div", "").with([
            html("h1", "page-title").text(&language::word("title")),
            html("p", "page-subtitle").text(&language::word("subtitle")),
        ]),
        language_choice(choose),
    ])
}

/// Begins to upload by a worker, which is loaded a little later.
fn begin(
    place: &HtmlElement,
    config: Config,
    options: &Options,
    failure: RwSignal<Option<Explanation>>,
) -> Option<Context> {
    // WebCrypto is there only in secure contexts (W3C Web Cryptography API, section 10).
    if !window().is_secure_context() {
        failure.set(Some(text::page_error("insecureContext")));
        return None;
    }
    let fail = move || {
        failure.try_set(Some(text::page_error("workerMissing")));
    };
    let Ok((uploads, port)) = Uploads::begin(start(&config)) else {
        fail();
        return None;
    };
    uploads.on(|heard| heard.misunderstood = Some(Box::new(fail)));
    let assets = options.assets.clone();
    match options.connect {
        Some(connect) => connect(port),
        None => set_timeout(
            {
                let assets = assets.clone();
                move || effects::worker::start(&assets, port, fail)
            },
            WORKER_DELAY,
        ),
    }
    let context = Rc::new(Shared {
        uploads,
        config,
        assets,
        number: UPLOADERS.replace(UPLOADERS.get() + 1),
        target: if options.is_document {
            window().into()
        } else {
            place.clone().into()
        },
        session: OnceCell::new(),
    });
    if let Some(settings) = context.config.sign_in.clone() {
        // The cell is new.
        let _ = context.session.set(Session::begin(&context, settings));
    }
    Some(context)
}

fn start(config: &Config) -> Start {
    Start {
        api_url: absolute(&config.api_url),
        settings: config.settings.clone(),
        verdicts: config.verdicts,
        // Full jitter only needs tabs that differ, not numbers that nobody can guess.
        seed: js_sys::Date::now().to_bits() ^ js_sys::Math::random().to_bits(),
    }
}

/// The worker has an address of its own, so that a path on the page's origin has to be made whole.
fn absolute(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match window().location().origin() {
        Ok(origin) if url.starts_with('/') || url.is_empty() => [&origin, url].concat(),
        _ => url.to_owned(),
    }
}
