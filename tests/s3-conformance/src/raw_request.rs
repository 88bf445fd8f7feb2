//! Requests that are written by hand, for what no client would send.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use anyhow::{Context, Result, ensure};
use http::{HeaderMap, HeaderName};

use crate::{
    answer::{Answer, TIMEOUT},
    call::Call,
    endpoint::Endpoint,
};

/// A request whose head was sent.
pub struct RawRequest {
    stream: TcpStream,
}

impl RawRequest {
    /// Opens a connection and sends the head of a call alone, with these headers besides those of the call.
    pub fn open(call: &Call, endpoint: impl AsRef<Endpoint>, headers: &[(&str, &str)]) -> Result<Self> {
        let endpoint = endpoint.as_ref();
        let request = call.request(endpoint)?;
        let target = request.uri().path_and_query().context("no path")?;
        let mut head = format!("{} {target} HTTP/1.1\r\n", request.method());
        for (name, value) in request.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(&endpoint.host)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(head.as_bytes())?;
        Ok(Self { stream })
    }

    /// Writes a piece of the body.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("the connection is gone")
    }

    /// Waits for `100 Continue` (RFC 9110, section 10.1.1), which the service sends once it has accepted
    /// the head.
    pub fn await_continue(&mut self) -> Result<()> {
        let head = self.read_head()?;
        ensure!(head.starts_with("HTTP/1.1 100"), "{head}");
        Ok(())
    }

    /// Closes the sending side: nothing more follows.
    pub fn end_writing(&mut self) -> Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        Ok(())
    }

    /// The answer, read to the end of the connection or to its length.
    pub fn answer(mut self) -> Result<Answer> {
        let head = self.read_head()?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.context("no status")?.parse()?;
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<HeaderName>()?, value.parse()?);
        }
        let length = headers
            .get("content-length")
            .and_then(|value| value.to_str().ok());
        let length = length.map(str::parse).transpose()?.unwrap_or(u64::MAX);
        let mut body = Vec::new();
        self.stream.take(length).read_to_end(&mut body)?;
        Ok(Answer {
            status,
            headers,
            body: body.into(),
        })
    }

    fn read_head(&mut self) -> Result<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.stream.read_exact(&mut byte).context("no answer")?;
            head.push(byte[0]);
        }
        Ok(String::from_utf8(head)?)
    }
}
