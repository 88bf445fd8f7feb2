//! Making an upload link: the dialog that asks what it is to allow, and shows it.

use std::rc::Rc;

use fast_qr::{ECL, QRBuilder};
use leptos::{either::Either, ev::SubmitEvent, html, mount::mount_to, prelude::*, task::spawn_local};
use wasm_bindgen::UnwrapThrowExt;
use web_sys::{FormData, HtmlFormElement};

use crate::{
    app::absolute,
    components::page_error::PageError,
    config::ConfigError,
    effects::{
        clipboard,
        link_api::{self, LinkProblem, LinkWish, MadeLink},
    },
    i18n::{self, MakerText, Number, Text, number, t},
    text::{self, Explanation},
};

/// The dialog's own style sheet.
const STYLE: &str = "link-maker.css";

/// For how many days a link can be valid.
const DAYS: [u16; 5] = [1, 7, 30, 90, 365];

/// For how many it is, unless somebody chooses otherwise.
const USUAL_DAYS: u16 = 7;

/// The names of those fields that are no [`Field`]s. Names that stand in a view's own words would have it made by
/// `innerHTML`, which the page's policy forbids.
const DAYS_FIELD: &str = "days";
const NOTE_FIELD: &str = "note";

/// Sizes are in the decimal units that systems show beside files.
const BYTES_PER_MEGABYTE: f64 = 1e6;

/// The clear space around a QR code, in modules (ISO/IEC 18004, section 5.3.8).
const QUIET_ZONE: usize = 4;

/// How links are made.
#[derive(Clone)]
struct Maker {
    /// The absolute URL of the API, without a slash at its end.
    api: Rc<str>,
    /// The user's access token, if they are signed in.
    token: Rc<dyn Fn() -> Option<String>>,
}

/// Opens the dialog, which stays until the user closes it; then what had the focus before has it again. `token` is asked
/// for the access token when a link is made.
///
/// # Errors
/// If there are no settings that name the API.
pub async fn open_link_maker(token: impl Fn() -> Option<String> + 'static) -> Result<(), ConfigError> {
    let config = crate::load("").await?;
    // A dialog without words is better than none.
    let _ = i18n::load_later("").await;
    let maker = Maker {
        api: absolute(&config.api_url).into(),
        token: Rc::new(token),
    };
    let unmount = StoredValue::new_local(None::<Box<dyn FnOnce()>>);
    let on_close = move || {
        // What the event came from must outlive it.
        spawn_local(async move {
            if let Some(unmount) = unmount.try_update_value(Option::take).flatten() {
                unmount();
            }
        });
    };
    let body = document().body().unwrap_throw();
    let handle = mount_to(body, move || view! { <LinkDialog maker on_close/> });
    unmount.set_value(Some(Box::new(move || drop(handle))));
    Ok(())
}

/// The dialog.
#[component]
fn LinkDialog(maker: Maker, on_close: impl Fn() + 'static) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    dialog.on_load(|dialog| {
        let _ = dialog.show_modal();
    });
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let maker = StoredValue::new_local(maker);
    let made = RwSignal::new(None::<MadeLink>);
    let content = move || match made.get() {
        None => Either::Left(view! { <LinkForm maker made close/> }),
        Some(link) => Either::Right(view! { <Made link close/> }),
    };
    view! {
        <dialog class="link-maker" aria-labelledby="link-maker-title" node_ref=dialog on:close=move |_| on_close()>
            <link rel="stylesheet" href=STYLE/>
            <h2 id="link-maker-title">{t(Text::MakeLink)}</h2>
            {content}
        </dialog>
    }
}

/// What the link is to allow.
#[component]
fn LinkForm(
    maker: StoredValue<Maker, LocalStorage>,
    made: RwSignal<Option<MadeLink>>,
    close: impl Fn() + Copy + 'static,
) -> impl IntoView {
    let problem = RwSignal::new(None::<LinkProblem>);
    let is_busy = RwSignal::new(false);
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let form: HtmlFormElement = event_target(&event);
        let Ok(data) = FormData::new_with_form(&form) else {
            return;
        };
        let (maker, wish) = (maker.get_value(), wish(&data));
        problem.set(None);
        is_busy.set(true);
        spawn_local(async move {
            let outcome = link_api::make(&maker.api, (maker.token)(), &wish).await;
            is_busy.try_set(false);
            match outcome {
                Ok(link) => drop(made.try_set(Some(link))),
                Err(error) => drop(problem.try_set(Some(error))),
            }
        });
    };
    let days = DAYS.map(|days| {
        view! {
            <option value=days selected=days == USUAL_DAYS>
                {number(Number::Unit("day", 0), days.into())}
            </option>
        }
    });
    let failure = move || {
        let explanation = explain(&problem.get()?);
        Some(view! { <PageError explanation/> })
    };
    view! {
        <form on:submit=on_submit>
            <Field text=MakerText::LinkFolder name="folder" most=128 required=true/>
            <label>
                {MakerText::LinkValidFor.say(&[])}
                <select name=DAYS_FIELD>{days.collect_view()}</select>
            </label>
            <Field text=MakerText::LinkTitle name="title" most=200/>
            <label>
                {MakerText::LinkNote.say(&[])}
                <textarea name=NOTE_FIELD rows="3" maxlength="1000" dir="auto"></textarea>
            </label>
            <Field text=MakerText::LinkMaxSize name="size" most=20 kind="number"/>
            <Field text=MakerText::LinkTypes name="types" most=500/>
            {failure}
            <div class="link-maker-buttons">
                <button class="button" type="button" data-action="cancel" on:click=move |_| close()>
                    {t(Text::Cancel)}
                </button>
                <button class="button primary" data-action="submit" disabled=move || is_busy.get()>
                    {t(Text::MakeLink)}
                </button>
            </div>
        </form>
    }
}

