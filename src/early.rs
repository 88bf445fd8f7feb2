//! What `index.html` offers until the WebAssembly has arrived: its pickers, and the files that
//! `static/early.js` keeps when they are dropped or pasted. The page takes both over when it starts.

use js_sys::{Array, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlElement, HtmlInputElement};

use crate::effects::folders::Dropped;

/// The property of the window in which the script keeps what was dropped.
const KEPT: &str = "slipwayEarly";

/// What was there before the page.
#[derive(Clone, Copy)]
pub(crate) struct Early {
    pickers: StoredValue<Vec<HtmlInputElement>, LocalStorage>,
    dropped: StoredValue<Vec<Dropped>, LocalStorage>,
}

impl Early {
    /// Takes the place of what `root` shows. The pickers stay alive, since one of them may be open.
    pub(crate) fn take_over(root: &HtmlElement) -> Self {
        let pickers = root.query_selector_all("input[type=file]").ok();
        let pickers = pickers.map(|list| (0..list.length()).filter_map(move |index| list.get(index)));
        let pickers = pickers.into_iter().flatten().map(JsCast::unchecked_into);
        let early = Self {
            pickers: StoredValue::new_local(pickers.collect()),
            dropped: StoredValue::new_local(take_kept()),
        };
        root.set_text_content(None);
        early
    }

    /// The pickers, whose files nobody has taken yet.
    pub(crate) fn pickers(self) -> Vec<HtmlInputElement> {
        self.pickers.get_value()
    }

    /// Takes what was dropped.
    pub(crate) fn take_dropped(self) -> Vec<Dropped> {
        self.dropped.try_update_value(std::mem::take).unwrap_or_default()
    }
}

/// The selector of the element that takes the place of the one with this id.
pub(crate) fn successor(id: &str) -> Option<String> {
    let id = id.strip_prefix("early-")?;
    Some(["[id^=", id, "]"].concat())
}

/// Takes what the script has kept; without its list it keeps nothing more.
fn take_kept() -> Vec<Dropped> {
    let kept = Reflect::get(&window(), &KEPT.into()).unwrap_or_default();
    let _ = Reflect::set(&window(), &KEPT.into(), &JsValue::UNDEFINED);
    let kept = kept.dyn_ref::<Array>().cloned().unwrap_or_default();
    kept.iter().map(|kept| Dropped::of_script(&kept)).collect()
}
