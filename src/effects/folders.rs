//! What is in a folder that was dropped (W3C File and Directory Entries API).

use js_sys::{Array, Function, Promise, Reflect};
use messages::Reason;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, DataTransferItem, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
};

use super::{
    files::Chosen,
    handle::{self, Pending},
};

/// How many files are passed on at a time, so that a large folder shows before it was read to its end.
const BATCH: usize = 500;

/// Something that was dropped. It can be read after the drop was handled, which the list of what was
/// dropped cannot.
pub(crate) struct Dropped {
    entry: Option<FileSystemEntry>,
    handle: Option<Pending>,
    file: Option<File>,
}

impl Dropped {
    /// Something that a script kept as `{entry, handle, file}`, each of which may be missing.
    pub(crate) fn of_script(kept: &JsValue) -> Self {
        let part = |name: &str| {
            let part = Reflect::get(kept, &name.into()).unwrap_or_default();
            (!part.is_undefined() && !part.is_null()).then_some(part)
        };
        Self {
            entry: part("entry").map(JsCast::unchecked_into),
            handle: part("handle").map(|promise| Pending::from(promise.unchecked_into::<Promise>())),
            file: part("file").map(JsCast::unchecked_into),
        }
    }
}

/// What was dropped, which has to be asked for while the drop is handled.
pub(crate) fn dropped(transfer: &DataTransfer) -> Vec<Dropped> {
    let items = transfer.items();
    (0..items.length())
        .filter_map(|index| items.get(index))
        .filter(|item| item.kind() == "file")
        .map(|item| of_item(&item))
        .collect()
}

fn of_item(item: &DataTransferItem) -> Dropped {
    Dropped {
        entry: item.webkit_get_as_entry().ok().flatten(),
        handle: handle::of_dropped(item),
        file: item.get_as_file().ok().flatten(),
    }
}

/// Reads what was dropped, folders to their depth, and passes files on as they are found. Returns the names of what could
/// not be read, or not to its end, and of the folders in which nothing is.
pub(crate) async fn read(
    dropped: Vec<Dropped>,
    mut on_files: impl FnMut(Vec<Chosen>),
) -> Vec<(Reason, String)> {
    let mut chosen = Vec::new();
    let mut unread = Vec::new();
    let mut left_out = Vec::new();
    for Dropped { entry, handle, file } in dropped {
        match (entry, file) {
            (Some(folder), _) if folder.is_directory() => unread.push(folder),
            (_, Some(file)) => {
                let handle = match handle {
                    Some(pending) => pending.received().await,
                    None => None,
                };
                chosen.push(Chosen {
                    handle,
                    ..Chosen::alone(file)
                });
            }
            (Some(entry), None) => unread.push(entry),
            (None, None) => left_out.push((Reason::Unreadable, String::new())),
        }
    }
    unread.reverse();
    while let Some(entry) = unread.pop() {
        let name = || entry.full_path().trim_start_matches('/').to_owned();
        if entry.is_directory() {
            let first = unread.len();
            if !read_folder(&entry, &mut unread).await {
                left_out.push((Reason::Unreadable, name()));
            } else if unread.len() == first {
                left_out.push((Reason::EmptyFolder, name()));
            }
        } else if let Ok(file) = file(&entry).await {
            chosen.push(Chosen {
                name: name(),
                file,
                handle: None,
            });
        } else {
            left_out.push((Reason::Unreadable, name()));
        }
        if chosen.len() >= BATCH {
            on_files(std::mem::take(&mut chosen));
        }
    }
    on_files(chosen);
    left_out
}

