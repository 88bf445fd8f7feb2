//! The tab's icon.

use leptos::prelude::document;

/// Shows the progress in percent as a ring in the tab's icon, or the icon as it was.
pub(crate) fn show(percent: Option<u64>) {
    let Ok(Some(link)) = document().query_selector("link[rel=icon]") else {
        return;
    };
    let icon = match percent {
        // The ring is 100 long, so that each percent is one unit of it.
        Some(percent) => [
            "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 36 36' fill='none' \
             stroke='%231f5fd6' stroke-width='6'><circle cx='18' cy='18' r='15' stroke-opacity='.3'/><circle \
             cx='18' cy='18' r='15' pathLength='100' transform='rotate(-90 18 18)' stroke-dasharray='",
            &percent.to_string(),
            " 100'/></svg>",
        ]
        .concat(),
        None => "icon.svg".to_owned(),
    };
    let _ = link.set_attribute("href", &icon);
}
