//! Texts that a machine runs or a browser shows as a page.

/// A batch file of Windows. The name makes it one: its text can begin with anything.
const BATCH: &str = "text/x-msdos-batch";
const BATCH_NAMES: [&str; 2] = [".bat", ".cmd"];
const BATCH_BEGINNINGS: [&str; 2] = ["@echo off", "@echo on"];

/// An HTML application, which Windows runs with all rights of its user.
const HTML_APPLICATION: &str = "application/hta";
const HTML_APPLICATION_NAME: &str = ".hta";
const HTML_APPLICATION_ELEMENT: &str = "<hta:application";

/// The type of a text that is more than a text, by its file's name and its first bytes.
pub(crate) fn special_type(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if BATCH_NAMES.iter().any(|ending| name.ends_with(ending))
        || BATCH_BEGINNINGS
            .iter()
            .any(|beginning| text.starts_with(beginning))
    {
        return Some(BATCH);
    }
    if name.ends_with(HTML_APPLICATION_NAME)
        || (text.starts_with('<') && text.contains(HTML_APPLICATION_ELEMENT))
    {
        return Some(HTML_APPLICATION);
    }
    match root_element(text)? {
        "svg" => Some("image/svg+xml"),
        "html" => Some("text/html"),
        _ => None,
    }
}

/// The local name of the first element of a document, behind what XML and HTML allow before it (XML 1.0, section 2.8).
fn root_element(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start();
        let end = if text.starts_with("<?") {
            "?>"
        } else if text.starts_with("<!--") {
            "-->"
        } else if text.starts_with("<!") {
            let subset = text.find('[').unwrap_or(usize::MAX);
            if subset < text.find('>')? { "]>" } else { ">" }
        } else {
            break;
        };
        text = text.split_once(end)?.1;
    }
    let tag = text.strip_prefix('<')?;
    let is_part = |character: char| character.is_alphanumeric() || ":-_.".contains(character);
    let name = tag.split(|character| !is_part(character)).next()?;
    name.rsplit(':').next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &str, text: &str, expected: Option<&str>) {
        assert_eq!(special_type(name, text.as_bytes()), expected, "{name}: {text}");
    }

    #[test]
    fn batch_files_are_known_by_name_or_beginning() {
        check("SETUP.BAT", "del /q *", Some(BATCH));
        check("a.cmd", "rem", Some(BATCH));
        check("a.txt", "\u{feff}@ECHO OFF\r\n", Some(BATCH));
        check("bat.txt", "echo off", None);
    }

    #[test]
    fn an_html_application_is_not_a_page() {
        check("a.hta", "<script>", Some(HTML_APPLICATION));
        check(
            "a.html",
            "<html><head><HTA:APPLICATION ID=x>",
            Some(HTML_APPLICATION),
        );
        check("a", "<HTML><head>", Some("text/html"));
        check("a.md", "An `<hta:application>` is a program", None);
    }

    #[test]
    fn a_picture_is_known_by_its_first_element() {
        const SVG: Option<&str> = Some("image/svg+xml");
        check("a", "<svg xmlns='http://www.w3.org/2000/svg'>", SVG);
        check("a", "<?xml version='1.0'?>\n<!-- <html> -->\n<svg:svg>", SVG);
        check("a", "<!DOCTYPE svg PUBLIC 'a' 'b'><svg>", SVG);
        check("a", "<!DOCTYPE svg [<!ENTITY a '<html>'>\n]><svg>", SVG);
        check("a", "<?xml version='1.0'?><feed><svg>", None);
        check("a", "a < b, <svg>", None);
        check("a", "<svgs>", None);
        check("a", "<!-- <svg>", None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in any::<Vec<u8>>(), text in "[<>!?\\[\\]a:-]{0,40}") {
            let _ = special_type("a", &bytes);
            let _ = special_type("a", text.as_bytes());
        }
    }
}
