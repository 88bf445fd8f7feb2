//! Whether an upload would work, asked the way a browser with the page would.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

use crate::subresources::subresources;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The SHA-256 of nothing, for the empty file that is planned and never sent.
const SHA256_OF_NOTHING: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// Asks a page at an origin, and what it needs, whether they work.
pub(crate) struct Readiness {
    origin: String,
    asks_for_sign_in: bool,
    agent: Agent,
}

impl Readiness {
    /// A prober of the page at `origin`, such as `http://127.0.0.1:8080`, and whether its API lets nobody
    /// pass who has not signed in.
    pub(crate) fn of(origin: &str, asks_for_sign_in: bool) -> Self {
        let configuration = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // Everything is on this machine, which a proxy of the environment cannot reach.
            .proxy(None)
            .build();
        Self {
            origin: origin.to_owned(),
            asks_for_sign_in,
            agent: configuration.into(),
        }
    }

    /// Goes the way of an upload, up to the bytes: the page, its wasm, the API's health, a signed
    /// request, and S3's answer to the preflight for it. Where only somebody who is signed in could go on,
    /// it is enough that the API says so.
    ///
    /// # Errors
    /// What does not work yet.
    pub(crate) fn probe(&self) -> Result<()> {
        self.check_page()?;
        if self.asks_for_sign_in {
            return self.get("/api/health", 401).map(drop);
        }
        self.get("/api/health", 200)?;
        let signed = self.signed_put()?;
        self.preflight(&signed)
    }

    fn check_page(&self) -> Result<()> {
        let html = self.get("/", 200)?.body_mut().read_to_string()?;
        let wasm = subresources(&html)
            .into_iter()
            .map(|named| named.path)
            .find(|path| path.ends_with(".wasm"))
            .context("the page names no wasm")?;
        let response = self.get(&format!("/{wasm}"), 200)?;
        // Trunk answers with the page itself where a file is missing.
        let media_type = response.headers().get("content-type");
        ensure!(
            media_type.is_some_and(|value| value.as_bytes() == b"application/wasm"),
            "the wasm is not there"
        );
        Ok(())
    }

    fn get(&self, path: &str, status: u16) -> Result<Response<Body>> {
        let response = self.agent.get(format!("{}{path}", self.origin)).call()?;
        ensure!(
            response.status() == status,
            "{path} answers {}",
            response.status()
        );
        Ok(response)
    }

    /// Plans an empty file (`POST /uploads`) and gives the PUT that was signed for it.
    fn signed_put(&self) -> Result<Value> {
        let file = json!({
            "id": "readiness",
            "name": "readiness",
            "size": 0,
            "type": "text/plain",
            "sha256": SHA256_OF_NOTHING,
        });
        let mut response = self
            .agent
            .post(format!("{}/api/uploads", self.origin))
            .header("content-type", "application/json")
            .header("origin", &self.origin)
            .send(json!({ "files": [file] }).to_string())?;
        ensure!(
            response.status() == 200,
            "/api/uploads answers {}",
            response.status()
        );
        let mut answer: Value = serde_json::from_str(&response.body_mut().read_to_string()?)?;
        answer
            .pointer_mut("/files/0/put")
            .map(Value::take)
            .context("the plan has no signed PUT")
    }

    /// Asks S3 whether the page's origin may send the signed request (Fetch standard, CORS preflight).
    fn preflight(&self, signed: &Value) -> Result<()> {
        let url = signed["url"].as_str().context("the signed PUT has no URL")?;
        let headers = signed["headers"]
            .as_object()
            .context("the signed PUT has no headers")?;
        let names: Vec<&str> = headers.keys().map(String::as_str).collect();
        let response = self
            .agent
            .options(url)
            .header("origin", &self.origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", names.join(","))
            .call()?;
        ensure!(
            response.status() == 200,
            "S3 answers the preflight with {}",
            response.status()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
        thread,
    };

    use super::*;

    /// Answers a request line such as `GET / HTTP/1.1` with a status, a media type and a body.
    type Answer = (u16, &'static str, String);

    /// A page, its API and S3 at one origin, all working.
    fn working(request: &str, origin: &str) -> Answer {
        let path = request.rsplit_once(' ').map_or(request, |(path, _)| path);
        match path {
            "GET /" => (
                200,
                "text/html",
                r#"<link rel="preload" href="/a_bg.wasm">"#.to_owned(),
            ),
            "GET /a_bg.wasm" => (200, "application/wasm", String::new()),
            "GET /api/health" | "OPTIONS /bucket/key?signature" => (200, "text/plain", String::new()),
            "POST /api/uploads" => {
                let put = json!({ "url": format!("{origin}/bucket/key?signature"), "headers": {} });
                (
                    200,
                    "application/json",
                    json!({ "files": [{ "put": put }] }).to_string(),
                )
            }
            _ => (404, "text/plain", String::new()),
        }
    }

    /// Probes a server in which one request is answered otherwise.
    fn probe(fault: &'static str, answer: Answer) -> Result<()> {
        probe_with(false, fault, answer)
    }

    fn probe_with(asks_for_sign_in: bool, fault: &'static str, answer: Answer) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let server = origin.clone();
        // The thread ends with the test process.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.expect("a connection");
                respond(connection, |request| {
                    if request.starts_with(fault) {
                        answer.clone()
                    } else {
                        working(request, &server)
                    }
                });
            }
        });
        Readiness::of(&origin, asks_for_sign_in).probe()
    }

    fn respond(mut connection: TcpStream, answer: impl Fn(&str) -> Answer) {
        let mut reader = BufReader::new(connection.try_clone().expect("a handle"));
        let mut request = String::new();
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).expect("a line") > 2 {
            if request.is_empty() {
                request = line.trim_end().to_owned();
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        reader.read_exact(&mut vec![0; length]).expect("a body");
        let (status, media_type, body) = answer(&request);
        write!(
            connection,
            "HTTP/1.1 {status} -\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("an answer");
    }

    fn check_fault(fault: &'static str, answer: Answer, expected: &str) {
        let error = probe(fault, answer).expect_err(fault);
        assert!(format!("{error:#}").contains(expected), "{fault}: {error:#}");
    }

    #[test]
    fn a_stack_where_all_works_is_ready() {
        probe("nothing", (500, "", String::new())).expect("all works");
    }

    #[test]
    fn a_stack_that_asks_for_a_sign_in_is_ready_once_it_does() {
        probe_with(true, "GET /api/health", (401, "", String::new())).expect("it asks");
        let error = probe_with(true, "nothing", (500, "", String::new())).expect_err("it does not ask");
        assert!(error.to_string().contains("/api/health answers 200"), "{error}");
    }

    #[test]
    fn a_part_that_does_not_work_is_named() {
        let html = "<p>not found</p>".to_owned();
        check_fault("GET / ", (200, "text/html", html.clone()), "names no wasm");
        check_fault("GET /a_bg.wasm", (200, "text/html", html), "wasm is not there");
        check_fault(
            "GET /api/health",
            (502, "", String::new()),
            "/api/health answers 502",
        );
        check_fault(
            "POST /api/uploads",
            (500, "", String::new()),
            "/api/uploads answers 500",
        );
        check_fault("POST /api/uploads", (200, "", "{}".to_owned()), "no signed PUT");
        check_fault("OPTIONS ", (403, "", String::new()), "preflight with 403");
    }
}
