//! The whole page, mounted in a browser without a stack behind it.

use engine::{ErrorKind, Event, FileId, FileStatus, FileView, Selection};
use leptos::{
    mount::mount_to,
    prelude::{ArcRwSignal, GetUntracked},
};
use slipway::{App, config::Config, driver::Driver};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{File, HtmlElement};

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

#[wasm_bindgen_test]
async fn the_page_reads_its_settings_and_shows_a_picker_with_a_label() {
    let document = web_sys::window()
        .and_then(|window| window.document())
        .expect("a document");
    let root: HtmlElement = document
        .create_element("main")
        .expect("an element")
        .unchecked_into();
    document
        .body()
        .expect("a body")
        .append_child(&root)
        .expect("room");
    let _mounted = mount_to(root.clone(), App);
    let find = |selector| root.query_selector(selector).expect("a selector");
    // The test runner serves the project's folder, and so its config.json.
    let label = until(|| find("label[for=file-picker]")).await;
    assert_eq!(label.text_content().as_deref(), Some("Choose files"));
    assert!(find("input#file-picker[type=file][multiple]").is_some());
    assert!(find("[role=alert]").is_none());
}

#[wasm_bindgen_test]
async fn a_file_whose_api_is_not_there_fails_with_that_and_is_kept_for_another_try() {
    let config = r#"{"apiUrl": "http://127.0.0.1:1", "maxAttempts": 2, "backoffMilliseconds": 1}"#;
    let driver = Driver::new(&Config::parse(config).expect("settings"), 1);
    let id = FileId(0);
    let parts = js_sys::Array::of1(&"abc".into());
    driver.add(vec![File::new_with_str_sequence(&parts, "name").expect("a file")]);
    let has_failed = |row: &ArcRwSignal<Option<FileView>>| {
        let status = row.get_untracked().expect("the file is on the list").status;
        matches!(status, FileStatus::Failed(error) if error.kind == ErrorKind::ApiUnreachable)
    };
    let row = driver.mount_row(id);
    until(|| has_failed(&row).then_some(())).await;
    driver.tell(Event::Retry(Selection::File(id)));
    // A row that is mounted anew shows the state at once and not only at the next frame.
    let row = driver.mount_row(id);
    assert!(!has_failed(&row), "another try has begun");
    until(|| has_failed(&row).then_some(())).await;
}

#[wasm_bindgen_test]
async fn a_browser_that_keeps_nothing_is_said_to_and_uploads_go_on() {
    use engine::{FileId, FileStatus};
    use js_sys::{Object, Reflect};
    use leptos::prelude::GetUntracked;

    let window = web_sys::window().expect("a window");
    let hide = Object::new();
    Reflect::set(&hide, &"configurable".into(), &true.into()).expect("a property");
    Reflect::set(&hide, &"value".into(), &wasm_bindgen::JsValue::UNDEFINED).expect("a property");
    Object::define_property(&window, &"indexedDB".into(), &hide);
    let config = r#"{"apiUrl": "http://127.0.0.1:1", "maxAttempts": 1}"#;
    let driver = Driver::new(&Config::parse(config).expect("settings"), 1);
    let keeps_nothing = driver.keeps_nothing();
    until(|| keeps_nothing.get_untracked().then_some(())).await;
    // The browser's own property is on the prototype and shows again.
    Reflect::delete_property(&window, &"indexedDB".into()).expect("it was configurable");

    let parts = js_sys::Array::of1(&"abc".into());
    driver.add(vec![File::new_with_str_sequence(&parts, "name").expect("a file")]);
    let row = driver.mount_row(FileId(0));
    until(|| {
        let status = row.get_untracked()?.status;
        matches!(status, FileStatus::Failed(_)).then_some(())
    })
    .await;
}
