//! The whole page, mounted in a browser without a stack behind it. Its worker serves the channel in the
//! page itself, as it does nowhere else, so that a test can see both sides.

use js_sys::{Function, Object, Reflect};
use leptos::{
    mount::mount_to,
    prelude::{document, view},
};
use slipway::{
    App, Options,
    config::{Config, ConfigError},
    load, mount_into,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{
    ClipboardEvent, ClipboardEventInit, CustomEvent, CustomEventInit, DataTransfer, DragEvent, DragEventInit,
    Event, File, HtmlElement, HtmlInputElement,
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

/// These settings for a page that keeps no records: the tests share a database, and would show each other's files.
fn without_records(config: &str) -> Result<Config, ConfigError> {
    let rest = config.strip_prefix('{').expect("an object");
    Config::parse(&format!(r#"{{"resume": false, {rest}"#))
}

/// A page with these settings, and its worker in the same thread.
fn mount(config: &str) -> HtmlElement {
    speak_english();
    let place = place();
    mount_with(&place, without_records(config), "");
    place
}

/// The same, in this place, in the words that there are, and with the page's own files in this folder.
fn mount_with(place: &HtmlElement, loaded: Result<Config, ConfigError>, assets: &str) {
    let inside = place.clone();
    let options = Options {
        connect: Some(worker::serve),
        assets: assets.to_owned(),
        ..Options::default()
    };
    mount_to(
        place.clone(),
        move || view! { <App place=inside loaded options/> },
    )
    .forget();
}

fn speak_english() {
    speak_first_words();
    slipway::i18n::add_texts(include_str!("../static/languages/later/en.json")).expect("words");
}

/// Makes English the page's language, with the texts of a first view alone.
fn speak_first_words() {
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
        .expect("an event that is not cancelled");
}

fn drop_on_page(names: &[&str]) {
    let init = DragEventInit::new();
    init.set_bubbles(true);
    init.set_cancelable(true);
    init.set_data_transfer(Some(&transfer_of(names)));
    let event = DragEvent::new_with_event_init_dict("drop", &init).expect("an event");
    let body = document().body().expect("a body");
    body.dispatch_event(&event)
        .expect("an event that is not cancelled");
}

/// What `index.html` shows until the WebAssembly has arrived, with its script, of which one document stands only one.
fn first_view() -> HtmlElement {
    let place = first_view_without_script();
    Function::new_no_args(include_str!("../static/early.js"))
        .call0(&JsValue::UNDEFINED)
        .expect("the script runs");
    place
}

fn first_view_without_script() -> HtmlElement {
    let (_, rest) = include_str!("../index.html")
        .split_once("<main id=\"slipway\" class=\"page\">")
        .expect("the page's element");
    let (shell, _) = rest.split_once("</main>").expect("its end");
    let place = place();
    place.set_id("slipway");
    place.set_inner_html(shell);
    place
}

/// The names of the page's files. A batch that hides its files is opened, so that they are seen later.
fn all_names(place: &HtmlElement) -> Vec<String> {
    if let Some(toggle) = find(place, ".batch-row [aria-expanded=false]") {
        toggle.click();
    }
    shown_names(place)
}

/// The names of the files that the page shows.
fn shown_names(place: &HtmlElement) -> Vec<String> {
    names_by(place, "[data-file-id] .file-name")
}

fn names_by(place: &HtmlElement, selector: &str) -> Vec<String> {
    let names = place.query_selector_all(selector).expect("a selector");
    let names = (0..names.length()).filter_map(|index| names.get(index)?.text_content());
    names.collect()
}

#[wasm_bindgen_test]
fn a_first_view_shows_no_text_that_is_loaded_later() {
    let place = place();
    speak_first_words();
    mount_with(&place, without_records(r#"{"apiUrl": "/api"}"#), "");
    assert!(find(&place, ".drop-zone").is_some());
    let later = include_str!("../static/languages/later/en.json");
    let was_wanted = slipway::i18n::add_texts(later).expect("words");
    assert!(!was_wanted);
}

#[wasm_bindgen_test]
async fn a_text_that_was_wanted_too_early_is_shown_later() {
    let place = place();
    speak_first_words();
    mount_with(&place, without_records(r#"{"apiUrl": "/api"}"#), "static/");
    pick(&place, &["early.txt"]).await;
    until(|| find(&place, "[data-action=cancel][title=Cancel]")).await;
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
    let toggle = until(|| find(&place, ".batch-row [aria-expanded=false]")).await;
    assert!(shown_names(&place).is_empty());
    toggle.click();
    let row = until(|| find(&place, ".inside[data-file-id]")).await;
    until(|| {
        let rows = row.get_attribute("aria-setsize")?.parse::<u32>().ok()?;
        // The batch has a row too.
        (rows == 2_001).then_some(())
    })
    .await;
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
async fn cancelling_all_takes_along_what_the_worker_does_not_know() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "accept": ".txt"}"#);
    let list = until(|| find(&place, ".file-list")).await;
    list.set_attribute("style", "height: 800px; overflow: auto")
        .expect("an attribute");
    let names: Vec<String> = (0..4_000).map(|number| format!("{number}.txt")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    pick(&place, &names).await;
    find(&place, "[data-action=cancelAll]").expect("a button").click();
    // The worker hears of everything in its order.
    pick(&place, &["later.txt"]).await;
    until(|| {
        shown_names(&place)
            .contains(&"later.txt".to_owned())
            .then_some(())
    })
    .await;
    let before = names_by(&place, ".batch-row .file-name").concat();
    let digits = before.chars().filter(char::is_ascii_digit);
    let listed = digits.collect::<String>().parse().unwrap_or(0);
    assert!(listed < 4_000, "{listed} files");
}

#[wasm_bindgen_test]
async fn a_batch_is_a_row_that_shows_and_hides_its_files() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    pick(&place, &["alone"]).await;
    until(|| (shown_names(&place) == ["alone"]).then_some(())).await;
    assert!(find(&place, ".inside").is_none());
    pick(&place, &["a", "b"]).await;
    until(|| (shown_names(&place) == ["alone", "a", "b"]).then_some(())).await;
    assert_eq!(names_by(&place, ".batch-row .file-name"), ["2 files"]);
    let toggle = find(&place, ".batch-row [aria-expanded=true]").expect("a button");
    assert_eq!(
        toggle.get_attribute("aria-label").as_deref(),
        Some("Files: 2 files")
    );
    toggle.click();
    until(|| (shown_names(&place) == ["alone"]).then_some(())).await;
    assert_eq!(toggle.get_attribute("aria-expanded").as_deref(), Some("false"));
    find(&place, ".batch-row [data-action=pause]")
        .expect("a button")
        .click();
    until(|| find(&place, ".batch-row[data-state=paused]")).await;
    toggle.click();
    until(|| (shown_names(&place) == ["alone", "a", "b"]).then_some(())).await;
    let paused = names_by(&place, "[data-state=paused].inside .file-name");
    assert_eq!(paused, ["a", "b"]);
    assert!(find(&place, "[data-file-id][data-state=paused]:not(.inside)").is_none());
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
    until(|| (all_names(&place) == ["IMG_0001.HEIC"]).then_some(())).await;
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
    until(|| (all_names(&place) == ["holiday/photo.jpg"]).then_some(())).await;
    find(&place, "[data-action=addClutter]:not([hidden])")
        .expect("a button")
        .click();
    until(|| (all_names(&place).len() == 3).then_some(())).await;
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
    until(|| (all_names(&place) == ["once"]).then_some(())).await;
}

fn paste(place: &HtmlElement, pasted: &DataTransfer) {
    let init = ClipboardEventInit::new();
    init.set_bubbles(true);
    init.set_clipboard_data(Some(pasted));
    let event = ClipboardEvent::new_with_event_init_dict("paste", &init).expect("an event");
    place
        .dispatch_event(&event)
        .expect("an event that is not cancelled");
}

#[wasm_bindgen_test]
async fn a_paste_with_text_is_left_alone() {
    let place = mount(r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000}"#);
    until(|| find(&place, "input[id^=file-picker]")).await;
    let cells = transfer_of(&["image.png"]);
    cells.set_data("text/plain", "1\t2").expect("room");
    paste(&place, &cells);
    paste(&place, &transfer_of(&["after.png"]));
    until(|| (all_names(&place) == ["after.png"]).then_some(())).await;
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
        let mut names = all_names(&place);
        names.sort();
        (names == ["pasted/a.txt", "pasted/inner/b.txt"]).then_some(())
    })
    .await;
    until_left_out(&place, &["1 folder is empty", "pasted/empty"]).await;
    Reflect::set(&prototype, &name, &before).expect("a property");
}

#[wasm_bindgen_test]
async fn a_browser_that_stores_nothing_is_reported_and_uploads_go_on() {
    upload_in_outage(&JsValue::UNDEFINED).await;
}

#[wasm_bindgen_test]
async fn a_storage_that_never_answers_is_reported_like_one_that_fails() {
    let silent = "return Object.create(IDBFactory.prototype, { open: { value: () => ({}) } });";
    let silent = Function::new_no_args(silent);
    upload_in_outage(&silent.call0(&JsValue::UNDEFINED).expect("an object")).await;
}

/// Uploads where `indexedDB` is this for a while.
async fn upload_in_outage(storage: &JsValue) {
    let window = web_sys::window().expect("a window");
    let before = Object::get_own_property_descriptor(&window, &"indexedDB".into());
    let instead = Object::new();
    Reflect::set(&instead, &"configurable".into(), &true.into()).expect("a property");
    Reflect::set(&instead, &"value".into(), storage).expect("a property");
    Object::define_property(&window, &"indexedDB".into(), &instead);
    speak_english();
    let place = place();
    let config = r#"{"apiUrl": "http://127.0.0.1:1", "maxAttempts": 1}"#;
    mount_with(&place, Config::parse(config), "");
    pick(&place, &["name"]).await;
    until(|| find(&place, "[data-state=failed]")).await;
    until(|| {
        let notice = find(&place, ".storage-notice")?.text_content()?;
        notice.contains("keeps nothing").then_some(())
    })
    .await;
    Object::define_property(&window, &"indexedDB".into(), before.unchecked_ref());
    let focus = Event::new("focus").expect("an event");
    window
        .dispatch_event(&focus)
        .expect("an event that is not cancelled");
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

/// A page that asks two questions, of which the first one needs an answer.
const ASKING: &str = r#"{"apiUrl": "http://127.0.0.1:1", "backoffMilliseconds": 60000, "fields": [
    {"name": "order", "label": {"de": "Auftrag", "en": "Order number"}, "required": true, "maxLength": 20},
    {"name": "mail", "label": "Your mail", "kind": "email"},
    {"name": "topic", "label": "Topic", "kind": "choice", "options": ["Invoice", "Other"]},
    {"name": "constructor", "label": "Note", "kind": "longText"}]}"#;

#[wasm_bindgen_test]
async fn fields_that_are_wrong_are_named() {
    let many = [r#"{"name": "a", "label": "A"}"#; 21].join(",");
    let long = r#"{"name": "NAME", "label": "A", "maxLength": 2000}"#;
    let long = ["a", "b", "c", "d", "e"].map(|name| long.replace("NAME", name));
    for (json, named) in [
        ("{}", "fields: "),
        ("[7]", "fields[0]: "),
        (r#"[{"label": "A"}]"#, "fields[0].name: "),
        (r#"[{"name": "", "label": "A"}]"#, "fields[0].name: "),
        (
            r#"[{"name": "a", "label": "A"}, {"name": "a", "label": "B"}]"#,
            "fields[1].name: ",
        ),
        (r#"[{"name": "a"}]"#, "fields[0].label: "),
        (r#"[{"name": "a", "label": 7}]"#, "fields[0].label: "),
        (r#"[{"name": "a", "label": {}}]"#, "fields[0].label: "),
        (r#"[{"name": "a", "label": {"en": ""}}]"#, "fields[0].label: "),
        (
            r#"[{"name": "a", "label": "A", "kind": "number"}]"#,
            "fields[0].kind: ",
        ),
        (
            r#"[{"name": "a", "label": "A", "kind": "choice"}]"#,
            "fields[0].options: ",
        ),
        (
            r#"[{"name": "a", "label": "A", "kind": "choice", "options": []}]"#,
            "fields[0].options: ",
        ),
        (
            r#"[{"name": "a", "label": "A", "options": ["b"]}]"#,
            "fields[0].options: ",
        ),
        (
            r#"[{"name": "a", "label": "A", "required": "yes"}]"#,
            "fields[0].required: ",
        ),
        (
            r#"[{"name": "a", "label": "A", "maxLength": 0}]"#,
            "fields[0].maxLength: ",
        ),
        (
            r#"[{"name": "a", "label": "A", "maxLength": 2001}]"#,
            "fields[0].maxLength: ",
        ),
        (
            r#"[{"name": "a", "label": "A", "pattern": "."}]"#,
            "fields[0].pattern: ",
        ),
        (&format!("[{many}]"), "fields: "),
        (&format!("[{}]", long.join(",")), "fields: "),
    ] {
        let config = format!(r#"{{"apiUrl": "http://127.0.0.1:1", "fields": {json}}}"#);
        let place = mount_asking(&config);
        let error = until(|| find(&place, ".page-error")?.text_content()).await;
        assert!(find(&place, ".drop-zone").is_none(), "nothing can be chosen");
        assert!(
            error.contains(&format!("config.json: {named}")),
            "{json}: {error}"
        );
        place.remove();
    }
}

/// A page with the files that are served as they are.
fn mount_asking(config: &str) -> HtmlElement {
    speak_english();
    let place = place();
    mount_with(&place, without_records(config), "/static/");
    place
}

fn answer(place: &HtmlElement, name: &str, answer: &str) {
    let control = find(place, &format!(".fields [name={name}]")).expect("a field");
    Reflect::set(&control, &"value".into(), &answer.into()).expect("a value");
    let init = CustomEventInit::new();
    init.set_bubbles(true);
    for name in ["input", "change"] {
        let event = CustomEvent::new_with_event_init_dict(name, &init).expect("an event");
        control.dispatch_event(&event).expect("it is heard");
    }
}

/// What stands beside a field about its answer, by which a screen reader describes it; `None` if it is no error.
fn error_of(place: &HtmlElement, name: &str) -> Option<String> {
    let control = find(place, &format!(".fields [name={name}]"))?;
    let id = control.get_attribute("aria-describedby")?;
    let error = find(place, &format!("#{id}"))?.text_content()?;
    let is_invalid = control.get_attribute("aria-invalid").as_deref() == Some("true");
    assert_eq!(is_invalid, !error.is_empty(), "{error}");
    is_invalid.then_some(error)
}

fn focused() -> Option<String> {
    document().active_element()?.get_attribute("name")
}

#[wasm_bindgen_test]
async fn what_is_chosen_waits_for_valid_answers_and_then_starts() {
    let place = mount_asking(ASKING);
    until(|| find(&place, ".fields")).await;
    let notice = || find(&place, ".fields [role=status]")?.text_content();
    assert_eq!(notice().as_deref(), Some(""));
    pick(&place, &["picked"]).await;
    paste(&place, &transfer_of(&["pasted"]));
    until(|| notice()?.contains("is kept").then_some(())).await;
    assert_eq!(focused().as_deref(), Some("order"));
    assert_eq!(error_of(&place, "order").as_deref(), Some("Please fill this in."));
    assert_eq!(error_of(&place, "mail"), None);
    answer(&place, "mail", "nobody");
    assert!(error_of(&place, "mail").is_some_and(|error| error.contains("email")));
    answer(&place, "order", " ");
    assert!(error_of(&place, "order").is_some(), "spaces are no answer");
    answer(&place, "order", "4711");
    assert_eq!(error_of(&place, "order"), None);
    assert!(
        notice().is_some_and(|notice| !notice.is_empty()),
        "the mail is not valid"
    );
    assert!(all_names(&place).is_empty());
    answer(&place, "mail", "ada@example.com");
    until(|| (all_names(&place) == ["picked", "pasted"]).then_some(())).await;
    until(|| notice()?.is_empty().then_some(())).await;
    pick(&place, &["at once"]).await;
    until(|| (all_names(&place) == ["picked", "pasted", "at once"]).then_some(())).await;
    place.remove();
}

#[wasm_bindgen_test]
async fn a_field_is_the_control_that_its_kind_says() {
    let place = mount_asking(ASKING);
    until(|| find(&place, ".fields")).await;
    for selector in [
        "input[type=text][name=order][required][maxlength='20'][aria-describedby]",
        "input[type=email][name=mail][autocomplete=email]:not([required])",
        "select[name=topic]:not([maxlength])",
        "textarea[name=constructor][maxlength='254']",
    ] {
        let control = find(&place, &format!(".fields .field > {selector}")).expect(selector);
        let answer = Reflect::get(&control, &"value".into()).ok();
        assert_eq!(answer.and_then(|answer| answer.as_string()).as_deref(), Some(""));
        let label = find(&place, &format!("label[for={}]", control.id()));
        assert!(label.is_some(), "{selector}");
    }
    assert_eq!(names_by(&place, ".fields option"), ["", "Invoice", "Other"]);
    assert_eq!(
        names_by(&place, ".fields label")[..2],
        ["Order number (required)", "Your mail"]
    );
    place.remove();
}

#[wasm_bindgen_test]
async fn files_chosen_before_the_page_starts_wait_for_answers_too() {
    speak_english();
    let place = first_view_without_script();
    let picker = find(&place, "#early-file-picker").expect("a picker");
    pick_by(picker.unchecked_ref(), &["early"]);
    let options = Options {
        is_document: true,
        assets: "/static/".to_owned(),
        connect: Some(worker::serve),
    };
    mount_into(place.clone(), without_records(ASKING), options);
    until(|| (focused().as_deref() == Some("order")).then_some(())).await;
    assert!(all_names(&place).is_empty());
    answer(&place, "order", "4711");
    until(|| (all_names(&place) == ["early"]).then_some(())).await;
    place.remove();
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
        without_records(r#"{"apiUrl": "http://127.0.0.1:1"}"#),
        options,
    );
    until(|| (all_names(&place) == ["picked", "dropped"]).then_some(())).await;
    assert!(find(&place, ".early").is_none());
    let focused = document().active_element().map(|focused| focused.id());
    assert!(focused.is_some_and(|id| id.starts_with("file-picker")));

    // The picker may have been open while the page started.
    pick_by(&picker, &["picked later"]);
    drop_on_page(&["dropped later"]);
    let expected = ["picked", "dropped", "picked later", "dropped later"];
    until(|| (all_names(&place) == expected).then_some(())).await;
    place.remove();
}
