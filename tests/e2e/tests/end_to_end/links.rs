//! Upload links, as whoever got one opens them: without an account, for one folder, until they end.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};
use base64ct::{Base64UrlUnpadded, Encoding};
use e2e::{
    Browser, Kind, Page, Scenario, met, stored_paths, wait_until, with_scenario, with_sign_in,
    write_large_file,
};
use fantoccini::{Client, Locator};
use lambda_api::{LinkSecret, Links, new_link};
use local::LINK_SECRET;
use oidc_provider::{OidcProvider, PAGE_CLIENT, ProviderOptions};
use serde_json::{Value, json};
use wire::{Link, LinkRequest, MANIFEST_SUFFIX};

use crate::sign_in::{press, sign_in};

const SIZE: u64 = 128 << 20;

/// As planned, with 8 MiB each.
const PARTS: usize = 16;

/// Slow enough for a link to end in the middle of a file of these parts.
const SLOW_BYTES_PER_SECOND: u64 = 8 << 20;

/// What the browser's console says about a request that was refused.
const REFUSED: &str = "Failed to load resource";

/// Everybody who is signed in makes links.
const MAKERS: [&str; 2] = ["LINK_MAKERS", "*"];

const HOUR: u64 = 60 * 60;

/// What the link says, and the drop zone.
const TERMS: &str = ".link-terms:not(:empty)";
const DROP_ZONE: &str = ".drop-zone";

/// Everything that the page and the browser keep, and where an address could be seen.
const KEPT: &str = "
    const done = arguments[0];
    (async () => {
        const databases = await indexedDB.databases?.() ?? [];
        const read = (name) => new Promise((resolve) => {
            const opening = indexedDB.open(name);
            opening.onsuccess = () => {
                const stores = [...opening.result.objectStoreNames];
                if (stores.length === 0) resolve([]);
                const all = opening.result.transaction(stores);
                const found = stores.map((store) => new Promise((got) => {
                    const request = all.objectStore(store).getAll();
                    request.onsuccess = () => got(request.result);
                }));
                Promise.all(found).then((found) => { opening.result.close(); resolve(found); });
            };
        });
        const kept = await Promise.all(databases.map(({ name }) => read(name)));
        const pages = [{ ...localStorage }, { ...sessionStorage }, document.cookie, document.title, location.href];
        const names = performance.getEntriesByType('resource').map(({ name }) => name);
        return JSON.stringify([kept, pages, names, document.body.innerHTML]);
    })().then(done, (error) => done(String(error)));";

/// Sends a request to the API with a link, and returns the answer's status and the error's code.
const CALL: &str = "
    const [url, link, body, done] = arguments;
    const headers = { authorization: `Bearer ${link}`, 'content-type': 'application/json' };
    fetch(url, { method: 'POST', headers, body }).then(async (answer) =>
        done([answer.status, (await answer.json()).error?.code]));";

/// A link for the folder `acme` that is valid for an hour, changed.
pub(crate) fn link_with(change: impl FnOnce(&mut Link)) -> Result<(Link, String)> {
    let request = LinkRequest {
        folder: "acme".to_owned(),
        expires_in: HOUR,
        title: Some("Photos of the site".to_owned()),
        ..LinkRequest::default()
    };
    let random = std::array::from_fn(|_| fastrand::u8(..));
    let refused = |error: wire::ApiError| anyhow::anyhow!(error.message);
    let mut link = new_link(request, None, random, SystemTime::now()).map_err(refused)?;
    change(&mut link);
    let secret = LinkSecret::parse(LINK_SECRET).map_err(anyhow::Error::msg)?;
    let token = Links::new(secret, Default::default()).sign(&link);
    Ok((link, token.map_err(refused)?))
}

pub(crate) fn link() -> Result<(Link, String)> {
    link_with(|_| ())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}

pub(crate) fn address(scenario: &Scenario, token: &str) -> String {
    format!("{}/#link={token}", scenario.url())
}

/// Opens a link as one that was clicked somewhere else.
async fn open(scenario: &Scenario, token: &str) -> Result<Page> {
    scenario.client().goto("about:blank").await?;
    Page::open(scenario.client(), &address(scenario, token)).await
}

/// The text of a part of the page, once that is there.
async fn text_of(scenario: &Scenario, selector: &str) -> Result<String> {
    let part = scenario
        .client()
        .wait()
        .for_element(Locator::Css(selector))
        .await?;
    Ok(part.text().await?)
}

