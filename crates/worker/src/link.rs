//! The upload link that a page was opened with: what it allows, before anything is uploaded.

use std::{ops::ControlFlow, time::Duration};

use engine::{ErrorKind, read_link_terms};
use messages::{LinkTerms, Start};
use wire::MAX_LINK_BYTES;

use crate::{
    api::Api,
    effects::{
        clock,
        transport::{Body, exchange_within},
    },
};

/// How long the API may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The wait after the API did not answer; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Asks the API what the link allows, and again for as long as it does not answer and `report` returns that it is to go
/// on.
pub(crate) async fn open(
    start: &Start,
    mut report: impl FnMut(Result<wire::LinkTerms, ErrorKind>) -> ControlFlow<()>,
) {
    let link = start.link.as_deref().unwrap_or_default();
    if link.len() > MAX_LINK_BYTES {
        let _ = report(Err(ErrorKind::InvalidLink));
        return;
    }
    let request = Api::new(start).link_request();
    let mut wait = FIRST_WAIT;
    loop {
        let answer = exchange_within(PATIENCE, &request, Body::Empty).await;
        let terms = read_link_terms(answer).map_err(|error| error.kind);
        let may_pass = matches!(terms, Err(ErrorKind::ApiUnreachable | ErrorKind::ApiBusy));
        if report(terms).is_break() || !may_pass {
            return;
        }
        clock::sleep(wait).await;
        wait = LONGEST_WAIT.min(wait * 2);
    }
}

/// Binds the page to what its link allows, and says so for the page.
pub(crate) fn bind(start: &mut Start, terms: wire::LinkTerms) -> LinkTerms {
    start.settings.files_per_plan = terms.max_files as usize;
    let limits = &mut start.limits;
    let most = limits.max_file_bytes.unwrap_or(u64::MAX).min(terms.max_bytes);
    limits.max_file_bytes = Some(most);
    // The types are those that the API accepts, which the page's own setting can only repeat.
    if !terms.types.is_empty() {
        limits.accept = terms.types.join(", ");
    }
    LinkTerms {
        words: terms
            .title
            .into_iter()
            .chain(terms.note)
            .collect::<Vec<_>>()
            .join("\n"),
        expires_at: terms.expires_at,
        accept: limits.accept.clone(),
        max_file_bytes: most,
    }
}

#[cfg(test)]
mod tests {
    use engine::Settings;
    use messages::Limits;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn start(accept: &str, max_file_bytes: Option<u64>) -> Start {
        Start {
            api_url: "http://127.0.0.1:9".to_owned(),
            link: Some("a.b.c".to_owned()),
            settings: Settings::default(),
            limits: Limits {
                accept: accept.to_owned(),
                max_file_bytes,
                max_files: Some(7),
            },
            verdicts: false,
            resume: true,
            seed: 1,
        }
    }

    fn terms(types: &[&str]) -> wire::LinkTerms {
        wire::LinkTerms {
            server_time: 1,
            expires_at: 2,
            max_bytes: 30,
            max_files: 4,
            types: types.iter().map(|&pattern| pattern.to_owned()).collect(),
            title: None,
            note: None,
        }
    }

    #[wasm_bindgen_test]
    fn the_stricter_of_the_pages_and_the_links_limits_hold() {
        for (accept, most, types, expected) in [
            (
                "",
                None,
                &["image/*", "text/plain"][..],
                ("image/*, text/plain", 30),
            ),
            (".pdf", Some(20), &["image/*"], ("image/*", 20)),
            (".pdf", Some(40), &[], (".pdf", 30)),
        ] {
            let mut start = start(accept, most);
            let said = bind(&mut start, terms(types));
            assert_eq!((said.accept.as_str(), said.max_file_bytes), expected);
            let held = Limits {
                accept: said.accept,
                max_file_bytes: Some(said.max_file_bytes),
                max_files: Some(7),
            };
            assert_eq!((start.limits, start.settings.files_per_plan), (held, 4));
        }
    }

    #[wasm_bindgen_test]
    fn title_and_note_are_lines_as_far_as_they_are_there() {
        for (title, note, expected) in [
            (Some("t"), Some("n\nm"), "t\nn\nm"),
            (Some("t"), None, "t"),
            (None, Some("n"), "n"),
            (None, None, ""),
        ] {
            let terms = wire::LinkTerms {
                title: title.map(str::to_owned),
                note: note.map(str::to_owned),
                ..terms(&[])
            };
            assert_eq!(bind(&mut start("", None), terms).words, expected);
        }
    }

    #[wasm_bindgen_test]
    async fn an_api_that_does_not_answer_is_asked_again_until_the_page_is_gone() {
        let mut errors = Vec::new();
        open(&start("", None), |terms| {
            errors.push(terms.expect_err("nobody is there"));
            if errors.len() == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .await;
        assert_eq!(errors, [ErrorKind::ApiUnreachable; 2]);
    }

    #[wasm_bindgen_test]
    async fn what_is_too_long_for_a_link_is_none() {
        let mut start = start("", None);
        start.link = Some("a".repeat(MAX_LINK_BYTES + 1));
        let mut errors = Vec::new();
        open(&start, |terms| {
            errors.push(terms.expect_err("no link"));
            ControlFlow::Continue(())
        })
        .await;
        assert_eq!(errors, [ErrorKind::InvalidLink]);
    }
}
