//! The whole page, mounted in a browser without a stack behind it. Its worker serves the channel in the
//! page itself, as it does nowhere else, so that a test can see both sides.

use js_sys::{Function, Object, Reflect};
use leptos::{
    mount::mount_to,
    prelude::{document, view},
};
use slipway::{App, Options, config::Config, load, mount_into};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{
    ClipboardEvent, ClipboardEventInit, DataTransfer, DragEvent, DragEventInit, Event, File, HtmlElement,
    HtmlInputElement,
};

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
    mount_to(
        place.clone(),
        move || view! { <App place=inside loaded options/> },
    )
    .forget();
    place
}

fn speak_english() {
    slipway::i18n::set_locale("en", include_str!("../static/languages/en.json")).expect("words");
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
    pick_by(&picker, names);
}

fn transfer_of(names: &[&str]) -> DataTransfer {
    let transfer = DataTransfer::new().expect("a DataTransfer");
    for name in names {
        let file = File::new_with_str_sequence(&js_sys::Array::of1(&"abc".into()), name).expect("a file");
        transfer.items().add_with_file(&file).expect("room");
    }
    transfer
}

fn pick_by(picker: &HtmlInputElement, names: &[&str]) {
    take_by(picker, &transfer_of(names));
}

fn take_by(picker: &HtmlInputElement, picked: &DataTransfer) {
    picker.set_files(picked.files().as_ref());
    picker
        .dispatch_event(&Event::new("change").expect("an event"))
        .expect("it is heard");
}

fn drop_on_page(names: &[&str]) {
    let init = DragEventInit::new();
    init.set_bubbles(true);
    init.set_cancelable(true);
    init.set_data_transfer(Some(&transfer_of(names)));
    let event = DragEvent::new_with_event_init_dict("drop", &init).expect("an event");
    let body = document().body().expect("a body");
    body.dispatch_event(&event).expect("it is heard");
}

/// What `index.html` shows until the WebAssembly has arrived, with its script.
fn first_view() -> HtmlElement {
    let (_, rest) = include_str!("../index.html")
        .split_once("<main id=\"slipway\" class=\"page\">")
        .expect("the page's element");
    let (shell, _) = rest.split_once("</main>").expect("its end");
    let place = place();
    place.set_id("slipway");
    place.set_inner_html(shell);
    Function::new_no_args(include_str!("../static/early.js"))
        .call0(&JsValue::UNDEFINED)
        .expect("the script runs");
    place
}

/// The names of the files that this page has, and not another one in the same browser.
fn own_names(place: &HtmlElement) -> Vec<String> {
    const OWN: &str = "[data-file-id]:not([data-state=elsewhere], [data-state=interrupted]) .file-name";
    names_by(place, OWN)
}

fn names_by(place: &HtmlElement, selector: &str) -> Vec<String> {
    let names = place.query_selector_all(selector).expect("a selector");
    let names = (0..names.length()).filter_map(|index| names.get(index)?.text_content());
    names.collect()
}

#[wasm_bindgen_test]
async fn the_page_reads_its_settings_and_texts_and_shows_its_picker() {
    // The test runner serves the project's folder, and so static/config.json and static/languages.
    let loaded = load("static/").await;
    let place = place();
    let inside = place.clone();
    let options = Options {
        is_document: true,
        connect: Some(worker::serve),
        ..Options::default()
    };
    let mounted = mount_to(
        place.clone(),
        move || view! { <App place=inside loaded options/> },
    );
    let label = until(|| find(&place, "label[for^=file-picker]")).await;
    assert_eq!(label.text_content().as_deref(), Some("Choose files"));
    assert!(find(&place, "input[id^=file-picker][type=file][multiple]").is_some());
    assert!(find(&place, ".page-error").is_none());
    drop(mounted);
}

