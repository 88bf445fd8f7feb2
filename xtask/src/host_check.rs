//! What stands on the page's port in front of trunk's server, and refuses those who ask for another host.
//!
//! A page of somebody else can have its own name resolve to this machine; the browser then lets it read what is served
//! here (DNS rebinding). Trunk answers whatever `Host` a request names, and has no setting against it.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// Some of the ports that browsers never connect to (WHATWG Fetch, "port blocking"): on one of them trunk can be reached
/// by programs, and by no page.
pub(crate) const PORTS_CLOSED_TO_BROWSERS: [u16; 10] =
    [6665, 6666, 6667, 6668, 6669, 6697, 6566, 1719, 1720, 1723];

/// How large the head of a request may be; cookies of other servers on this machine come along.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// How long the head of a connection's first request may take. Browsers open connections ahead of use.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// An answer to what is not passed on: its status, and a sentence.
type Refusal = (&'static str, &'static str);

const UNREADABLE: Refusal = ("400 Bad Request", "This is not an HTTP request.");
const FOREIGN_HOST: Refusal = (
    "403 Forbidden",
    "This development server answers only to its address and to localhost.",
);
const FOREIGN_ORIGIN: Refusal = (
    "403 Forbidden",
    "This development server opens WebSockets only for its own page.",
);
const NOT_STARTED: Refusal = (
    "503 Service Unavailable",
    "The page is still being built. Reload in a moment.",
);

/// Passes connections on to `server`, a port of this machine, if their first request names this machine. The threads end
/// with the process.
pub(crate) fn start(listener: TcpListener, server: u16) {
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A connection that breaks is the client's to open again.
            thread::spawn(move || pass_on(client, server));
        }
    });
}

/// Only the first request of a connection is looked at: a browser never uses one for two hosts, and opens a WebSocket on
/// one of its own.
fn pass_on(mut client: TcpStream, server: u16) -> io::Result<()> {
    let mut head = Vec::new();
    if let Err(refusal) = read_head(&mut client, &mut head)? {
        return refuse(client, refusal);
    }
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else {
        return refuse(client, NOT_STARTED);
    };
    client.set_read_timeout(None)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    server.write_all(&head)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        io::copy(&mut from_client, &mut to_server).ok();
        to_server.shutdown(Shutdown::Write)
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

/// Reads until the head of the first request is complete, and judges it.
fn read_head(client: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<Result<(), Refusal>> {
    let deadline = Instant::now() + HEAD_TIMEOUT;
    let mut buffer = [0; 4096];
    while head.len() < MAX_HEAD_BYTES {
        // No time left is an error, as no data in time is.
        client.set_read_timeout(Some(deadline.saturating_duration_since(Instant::now())))?;
        let count = client.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&buffer[..count]);
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(head) {
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(_)) => return Ok(judge(request.headers)),
            Err(_) => break,
        }
    }
    Ok(Err(UNREADABLE))
}

/// The same-origin policy does not keep foreign pages from WebSockets, so `Origin` is judged too where one is opened.
fn judge(headers: &[httparse::Header]) -> Result<(), Refusal> {
    let values = |name: &str| -> Vec<&[u8]> {
        let named = headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value).collect()
    };
    let [host] = values("host")[..] else {
        return Err(FOREIGN_HOST);
    };
    if !str::from_utf8(host).is_ok_and(is_own_name) {
        return Err(FOREIGN_HOST);
    }
    let is_own = |origin: &&[u8]| origin.strip_prefix(b"http://") == Some(host);
    if !values("upgrade").is_empty() && !values("origin").iter().all(is_own) {
        return Err(FOREIGN_ORIGIN);
    }
    Ok(())
}

/// An address needs no name to be resolved, and `localhost` is never asked for (RFC 6761, section 6.3).
fn is_own_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost") || address.unwrap_or(name).parse::<IpAddr>().is_ok()
}

