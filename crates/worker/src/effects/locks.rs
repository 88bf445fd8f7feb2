//! Locks between the tabs of one browser (W3C Web Locks).

use std::{cell::RefCell, rc::Rc};

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

/// A lock that is held until this is dropped, or the page is gone.
pub(crate) struct Lock {
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// What to do about a lock that another tab has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfTaken {
    /// Wait until that tab releases it.
    Wait,
    /// Do not take it.
    GiveUp,
}

/// Takes a lock; `None` if another tab has it.
///
/// # Errors
/// If the browser has no locks for this page.
pub(crate) async fn take(name: &str, if_taken: IfTaken) -> Result<Option<Lock>, JsValue> {
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
    let taken = Rc::<RefCell<Option<Lock>>>::default();
    let decided = Promise::new(&mut |decide, _| {
        let taken = Rc::clone(&taken);
        let callback = Closure::once_into_js(move |lock: JsValue| {
            // A lock is held until the promise of its callback is settled.
            let held = (!lock.is_null()).then(|| {
                Promise::new(&mut |release, _| {
                    taken.replace(Some(Lock { release }));
                })
            });
            let _ = decide.call0(&JsValue::UNDEFINED);
            held
        });
        requested = manager.request(name, &options, callback.unchecked_ref());
    });
    // The request itself settles first only if it is refused.
    let both = Array::of2(&decided, &requested?.into());
    JsFuture::from(Promise::race(&both)).await?;
    Ok(taken.take())
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn a_lock_is_taken_once_until_it_is_dropped() {
        let lock = take("a test", IfTaken::GiveUp).await.expect("locks");
        let second = take("a test", IfTaken::GiveUp).await.expect("locks");
        assert!(lock.is_some() && second.is_none());
        let other = take("another", IfTaken::Wait).await.expect("locks");
        assert!(other.is_some());
        drop(lock);
        let again = take("a test", IfTaken::Wait).await.expect("locks");
        assert!(again.is_some());
    }
}
