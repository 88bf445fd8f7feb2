//! The page's languages say the same, each by its own rules; the page says nothing that they lack; and the
//! help page knows every error.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use messages::ErrorKind;
use serde::Deserialize;

/// The plural categories of whole numbers in each language (Unicode CLDR, "Language Plural Rules").
const CATEGORIES: [(&str, &[&str]); 7] = [
    ("en", &["one", "other"]),
    ("fr", &["one", "many", "other"]),
    ("de", &["one", "other"]),
    ("es", &["one", "many", "other"]),
    ("pt", &["one", "many", "other"]),
    ("ja", &["other"]),
    ("ar", &["zero", "one", "two", "few", "many", "other"]),
];

/// Texts without a word, which may be the same in two languages.
const WORDLESS: [&str; 6] = [
    ", ",
    "{first}. {second}",
    "{what} {advice}",
    "{action}: {name}",
    "{state} · {percent}",
    "{size}/s",
];

/// Errors of the whole page, which name no file.
const PAGE_ERRORS: [&str; 3] = ["configError", "insecureContext", "workerMissing"];

/// What a key stands for.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Text(String),
    /// Texts by plural category.
    Plural(BTreeMap<String, String>),
}

impl Entry {
    /// The texts, each with its plural category; `other` where it has no plural, as that is the one with
    /// every value.
    fn texts(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Text(text) => vec![("other", text)],
            Self::Plural(forms) => forms
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect(),
        }
    }

    fn text(&self, category: &str) -> &str {
        let texts = self.texts();
        let found = texts.iter().find(|(name, _)| *name == category);
        found.unwrap_or_else(|| panic!("{self:?} has no {category}")).1
    }
}

type Words = BTreeMap<String, Entry>;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn words(code: &str) -> Words {
    let path = format!("languages/{code}.json");
    serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn languages() -> impl Iterator<Item = (&'static str, Words)> {
    CATEGORIES.iter().map(|(code, _)| (*code, words(code)))
}

/// The values that a text has places for.
fn places(text: &str) -> BTreeSet<&str> {
    let ends = text.split('{').skip(1);
    ends.map(|end| {
        end.split_once('}')
            .unwrap_or_else(|| panic!("{text:?} has an open brace"))
            .0
    })
    .collect()
}

/// The source of the page, all files one behind the other.
fn page_source() -> String {
    // The sign-in throws its errors, and the worker sends its findings, under the names of the page's words.
    let mut folders = ["src", "sign-in/src", "messages/src"]
        .map(|folder| project().join(folder))
        .to_vec();
    let mut source = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                source += &fs::read_to_string(path).expect("a source");
            }
        }
    }
    source
}

/// The string literal with which a source begins.
fn literal(source: &str) -> Option<&str> {
    let (literal, _) = source.strip_prefix('"')?.split_once('"')?;
    Some(literal)
}

/// The string literals that stand behind `opening`, with nothing but names and commas between.
fn literals_behind<'a>(source: &'a str, opening: &str) -> BTreeSet<&'a str> {
    let between = |character: char| character.is_alphanumeric() || ", _\n".contains(character);
    let rests = source.split(opening).skip(1);
    rests
        .filter_map(|rest| literal(rest.trim_start_matches(between)))
        .collect()
}

/// The string literals that the variants of an enumeration are matched to.
fn names_of(enumeration: &str, source: &str) -> BTreeSet<String> {
    let path = format!("{enumeration}::");
    let arms = source.split(&path).skip(1);
    let names = arms.filter_map(|arm| literal(arm.split_once("=>")?.1.trim_start()));
    names.map(str::to_owned).collect()
}

/// The names of the errors of a file.
fn error_names() -> BTreeSet<String> {
    names_of("ErrorKind", &read("src/text.rs"))
}

/// The keys that the page asks for by a function, or has in a table.
fn keys_asked_for(source: &str) -> BTreeSet<String> {
    let openings = [
        "word(",
        "fill(",
        "plural(",
        "page_error(",
        "offer(",
        "(Action::",
        "(Filter::",
        "(totals.",
    ];
    let literals = openings.map(|opening| literals_behind(source, opening));
    let mut keys: BTreeSet<String> = literals.into_iter().flatten().map(str::to_owned).collect();
    let text_rs = read("src/text.rs");
    for enumeration in ["RowState", "Mismatch", "ErrorKind", "Verdict"] {
        keys.extend(names_of(enumeration, &text_rs));
    }
    keys.extend(names_of("Self", &read("messages/src/finding.rs")));
    keys.extend(advice_keys(source));
    keys
}

