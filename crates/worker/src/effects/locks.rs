//! Locks between the tabs of one browser (W3C Web Locks).

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

// web-sys keeps these behind a compiler flag for interfaces that not every browser has.
#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &JsValue,
        callback: &Function,
    ) -> Result<Promise, JsValue>;
}

/// What to do about a lock that another tab has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfTaken {
    /// Wait until that tab releases it.
    Wait,
    /// Do not take it.
    GiveUp,
}

/// Takes a lock and holds it for as long as the page lives; returns whether it was taken.
///
/// # Errors
/// If the browser has no locks for this page.
pub(crate) async fn take(name: &str, if_taken: IfTaken) -> Result<bool, JsValue> {
    let navigator = browser::global().navigator();
    let manager = Reflect::get(&navigator, &"locks".into())?;
    if manager.is_undefined() {
        return Err(manager);
    }
    let manager: LockManager = manager.unchecked_into();
    let options = Object::new();
    let is_available_only = JsValue::from(if_taken == IfTaken::GiveUp);
    Reflect::set(&options, &"ifAvailable".into(), &is_available_only)?;
    let mut requested = Ok(Promise::resolve(&JsValue::UNDEFINED));
    let decided = Promise::new(&mut |decide, _| {
        let callback = Closure::once_into_js(move |lock: JsValue| {
            let is_taken = !lock.is_null();
            let _ = decide.call1(&JsValue::UNDEFINED, &is_taken.into());
            // A lock is held until the promise of its callback is settled, and this one never is.
            is_taken.then(|| Promise::new(&mut |_, _| {}))
        });
        requested = manager.request(name, &options, callback.unchecked_ref());
    });
    // The request itself settles first only if it is refused.
    let both = Array::of2(&decided, &requested?.into());
    let is_taken = JsFuture::from(Promise::race(&both)).await?;
    Ok(is_taken.is_truthy())
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn a_lock_is_taken_once_and_kept() {
        assert_eq!(take("a test", IfTaken::GiveUp).await, Ok(true));
        assert_eq!(take("a test", IfTaken::GiveUp).await, Ok(false));
        assert_eq!(take("another", IfTaken::Wait).await, Ok(true));
    }
}
