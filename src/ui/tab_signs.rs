//! What a tab shows while it is not looked at: the progress in its title and its icon, a notification at
//! the end; and that a screen stays on while something is under way.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use browser::Listener;
use leptos::prelude::{Get, GetUntracked, document, on_cleanup};
use messages::Totals;

use crate::{
    effects::{icon, notification, wake_lock::WakeLock},
    format, language, text,
    ui::{
        Context,
        html::{keep, watch},
        totals_bar::percent,
    },
};

/// Shows signs until the owner is cleaned up.
pub(crate) fn tab_signs(context: &Context) {
    let totals = context.uploads.totals();
    let was_busy = Cell::new(false);
    let shown = RefCell::new(String::new());
    let lock = Rc::new(RefCell::new(None::<WakeLock>));
    let (held, again) = (Rc::clone(&lock), Rc::clone(&lock));
    let all = totals.clone();
    watch(move || {
        let totals = totals.get();
        let is_busy = totals.unfinished() > 0;
        let title = title(&totals);
        if *shown.borrow() != title {
            document().set_title(&title);
            icon::show(is_busy.then(|| percent(&totals)));
            shown.replace(title);
        }
        if is_busy != was_busy.replace(is_busy) {
            held.replace(is_busy.then(WakeLock::request));
            if !is_busy && document().hidden() {
                notification::show(&text::all_ended(&totals));
            }
        }
    });
    // Browsers let go of the screen when a tab is hidden.
    let visible = Listener::new(&document(), "visibilitychange", move |_| {
        if !document().hidden() && all.get_untracked().unfinished() > 0 {
            again.replace(Some(WakeLock::request()));
        }
    });
    keep(vec![visible]);
    on_cleanup(|| icon::show(None));
}

/// The progress comes first, since a narrow tab shows only the begin of its title.
fn title(totals: &Totals) -> String {
    let title = language::word("title");
    if totals.unfinished() == 0 {
        return title;
    }
    let percent = format::percent_text(percent(totals));
    [&percent, " – ", &title].concat()
}
