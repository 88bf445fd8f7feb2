//! A presigned URL can be used for nothing else than what it was signed for.

use anyhow::{Result, ensure};
use e2e::with_page;
use serde_json::{Value, json};

/// Asks for a signed request and sends it twice, as a script on the page could.
const PUT_TWICE: &str = "
    const [api, done] = arguments;
    (async () => {
        const file = new Blob(['once'], { type: 'text/plain' });
        const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
        const sha256 = btoa(String.fromCharCode(...new Uint8Array(digest)));
        const files = [{ id: '1', name: 'once.txt', size: file.size, type: file.type, sha256 }];
        const answer = await fetch(`${api}/uploads`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ files }),
        });
        const { put } = (await answer.json()).files[0];
        const send = async () => {
            const { status } = await fetch(put.url, { method: put.method, headers: put.headers, body: file });
            return status;
        };
        return [await send(), await send()];
    })().then(done, error => done(String(error)));";

#[tokio::test(flavor = "multi_thread")]
async fn a_url_stores_once_and_is_then_refused() -> Result<()> {
    with_page(async |scenario, _| {
        scenario.expect_console_errors("412");
        let arguments = vec![Value::from(scenario.api())];
        let statuses = scenario.client().execute_async(PUT_TWICE, arguments).await?;
        assert_eq!(statuses, json!([200, 412]));
        ensure!(scenario.stored_files()? == [b"once"], "S3 has something else");
        Ok(())
    })
    .await
}
