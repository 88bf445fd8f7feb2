//! The files that wait to be admitted, in order.

use std::collections::BTreeMap;

use crate::FileId;

/// A queue that a file can leave from anywhere: what that costs does not depend on where it stands,
/// and no pause, however often, leaves anything behind.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    files: BTreeMap<i64, FileId>,
    places: BTreeMap<FileId, i64>,
}

impl Queue {
    pub(crate) fn push_last(&mut self, id: FileId) {
        let last = self.files.last_key_value().map_or(0, |(place, _)| *place);
        self.put(last + 1, id);
    }

    pub(crate) fn push_first(&mut self, id: FileId) {
        let first = self.files.first_key_value().map_or(0, |(place, _)| *place);
        self.put(first - 1, id);
    }

    pub(crate) fn first(&self) -> Option<FileId> {
        self.files.first_key_value().map(|(_, id)| *id)
    }

    pub(crate) fn pop_first(&mut self) -> Option<FileId> {
        let (_, id) = self.files.pop_first()?;
        self.places.remove(&id);
        Some(id)
    }

    pub(crate) fn remove(&mut self, id: FileId) {
        if let Some(place) = self.places.remove(&id) {
            self.files.remove(&place);
        }
    }

    fn put(&mut self, place: i64, id: FileId) {
        self.remove(id);
        self.files.insert(place, id);
        self.places.insert(id, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(build: impl FnOnce(&mut Queue), expected: &[u32]) {
        let mut queue = Queue::default();
        build(&mut queue);
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop_first()).map(|id| id.0).collect();
        assert_eq!(order, expected);
        assert!(queue.places.is_empty(), "nothing is left behind");
    }

    #[test]
    fn files_leave_in_order_and_from_anywhere() {
        let fill = |queue: &mut Queue| (1..=4).for_each(|id| queue.push_last(FileId(id)));
        check(fill, &[1, 2, 3, 4]);
        check(
            |queue| {
                fill(queue);
                queue.remove(FileId(2));
                queue.push_first(FileId(5));
            },
            &[5, 1, 3, 4],
        );
    }

    #[test]
    fn a_file_that_is_put_twice_stands_in_the_queue_once() {
        check(
            |queue| {
                queue.push_last(FileId(1));
                queue.push_last(FileId(2));
                queue.push_first(FileId(2));
                queue.push_last(FileId(1));
            },
            &[2, 1],
        );
    }
}
