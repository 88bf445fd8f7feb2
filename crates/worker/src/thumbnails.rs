//! Thumbnails of the rows on the screen, few at a time.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::{Rc, Weak},
};

use engine::FileId;
use messages::ToPage;
use wasm_bindgen_futures::spawn_local;

use crate::{
    driver::{Driver, with},
    effects::thumbnail,
};

/// How many images are decoded at once. Each takes memory for all of its pixels.
const AT_ONCE: usize = 2;

/// The thumbnails that the page has asked for.
#[derive(Default)]
pub(crate) struct Thumbnails {
    queue: RefCell<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<FileId>,
    /// How many loops take files from the queue.
    loops: usize,
}

impl Queue {
    /// Adds a file, and returns whether another loop is needed.
    fn push(&mut self, id: FileId) -> bool {
        if !self.waiting.contains(&id) {
            self.waiting.push_back(id);
        }
        let is_more = self.loops < AT_ONCE;
        self.loops += usize::from(is_more);
        is_more
    }

    /// The next file whose row is still on the screen; `None` ends the loop that asked.
    fn next(&mut self, is_on_screen: impl Fn(FileId) -> bool) -> Option<FileId> {
        let next = std::iter::from_fn(|| self.waiting.pop_front()).find(|id| is_on_screen(*id));
        self.loops -= usize::from(next.is_none());
        next
    }
}

/// Sends the page a thumbnail of a file when it is its turn, if there is one.
pub(crate) fn request(driver: &Rc<Driver>, id: FileId) {
    let needs_loop = driver.thumbnails.queue.borrow_mut().push(id);
    if needs_loop {
        spawn_local(decode_all(Rc::downgrade(driver)));
    }
}

async fn decode_all(driver: Weak<Driver>) {
    while let Some(id) = next(&driver) {
        let file = driver.upgrade().and_then(|driver| driver.files.file(id));
        let picture = match file {
            Some(file) => thumbnail::of(&file).await,
            None => None,
        };
        with(&driver, |driver| {
            // The page keeps what it is sent for a row until that is drawn.
            if let Some(picture) = picture.filter(|_| driver.is_on_screen(id)) {
                driver.page.send_with_picture(&ToPage::Thumbnail(id), &picture);
            }
        });
    }
}

fn next(driver: &Weak<Driver>) -> Option<FileId> {
    let driver = driver.upgrade()?;
    let mut queue = driver.thumbnails.queue.borrow_mut();
    queue.next(|id| driver.is_on_screen(id))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn two_images_at_most_are_decoded_and_only_those_on_the_screen() {
        let mut queue = Queue::default();
        let needs_loop: Vec<bool> = [0, 1, 2, 3, 3, 4].map(|id| queue.push(FileId(id))).into();
        assert_eq!(needs_loop, [true, true, false, false, false, false]);
        let is_on_screen = |id: FileId| ![0, 3].contains(&id.0);
        let mut next = || queue.next(is_on_screen).map(|id| id.0);
        assert_eq!(
            [next(), next(), next(), next(), next()],
            [Some(1), Some(2), Some(4), None, None]
        );
        assert!(queue.push(FileId(5)), "both loops have ended");
    }
}
