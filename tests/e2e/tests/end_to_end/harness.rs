//! The other tests fail if the console has errors; these prove that the errors are found.

use std::{panic::AssertUnwindSafe, sync::Mutex};

use anyhow::Result;
use axum::{Router, http::header, response::Html, routing::get};
use e2e::{Browser, content_security_policy, with_page};
use futures::FutureExt;
use tokio::net::TcpListener;

/// Opens a page with the deployment's policy and returns the result of the console check.
async fn check_console_of(html: &'static str) -> Result<Result<()>> {
    let policy = content_security_policy("http://127.0.0.1:1", "http://127.0.0.1:2");
    let page = get(move || async move { ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)) });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(page)).await });
    let browser = Browser::start().await?;
    browser.client().goto(&url).await?;
    let outcome = browser.check_console().await;
    browser.close().await?;
    server.abort();
    Ok(outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_follows_the_policy_has_a_clean_console() -> Result<()> {
    let html = "<link rel=icon href='data:,'><p>quiet</p>";
    check_console_of(html).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_violation_of_the_policy_is_found() -> Result<()> {
    let html = "<link rel=icon href='data:,'><script>document.title = 'inline'</script>";
    let error = check_console_of(html).await?.expect_err("the policy forbids it");
    assert!(format!("{error}").contains("Content Security Policy"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_error_fails_a_test_unless_it_was_expected() -> Result<()> {
    let missing = "fetch('/missing').then(response => arguments[0](response.status))";
    let error = with_page(async |scenario, _| {
        scenario.client().execute_async(missing, Vec::new()).await?;
        Ok(())
    })
    .await
    .expect_err("the console has an error");
    assert!(format!("{error:#}").contains("404"), "{error:#}");

    with_page(async |scenario, _| {
        scenario.expect_console_errors("404");
        scenario.client().execute_async(missing, Vec::new()).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_panics_leaves_nothing_behind() {
    let seen = Mutex::new(None);
    let test = with_page(async |scenario, _| {
        *seen.lock().expect("no other panic") = Some(scenario.data().to_owned());
        panic!("as a failed assertion does");
    });
    let outcome = AssertUnwindSafe(test).catch_unwind().await;
    assert!(outcome.is_err(), "the panic comes through");
    let data = seen.into_inner().expect("no other panic").expect("the test ran");
    assert!(!data.exists(), "the stack's folder is still there");
}
