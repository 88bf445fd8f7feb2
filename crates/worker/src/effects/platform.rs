//! What the device and its browser need that no feature shows.

use engine::Settings;
use wasm_bindgen::JsCast;
use web_sys::WorkerNavigator;

/// The largest body of a request on a phone, in bytes. Six of them in flight and three being hashed are 72 MiB.
const PHONE_REQUEST_BYTES: u64 = 8 << 20;

/// Adapts the engine's settings to where the worker runs.
pub(crate) fn adapt(settings: &mut Settings) {
    if needs_small_bodies_in_memory(&user_agent()) {
        settings.bodies_as_bytes = true;
        settings.max_request_bytes = Some(PHONE_REQUEST_BYTES);
    }
}

/// Whether bodies have to be read into memory first, and so to be small.
///
/// Android's content providers change a file's time by themselves, after which the file cannot be read any more.
/// Safari 26 never answers a request whose body is a file on the disk. An iPad calls itself a Mac, so every
/// Safari counts as one on a phone.
fn needs_small_bodies_in_memory(user_agent: &str) -> bool {
    let is_webkit = user_agent.contains("AppleWebKit/") && !user_agent.contains("Chrome/");
    user_agent.contains("Android") || is_webkit && user_agent.contains("Mac OS X")
}

/// Whether the browser is built on Gecko. No feature shows this; every other browser says `like Gecko`,
/// without a version (WHATWG HTML, section 8.10.1.1).
pub(crate) fn is_gecko() -> bool {
    user_agent().contains("Gecko/")
}

fn user_agent() -> String {
    let navigator = browser::global().navigator();
    let navigator = navigator.unchecked_into::<WorkerNavigator>();
    navigator.user_agent().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn phones_and_safari_send_small_bodies_from_memory() {
        const WEBKIT: &str = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        const BLINK: &str = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";
        for (system, engine, expected) in [
            ("Linux; Android 10; K", BLINK, true),
            ("Android 15; Mobile; rv:140.0", "Gecko/140.0 Firefox/140.0", true),
            ("iPhone; CPU iPhone OS 18_6 like Mac OS X", WEBKIT, true),
            (
                "iPhone; CPU iPhone OS 18_6 like Mac OS X",
                &format!("{WEBKIT} CriOS/140.0.0.0"),
                true,
            ),
            (
                "iPad; CPU OS 16_7 like Mac OS X",
                &format!("{WEBKIT} FxiOS/140.0"),
                true,
            ),
            (
                "Macintosh; Intel Mac OS X 10_15_7",
                &format!("{WEBKIT} Version/26.0 Safari/605.1.15"),
                true,
            ),
            ("Macintosh; Intel Mac OS X 10_15_7", BLINK, false),
            (
                "Macintosh; Intel Mac OS X 10.15; rv:140.0",
                "Gecko/20100101 Firefox/140.0",
                false,
            ),
            (
                "Windows NT 10.0; Win64; x64",
                &format!("{BLINK} Edg/140.0.0.0"),
                false,
            ),
            (
                "X11; Linux x86_64",
                &format!("{WEBKIT} Version/26.0 Safari/605.1.15"),
                false,
            ),
            ("X11; Linux x86_64", BLINK, false),
        ] {
            let user_agent = format!("Mozilla/5.0 ({system}) {engine}");
            assert_eq!(
                needs_small_bodies_in_memory(&user_agent),
                expected,
                "{user_agent}"
            );
        }
    }
}
