//! What is in a folder that was dropped (W3C File and Directory Entries API).

use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, DataTransferItem, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
};

use super::{
    files::Chosen,
    handle::{self, Pending},
};

/// So many files are given on at a time, so that a large folder shows before it was read to its end.
const BATCH: usize = 500;

/// Something that was dropped. It can be read after the drop was handled, which the list of what was
/// dropped cannot.
pub(crate) struct Dropped {
    entry: Option<FileSystemEntry>,
    handle: Option<Pending>,
    file: Option<File>,
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

/// Reads what was dropped, folders to their depth, and gives it on as it comes. Gives how many files or
/// folders could not be read.
pub(crate) async fn read(dropped: Vec<Dropped>, mut give: impl FnMut(Vec<Chosen>)) -> u32 {
    let mut chosen = Vec::new();
    let mut folders = Vec::new();
    let mut unreadable = 0;
    for Dropped { entry, handle, file } in dropped {
        match (entry.filter(FileSystemEntry::is_directory), file) {
            (Some(folder), _) => folders.push(folder),
            (None, Some(file)) => {
                let handle = match handle {
                    Some(pending) => pending.received().await,
                    None => None,
                };
                chosen.push(Chosen {
                    handle,
                    ..Chosen::alone(file)
                });
            }
            (None, None) => unreadable += 1,
        }
    }
    while let Some(folder) = folders.pop() {
        let Ok(entries) = entries(&folder).await else {
            unreadable += 1;
            continue;
        };
        for entry in entries {
            if entry.is_directory() {
                folders.push(entry);
            } else if let Ok(file) = file(&entry).await {
                chosen.push(Chosen {
                    name: entry.full_path().trim_start_matches('/').to_owned(),
                    file,
                    handle: None,
                });
            } else {
                unreadable += 1;
            }
            if chosen.len() >= BATCH {
                give(std::mem::take(&mut chosen));
            }
        }
    }
    give(chosen);
    unreadable
}

async fn entries(folder: &FileSystemEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.unchecked_ref::<FileSystemDirectoryEntry>().create_reader();
    let mut all = Vec::new();
    // Browsers give some at a time, and none at the end.
    loop {
        let read =
            called_back(|resolve, reject| reader.read_entries_with_callback_and_callback(resolve, reject));
        let some: Array = read.await?.dyn_into()?;
        if some.length() == 0 {
            return Ok(all);
        }
        all.extend(some.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
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
