//! Small pictures of images, made outside the main thread.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// The height and width of a picture in device pixels: 40 CSS pixels on a screen with two for each.
const SIZE: u32 = 80;

/// Larger files are not read only to be shown small.
const LARGEST: f64 = 50.0 * 1024.0 * 1024.0;

/// A picture as an `ImageBitmap` (WHATWG HTML, `createImageBitmap`), or nothing where the file is no
/// image that the browser can show.
pub(crate) async fn of(file: &File) -> Option<JsValue> {
    if file.size() > LARGEST {
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

#[cfg(test)]
mod tests {
    use js_sys::{Array, Uint8Array};
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
}
