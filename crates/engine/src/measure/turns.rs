//! Small and large files share the budget, so that neither waits for the other.

use std::{
    cmp::Ordering,
    ops::{Index, IndexMut},
};

use wire::SMALL_FILE_MAX_BYTES;

/// Whether a file is so small that it can only be sent whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Small,
    Large,
}

impl Class {
    pub(crate) const fn of_size(bytes: u64) -> Self {
        if bytes > SMALL_FILE_MAX_BYTES {
            Self::Large
        } else {
            Self::Small
        }
    }
}

/// One thing for small files and one for large ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerClass<T> {
    pub(crate) small: T,
    pub(crate) large: T,
}

impl<T> PerClass<T> {
    pub(crate) fn from_fn(mut value: impl FnMut(Class) -> T) -> Self {
        Self {
            small: value(Class::Small),
            large: value(Class::Large),
        }
    }
}

impl<T> Index<Class> for PerClass<T> {
    type Output = T;

    fn index(&self, class: Class) -> &T {
        match class {
            Class::Small => &self.small,
            Class::Large => &self.large,
        }
    }
}

impl<T> IndexMut<Class> for PerClass<T> {
    fn index_mut(&mut self, class: Class) -> &mut T {
        match class {
            Class::Small => &mut self.small,
            Class::Large => &mut self.large,
        }
    }
}

/// Whose turn it is, while both classes wait: that of the class with less in flight, and in a tie that of the class
/// that did not have the last one. With a budget of one request they alternate.
#[derive(Debug)]
pub(crate) struct Turns {
    last: Class,
}

impl Turns {
    pub(crate) const fn new() -> Self {
        Self { last: Class::Large }
    }

    /// The classes in the order in which they may start something, if they have this much in flight.
    pub(crate) fn order(&self, in_flight: PerClass<usize>) -> [Class; 2] {
        let small_first = match in_flight.small.cmp(&in_flight.large) {
            Ordering::Less => true,
            Ordering::Equal => self.last == Class::Large,
            Ordering::Greater => false,
        };
        if small_first {
            [Class::Small, Class::Large]
        } else {
            [Class::Large, Class::Small]
        }
    }

    pub(crate) const fn record_start(&mut self, class: Class) {
        self.last = class;
    }
}
