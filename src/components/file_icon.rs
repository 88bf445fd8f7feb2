//! What kind of file it is: a thumbnail of an image, or a sign.

use js_sys::{Function, Reflect};
use leptos::{either::Either, html, prelude::*};
use messages::FileId;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlCanvasElement;

use crate::{
    anew::Anew,
    components::icon::{Icon, Shape},
    page::use_page,
};

/// The sign for a file's media type, which its thumbnail takes the place of once that has arrived.
#[component]
pub(crate) fn FileIcon(id: FileId, media_type: String) -> impl IntoView {
    let uploads = use_page().uploads;
    let has_thumbnail = RwSignal::new(false);
    let canvas = NodeRef::<html::Canvas>::new();
    if media_type.starts_with("image/") {
        uploads.request_thumbnail(id);
        Effect::new(move || {
            if uploads.thumbnail_arrived.get() == Some(id)
                && let Some(thumbnail) = uploads.take_thumbnail(id)
            {
                has_thumbnail.set(true);
                canvas.on_load(move |canvas| {
                    if draw(&canvas, &thumbnail).is_err() {
                        has_thumbnail.set(false);
                    }
                });
            }
        });
    }
    let shape = Shape::of_type(&media_type);
    move || {
        Anew(match has_thumbnail.get() {
            true => Either::Left(view! { <canvas class="thumbnail" node_ref=canvas></canvas> }),
            false => Either::Right(view! { <Icon shape/> }),
        })
    }
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