/// The keys of advice, which the page makes of the names of errors.
fn advice_keys(source: &str) -> BTreeSet<String> {
    let of_page = literals_behind(source, "page_error(")
        .into_iter()
        .map(str::to_owned);
    let of_sign_in = literals_behind(source, "=> (")
        .into_iter()
        .filter(|name| name.starts_with("signIn"))
        .map(str::to_owned);
    let errors = error_names().into_iter().chain(of_page).chain(of_sign_in);
    errors.map(|error| error + "Advice").collect()
}

#[test]
fn each_language_that_is_offered_has_its_words_and_calls_itself_as_it_is_offered() {
    let source = read("src/language.rs");
    let (_, list) = source.split_once("LANGUAGES").expect("the list of languages");
    let (list, _) = list.split_once("];\n").expect("its end");
    let literals: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    let offered: BTreeMap<&str, &str> = literals.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let words: BTreeMap<&str, Words> = languages().collect();
    let named: BTreeMap<&str, &str> = words
        .iter()
        .map(|(code, words)| (*code, words["language"].text("other")))
        .collect();
    assert_eq!(named, offered);
    let folder = fs::read_dir(project().join("languages")).expect("the folder of languages");
    let files = folder.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let expected: BTreeSet<String> = offered.keys().map(|code| format!("{code}.json")).collect();
    assert_eq!(files.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn every_language_has_the_keys_of_english() {
    let english: BTreeSet<String> = words("en").into_keys().collect();
    for (code, words) in languages() {
        let keys: BTreeSet<String> = words.into_keys().collect();
        let differing: Vec<_> = keys.symmetric_difference(&english).collect();
        assert!(differing.is_empty(), "{code}: {differing:?}");
    }
}

#[test]
fn every_plural_has_the_categories_of_its_language() {
    let english = words("en");
    for (code, expected) in CATEGORIES {
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        for (key, entry) in words(code) {
            let is_plural = matches!(entry, Entry::Plural(_));
            let english_is_plural = matches!(english[&key], Entry::Plural(_));
            assert_eq!(is_plural, english_is_plural, "{code} {key}");
            if is_plural {
                let categories: BTreeSet<&str> = entry.texts().into_iter().map(|(name, _)| name).collect();
                assert_eq!(categories, expected, "{code} {key}");
            }
        }
    }
}

#[test]
fn every_text_has_a_place_for_each_value() {
    let english = words("en");
    for (code, words) in languages() {
        for (key, entry) in &words {
            let all = places(english[key].text("other"));
            for (category, text) in entry.texts() {
                let places = places(text);
                let mut missing: Vec<_> = all.difference(&places).collect();
                if ["zero", "one", "two"].contains(&category) {
                    // "One file" says the count by a word.
                    missing.retain(|place| **place != "count");
                }
                let unknown: Vec<_> = places.difference(&all).collect();
                assert!(
                    missing.is_empty() && unknown.is_empty(),
                    "{code} {key} {category}: lacks {missing:?}, has {unknown:?}"
                );
            }
        }
    }
}

#[test]
fn no_text_is_empty_or_left_in_english() {
    let english = words("en");
    for (code, words) in languages() {
        for (key, entry) in &words {
            for (category, text) in entry.texts() {
                assert!(!text.trim().is_empty(), "{code} {key} {category} is empty");
                let is_english = english[key].texts().iter().any(|(_, english)| *english == text);
                assert!(
                    code == "en" || !is_english || WORDLESS.contains(&text),
                    "{code} {key} {category} is English: {text:?}"
                );
            }
        }
    }
}

#[test]
fn the_page_asks_for_no_text_that_is_not_there() {
    let keys = keys_asked_for(&page_source());
    let english = words("en");
    let missing: Vec<_> = keys.iter().filter(|key| !english.contains_key(*key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_kind_of_error_has_a_name_that_these_tests_find() {
    // Postcard writes a variant as its number, so the first number that it refuses is how many there are.
    let kinds = (0..u8::MAX).take_while(|kind| postcard::from_bytes::<ErrorKind>(&[*kind]).is_ok());
    assert_eq!(error_names().len(), kinds.count());
}

#[test]
fn there_is_no_text_that_the_page_never_says() {
    let source = page_source();
    let made = advice_keys(&source);
    let is_used = |key: &String| made.contains(key) || source.contains(&format!("\"{key}\""));
    let unused: Vec<String> = words("en").into_keys().filter(|key| !is_used(key)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// The values of an attribute in the help page.
fn values_of<'a>(help: &'a str, attribute: &str) -> Vec<&'a str> {
    let values = help.split(attribute).skip(1);
    values.filter_map(literal).collect()
}

#[test]
fn the_help_page_has_a_section_on_every_error_under_the_words_of_the_error() {
    let help = read("help.html");
    let english = words("en");
    let links = values_of(&help, "href=");
    for name in error_names().into_iter().chain(PAGE_ERRORS.map(str::to_owned)) {
        let (_, section) = help
            .split_once(&format!("<section id=\"{name}\">"))
            .unwrap_or_else(|| panic!("{name} has no section"));
        let heading = format!("<h3>{}</h3>", english[&name].text("other"));
        assert!(
            section.trim_start().starts_with(&heading),
            "{name} is not under {heading}"
        );
        assert!(
            links.contains(&format!("#{name}").as_str()),
            "{name} is not in the contents"
        );
    }
}

#[test]
fn every_link_inside_the_help_page_leads_somewhere() {
    let help = read("help.html");
    let ids = values_of(&help, " id=");
    for id in &ids {
        assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{id}");
    }
    let links = values_of(&help, "href=");
    let inside = links.iter().filter_map(|link| link.strip_prefix('#'));
    let broken: Vec<&str> = inside.filter(|id| !ids.contains(id)).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn the_help_page_is_small_and_needs_only_style_sheets_and_an_icon_of_its_own() {
    let help = read("help.html");
    assert!(help.len() <= 20 * 1024, "{} bytes", help.len());
    let outside: Vec<&str> = values_of(&help, "href=")
        .into_iter()
        .filter(|link| !link.starts_with('#'))
        .collect();
    assert_eq!(outside, ["icon.svg", "theme.css", "help.css", "./"]);
    let tags: Vec<&str> = help
        .split('<')
        .filter_map(|rest| Some(rest.split_once('>')?.0))
        .collect();
    for tag in tags {
        let name = tag.split_whitespace().next().unwrap_or_default();
        assert!(
            !["script", "style", "img", "iframe", "form"].contains(&name),
            "<{tag}>"
        );
        assert!(!tag.contains(" style=") && !tag.contains(" on"), "<{tag}>");
    }
}

/// A configuration that the help page gives to paste.
fn configuration(help: &str, id: &str) -> serde_json::Value {
    let (_, rest) = help
        .split_once(&format!("<code id=\"{id}\">"))
        .unwrap_or_else(|| panic!("{id}"));
    let (json, _) = rest.split_once("</code>").expect("its end");
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{id}: {error}"))
}

fn strings(value: &serde_json::Value) -> BTreeSet<&str> {
    let values = value.as_array().expect("a list");
    values
        .iter()
        .map(|value| value.as_str().expect("a text"))
        .collect()
}

/// A rule has to name each header that is signed and each that is read (Fetch Standard, "CORS protocol").
#[test]
fn the_bucket_rule_to_paste_allows_what_is_signed_and_exposes_what_is_read() {
    let cors = configuration(&read("help.html"), "cors");
    let rule = &cors["CORSRules"][0];
    let requests = read("backend/src/s3_request.rs");
    let mut signed = literals_behind(&requests, ".header(");
    assert!(
        signed.remove("content-length"),
        "the browser writes it, and CORS does not ask"
    );
    assert_eq!(strings(&rule["AllowedHeaders"]), signed);
    let methods = names_of("Self", &read("wire/src/signed_request.rs"));
    assert_eq!(
        strings(&rule["AllowedMethods"]),
        methods.iter().map(String::as_str).collect()
    );
    let transport = read("worker/src/effects/transport/xhr.rs");
    let exposed = strings(&rule["ExposeHeaders"]).into_iter().map(str::to_lowercase);
    let read_headers = literals_behind(&transport, "exposed(")
        .into_iter()
        .map(str::to_owned);
    assert_eq!(exposed.collect::<BTreeSet<_>>(), read_headers.collect());
}

#[test]
fn the_other_configurations_to_paste_are_json() {
    let help = read("help.html");
    let lifecycle = configuration(&help, "lifecycle");
    let days = &lifecycle["Rules"][0]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"];
    assert_eq!(days, 7, "records of interrupted uploads are of use for 6 days");
    let role = configuration(&help, "role");
    assert_eq!(
        strings(&role["Statement"][0]["Action"]),
        [
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
            "s3:PutObject"
        ]
        .into()
    );
}