#[wasm_bindgen_test]
async fn a_file_whose_api_is_not_there_fails_and_can_be_retried() {
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
    let names: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
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
async fn files_that_may_not_be_uploaded_are_listed_by_reason() {
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
    find(&place, "[data-action=dismiss]").expect("a button").click();
    until(|| find(&place, ".rejections[hidden]")).await;
}

#[wasm_bindgen_test]
async fn a_file_without_a_type_is_accepted_by_its_extension() {
    let place =
        mount(r#"{"apiUrl": "http://127.0.0.1:1", "accept": "image/*", "backoffMilliseconds": 60000}"#);
    pick(&place, &["letter.doc", "IMG_0001.HEIC"]).await;
    until(|| (own_names(&place) == ["IMG_0001.HEIC"]).then_some(())).await;
    until_left_out(&place, &["1 file was left out", "image/*", "letter.doc"]).await;
}

/// Waits for a group of what was left out that has these words in its text.
async fn until_left_out(place: &HtmlElement, words: &[&str]) {
    until(|| {
        let groups = place.query_selector_all(".rejections li").expect("a selector");
        (0..groups.length())
            .filter_map(|index| groups.item(index)?.text_content())
            .any(|text| words.iter().all(|word| text.contains(word)))
            .then_some(())
    })
    .await;
}

#[wasm_bindgen_test]
async fn clutter_of_a_folder_is_left_out_until_it_is_taken_back_in() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    let picker: HtmlInputElement = until(|| find(&place, "input[id^=folder-picker]"))
        .await
        .unchecked_into();
    let picked = transfer_of(&[".DS_Store", "Thumbs.db", "photo.jpg"]);
    let files = picked.files().expect("files");
    for file in (0..files.length()).filter_map(|index| files.get(index)) {
        let path = format!("holiday/{}", file.name());
        let property = Object::new();
        Reflect::set(&property, &"value".into(), &path.into()).expect("a property");
        Object::define_property(&file, &"webkitRelativePath".into(), &property);
    }
    take_by(&picker, &picked);
    let words = ["2 files were left out", "holiday/.DS_Store, holiday/Thumbs.db"];
    until_left_out(&place, &words).await;
    until(|| (own_names(&place) == ["holiday/photo.jpg"]).then_some(())).await;
    find(&place, "[data-action=addClutter]:not([hidden])")
        .expect("a button")
        .click();
    until(|| (own_names(&place).len() == 3).then_some(())).await;
    until(|| find(&place, ".rejections[hidden]")).await;
}

#[wasm_bindgen_test]
async fn what_is_on_the_list_is_not_added_again() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    let picker: HtmlInputElement = until(|| find(&place, "input[id^=file-picker]"))
        .await
        .unchecked_into();
    let file = transfer_of(&["once"]).files().and_then(|files| files.get(0));
    for _ in 0..2 {
        // The page empties the list that it takes.
        let picked = transfer_of(&[]);
        picked
            .items()
            .add_with_file(file.as_ref().expect("a file"))
            .expect("room");
        take_by(&picker, &picked);
    }
    until_left_out(&place, &["1 file was left out", "Already on the list", "once"]).await;
    assert_eq!(own_names(&place), ["once"]);
}

fn paste(place: &HtmlElement, pasted: &DataTransfer) {
    let init = ClipboardEventInit::new();
    init.set_bubbles(true);
    init.set_clipboard_data(Some(pasted));
    let event = ClipboardEvent::new_with_event_init_dict("paste", &init).expect("an event");
    place.dispatch_event(&event).expect("it is heard");
}

#[wasm_bindgen_test]
async fn a_paste_with_text_is_left_alone() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    until(|| find(&place, "input[id^=file-picker]")).await;
    let cells = transfer_of(&["image.png"]);
    cells.set_data("text/plain", "1\t2").expect("room");
    paste(&place, &cells);
    paste(&place, &transfer_of(&["after.png"]));
    until(|| (own_names(&place) == ["after.png"]).then_some(())).await;
}

