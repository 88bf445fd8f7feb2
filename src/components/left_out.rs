//! What was left out of the user's choice, grouped by the reason.

use leptos::prelude::*;
use messages::{LeftOut as Group, Limits, Reason};

use crate::{
    anew::Anew,
    format,
    i18n::{Text, t, t_plural, t_with},
    page::use_page,
};

/// What was left out of the user's last choice, if anything was.
#[component]
pub(crate) fn LeftOut() -> impl IntoView {
    let page = use_page();
    let left_out = page.uploads.left_out;
    let items = move || {
        let item = |group: &Group| {
            let [what, why] = page.config.with_value(|config| explain(group, &config.limits));
            view! {
                <li>
                    <strong>{what}</strong>
                    <span>{why}</span>
                    <span class="rejected-names" dir="auto">
                        {names(group)}
                    </span>
                </li>
            }
        };
        Anew(left_out.with(|groups| groups.iter().map(item).collect_view()))
    };
    let has_clutter =
        move || left_out.with(|groups| groups.iter().any(|group| group.reason == Reason::Clutter));
    view! {
        <div class="rejections" role="alert" hidden=move || left_out.with(Vec::is_empty)>
            <ul>{items}</ul>
            <button
                class="button"
                type="button"
                data-action="addClutter"
                hidden=move || !has_clutter()
                on:click=move |_| page.uploads.add_clutter()
            >
                {t(Text::AddClutter)}
            </button>
            <button class="button" type="button" data-action="dismiss" on:click=move |_| page.uploads.forget_left_out()>
                {t(Text::Dismiss)}
            </button>
        </div>
    }
}

/// What was left out, and why.
fn explain(group: &Group, limits: &Limits) -> [String; 2] {
    let why = match group.reason {
        Reason::Type => t_with(Text::LeftOutType, &[("types", &limits.accept)]),
        Reason::Size => {
            let most = format::size(limits.max_file_bytes.unwrap_or_default());
            t_with(Text::LeftOutSize, &[("size", &most)])
        }
        Reason::Count => {
            let most = limits.max_files.unwrap_or_default();
            t_plural(Text::LeftOutCount, most.into(), &[])
        }
        Reason::Unreadable => t(Text::LeftOutUnreadable),
        Reason::Listed => t(Text::LeftOutListed),
        Reason::Clutter => t(Text::LeftOutClutter),
        Reason::EmptyFolder => String::new(),
    };
    let what = match group.reason {
        Reason::EmptyFolder => Text::EmptyFolders,
        _ => Text::LeftOut,
    };
    [t_plural(what, group.count.into(), &[]), why]
}

fn names(group: &Group) -> String {
    let mut names = group.names.join(&t(Text::Separator));
    let more = group.count as usize - group.names.len();
    if more > 0 && !names.is_empty() {
        names.push(' ');
        names.push_str(&t_plural(Text::AndMore, more as u64, &[]));
    }
    names
}
