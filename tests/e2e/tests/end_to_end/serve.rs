//! `cargo xtask serve` as a developer uses it.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{Browser, Page, SourceFolder, met, path_of, stored_files, wait_until};
use local::BUCKET;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::embedding::choose;

/// `cargo xtask serve`, terminated when it is dropped.
struct Serve {
    child: Child,
    url: String,
    /// The upload link that it prints.
    link: String,
}

impl Serve {
    /// Starts it on a free port and waits until it reports that it is ready.
    async fn start(data: &Path) -> Result<Self> {
        let mut child = Command::new(path_of("SLIPWAY_XTASK")?)
            .args(["serve", "--port", "0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("the output is not piped")?;
        let mut serve = Self {
            child,
            url: String::new(),
            link: String::new(),
        };
        let mut lines = BufReader::new(output).lines();
        while serve.url.is_empty() {
            let line = lines.next_line().await?.context("it ended before it was ready")?;
            if let Some(url) = line.strip_prefix("ready: ") {
                serve.url = url.to_owned();
            }
            if let Some((_, link)) = line.split_once("upload link to try: ") {
                serve.link = link.to_owned();
            }
        }
        // Later lines are read too: with a full pipe it would stop.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(serve)
    }

    fn terminate(&self) -> Result<()> {
        let id = self.child.id().context("it has ended")?;
        kill(Pid::from_raw(id.try_into()?), Signal::SIGTERM)?;
        Ok(())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended already.
        self.terminate().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_page_uploads_and_sigterm_stops_it() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mut serve = Serve::start(data.path()).await?;
    let browser = Browser::start().await?;
    let uploaded = upload(&browser, &serve, data.path()).await;
    browser.close().await?;
    uploaded?;
    let address = serve.url.trim_start_matches("http://");
    for (host, status) in [(address, 200), ("evil.example", 403)] {
        let answer = answer_to_host(address, host).await?;
        ensure!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{host}: {answer}"
        );
    }

    serve.terminate()?;
    let status = serve.child.wait().await?;
    ensure!(status.success(), "it ended with {status}");
    ensure!(
        TcpStream::connect(address).await.is_err(),
        "the page's server is still there"
    );
    Ok(())
}

async fn answer_to_host(address: &str, host: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn upload(browser: &Browser, serve: &Serve, data: &Path) -> Result<()> {
    let url = &serve.url;
    let files = SourceFolder::new()?;
    let page = Page::open(browser.client(), &serve.link).await?;
    let linked = files.add("linked.txt", 50_000)?;
    page.pick(std::slice::from_ref(&linked)).await?;
    page.wait_until_stored(1).await?;
    ensure!(
        stored_files(&data.join(BUCKET).join("uploads/links/try"))?.contains(&linked.bytes),
        "it is not in the link's folder"
    );
    browser.expect_console_errors("beforeunload");
    browser.client().goto("about:blank").await?;
    let page = Page::open(browser.client(), url).await?;
    let file = files.add("served.txt", 70_000)?;
    page.pick(std::slice::from_ref(&file)).await?;
    page.wait_until_stored(1).await?;
    // The manifest may be there too, or on its way.
    ensure!(
        stored_files(&data.join(BUCKET))?.contains(&file.bytes),
        "S3 has other bytes than were sent"
    );
    browser.expect_console_errors("beforeunload");
    let trial = format!("{url}/embedding/index.html");
    browser.client().goto(&trial).await?;
    choose(browser.client(), 0, &[("embedded.txt", "in another page")]).await?;
    wait_until("the element to upload", async || {
        let stored = stored_files(&data.join(BUCKET))?;
        met(stored.contains(&b"in another page".to_vec()), stored.len())
    })
    .await?;
    browser.check_console().await
}
