//! An object's tags in XML (Amazon S3 API Reference, GetObjectTagging and PutObjectTagging).

use std::fmt::Write as _;

use crate::object_store::Tags;

/// Reads a `<Tagging>` document; `None` if the text is not one.
pub(crate) fn read(xml: &str) -> Option<Tags> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "Tagging" {
        return None;
    }
    let text = |tag: roxmltree::Node<'_, '_>, name: &str| {
        let element = tag.children().find(|child| child.tag_name().name() == name)?;
        Some(element.text().unwrap_or_default().to_owned())
    };
    root.descendants()
        .filter(|node| node.tag_name().name() == "Tag")
        .map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?)))
        .collect()
}

/// Writes a `<Tagging>` document.
pub(crate) fn write(tags: &Tags) -> String {
    let mut xml = "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>".to_owned();
    for (name, value) in tags {
        let _ = write!(
            xml,
            "<Tag><Key>{}</Key><Value>{}</Value></Tag>",
            escaped(name),
            escaped(value)
        );
    }
    xml + "</TagSet></Tagging>"
}

/// A text as character data (XML 1.0, section 2.4).
fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    // A parser turns a bare carriage return into a line feed.
    text.replace('\r', "&#13;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_s3_writes_is_read() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
            <Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>
            <Tag><Key>team</Key><Value>a &amp; b</Value></Tag><Tag><Key>empty</Key><Value/></Tag>
            </TagSet></Tagging>"#;
        let tags =
            Tags::from([("team", "a & b"), ("empty", "")].map(|(name, value)| (name.into(), value.into())));
        assert_eq!(read(xml), Some(tags));
        assert_eq!(read("<Tagging><TagSet/></Tagging>"), Some(Tags::new()));
    }

    #[test]
    fn what_is_no_list_of_tags_is_none() {
        for xml in [
            "",
            "<Error/>",
            "<Tagging><Tag><Key>a</Key></Tag></Tagging>",
            "<Tagging>",
        ] {
            assert_eq!(read(xml), None, "{xml}");
        }
    }

    proptest! {
        #[test]
        fn tags_are_written_and_read(tags in prop::collection::btree_map(r"[\w <>&'\r+:/=.@-]{1,20}", r"[\w <>&'\r+:/=.@-]{0,20}", 0..10)) {
            prop_assert_eq!(read(&write(&tags)), Some(tags));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}
