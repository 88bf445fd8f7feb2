//! Chosen files that were left out, grouped by the reason.

use std::rc::Rc;

use leptos::prelude::{RwSignal, Set, With};

use crate::{
    acceptance::Reason,
    format,
    language::{fill, plural, word},
    ui::{
        Context,
        html::{Html, html, redraw},
    },
};

/// So many names are shown of each group.
const NAMES: usize = 5;

/// Files that were left out for one reason: how many, and the names of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    reason: Reason,
    count: usize,
    names: Vec<String>,
}

/// Adds a file that was left out to its group.
pub(crate) fn add(groups: &mut Vec<Group>, reason: Reason, name: Option<&str>) {
    let at = groups.iter().position(|group| group.reason == reason);
    let at = at.unwrap_or_else(|| {
        groups.push(Group {
            reason,
            count: 0,
            names: Vec::new(),
        });
        groups.len() - 1
    });
    let group = &mut groups[at];
    group.count += 1;
    if group.names.len() < NAMES {
        group.names.extend(name.map(ToOwned::to_owned));
    }
}

/// The groups, if there are any.
pub(crate) fn rejections(context: &Context, groups: RwSignal<Vec<Group>>) -> Html {
    let list = html("ul", "");
    let context = Rc::clone(context);
    redraw(list.clone(), move || {
        groups.with(|groups| groups.iter().map(|group| describe(&context, group)).collect())
    });
    html("div", "rejections")
        .set("role", "alert")
        .hide_while(move || groups.with(Vec::is_empty))
        .with([
            list,
            html("button", "button")
                .set("type", "button")
                .text(&word("dismiss"))
                .on("click", move |_| groups.set(Vec::new())),
        ])
}

fn describe(context: &Context, group: &Group) -> Html {
    let reason = match group.reason {
        Reason::Type => fill("leftOutType", &[("types", &context.config.accept)]),
        Reason::Size => {
            let most = context.config.max_file_bytes.unwrap_or_default();
            fill("leftOutSize", &[("size", &format::size(most))])
        }
        Reason::Count => {
            let most = context.config.max_files.unwrap_or_default();
            plural("leftOutCount", most.into(), &[])
        }
        Reason::Unreadable => word("leftOutUnreadable"),
    };
    let mut names = group.names.join(&word("separator"));
    let more = group.count - group.names.len();
    if more > 0 && !names.is_empty() {
        names.push(' ');
        names.push_str(&plural("andMore", more as u64, &[]));
    }
    html("li", "").with([
        html("strong", "").text(&plural("leftOut", group.count as u64, &[])),
        html("span", "").text(&reason),
        html("span", "rejected-names").set("dir", "auto").text(&names),
    ])
}
