//! What kind of file it is: a small picture of an image, or a sign.

use std::rc::Rc;

use js_sys::{Function, Reflect};
use leptos::prelude::Get;
use messages::FileId;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlCanvasElement;

use crate::ui::{
    Context,
    html::{Html, html, watch},
    icon::Icon,
};

/// The sign for a file's media type, which its picture takes the place of once that is there.
pub(crate) fn file_icon(context: &Context, id: FileId, media_type: &str) -> Html {
    let icon = html("span", "file-icon").with_picture(&Icon::of_type(media_type).draw());
    if media_type.starts_with("image/") {
        context.uploads.ask_for_picture(id);
        let pictured = context.uploads.pictured();
        let context = Rc::clone(context);
        let place = icon.clone();
        watch(move || {
            if pictured.get() == Some(id)
                && let Some(picture) = context.uploads.take_picture(id)
            {
                let canvas = html("canvas", "thumbnail");
                if draw(canvas.of(), &picture).is_ok() {
                    place.element().set_text_content(None);
                    let _ = place.clone().with([canvas]);
                }
            }
        });
    }
    icon
}

/// Draws a picture that was made elsewhere (WHATWG HTML, `ImageBitmapRenderingContext`).
fn draw(canvas: &HtmlCanvasElement, picture: &JsValue) -> Result<(), JsValue> {
    let side = |name: &str| Reflect::get(picture, &name.into()).map(|side| side.as_f64().unwrap_or(0.0));
    canvas.set_width(side("width")? as u32);
    canvas.set_height(side("height")? as u32);
    let context = canvas.get_context("bitmaprenderer")?.ok_or(JsValue::UNDEFINED)?;
    let transfer: Function = Reflect::get(&context, &"transferFromImageBitmap".into())?.dyn_into()?;
    transfer.call1(&context, picture)?;
    Ok(())
}
