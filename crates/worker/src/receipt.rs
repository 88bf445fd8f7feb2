//! Receipts: what is stored of a batch, for the user to keep.

use std::{cell::RefCell, rc::Weak};

use engine::Engine;
use js_sys::Array;
use messages::ToPage;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Url};
use wire::{BatchId, ChecksumType, ManifestFile, ManifestStatus};

use crate::{
    driver::{Driver, with},
    manifests,
};

/// What a receipt is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A table (RFC 4180).
    Csv,
    /// A document as the manifest is.
    Json,
}

/// The first line of a table. It begins with a byte order mark, by which spreadsheets know that it is UTF-8.
const HEAD: &str = "\u{feff}path,key,size,type,status,error,checksum type,checksum,etag\r\n";

/// With what spreadsheets take a cell for a formula (OWASP, "CSV Injection"), and the apostrophe that is put before it:
/// so every apostrophe at the beginning of a cell is one that was put there.
const FORMULA_SIGNS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '\''];

/// The address of the receipt that was saved last, for as long as the next one is not.
#[derive(Default)]
pub(crate) struct Saved(RefCell<Option<ObjectUrl>>);

/// An address of a blob in this browser (W3C File API, "blob URL"). Dropping it takes it back.
struct ObjectUrl(String);

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        let _ = Url::revoke_object_url(&self.0);
    }
}

/// Makes the receipt of a batch, and has the page save it.
pub(crate) async fn save(driver: Weak<Driver>, batch: BatchId, kind: Kind) {
    let (receipt, extension) = match kind {
        Kind::Csv => (csv(&driver, batch).await, "csv"),
        Kind::Json => (json(&driver, batch), "json"),
    };
    with(&driver, |driver| {
        // A browser that has no room for a receipt saves none.
        let url = receipt.and_then(|receipt| Url::create_object_url_with_blob(&receipt));
        if let Ok(url) = url {
            driver.receipt.0.replace(Some(ObjectUrl(url.clone())));
            let name = format!("receipt-{batch}.{extension}");
            driver.page.send(&ToPage::Receipt { url, name });
        }
    });
}

fn json(driver: &Weak<Driver>, batch: BatchId) -> Result<Blob, JsValue> {
    let driver = driver.upgrade().ok_or(JsValue::UNDEFINED)?;
    let not_stored = driver.query(|engine| manifests::all_not_stored(batch, engine));
    driver.manifests.assemble(batch, &not_stored).map(Into::into)
}

/// The table is made piece by piece, so that only one of them is in memory.
async fn csv(driver: &Weak<Driver>, batch: BatchId) -> Result<Blob, JsValue> {
    let read = |engine: &Engine| manifests::all_not_stored(batch, engine);
    let ((blobs, last), not_stored) = {
        let driver = driver.upgrade().ok_or(JsValue::UNDEFINED)?;
        (driver.manifests.draft(batch), driver.query(read))
    };
    let parts = Array::of1(&HEAD.into());
    for blob in blobs {
        let text = JsFuture::from(blob.text()).await?;
        let lines = table(&text.as_string().unwrap_or_default());
        let piece: JsValue = blob_of(&Array::of1(&lines.into()))?.into();
        parts.push(&piece);
    }
    parts.push(&table(&last).into());
    parts.push(&lines(&not_stored).into());
    blob_of(&parts)
}

fn blob_of(parts: &Array) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type("text/csv;charset=utf-8");
    Blob::new_with_str_sequence_and_options(parts, &options)
}

/// The lines of a piece of a draft.
fn table(piece: &str) -> String {
    let elements = format!("[{}]", piece.trim_start_matches(','));
    // It was written from the same type.
    lines(&serde_json::from_str::<Vec<ManifestFile>>(&elements).unwrap_or_default())
}

fn lines(files: &[ManifestFile]) -> String {
    files.iter().map(line).collect()
}

fn line(file: &ManifestFile) -> String {
    let (mut error, mut kind, mut value, mut tag) = ("", "", "", "");
    let status = match &file.status {
        ManifestStatus::Stored { checksum, etag } => {
            if let Some(checksum) = checksum {
                kind = match checksum.kind {
                    ChecksumType::FullObject => "FULL_OBJECT",
                    ChecksumType::Composite => "COMPOSITE",
                };
                value = &checksum.value;
            }
            tag = etag.as_deref().unwrap_or_default();
            "stored"
        }
        ManifestStatus::Failed { error: name } => {
            error = name;
            "failed"
        }
        ManifestStatus::Cancelled => "cancelled",
    };
    let size = file.size.to_string();
    let key = file.key.as_deref().unwrap_or_default();
    let cells = [
        &file.path,
        key,
        &size,
        &file.media_type,
        status,
        error,
        kind,
        value,
        tag,
    ];
    cells.map(cell).join(",") + "\r\n"
}

/// A cell as RFC 4180 has it, and as a spreadsheet shows it as it is.
fn cell(text: &str) -> String {
    let apostrophe = if text.starts_with(FORMULA_SIGNS) { "'" } else { "" };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{apostrophe}{text}")
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;
    use wire::{Checksum, ChecksumAlgorithm};

    use super::*;

    #[wasm_bindgen_test]
    fn no_cell_is_a_formula_or_breaks_its_line() {
        for (text, expected) in [
            ("plain name.txt", "plain name.txt"),
            ("تقرير 📎.pdf", "تقرير 📎.pdf"),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("a=1", "a=1"),
            ("a, b", "\"a, b\""),
            ("=\"a\"", "\"'=\"\"a\"\"\""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[wasm_bindgen_test]
    fn each_file_is_a_line_whatever_became_of_it() {
        let file = |status| ManifestFile {
            key: None,
            path: "a/b".to_owned(),
            size: 5,
            media_type: "text/plain".to_owned(),
            status,
        };
        let stored = ManifestFile {
            key: Some("uploads/a/b".to_owned()),
            ..file(ManifestStatus::Stored {
                checksum: Some(Checksum {
                    algorithm: ChecksumAlgorithm::Sha256,
                    kind: ChecksumType::Composite,
                    value: "+x=-2".to_owned(),
                }),
                etag: Some("e".to_owned()),
            })
        };
        let piece = format!(",{}", serde_json::to_string(&stored).expect("JSON"));
        let expected = "a/b,uploads/a/b,5,text/plain,stored,,COMPOSITE,'+x=-2,e\r\n";
        assert_eq!(table(&piece), expected);
        let failed = ManifestStatus::Failed {
            error: "S3Busy".to_owned(),
        };
        let others = [file(failed), file(ManifestStatus::Cancelled)];
        let expected = "a/b,,5,text/plain,failed,S3Busy,,,\r\na/b,,5,text/plain,cancelled,,,,\r\n";
        assert_eq!(lines(&others), expected);
    }
}
