//! The whole page, mounted in a browser without a stack behind it. Its worker serves the channel in the
//! page itself, as it does nowhere else, so that a test can see both sides.

use js_sys::{Object, Reflect};
use leptos::{mount::mount_to, prelude::document};
use slipway::{Options, app, config::Config, load};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{DataTransfer, Event, File, HtmlElement, HtmlInputElement};

wasm_bindgen_test_configure!(run_in_browser);

/// Looks again and again until something is there; the runner's own deadline ends a wait in vain.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        let pause = js_sys::Promise::new(&mut |resolve, _| {
            web_sys::window()
                .expect("a window")
                .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 5)
                .expect("a timer");
        });
        JsFuture::from(pause).await.expect("time passes");
    }
}

fn place() -> HtmlElement {
    let place: HtmlElement = document()
        .create_element("main")
        .expect("an element")
        .unchecked_into();
    document()
        .body()
        .expect("a body")
        .append_child(&place)
        .expect("room");
    place
}

/// A page with these settings, and its worker in the same thread.
fn mount(config: &str) -> HtmlElement {
    speak_english();
    let place = place();
    let (inside, loaded) = (place.clone(), Config::parse(config));
    let options = Options {
        connect: Some(worker::serve),
        ..Options::default()
    };
    mount_to(place.clone(), move || {
        app(&inside, loaded, options);
    })
    .forget();
    place
}

fn speak_english() {
    slipway::language::speak("en", include_str!("../languages/en.json")).expect("words");
}

fn find(place: &HtmlElement, selector: &str) -> Option<HtmlElement> {
    let found = place.query_selector(selector).expect("a selector");
    found.map(JsCast::unchecked_into)
}

/// Picks files by the page's own input, as a browser does.
async fn pick(place: &HtmlElement, names: &[&str]) {
    let picker: HtmlInputElement = until(|| find(place, "input[id^=file-picker]"))
        .await
        .unchecked_into();
    let transfer = DataTransfer::new().expect("a DataTransfer");
    for name in names {
        let file = File::new_with_str_sequence(&js_sys::Array::of1(&"abc".into()), name).expect("a file");
        transfer.items().add_with_file(&file).expect("room");
    }
    picker.set_files(transfer.files().as_ref());
    picker
        .dispatch_event(&Event::new("change").expect("an event"))
        .expect("it is heard");
}

#[wasm_bindgen_test]
async fn the_page_reads_its_settings_and_its_words_and_shows_a_picker_with_a_label() {
    // The test runner serves the project's folder, and so its config.json and its languages.
    let loaded = load("").await;
    let place = place();
    let inside = place.clone();
    let options = Options {
        is_document: true,
        connect: Some(worker::serve),
        ..Options::default()
    };
    let mounted = mount_to(place.clone(), move || {
        app(&inside, loaded, options);
    });
    let label = until(|| find(&place, "label[for^=file-picker]")).await;
    assert_eq!(label.text_content().as_deref(), Some("Choose files"));
    assert!(find(&place, "input[id^=file-picker][type=file][multiple]").is_some());
    assert!(find(&place, ".page-error").is_none());
    drop(mounted);
}

#[wasm_bindgen_test]
async fn a_file_whose_api_is_not_there_fails_with_that_and_is_kept_for_another_try() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "maxAttempts": 2, "backoffMilliseconds": 1}"#);
    pick(&place, &["name"]).await;
    until(|| find(&place, "[data-state=failed]")).await;
    let error = find(&place, ".file-error").and_then(|error| error.text_content());
    let error = error.unwrap_or_default();
    assert!(error.contains("cannot be reached"), "{error}");
    // It may have failed again before the page hears that it is tried, so only the end is waited for.
    until(|| find(&place, "[data-action=retry]:not([hidden])"))
        .await
        .click();
    until(|| find(&place, "[data-state=failed]")).await;
}

#[wasm_bindgen_test]
async fn two_thousand_files_are_a_screenful_of_rows() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1"}"#);
    // The style sheet, which is not loaded here, keeps the list from growing with its rows.
    let list = until(|| find(&place, ".file-list")).await;
    let style = "height: 800px; overflow: auto";
    list.set_attribute("style", style).expect("an attribute");
    let names = vec!["name"; 2_000];
    pick(&place, &names).await;
    let row = until(|| find(&place, "[data-file-id]")).await;
    until(|| (row.get_attribute("aria-setsize").as_deref() == Some("2000")).then_some(())).await;
    let rows = place
        .query_selector_all("[data-file-id]")
        .expect("a selector")
        .length();
    assert!((1..60).contains(&rows), "{rows} rows");
    until(|| find(&place, "[data-action=cancelAll]:not([hidden])"))
        .await
        .click();
}

#[wasm_bindgen_test]
async fn files_that_may_not_be_uploaded_are_told_together_by_reason() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "accept": ".txt", "maxFileBytes": 2}"#);
    let hint = until(|| find(&place, ".drop-zone-hint"))
        .await
        .text_content()
        .unwrap_or_default();
    assert!(hint.contains(".txt") && hint.contains('2'), "{hint}");
    let names: Vec<String> = (0..20).map(|number| format!("{number}.exe")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("large.txt");
    pick(&place, &names).await;
    let groups = until(|| {
        let groups = place.query_selector_all(".rejections li").expect("a selector");
        (groups.length() == 2).then_some(groups)
    })
    .await;
    let text = |index| {
        let group = groups.item(index).expect("a group");
        group.text_content().unwrap_or_default()
    };
    assert!(text(0).starts_with("20 files were left out"), "{}", text(0));
    assert!(text(0).ends_with("4.exe and 15 more"), "{}", text(0));
    assert!(text(1).starts_with("1 file was left out"), "{}", text(1));
    assert!(find(&place, "[data-file-id]").is_none());
    find(&place, ".rejections button").expect("a button").click();
    until(|| find(&place, ".rejections[hidden]")).await;
}

#[wasm_bindgen_test]
async fn a_browser_that_keeps_nothing_is_said_to_and_uploads_go_on() {
    let window = web_sys::window().expect("a window");
    let hide = Object::new();
    Reflect::set(&hide, &"configurable".into(), &true.into()).expect("a property");
    Reflect::set(&hide, &"value".into(), &JsValue::UNDEFINED).expect("a property");
    Object::define_property(&window, &"indexedDB".into(), &hide);
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "maxAttempts": 1}"#);
    until(|| {
        let notice = find(&place, ".storage-notice")?.text_content()?;
        notice.contains("keeps nothing").then_some(())
    })
    .await;
    // The browser's own property is on the prototype and shows again.
    Reflect::delete_property(&window, &"indexedDB".into()).expect("it was configurable");
    pick(&place, &["name"]).await;
    until(|| find(&place, "[data-state=failed]")).await;
}

#[wasm_bindgen_test]
async fn a_row_still_follows_its_file_after_others_were_added() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    pick(&place, &["first"]).await;
    let first = until(|| find(&place, "[data-file-id='0'][data-state=waiting]")).await;
    pick(&place, &["second"]).await;
    until(|| find(&place, "[data-file-id='1'][data-state=waiting]")).await;
    let pause: HtmlElement = first
        .query_selector("[data-action=pause]")
        .expect("a selector")
        .expect("a button")
        .unchecked_into();
    pause.click();
    until(|| (first.get_attribute("data-state").as_deref() == Some("paused")).then_some(())).await;
}
