//! Thumbnails of images, made outside the main thread.

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::read;

/// The height and width of a thumbnail in device pixels: 40 CSS pixels on a screen with two per CSS pixel.
const SIZE: u32 = 80;

/// Larger files are not read only for a thumbnail; in bytes.
const MAX_BYTES: u64 = 50 << 20;

/// Larger images are not decoded; in pixels, of which each takes four bytes. Two of these take 256 MiB, which a
/// browser on a phone can spare; photos of 108 megapixels it could not hold.
const MAX_PIXELS: u64 = 32 << 20;

/// How much of a file is searched for its dimensions, in bytes. The metadata before them, above all a picture of its
/// own that a camera puts there, is seldom larger.
const HEADER_BYTES: u64 = 256 << 10;

/// A thumbnail as an `ImageBitmap` (WHATWG HTML, `createImageBitmap`); `None` if the file is not an image that
/// the browser can show, or too large to be decoded for this.
pub(crate) async fn of(file: &File) -> Option<JsValue> {
    let size = file.size() as u64;
    if size > MAX_BYTES {
        return None;
    }
    let header = read::bytes(file, &(0..size.min(HEADER_BYTES))).await.ok()?;
    if !is_small(&Uint8Array::new(&header).to_vec()) {
        return None;
    }
    let global = js_sys::global();
    let create: Function = Reflect::get(&global, &"createImageBitmap".into())
        .ok()?
        .dyn_into()
        .ok()?;
    let options = Object::new();
    // One side only, so that the picture keeps its shape; the page crops it.
    Reflect::set(&options, &"resizeHeight".into(), &SIZE.into()).ok()?;
    Reflect::set(&options, &"resizeQuality".into(), &"medium".into()).ok()?;
    let made: Promise = create.call2(&global, file, &options).ok()?.dyn_into().ok()?;
    JsFuture::from(made).await.ok()
}

/// Whether an image that starts with these bytes can be decoded for a thumbnail. One whose dimensions are not found
/// may have any.
fn is_small(header: &[u8]) -> bool {
    let Ok(size) = imagesize::blob_size(header) else {
        return false;
    };
    let pixels = (size.width as u64).checked_mul(size.height as u64);
    pixels.is_some_and(|pixels| (1..=MAX_PIXELS).contains(&pixels))
}

#[cfg(test)]
mod tests {
    use js_sys::Array;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        File::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)), "picture").expect("a file")
    }

    #[wasm_bindgen_test]
    async fn an_image_becomes_small_and_keeps_its_shape() {
        // A GIF of one pixel (GIF89a).
        let gif = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
        let picture = of(&file(gif)).await.expect("a picture");
        for side in ["width", "height"] {
            let length = Reflect::get(&picture, &side.into()).expect("a length");
            assert_eq!(length, JsValue::from(SIZE), "{side}");
        }
    }

    #[wasm_bindgen_test]
    async fn what_is_no_image_has_no_picture() {
        assert!(of(&file(b"no image")).await.is_none());
    }

    /// The start of a PNG of this width and height (RFC 2083, section 4.1.1).
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        header.extend(width.to_be_bytes());
        header.extend(height.to_be_bytes());
        header.extend([8, 6, 0, 0, 0]);
        header
    }

    #[wasm_bindgen_test]
    fn an_image_is_decoded_only_if_its_pixels_fit_into_memory() {
        for (header, expected) in [
            (png(1, 1), true),
            (png(8192, 4096), true),
            (png(8192, 4097), false),
            (png(12_000, 9_000), false),
            (png(u32::MAX, u32::MAX), false),
            (png(0, 0), false),
            (b"\xff\xd8\xff\xe1\xff\xff".to_vec(), false),
            (b"GIF89a".to_vec(), false),
            (Vec::new(), false),
        ] {
            assert_eq!(is_small(&header), expected, "{header:?}");
        }
    }
}