/// A connection that is closed before all of a request is read may lose the answer.
fn refuse(mut client: TcpStream, (status, sentence): Refusal) -> io::Result<()> {
    let length = sentence.len() + 1;
    write!(
        client,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n\
         {sentence}\n"
    )?;
    client.shutdown(Shutdown::Write)?;
    io::copy(&mut client.take(MAX_HEAD_BYTES as u64), &mut io::sink()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that returns what it is sent, with the check in front of it.
    struct Checked {
        port: u16,
    }

    impl Checked {
        fn start() -> Self {
            let [page, server] = [listen(), listen()];
            let (port, server_port) = (port(&page), port(&server));
            thread::spawn(move || {
                for mut stream in server.incoming().flatten() {
                    let mut back = stream.try_clone().expect("a handle");
                    thread::spawn(move || io::copy(&mut stream, &mut back));
                }
            });
            start(page, server_port);
            Self { port }
        }

        fn connect(&self) -> TcpStream {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a connection")
        }

        /// What comes back until the connection is closed.
        fn answer(&self, sent: &str) -> String {
            let mut stream = self.connect();
            stream.write_all(sent.as_bytes()).expect("room");
            stream.shutdown(Shutdown::Write).expect("a connection");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        }
    }

    fn listen() -> TcpListener {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")
    }

    fn port(listener: &TcpListener) -> u16 {
        listener.local_addr().expect("an address").port()
    }

    #[test]
    fn only_addresses_and_localhost_are_own_names() {
        for host in ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            assert!(is_own_name(host), "{host}");
        }
        for host in [
            "",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_own_name(host), "{host}");
        }
    }

    #[test]
    fn a_foreign_host_is_refused_and_an_own_one_served() {
        let checked = Checked::start();
        let own = "GET / HTTP/1.1\r\nhost: localhost:1\r\n\r\n";
        assert_eq!(checked.answer(own), own);
        for headers in [
            "host: evil.example\r\n",
            "",
            "host: localhost\r\nhost: evil.example\r\n",
        ] {
            let answer = checked.answer(&format!("GET / HTTP/1.1\r\n{headers}\r\n"));
            assert!(answer.starts_with("HTTP/1.1 403 "), "{headers}: {answer}");
            assert!(answer.ends_with(
                "\r\n\r\nThis development server answers only to its address and to localhost.\n"
            ));
        }
    }

    #[test]
    fn a_websocket_is_opened_for_the_own_page_alone() {
        let checked = Checked::start();
        let upgrade = |origin: &str| {
            format!("GET /ws HTTP/1.1\r\nhost: 127.0.0.1:1\r\nupgrade: websocket\r\norigin: {origin}\r\n\r\n")
        };
        let own = upgrade("http://127.0.0.1:1");
        assert_eq!(checked.answer(&own), own);
        for foreign in ["http://evil.example", "http://127.0.0.1:2", "null"] {
            let answer = checked.answer(&upgrade(foreign));
            assert!(answer.starts_with("HTTP/1.1 403 "), "{foreign}: {answer}");
        }
    }

    #[test]
    fn what_follows_the_first_head_passes_both_ways() {
        let mut stream = Checked::start().connect();
        for sent in [
            "GET / HTTP/1.1\r\nho",
            "st: localhost\r\n\r\n",
            "GET /2 HTTP/1.1\r\n\r\n",
            "\0frame",
        ] {
            stream.write_all(sent.as_bytes()).expect("room");
            if sent.starts_with("GET / ") {
                continue;
            }
            let expected = sent.replace("st: ", "GET / HTTP/1.1\r\nhost: ");
            let mut answer = vec![0; expected.len()];
            stream.read_exact(&mut answer).expect("an answer");
            assert_eq!(String::from_utf8_lossy(&answer), expected);
        }
    }

    #[test]
    fn what_is_no_request_gets_an_answer() {
        let checked = Checked::start();
        let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(MAX_HEAD_BYTES));
        for sent in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &endless] {
            assert!(checked.answer(sent).starts_with("HTTP/1.1 400 "));
        }
    }

    #[test]
    fn a_server_that_has_not_started_is_said_so() {
        let page = listen();
        let checked = Checked { port: port(&page) };
        let unused = port(&listen());
        start(page, unused);
        let answer = checked.answer("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
}
