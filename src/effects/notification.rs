//! Notifications (WHATWG Notifications API).

use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationPermission};

/// Whether the user was never asked, and can be.
pub(crate) fn can_ask() -> bool {
    is_there() && Notification::permission() == NotificationPermission::Default
}

/// Asks the user. It has to follow a click.
pub(crate) async fn ask() {
    if let Ok(asked) = Notification::request_permission() {
        // A user who declines has answered, too.
        let _ = JsFuture::from(asked).await;
    }
}

/// Shows a notification, if the user allowed it.
pub(crate) fn show(text: &str) {
    if is_there() && Notification::permission() == NotificationPermission::Granted {
        // Some systems show none from a page, and a sign less is no harm.
        let _ = Notification::new(text);
    }
}

fn is_there() -> bool {
    js_sys::Reflect::has(&js_sys::global(), &"Notification".into()).unwrap_or_default()
}
