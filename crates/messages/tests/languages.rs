//! The page's languages have the texts that the page shows, each by its own rules; and the help page knows every
//! error.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use messages::ErrorKind;
use serde::Deserialize;
use wire::{EXPOSED_HEADERS, HttpMethod, SIGNED_HEADERS};

use words::{FIELD_KEYS, KEYS, LANGUAGES, MAKER_KEYS, Text};

// The page itself is compiled for browsers alone, and its list of texts is plain Rust.
#[expect(
    dead_code,
    unreachable_pub,
    reason = "the page shows the texts, and this test only looks at the list"
)]
#[path = "../../../src/i18n/words.rs"]
mod words;

/// Where the texts of a first view are, and those that are loaded after it.
const FOLDERS: [&str; 2] = ["static/languages", "static/languages/later"];

/// The key of what a language calls itself, which the page has in its list of languages.
const OWN_NAME: &str = "language";

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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The texts of a language: those of a first view, and those that are loaded after it.
fn words(code: &str) -> Words {
    let [mut words, later] = FOLDERS.map(|folder| -> Words {
        let path = format!("{folder}/{code}.json");
        serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    });
    for (key, entry) in later {
        assert!(
            words.insert(key.clone(), entry).is_none(),
            "{code}: {key} stands in both files"
        );
    }
    words
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

/// Every kind of error. Postcard writes a variant as its number, so the first number that it refuses is how many
/// there are.
fn error_kinds() -> impl Iterator<Item = ErrorKind> {
    (0..u8::MAX).map_while(|kind| postcard::from_bytes(&[kind]).ok())
}

/// The name of an error, as the addresses of the help page have it.
fn error_name(kind: ErrorKind) -> &'static str {
    Text::of_error(kind)[0].key()
}

#[test]
fn each_language_offered_has_its_texts_and_its_own_name() {
    let names: BTreeMap<&str, String> = languages()
        .map(|(code, words)| (code, words[OWN_NAME].text("other").to_owned()))
        .collect();
    let offered = LANGUAGES.map(|(code, name)| (code, name.to_owned()));
    assert_eq!(names, BTreeMap::from(offered));
    let expected: BTreeSet<String> = names.keys().map(|code| format!("{code}.json")).collect();
    for folder in FOLDERS {
        let entries = fs::read_dir(project().join(folder)).expect("a folder of languages");
        let files = entries.map(|entry| entry.expect("an entry"));
        let files = files.filter(|entry| entry.file_type().expect("its type").is_file());
        let names = files.map(|file| file.file_name().into_string().expect("a name"));
        assert_eq!(names.collect::<BTreeSet<_>>(), expected, "{folder}");
    }
}

#[test]
fn every_language_loads_the_same_texts_first() {
    let first = |code: &str| -> Vec<String> {
        let words: Words = serde_json::from_str(&read(&format!("{}/{code}.json", FOLDERS[0]))).expect("JSON");
        words.into_keys().collect()
    };
    for (code, _) in CATEGORIES {
        assert_eq!(first(code), first("en"), "{code}");
    }
}

/// The compiler reports a text of the list that the page never shows.
#[test]
fn every_language_has_the_texts_of_the_page_and_no_others() {
    let keys = [KEYS, MAKER_KEYS, FIELD_KEYS, &[OWN_NAME]].concat();
    let expected: BTreeSet<&str> = keys.iter().copied().collect();
    assert_eq!(expected.len(), keys.len(), "a key is on the list twice");
    for (code, words) in languages() {
        let keys: BTreeSet<&str> = words.keys().map(String::as_str).collect();
        let differing: Vec<_> = keys.symmetric_difference(&expected).collect();
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

/// The values of an attribute in the help page.
fn values_of<'a>(help: &'a str, attribute: &str) -> Vec<&'a str> {
    let values = help.split(attribute).skip(1);
    let value = |rest: &'a str| Some(rest.strip_prefix('"')?.split_once('"')?.0);
    values.filter_map(value).collect()
}

#[test]
fn the_help_page_has_a_section_under_the_words_of_every_error() {
    let help = read("static/help.html");
    let english = words("en");
    let links = values_of(&help, "href=");
    for name in error_kinds().map(error_name).chain(PAGE_ERRORS) {
        let (_, section) = help
            .split_once(&format!("<section id=\"{name}\">"))
            .unwrap_or_else(|| panic!("{name} has no section"));
        let heading = format!("<h3>{}</h3>", english[name].text("other"));
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
    let help = read("static/help.html");
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
fn the_help_page_is_small_and_loads_only_style_sheets_and_an_icon() {
    let help = read("static/help.html");
    assert!(help.len() <= 22 * 1024, "{} bytes", help.len());
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

/// A configuration to paste from the help page.
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

#[test]
fn the_bucket_rule_to_paste_names_what_is_signed_and_read() {
    let cors = configuration(&read("static/help.html"), "cors");
    let rule = &cors["CORSRules"][0];
    assert_eq!(strings(&rule["AllowedHeaders"]), SIGNED_HEADERS.into());
    assert_eq!(
        strings(&rule["AllowedMethods"]),
        HttpMethod::ALL.map(HttpMethod::as_str).into()
    );
    assert_eq!(strings(&rule["ExposeHeaders"]), EXPOSED_HEADERS.into());
}

#[test]
fn the_other_configurations_to_paste_are_json() {
    let help = read("static/help.html");
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