/// A field for one line, with its label.
#[component]
fn Field(
    text: MakerText,
    name: &'static str,
    /// The most characters.
    most: u16,
    #[prop(optional)] required: bool,
    #[prop(default = "text")] kind: &'static str,
) -> impl IntoView {
    view! {
        <label>
            {text.say(&[])}
            <input
                name=name
                type=kind
                required=required
                maxlength=most
                min="0.001"
                step="any"
                dir="auto"
                autocomplete="off"
            />
        </label>
    }
}

fn wish(data: &FormData) -> LinkWish {
    let field = |name: &str| data.get(name).as_string().unwrap_or_default();
    let megabytes = field("size").parse::<f64>().ok();
    LinkWish {
        folder: field("folder"),
        days: field(DAYS_FIELD).parse().unwrap_or(USUAL_DAYS.into()),
        title: field("title"),
        note: field(NOTE_FIELD),
        max_bytes: megabytes.map(|size| (size * BYTES_PER_MEGABYTE).round()),
        types: field("types"),
    }
}

/// Why no link was made, and what to do.
fn explain(problem: &LinkProblem) -> Explanation {
    text::explanation(match problem {
        LinkProblem::Unreachable => [Text::ApiUnreachable, Text::ApiUnreachableAdvice],
        LinkProblem::Busy => [Text::ApiBusy, Text::ApiBusyAdvice],
        LinkProblem::NotSignedIn => [Text::NotSignedIn, Text::NotSignedInAdvice],
        LinkProblem::Forbidden => {
            return Explanation {
                what: MakerText::LinkForbidden.say(&[]),
                advice: MakerText::LinkForbiddenAdvice.say(&[]),
            };
        }
        LinkProblem::Invalid(reason) => {
            return Explanation {
                what: MakerText::LinkInvalid.say(&[]),
                advice: MakerText::LinkInvalidAdvice.say(&[("reason", reason)]),
            };
        }
    })
}

/// A link that was made, for the user to pass on.
#[component]
fn Made(link: MadeLink, close: impl Fn() + Copy + 'static) -> impl IntoView {
    let address = address(&link.token);
    let is_copied = RwSignal::new(false);
    let field = NodeRef::<html::Input>::new();
    field.on_load(|field| {
        let _ = field.focus();
        field.select();
    });
    let copy = {
        let address = address.clone();
        move |_| {
            let address = address.clone();
            spawn_local(async move {
                is_copied.try_set(clipboard::copy(&address).await);
            });
        }
    };
    let said = move || match is_copied.get() {
        true => t(Text::Copied),
        false => String::new(),
    };
    let values = [
        ("folder", link.folder.as_str()),
        ("time", &i18n::time(link.expires_at)),
    ];
    let allows = MakerText::LinkMade.say(&values);
    let code = view! { <Code address=address.clone()/> };
    view! {
        <p dir="auto">{allows}</p>
        <div class="link-maker-address">
            <input readonly=true dir="ltr" value=address aria-label=MakerText::LinkAddress.say(&[]) node_ref=field/>
            <button class="button primary" type="button" data-action="copy" on:click=copy>
                {t(Text::Copy)}
            </button>
            <span role="status">{said}</span>
        </div>
        {code}
        <div class="link-maker-buttons">
            <button class="button" type="button" data-action="close" on:click=move |_| close()>
                {MakerText::Close.say(&[])}
            </button>
        </div>
    }
}

/// The page's own address with the link behind it.
fn address(token: &str) -> String {
    let own = window().location().href().unwrap_or_default();
    let own = own.split('#').next().unwrap_or_default();
    [own, "#link=", token].concat()
}

/// The QR code of an address, for a phone; nothing if it is too long for one.
#[component]
fn Code(address: String) -> impl IntoView {
    let code = QRBuilder::new(address).ecl(ECL::L).build().ok()?;
    let size = code.size + 2 * QUIET_ZONE;
    let mut dark = String::new();
    for row in 0..code.size {
        for (column, _) in code[row].iter().enumerate().filter(|(_, module)| module.value()) {
            let (x, y) = (column + QUIET_ZONE, row + QUIET_ZONE);
            dark.push_str(&["M", &x.to_string(), " ", &y.to_string(), "h1v1h-1z"].concat());
        }
    }
    let view_box = ["0 0 ", &size.to_string(), " ", &size.to_string()].concat();
    Some(view! {
        <svg class="link-maker-code" viewBox=view_box role="img" aria-label=MakerText::LinkCode.say(&[]) shape-rendering="crispEdges">
            <rect width=size.to_string() height=size.to_string() fill="#fff"></rect>
            <path d=dark fill="#000"></path>
        </svg>
    })
}