/// The folder is one of the browser's own, since no script can put another one onto the clipboard.
#[wasm_bindgen_test]
async fn a_pasted_folder_gives_its_files() {
    const MAKE_FOLDER: &str = "
        return (async () => {
            const root = await navigator.storage.getDirectory();
            const folder = await root.getDirectoryHandle('pasted', { create: true });
            const inner = await folder.getDirectoryHandle('inner', { create: true });
            await folder.getDirectoryHandle('empty', { create: true });
            for (const [place, name] of [[folder, 'a.txt'], [inner, 'b.txt']]) {
                const file = await place.getFileHandle(name, { create: true });
                const writable = await file.createWritable();
                await writable.write(name);
                await writable.close();
            }
            DataTransferItem.prototype.getAsFileSystemHandle = async () => folder;
        })();";
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    until(|| find(&place, "input[id^=file-picker]")).await;
    let prototype = Function::new_no_args("return DataTransferItem.prototype;").call0(&JsValue::UNDEFINED);
    let prototype: Object = prototype.expect("a prototype").unchecked_into();
    let name = JsValue::from("getAsFileSystemHandle");
    let before = Reflect::get(&prototype, &name).expect("a property");
    let made = Function::new_no_args(MAKE_FOLDER).call0(&JsValue::UNDEFINED);
    let made: js_sys::Promise = made.expect("a promise").unchecked_into();
    JsFuture::from(made).await.expect("a folder");
    paste(&place, &transfer_of(&["pasted"]));
    until(|| {
        let mut names = own_names(&place);
        names.sort();
        (names == ["pasted/a.txt", "pasted/inner/b.txt"]).then_some(())
    })
    .await;
    until_left_out(&place, &["1 folder is empty", "pasted/empty"]).await;
    Reflect::set(&prototype, &name, &before).expect("a property");
}

#[wasm_bindgen_test]
async fn a_browser_that_stores_nothing_is_reported_and_uploads_go_on() {
    let window = web_sys::window().expect("a window");
    let shown = Object::get_own_property_descriptor(&window, &"indexedDB".into());
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
    pick(&place, &["name"]).await;
    until(|| find(&place, "[data-state=failed]")).await;
    Object::define_property(&window, &"indexedDB".into(), shown.unchecked_ref());
    let focus = Event::new("focus").expect("an event");
    window.dispatch_event(&focus).expect("it is heard");
    until(|| {
        let notice = find(&place, ".storage-notice")?.text_content()?;
        notice.is_empty().then_some(())
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_row_still_follows_its_file_after_others_were_added() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    pick(&place, &["first"]).await;
    // What other tests have left comes back as rows of another tab, which never wait.
    let first = until(|| find(&place, "[data-file-id][data-state=waiting]")).await;
    pick(&place, &["second"]).await;
    until(|| {
        let waiting = place.query_selector_all("[data-file-id][data-state=waiting]");
        (waiting.expect("a selector").length() == 2).then_some(())
    })
    .await;
    let pause: HtmlElement = first
        .query_selector("[data-action=pause]")
        .expect("a selector")
        .expect("a button")
        .unchecked_into();
    pause.click();
    until(|| (first.get_attribute("data-state").as_deref() == Some("paused")).then_some(())).await;
}

#[wasm_bindgen_test]
async fn files_chosen_before_the_page_starts_are_uploaded() {
    speak_english();
    let place = first_view();
    let picker: HtmlInputElement = find(&place, "#early-file-picker")
        .expect("a picker")
        .unchecked_into();
    pick_by(&picker, &["picked"]);
    drop_on_page(&["dropped"]);
    picker.focus().expect("it can have the focus");
    let notice = find(&place, ".drop-zone-notice").and_then(|notice| notice.text_content());
    assert_eq!(notice.as_deref(), Some("picked, dropped"));

    let options = Options {
        is_document: true,
        connect: Some(worker::serve),
        ..Options::default()
    };
    mount_into(
        place.clone(),
        Config::parse(r#"{"apiUrl": "http://127.0.0.1:1"}"#),
        options,
    );
    until(|| (own_names(&place) == ["picked", "dropped"]).then_some(())).await;
    assert!(find(&place, ".early").is_none());
    let focused = document().active_element().map(|focused| focused.id());
    assert!(focused.is_some_and(|id| id.starts_with("file-picker")));

    // The picker may have been open while the page started.
    pick_by(&picker, &["picked later"]);
    drop_on_page(&["dropped later"]);
    let expected = ["picked", "dropped", "picked later", "dropped later"];
    until(|| (own_names(&place) == expected).then_some(())).await;
    // Their records would come back in the pages of other tests.
    find(&place, "[data-action=cancelAll]").expect("a button").click();
    until(|| {
        let cancelled = place
            .query_selector_all("[data-state=cancelled]")
            .expect("a selector");
        (cancelled.length() == 4).then_some(())
    })
    .await;
    place.remove();
}