/// Waits until the page says why the link does not work, and offers nothing to pick files with.
pub(crate) async fn wait_for_refusal(scenario: &Scenario, sentence: &str) -> Result<()> {
    const READ: &str = "
        const sentence = document.querySelector('.page-error h2')?.textContent ?? '';
        return [sentence, document.querySelectorAll(arguments[0]).length];";
    let client = scenario.client();
    wait_until(sentence, async || {
        let found = client.execute(READ, vec![json!(DROP_ZONE)]).await?;
        met(found == json!([sentence, 0]), found)
    })
    .await
    .map(drop)
}

/// Checks that the token is nowhere but in this tab's entry of the history.
async fn check_secrecy(scenario: &Scenario, token: &str) -> Result<()> {
    let client = scenario.client();
    let address = client.current_url().await?;
    ensure!(
        address.fragment().is_none(),
        "the link is in the address: {address}"
    );
    let kept = client.execute_async(KEPT, Vec::new()).await?;
    let kept = kept.as_str().context("what is kept")?;
    ensure!(kept.starts_with('['), "{kept}");
    for part in token.split('.') {
        ensure!(!kept.contains(part), "the link is kept: {kept}");
    }
    let state = client.execute("return history.state.link;", Vec::new()).await?;
    ensure!(state == token, "{state}");
    Ok(())
}

/// Revokes these links, and no others.
async fn revoke(scenario: &mut Scenario, links: &[&Link]) -> Result<()> {
    let links: Vec<String> = links.iter().map(|link| link.jti.to_string()).collect();
    let variables = vec![
        ("REVOKED_LINKS".to_owned(), links.join(",")),
        (MAKERS[0].to_owned(), MAKERS[1].to_owned()),
    ];
    scenario.stack().set_lambda_variables(variables).await
}

/// Picks a large file on a slow stack and waits until some of it is stored.
async fn pick_large_file(scenario: &Scenario, page: &Page) -> Result<PathBuf> {
    // A page that was never touched may not ask before it is left, and Chromium reports that.
    scenario.expect_console_errors("beforeunload");
    scenario.expect_console_errors(REFUSED);
    scenario.set_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let path = scenario.files.path("large.bin");
    write_large_file(&path, SIZE)?;
    page.pick_paths(&[&path]).await?;
    scenario.wait_for_parts(1).await?;
    page.wait_until_kept("uploads").await?;
    Ok(path)
}

/// Settings by which a link ends before all parts of a large file are signed, and is soon tried again.
fn few_ahead() -> Value {
    json!({ "secondEndpoint": false, "parallelRequests": 2, "backoffMilliseconds": 100 })
}

/// The settings of a page whose users sign in and make links, and that stores manifests.
pub(crate) fn settings_of(provider: &OidcProvider) -> Value {
    let sign_in = json!({ "issuer": provider.issuer(), "clientId": PAGE_CLIENT });
    json!({ "manifests": true, "links": true, "signIn": sign_in })
}

fn folder_of(link: &Link) -> String {
    format!("uploads/links/{}/{}/", link.folder, link.jti)
}

/// Writes a folder of two files.
fn write_survey(scenario: &Scenario) -> Result<PathBuf> {
    let folder = scenario.files.path("survey");
    fs::create_dir_all(folder.join("notes"))?;
    fs::write(folder.join("readme.txt"), "read me")?;
    fs::write(folder.join("notes/first.txt"), "first")?;
    Ok(folder)
}

/// Picks the folder, or its files where a browser's driver cannot pick a folder.
async fn pick_folder(scenario: &Scenario, client: &Client, page: &Page) -> Result<()> {
    let folder = write_survey(scenario)?;
    if scenario.browser().kind() != Kind::Chromium {
        let files = ["readme.txt", "notes/first.txt"].map(|name| folder.join(name));
        page.pick_paths(&[&files[0], &files[1]]).await?;
        return page.wait_until_stored(2).await;
    }
    let picker = client.find(Locator::Id("folder-picker")).await?;
    picker.send_keys(folder.to_str().context("UTF-8")?).await?;
    page.wait_until_stored(2).await
}

