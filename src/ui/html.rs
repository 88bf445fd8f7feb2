//! Elements, made one by one.
//!
//! Everything here is compiled once, whatever is built with it. The types that `view!` makes are compiled
//! anew for each view, which was more than half of the page's bytes; the signals, the effects and their
//! owners are leptos' own.

use std::cell::RefCell;

use browser::Listener;
use leptos::prelude::{Effect, LocalStorage, Owner, StoredValue, UpdateValue, document, on_cleanup};
use wasm_bindgen::{JsCast, UnwrapThrowExt};
use web_sys::{Element, Event, HtmlElement};

/// An element on its way into the page. What listens or changes with a signal does so until the owner
/// under which it was made is cleaned up.
#[derive(Clone, Debug)]
pub(crate) struct Html(HtmlElement);

/// A new element with this tag and these classes.
pub(crate) fn html(tag: &str, class: &str) -> Html {
    let element = document().create_element(tag).expect_throw("the tag is a name");
    let html = Html(element.unchecked_into());
    if class.is_empty() {
        html
    } else {
        html.set("class", class)
    }
}

impl From<HtmlElement> for Html {
    fn from(element: HtmlElement) -> Self {
        Self(element)
    }
}

impl Html {
    /// The element itself.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.0
    }

    /// The element as what its tag says it is.
    pub(crate) fn of<T: JsCast>(&self) -> &T {
        self.0.unchecked_ref()
    }

    /// Sets an attribute. None that is set here runs a script or loads one.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        let _ = self.0.set_attribute(name, value);
        self
    }

    /// Puts text at the end; it is never taken for HTML.
    pub(crate) fn text(self, text: &str) -> Self {
        let _ = self.0.append_with_str_1(text);
        self
    }

    /// Puts elements at the end.
    pub(crate) fn with(self, children: impl IntoIterator<Item = Self>) -> Self {
        for child in children {
            let _ = self.0.append_child(&child.0);
        }
        self
    }

    /// Puts a picture at the end.
    pub(crate) fn with_picture(self, picture: &Element) -> Self {
        let _ = self.0.append_child(picture);
        self
    }

    /// Calls `heard` for each event of this name.
    pub(crate) fn on(self, name: &'static str, heard: impl FnMut(Event) + 'static) -> Self {
        keep(vec![Listener::new(&self.0, name, heard)]);
        self
    }

    /// Makes an attribute follow signals.
    pub(crate) fn follow(self, name: &'static str, value: impl Fn() -> String + 'static) -> Self {
        let element = self.0.clone();
        changes(Box::new(value), move |value| {
            let _ = element.set_attribute(name, value);
        });
        self
    }

    /// Makes the text follow signals.
    pub(crate) fn follow_text(self, value: impl Fn() -> String + 'static) -> Self {
        let element = self.0.clone();
        changes(Box::new(value), move |value| {
            element.set_text_content(Some(value))
        });
        self
    }

    /// Hides the element while signals say so.
    pub(crate) fn hide_while(self, is_hidden: impl Fn() -> bool + 'static) -> Self {
        let element = self.0.clone();
        watch(move || element.set_hidden(is_hidden()));
        self
    }
}

/// Draws parts into an element now, and all of them anew whenever a signal that `parts` read changes. What
/// was drawn before is cleaned up first.
pub(crate) fn redraw(place: Html, parts: impl Fn() -> Vec<Html> + 'static) {
    let owner = Owner::current().unwrap_or_default();
    let drawn = RefCell::new(None::<Owner>);
    let parts: Box<dyn Fn() -> Vec<Html>> = Box::new(parts);
    watch(move || {
        // Not of the effect itself, whose own owner ends before this is run again.
        let inside = owner.child();
        if let Some(before) = drawn.replace(Some(inside.clone())) {
            before.cleanup();
        }
        place.element().set_text_content(None);
        let _ = place.clone().with(inside.with(&parts));
    });
}

/// Does something now, and again whenever a signal that it read changes.
pub(crate) fn watch(run: impl Fn() + 'static) {
    let run: Box<dyn Fn()> = Box::new(run);
    Effect::new(run);
}

fn changes(value: Box<dyn Fn() -> String>, set: impl Fn(&str) + 'static) {
    let before = RefCell::new(None);
    watch(move || {
        let value = value();
        let mut before = before.borrow_mut();
        if before.as_deref() != Some(value.as_str()) {
            set(&value);
            *before = Some(value);
        }
    });
}

/// Keeps listeners until the owner is cleaned up.
pub(crate) fn keep(listeners: Vec<Listener>) {
    let listeners = StoredValue::<_, LocalStorage>::new_local(listeners);
    on_cleanup(move || {
        listeners.try_update_value(Vec::clear);
    });
}
