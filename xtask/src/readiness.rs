//! Whether a page that is served on this machine works.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ureq::{Agent, Body, http::Response};

use crate::build::subresources;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that the page at an origin such as `http://127.0.0.1:8080` is built, and that its API answers `/health`: with
/// 401 if it asks for a sign-in. The API starts after S3.
pub(crate) fn check_page(origin: &str, asks_for_sign_in: bool) -> Result<()> {
    let html = get(&format!("{origin}/"), 200)?.body_mut().read_to_string()?;
    let wasm = subresources(&html)
        .into_iter()
        .map(|named| named.path)
        .find(|path| path.ends_with(".wasm"))
        .context("the page names no WebAssembly")?;
    let response = get(&format!("{origin}/{wasm}"), 200)?;
    // If a file is missing, trunk answers with the page itself.
    let media_type = response.headers().get("content-type");
    ensure!(
        media_type.is_some_and(|value| value.as_bytes() == b"application/wasm"),
        "the WebAssembly is missing"
    );
    let expected = if asks_for_sign_in { 401 } else { 200 };
    get(&format!("{origin}/api/health"), expected).map(drop)
}

/// The answer to a GET, which must have this status.
pub(crate) fn get(url: &str, status: u16) -> Result<Response<Body>> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        // A proxy from the environment could not reach this machine.
        .proxy(None)
        .build()
        .into();
    let response = agent.get(url).call()?;
    ensure!(response.status() == status, "{url} answers {}", response.status());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// A page and its API at one origin, both working.
    fn working(path: &str) -> (u16, &'static str, &'static str) {
        match path {
            "/" => (200, "text/html", r#"<link rel="preload" href="/a_bg.wasm">"#),
            "/a_bg.wasm" => (200, "application/wasm", ""),
            "/api/health" => (200, "text/plain", ""),
            _ => (404, "text/plain", ""),
        }
    }

    /// Checks a server that answers one path otherwise.
    fn check(
        asks_for_sign_in: bool,
        fault: &'static str,
        answer: (u16, &'static str, &'static str),
    ) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        // The thread ends with the test process.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.expect("a connection");
                let mut lines = BufReader::new(connection.try_clone().expect("a handle")).lines();
                let request = lines.next().expect("a request").expect("a line");
                let path = request.split(' ').nth(1).expect("a path");
                lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
                let (status, media_type, body) = if path == fault { answer } else { working(path) };
                write!(
                    connection,
                    "HTTP/1.1 {status} -\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: \
                     close\r\n\r\n{body}",
                    body.len()
                )
                .expect("an answer");
            }
        });
        match check_page(&origin, asks_for_sign_in) {
            Ok(()) => "ready".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_page_is_ready_if_all_of_it_answers() {
        assert_eq!(check(false, "nothing", (500, "", "")), "ready");
        assert_eq!(check(true, "/api/health", (401, "", "")), "ready");
    }

    #[test]
    fn a_part_that_does_not_work_is_named() {
        let html = (200, "text/html", "<p>not found</p>");
        for (asks_for_sign_in, fault, answer, expected) in [
            (false, "/", html, "names no WebAssembly"),
            (false, "/a_bg.wasm", html, "WebAssembly is missing"),
            (false, "/api/health", (502, "", ""), "/api/health answers 502"),
            (true, "nothing", html, "/api/health answers 200"),
        ] {
            let error = check(asks_for_sign_in, fault, answer);
            assert!(error.contains(expected), "{fault}: {error}");
        }
    }
}