/// Waits for the manifest, and checks that it and both files are in the folder of the link.
async fn check_folder(scenario: &mut Scenario, link: &Link) -> Result<()> {
    let bucket = scenario.bucket();
    wait_until("the manifest", async || {
        let paths = stored_paths(&bucket);
        let is_manifest = |path: &PathBuf| path.to_string_lossy().ends_with(MANIFEST_SUFFIX);
        met(paths.iter().any(is_manifest), paths)
    })
    .await?;
    let keys = scenario.stack().object_keys();
    let folder = folder_of(link);
    ensure!(keys.len() == 3, "{keys:?}");
    ensure!(
        keys.iter().all(|key| key.starts_with(&folder)),
        "{keys:?} are not in {folder}"
    );
    let names = match scenario.browser().kind() {
        Kind::Chromium => ["/survey/readme.txt", "/survey/notes/first.txt"],
        _ => ["/readme.txt", "/first.txt"],
    };
    for name in names.into_iter().chain([MANIFEST_SUFFIX]) {
        ensure!(
            keys.iter().any(|key| key.ends_with(name)),
            "{name} is not among {keys:?}"
        );
    }
    Ok(())
}

/// Asks the API to sign something under this key.
async fn sign(scenario: &Scenario, token: &str, key: &str) -> Result<Value> {
    let operations = json!([{ "operation": "AbortMultipartUpload" }]);
    let body = json!({ "key": key, "uploadId": "u", "operations": operations });
    let url = format!("{}/link/sign", scenario.api());
    let arguments = vec![url.into(), token.into(), body.to_string().into()];
    Ok(scenario.client().execute_async(CALL, arguments).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_link_uploads_a_folder_without_signing_in() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        scenario.set_settings(settings_of(provider));
        let (link, token) = link_with(|link| link.note = Some("Until Friday,\nplease.".to_owned()))?;
        let page = open(scenario, &token).await?;
        let terms = text_of(scenario, TERMS).await?;
        ensure!(
            terms.starts_with("Photos of the site\nUntil Friday,\nplease.\n"),
            "{terms}"
        );
        ensure!(terms.contains("You can upload here until "), "{terms}");
        scenario.save_screenshot("link").await?;
        pick_folder(scenario, scenario.client(), &page).await?;
        check_folder(scenario, &link).await?;
        check_secrecy(scenario, &token).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_and_a_way_back_keep_the_link_to_the_tab() -> Result<()> {
    with_scenario(async |scenario| {
        let (_, token) = link()?;
        open(scenario, &token).await?;
        let client = scenario.client();
        client.refresh().await?;
        text_of(scenario, TERMS).await?;
        check_secrecy(scenario, &token).await?;
        client.execute("location.href = 'help.html';", Vec::new()).await?;
        client.wait().for_element(Locator::Id("contents")).await?;
        let seen = "return document.referrer + JSON.stringify(history.state);";
        let seen = client.execute(seen, Vec::new()).await?;
        let seen = seen.as_str().context("a text")?;
        ensure!(token.split('.').all(|part| !seen.contains(part)), "{seen}");
        client.back().await?;
        text_of(scenario, TERMS).await?;
        // The page's own address, in another tab, has no link.
        let tab = client.new_window(true).await?.handle;
        client.switch_to_window(tab).await?;
        scenario.open_page().await?;
        ensure!(client.find_all(Locator::Css(TERMS)).await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_does_not_work_says_why_before_files_are_chosen() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.expect_console_errors(REFUSED);
        let (revoked, revoked_token) = link()?;
        revoke(scenario, &[&revoked]).await?;
        let (_, expired) = link_with(|link| (link.nbf, link.exp) = (now() - 2 * HOUR, now() - HOUR))?;
        let (_, early) = link_with(|link| link.nbf = now() + HOUR)?;
        let (_, good) = link()?;
        // Each is opened where the page is open already, after one of which it says something else.
        for (token, sentence) in [
            (revoked_token.as_str(), "This upload link was withdrawn."),
            (&good[..good.len() - 1], "This upload link is not valid."),
            (&expired, "This upload link has expired."),
            ("%22", "This upload link is not valid."),
            (&early, "This upload link is not valid yet."),
        ] {
            scenario.client().goto(&address(scenario, token)).await?;
            wait_for_refusal(scenario, sentence).await?;
        }
        scenario.save_screenshot("link-refused").await?;
        scenario.client().goto(&address(scenario, &good)).await?;
        text_of(scenario, TERMS).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_by_itself_once_the_api_can_be_reached() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.expect_console_errors(REFUSED);
        let (_, token) = link()?;
        scenario.stack().stop_api().await;
        scenario.client().goto(&address(scenario, &token)).await?;
        wait_for_refusal(scenario, "The upload service cannot be reached.").await?;
        scenario.stack().start_api().await?;
        text_of(scenario, TERMS).await?;
        text_of(scenario, DROP_ZONE).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_a_link_are_said_and_hold_when_files_are_chosen() -> Result<()> {
    with_scenario(async |scenario| {
        let (_, token) = link_with(|link| {
            link.max_bytes = Some(20_000);
            link.max_files = Some(2);
            link.types = vec!["text/*".to_owned()];
        })?;
        let page = open(scenario, &token).await?;
        let hint = text_of(scenario, ".drop-zone-hint").await?;
        ensure!(hint.contains("Accepted: text/*. Up to 20.0 kB each."), "{hint}");
        let files = &scenario.files;
        let mut chosen = vec![files.add("large.txt", 20_001)?, files.add("program.exe", 1)?];
        for number in 0..7 {
            chosen.push(files.add(&format!("{number}.txt"), 20_000)?);
        }
        page.pick(&chosen).await?;
        // More files than one call may plan.
        page.wait_until_stored(7).await?;
        let left_out = text_of(scenario, ".rejections").await?;
        ensure!(
            left_out.contains("large.txt") && left_out.contains("program.exe"),
            "{left_out}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_reaches_no_file_of_another_link() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.expect_console_errors(REFUSED);
        let ((one, own), (_, other)) = (link()?, link()?);
        let page = open(scenario, &own).await?;
        page.pick(&[scenario.files.add("notes.txt", 10)?]).await?;
        page.wait_until_stored(1).await?;
        let keys = scenario.stack().object_keys();
        let [key] = &keys[..] else { bail!("{keys:?}") };
        ensure!(key.starts_with(&folder_of(&one)), "{key}");
        ensure!(sign(scenario, &own, key).await? == json!([200, null]));
        ensure!(sign(scenario, &other, key).await? == json!([403, "Forbidden"]));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_outlives_a_link_that_is_revoked_for_a_while() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.set_settings(few_ahead());
        let (revoked, token) = link()?;
        let page = open(scenario, &token).await?;
        let path = pick_large_file(scenario, &page).await?;
        revoke(scenario, &[&revoked]).await?;
        page.wait_for_state("linkEnded").await?;
        let says = text_of(scenario, ".file-state").await?;
        ensure!(says.contains("the upload link no longer works"), "{says}");
        scenario.save_screenshot("link-ended").await?;
        let finished = scenario.stored_parts()?;
        ensure!(finished.len() < PARTS, "everything was signed before");
        page.wait_until_kept("parts").await?;
        scenario.client().refresh().await?;
        wait_for_refusal(scenario, "This upload link was withdrawn.").await?;

        revoke(scenario, &[]).await?;
        scenario.set_bytes_per_second(None);
        let page = open(scenario, &token).await?;
        page.wait_for_state("interrupted").await?;
        page.pick_paths(&[&path]).await?;
        page.wait_for_state("stored").await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_by_itself_when_its_link_is_valid_again() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.set_settings(few_ahead());
        let (_, token) = link()?;
        let page = open(scenario, &token).await?;
        let path = pick_large_file(scenario, &page).await?;
        // For the Lambda the link has expired.
        scenario
            .controls()
            .set_lambda_clock_offset_seconds(2 * HOUR as i64);
        page.wait_for_state("linkEnded").await?;
        let finished = scenario.stored_parts()?;
        ensure!(finished.len() < PARTS, "everything was signed before");
        scenario.controls().set_lambda_clock_offset_seconds(0);
        scenario.set_bytes_per_second(None);
        page.wait_for_state("stored").await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_is_shown_to_its_link_alone() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.set_settings(few_ahead());
        let ((_, own), (_, other)) = (link()?, link()?);
        let page = open(scenario, &own).await?;
        pick_large_file(scenario, &page).await?;
        scenario.hold_after_parts(2).await?;
        for token in [Some(other), None] {
            let page = match token {
                Some(token) => open(scenario, &token).await?,
                None => scenario.open_page().await?,
            };
            // The large file stays slow: the page that was left may live on for a moment.
            page.pick(&[scenario.files.add("notes.txt", 10)?]).await?;
            let row = page.wait_for_state("stored").await?;
            ensure!(row.name == "notes.txt", "{row:?}");
        }
        let row = open(scenario, &own).await?.wait_for_state("interrupted").await?;
        ensure!(row.name == "large.bin", "{row:?}");
        Ok(())
    })
    .await
}

/// Fills in the dialog and sends it.
pub(crate) async fn ask_for_link(client: &Client, folder: &str) -> Result<()> {
    press(client, "[data-action=makeLink]").await?;
    let field = client
        .wait()
        .for_element(Locator::Css(".link-maker [name=folder]"))
        .await?;
    field.send_keys(folder).await?;
    let title = client.find(Locator::Css(".link-maker [name=title]")).await?;
    title.send_keys("Photos of the site").await?;
    press(client, ".link-maker [data-action=submit]").await
}

/// The address of the link that was made, and what the link says.
async fn made_link(client: &Client) -> Result<(String, Link)> {
    let field = client
        .wait()
        .for_element(Locator::Css(".link-maker-address input"))
        .await?;
    let address = field.prop("value").await?.context("an address")?;
    let (_, token) = address.split_once("#link=").context("a link")?;
    let claims = token.split('.').nth(1).context("claims")?;
    let claims = Base64UrlUnpadded::decode_vec(claims).map_err(anyhow::Error::msg)?;
    Ok((address, serde_json::from_slice(&claims)?))
}

/// What the dialog says is wrong, once it does.
async fn wait_for_problem(client: &Client, words: &str) -> Result<()> {
    wait_until(words, async || {
        let read = "return document.querySelector('.link-maker .page-error')?.textContent ?? '';";
        let found = client.execute(read, Vec::new()).await?;
        met(found.as_str().is_some_and(|found| found.contains(words)), found)
    })
    .await
    .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_uploads_by_a_link_that_was_made_on_the_page() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        scenario.set_settings(settings_of(provider));
        revoke(scenario, &[]).await?;
        sign_in(scenario, "alice").await?;
        let client = scenario.client();
        ask_for_link(client, "acme").await?;
        let (address, link) = made_link(client).await?;
        ensure!(
            address.starts_with(&format!("{}/#link=", scenario.url())),
            "{address}"
        );
        ensure!(
            (link.folder.as_str(), link.exp - link.nbf) == ("acme", 7 * 24 * HOUR),
            "{link:?}"
        );
        text_of(scenario, ".link-maker-code").await?;
        scenario.save_screenshot("link-made").await?;
        press(client, ".link-maker [data-action=close]").await?;
        let focused = "return document.activeElement.dataset.action ?? '';";
        ensure!(client.execute(focused, Vec::new()).await? == "makeLink");

        let stranger = Browser::start().await?;
        let client = stranger.client();
        let page = Page::open(client, &address).await?;
        client.wait().for_element(Locator::Css(TERMS)).await?;
        pick_folder(scenario, client, &page).await?;
        check_folder(scenario, &link).await?;
        revoke(scenario, &[&link]).await?;
        stranger.expect_console_errors(REFUSED);
        // The manifest may be on its way.
        stranger.expect_console_errors("beforeunload");
        client.refresh().await?;
        client.wait().for_element(Locator::Css(".page-error")).await?;
        ensure!(client.find_all(Locator::Css(DROP_ZONE)).await?.is_empty());
        stranger.check_console().await?;
        stranger.close().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_cannot_be_made_says_why() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        scenario.expect_console_errors(REFUSED);
        scenario.set_settings(settings_of(provider));
        sign_in(scenario, "alice").await?;
        ask_for_link(scenario.client(), "a/b").await?;
        wait_for_problem(scenario.client(), "You may not make upload links.").await?;
        revoke(scenario, &[]).await?;
        let client = scenario.client();
        press(client, ".link-maker [data-action=submit]").await?;
        wait_for_problem(client, "without slashes").await?;
        scenario.stack().stop_api().await;
        let client = scenario.client();
        press(client, ".link-maker [data-action=submit]").await?;
        wait_for_problem(client, "The upload service cannot be reached.").await?;
        press(client, ".link-maker [data-action=cancel]").await?;
        wait_until("the dialog to be gone", async || {
            let dialogs = client.find_all(Locator::Css(".link-maker")).await?.len();
            met(dialogs == 0, dialogs)
        })
        .await
        .map(drop)
    })
    .await
}
