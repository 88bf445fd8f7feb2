//! What is in a folder that was pasted, by its handle (WICG File System Access).

use js_sys::IteratorNext;
use messages::Reason;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{
    description,
    handle::{self, FileHandle},
};
use crate::picked::Picked;

/// How many files are passed on at a time, so that a large folder shows before it was read to its end.
const FILES_AT_ONCE: usize = 500;

/// Reads a folder to its depth, and passes files on as they are found. Returns the names of what cannot be read, or not
/// to its end, and of the folders in which nothing is.
pub(crate) async fn read(folder: FileHandle, mut on_files: impl FnMut(Vec<Picked>)) -> Vec<(Reason, String)> {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    let mut unread = vec![(folder.name(), folder)];
    while let Some((path, handle)) = unread.pop() {
        if handle.is_folder() {
            let mut entries = Vec::new();
            let is_whole = list(&handle, &mut entries).await.is_ok();
            if !is_whole {
                left_out.push((Reason::Unreadable, path.clone()));
            } else if entries.is_empty() {
                left_out.push((Reason::EmptyFolder, path.clone()));
            }
            let entries = entries.into_iter();
            unread.extend(entries.map(|entry| ([&path, "/", &entry.name()].concat(), entry)));
            continue;
        }
        match handle::file(&handle).await {
            Ok(file) => files.push(Picked {
                description: description::of(&file, path),
                file,
                handle: Some(handle),
            }),
            Err(_) => left_out.push((Reason::Unreadable, path)),
        }
        if files.len() >= FILES_AT_ONCE {
            on_files(std::mem::take(&mut files));
        }
    }
    on_files(files);
    left_out
}

/// Lists what is in a folder.
async fn list(folder: &FileHandle, entries: &mut Vec<FileHandle>) -> Result<(), JsValue> {
    let values = folder.values()?;
    loop {
        let next: IteratorNext = JsFuture::from(values.next()?).await?.unchecked_into();
        if next.done() {
            return Ok(());
        }
        entries.push(next.value().unchecked_into());
    }
}

#[cfg(test)]
mod tests {
    use js_sys::Function;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Makes handles of files and folders of which some cannot be read.
    const HANDLES: &str = "
        const file = (name, getFile = async () => new File(['a'], name)) => ({ kind: 'file', name, getFile });
        const folder = (name, ...entries) => ({
            kind: 'directory',
            name,
            async *values() {
                for (const entry of entries) {
                    if (entry === 'fails') throw new DOMException('');
                    yield entry;
                }
            },
        });";

    #[wasm_bindgen_test]
    async fn what_can_be_read_is_passed_on_and_all_else_is_named() {
        let make = "
            const fails = async () => { throw new DOMException('') };
            return folder('a', file('1'), file('2', fails), folder('b'), folder('c', file('3'), 'fails'));";
        let made = Function::new_no_args(&[HANDLES, make].concat()).call0(&JsValue::UNDEFINED);
        let folder = made.expect("handles").unchecked_into();
        let mut names = Vec::new();
        let mut left_out = read(folder, |files| {
            names.extend(files.into_iter().map(|file| file.description.name));
        })
        .await;
        names.sort();
        left_out.sort_by(|one, other| one.1.cmp(&other.1));
        assert_eq!(names, ["a/1", "a/c/3"]);
        let expected = [
            (Reason::Unreadable, "a/2"),
            (Reason::EmptyFolder, "a/b"),
            (Reason::Unreadable, "a/c"),
        ];
        assert_eq!(left_out, expected.map(|(reason, name)| (reason, name.to_owned())));
    }
}