/// Adds what is in a folder, as far as it can be read; returns whether that is all.
async fn read_folder(folder: &FileSystemEntry, entries: &mut Vec<FileSystemEntry>) -> bool {
    let first = entries.len();
    let reader = folder.unchecked_ref::<FileSystemDirectoryEntry>().create_reader();
    // Browsers return some at a time, and none at the end.
    let is_whole = loop {
        let read =
            called_back(|resolve, reject| reader.read_entries_with_callback_and_callback(resolve, reject));
        let some = read.await.and_then(JsCast::dyn_into::<Array>);
        match some {
            Ok(some) if some.length() > 0 => entries.extend(some.iter().map(JsCast::unchecked_into)),
            some => break some.is_ok(),
        }
    };
    if let Some(new) = entries.get_mut(first..) {
        // The last is read first.
        new.reverse();
    }
    is_whole
}

async fn file(entry: &FileSystemEntry) -> Result<File, JsValue> {
    let entry: &FileSystemFileEntry = entry.unchecked_ref();
    called_back(|resolve, reject| {
        entry.file_with_callback_and_callback(resolve, reject);
        Ok(())
    })
    .await?
    .dyn_into()
}

async fn called_back(
    mut begin: impl FnMut(&Function, &Function) -> Result<(), JsValue>,
) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        if let Err(error) = begin(&resolve, &reject) {
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }
    });
    JsFuture::from(promise).await
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Makes what browsers return: files and folders of which some cannot be read.
    const ENTRIES: &str = "
        const file = (path) => ({
            isDirectory: false,
            fullPath: path,
            file: (done, failed) => path.endsWith('locked') ? failed(new DOMException('')) : done(new File(['a'], path)),
        });
        const folder = (path, ...batches) => ({
            isDirectory: true,
            fullPath: path,
            createReader: () => ({
                readEntries: (done, failed) => {
                    const next = batches.shift() ?? [];
                    next === 'fails' ? failed(new DOMException('')) : done(next);
                },
            }),
        });";

    /// Checks the names of what is read of `{entry, handle, file}` and of what is left out.
    async fn check(dropped: &str, expected: &[&str], expected_left_out: &[(Reason, &str)]) {
        let script = [ENTRIES, "return ", dropped].concat();
        let kept = Function::new_no_args(&script).call0(&JsValue::UNDEFINED);
        let kept = Array::from(&kept.expect("a list"));
        let dropped = kept.iter().map(|kept| Dropped::of_script(&kept)).collect();
        let mut names = Vec::new();
        let left_out = read(dropped, |files| {
            names.extend(files.into_iter().map(|chosen| chosen.name));
        })
        .await;
        assert_eq!(names, expected);
        let left_out = left_out.iter().map(|(reason, name)| (*reason, name.as_str()));
        assert_eq!(left_out.collect::<Vec<_>>(), expected_left_out);
    }

    #[wasm_bindgen_test]
    async fn what_can_be_read_is_listed_and_all_else_is_named() {
        use Reason::Unreadable;
        check(
            "[{ entry: folder('/a', [file('/a/1'), file('/a/locked')], [file('/a/2')]) }]",
            &["a/1", "a/2"],
            &[(Unreadable, "a/locked")],
        )
        .await;
        check(
            "[{ entry: folder('/a', [folder('/a/b', [file('/a/b/1')], 'fails', [file('/a/b/never')]), file('/a/2')]) }]",
            &["a/b/1", "a/2"],
            &[(Unreadable, "a/b")],
        )
        .await;
        check(
            "[{ entry: folder('/a', 'fails') }, { file: new File([], 'b') }, { entry: file('/c') }, {}]",
            &["b", "c"],
            &[(Unreadable, ""), (Unreadable, "a")],
        )
        .await;
    }

    #[wasm_bindgen_test]
    async fn a_folder_in_which_nothing_is_is_named() {
        check(
            "[{ entry: folder('/a', [folder('/a/b'), file('/a/1')]) }, { entry: folder('/c') }]",
            &["a/1"],
            &[(Reason::EmptyFolder, "a/b"), (Reason::EmptyFolder, "c")],
        )
        .await;
    }

    #[wasm_bindgen_test]
    async fn a_handle_that_fails_costs_no_file() {
        check(
            "[{ file: new File([], 'a'), handle: Promise.reject(new DOMException('')) }]",
            &["a"],
            &[],
        )
        .await;
    }
}
