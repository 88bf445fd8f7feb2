//! What a tab shows while it is not looked at: the progress in its title and its icon, and a notification at the
//! end. While something is in flight, the screen stays on.

use leptos::prelude::*;
use messages::Totals;

use crate::{
    components::totals_bar::percent,
    effects::{icon, listen::listen, notification, wake_lock::WakeLock},
    format,
    i18n::{Text, t},
    page::use_page,
    text,
};

/// Shows signs until the owner is cleaned up.
#[component]
pub(crate) fn TabSigns() -> impl IntoView {
    let totals = use_page().uploads.totals;
    let lock = StoredValue::new_local(None::<WakeLock>);
    Effect::new(move |before: Option<(String, bool)>| {
        let totals = totals.get();
        let is_busy = totals.unfinished() > 0;
        let title = title(&totals);
        let (old_title, was_busy) = before.unwrap_or_default();
        if title != old_title {
            document().set_title(&title);
            icon::show(is_busy.then(|| percent(&totals)));
        }
        if is_busy != was_busy {
            lock.set_value(is_busy.then(WakeLock::request));
            if !is_busy && document().hidden() {
                notification::show(&text::all_ended(&totals));
            }
        }
        (title, is_busy)
    });
    // Browsers let the screen go off again once the tab was hidden.
    listen(&document(), &["visibilitychange"], move |_| {
        if !document().hidden() && totals.get_untracked().unfinished() > 0 {
            lock.set_value(Some(WakeLock::request()));
        }
    });
    on_cleanup(|| icon::show(None));
}

/// The progress comes first, since a narrow tab shows only the start of its title.
fn title(totals: &Totals) -> String {
    let title = t(Text::Title);
    if totals.unfinished() == 0 {
        return title;
    }
    let percent = format::percent_text(percent(totals));
    [&percent, " – ", &title].concat()
}
