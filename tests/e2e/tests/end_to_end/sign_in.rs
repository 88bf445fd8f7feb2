//! Signing in at a real OpenID Connect provider, uploading, and what happens to an upload when the sign-in
//! ends in the middle of it.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use e2e::{Page, Scenario, met, wait_until, with_sign_in, write_large_file};
use fantoccini::{Client, Locator};
use oidc_provider::{OidcProvider, ProviderOptions};

const SIZE: u64 = 128 << 20;

/// As planned, with 8 MiB each; they grow when the network gets fast.
const PARTS: usize = 16;

/// Slow enough for a sign-in to end in the middle of a file of these parts.
const SLOW_BYTES_PER_SECOND: u64 = 2 << 20;

/// What the browser's console says about an answer with 401.
const UNAUTHORIZED: &str = "Failed to load resource";

pub(crate) async fn press(client: &Client, selector: &str) -> Result<()> {
    let button = client.wait().for_element(Locator::Css(selector)).await?;
    button.click().await?;
    Ok(())
}

/// The text of a part of the page, once that is there.
async fn says(client: &Client, selector: &str) -> Result<String> {
    let part = client.wait().for_element(Locator::Css(selector)).await?;
    Ok(part.text().await?)
}

/// Enters a name at the provider, in the window that shows it.
async fn enter_name(client: &Client, name: &str) -> Result<()> {
    let field = client.wait().for_element(Locator::Id("name")).await?;
    field.send_keys(name).await?;
    press(client, "#sign-in").await
}

/// Opens the page and signs in.
pub(crate) async fn sign_in(scenario: &Scenario, name: &str) -> Result<Page> {
    let client = scenario.client();
    client.goto(scenario.url()).await?;
    press(client, "[data-action=signIn]").await?;
    enter_name(client, name).await?;
    Page::wait(client).await
}

/// Signs out, also at the provider. The address there names the page, and not the user.
async fn sign_out(client: &Client) -> Result<()> {
    press(client, "[data-action=signOut]").await?;
    client.wait().for_element(Locator::Id("sign-out")).await?;
    let address = client.current_url().await?;
    let names: Vec<_> = address.query_pairs().map(|(name, _)| name.into_owned()).collect();
    ensure!(names == ["client_id", "post_logout_redirect_uri"], "{address}");
    press(client, "#sign-out").await
}

/// Signs in from the page that a user has returned to, at a provider that does not know who it is.
async fn sign_in_as(client: &Client, name: &str) -> Result<Page> {
    press(client, "[data-action=signIn]").await?;
    enter_name(client, name).await?;
    Page::wait(client).await
}

/// Picks a large file on a slow stack and waits until some of it is stored.
async fn pick_large_file(scenario: &Scenario, page: &Page) -> Result<PathBuf> {
    // A page that was never touched may not ask before it is left, and Chromium reports that.
    scenario.expect_console_errors("beforeunload");
    scenario
        .controls()
        .set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let path = scenario.files.path("large.bin");
    write_large_file(&path, SIZE)?;
    page.pick_paths(&[&path]).await?;
    scenario.wait_for_parts(1).await?;
    page.wait_until_kept("uploads").await?;
    Ok(path)
}

fn refreshed(provider: &OidcProvider) -> usize {
    let grants = provider.grants();
    grants.iter().filter(|grant| *grant == "refresh_token").count()
}

async fn wait_for_refresh(provider: &OidcProvider, count: usize) -> Result<()> {
    wait_until("the access token to be renewed", async || {
        let refreshed = refreshed(provider);
        met(refreshed >= count, format!("{refreshed} times"))
    })
    .await
    .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_uploads_into_a_folder_of_their_own() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, _| {
        let client = scenario.client();
        client.goto(scenario.url()).await?;
        client
            .wait()
            .for_element(Locator::Css("[data-action=signIn]"))
            .await?;
        let pickers = client.find_all(Locator::Id("file-picker")).await?;
        ensure!(
            pickers.is_empty(),
            "a file can be picked before anybody is signed in"
        );
        scenario.save_screenshot("sign-in").await?;

        let page = sign_in(scenario, "auth0|alice").await?;
        let address = scenario.client().current_url().await?;
        ensure!(
            address.query().is_none(),
            "the code stays in the address: {address}"
        );
        scenario.save_screenshot("signed-in").await?;
        let file = scenario.files.add("notes.txt", 12_345)?;
        page.pick(std::slice::from_ref(&file)).await?;
        page.wait_until_stored(1).await?;
        let keys = scenario.stack().object_keys();
        ensure!(
            keys.len() == 1 && keys[0].starts_with("uploads/auth0!7Calice/"),
            "{keys:?}"
        );
        ensure!(scenario.stored_files()? == [file.bytes], "other bytes arrived");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_kept_where_another_page_or_visit_finds_it() -> Result<()> {
    const KEPT: &str = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])";

    with_sign_in(ProviderOptions::default(), async |scenario, _| {
        sign_in(scenario, "alice").await?;
        let client = scenario.client();
        let kept = client.execute(KEPT, Vec::new()).await?;
        ensure!(kept == "[{},{},\"\"]", "{kept}");
        client.refresh().await?;
        client
            .wait()
            .for_element(Locator::Css("[data-action=signIn]"))
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_during_an_upload_is_renewed() -> Result<()> {
    let options = ProviderOptions {
        access_token_seconds: 4,
        ..Default::default()
    };
    with_sign_in(options, async |scenario, provider| {
        let page = sign_in(scenario, "alice").await?;
        let path = pick_large_file(scenario, &page).await?;
        wait_for_refresh(provider, refreshed(provider) + 2).await?;
        let finished = scenario.stored_parts()?;
        scenario.controls().set_s3_bytes_per_second(None);
        page.wait_for_state("stored").await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_waits_while_the_api_rejects_its_token() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        scenario.expect_console_errors(UNAUTHORIZED);
        let page = sign_in(scenario, "alice").await?;
        let path = pick_large_file(scenario, &page).await?;
        // For the API every token has expired, even a renewed one.
        scenario.controls().set_gateway_clock_offset_seconds(7_200);
        wait_for_refresh(provider, 1).await?;
        page.wait_for_state("signedOut").await?;
        let finished = scenario.stored_parts()?;
        scenario.controls().set_gateway_clock_offset_seconds(0);
        scenario.controls().set_s3_bytes_per_second(None);
        page.wait_for_state("stored").await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_continues_after_a_second_sign_in_in_a_window() -> Result<()> {
    let options = ProviderOptions {
        refresh_tokens: false,
        access_token_seconds: 8,
        ..Default::default()
    };
    with_sign_in(options, async |scenario, _| {
        scenario.expect_console_errors(UNAUTHORIZED);
        let page = sign_in(scenario, "alice").await?;
        let path = pick_large_file(scenario, &page).await?;
        let client = scenario.client().clone();
        let words = says(&client, ".sign-in-ended:not([hidden])").await?;
        ensure!(words.contains("Nothing was lost"), "{words}");
        page.wait_for_state("signedOut").await?;
        scenario.save_screenshot("sign-in-ended").await?;
        let finished = scenario.stored_parts()?;
        scenario.controls().set_s3_bytes_per_second(None);

        // The provider remembers the user, so the window closes without a question.
        press(&client, "[data-action=signInAgain]").await?;
        page.wait_for_state("stored").await?;
        wait_until("the window to be closed", async || {
            let windows = client.windows().await?.len();
            met(windows == 1, format!("{windows} windows"))
        })
        .await?;
        scenario.check_arrived(&path, PARTS, &finished)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_also_signs_out_at_the_provider() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, _| {
        sign_in(scenario, "alice").await?;
        let client = scenario.client();
        sign_out(client).await?;
        press(client, "[data-action=signIn]").await?;
        // The provider asks again for a name.
        enter_name(client, "bob").await?;
        Page::wait(client).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_is_shown_to_its_user_alone() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, _| {
        let page = sign_in(scenario, "alice").await?;
        pick_large_file(scenario, &page).await?;
        // The session of the page ends with the page, and that at the provider with its cookies.
        let client = scenario.client();
        client.delete_all_cookies().await?;
        let page = sign_in(scenario, "bob").await?;
        let notes = scenario.files.add("notes.txt", 12_345)?;
        scenario.controls().set_s3_bytes_per_second(None);
        page.pick(&[notes]).await?;
        let row = page.wait_for_state("stored").await?;
        ensure!(row.name == "notes.txt", "{row:?}");
        sign_out(client).await?;

        let page = sign_in_as(client, "alice").await?;
        let row = page.wait_for_state("interrupted").await?;
        ensure!(row.name == "large.bin", "{row:?}");
        sign_out(client).await?;
        // What nobody can resume any more is aborted.
        scenario.wait_for_answer("DELETE", 204).await?;
        let page = sign_in_as(client, "alice").await?;
        let notes = scenario.files.add("more.txt", 12_345)?;
        page.pick(&[notes]).await?;
        let row = page.wait_for_state("stored").await?;
        ensure!(row.name == "more.txt", "{row:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_sign_in_is_reported_and_can_be_tried_again() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, _| {
        let client = scenario.client();
        client.goto(scenario.url()).await?;
        press(client, "[data-action=signIn]").await?;
        press(client, "#deny").await?;
        let words = says(client, "[role=alert]").await?;
        ensure!(words.contains("You were not signed in"), "{words}");
        scenario.save_screenshot("sign-in-denied").await?;
        press(client, "[data-action=signIn]").await?;
        enter_name(client, "alice").await?;
        Page::wait(client).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_this_tab_did_not_ask_for_is_rejected() -> Result<()> {
    with_sign_in(ProviderOptions::default(), async |scenario, provider| {
        let client = scenario.client();
        let forged = format!(
            "{}?code=stolen&state=forged&iss={}",
            scenario.url(),
            provider.issuer()
        );
        client.goto(&forged).await?;
        let words = says(client, "[role=alert]").await?;
        ensure!(words.contains("begun in another tab"), "{words}");
        ensure!(provider.grants().is_empty(), "the code was used");
        Ok(())
    })
    .await
}
