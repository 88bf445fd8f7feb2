//! The API's JWT authorizer, with tokens of a real OpenID Connect provider.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use http::Request;
use http_body_util::Full;
use local::{AuthorizerOptions, Stack, StackOptions};
use oidc_provider::{AUDIENCE, OidcProvider, ProviderOptions};
use s3_conformance::Answer;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// The origin of the page in these tests.
const PAGE: &str = "http://127.0.0.1:8080";

/// A provider and an API that takes its tokens.
struct World {
    provider: OidcProvider,
    stack: Stack,
    _data: TempDir,
}

impl World {
    async fn start() -> Self {
        Self::with_scopes(&[]).await
    }

    async fn with_scopes(scopes: &[&str]) -> Self {
        let provider = provider(ProviderOptions::default()).await;
        let data = tempfile::tempdir().expect("a folder");
        let stack = Stack::start(StackOptions {
            allowed_origins: vec![PAGE.to_owned()],
            lambda_variables: vec![("LINK_MAKERS".to_owned(), "*".to_owned())],
            authorizer: Some(AuthorizerOptions {
                issuer: provider.issuer().to_owned(),
                audiences: vec![AUDIENCE.to_owned()],
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            }),
            ..StackOptions::new(data.path().to_owned())
        });
        Self {
            stack: stack.await.expect("the stack starts"),
            provider,
            _data: data,
        }
    }

    fn token(&self, client: &str) -> String {
        token(&self.provider, client)
    }

    /// Asks for a URL for a file, with what `Authorization` is to be.
    async fn upload(&self, authorization: Option<&str>) -> Answer {
        let file = json!({"id": "1", "name": "a.bin", "size": 17 << 20});
        self.post("/uploads", authorization, &json!({ "files": [file] }))
            .await
    }

    async fn post(&self, path: &str, authorization: Option<&str>, body: &Value) -> Answer {
        let mut request = Request::post(format!("{}{path}", self.stack.api_url()))
            .header("origin", PAGE)
            .header("content-type", "application/json");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Full::from(body.to_string())).expect("a request");
        Answer::to(request).await.expect("an answer")
    }

    /// The key of a file that a token's bearer may upload.
    async fn key(&self, token: &str) -> String {
        let answer = self.upload(Some(&format!("Bearer {token}"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        json_of(&answer)["files"][0]["key"]
            .as_str()
            .expect("a key")
            .to_owned()
    }

    /// Checks that the API denies a token before the Lambda sees it, so that a page can read why.
    async fn check_denied(&self, token: &str, reason: &str) {
        let answer = self.upload(Some(&format!("Bearer {token}"))).await;
        check_denial(&answer, 401, "Unauthorized");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains(reason), "{challenge}");
    }
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// Checks that API Gateway itself denied a request, and that the page can read it.
#[track_caller]
fn check_denial(answer: &Answer, status: u16, message: &str) {
    assert_eq!(
        (answer.status, json_of(answer)),
        (status, json!({ "message": message })),
        "{answer:?}"
    );
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
}

async fn provider(options: ProviderOptions) -> OidcProvider {
    let started = spawn_blocking(move || OidcProvider::start(&options)).await;
    started.expect("it ends").expect("the provider starts")
}

fn token(provider: &OidcProvider, client: &str) -> String {
    let token = tokio::task::block_in_place(|| provider.token_for(client, "upload"));
    token.expect("a token")
}

/// A token with its header and its claims changed, and its old signature.
fn tampered(token: &str, header: Value, claims: Value) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let change = |part: &str, changes: &Value| {
        let bytes = Base64UrlUnpadded::decode_vec(part).expect("base64");
        let mut object: Value = serde_json::from_slice(&bytes).expect("JSON");
        for (name, value) in changes.as_object().expect("an object") {
            object[name] = value.clone();
        }
        Base64UrlUnpadded::encode_string(object.to_string().as_bytes())
    };
    format!(
        "{}.{}.{}",
        change(parts[0], &header),
        change(parts[1], &claims),
        parts[2]
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subject_of_a_valid_token_is_the_folder_of_the_key() {
    let world = World::start().await;
    let key = world.key(&world.token("tool-a")).await;
    assert!(key.starts_with("uploads/tool-a/"), "{key}");
    let without_scheme = world.upload(Some(&world.token("tool-b"))).await;
    assert_eq!(without_scheme.status, 200, "{without_scheme:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_its_routes_and_no_other() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token("tool-a"));
    let body = json!({"folder": "acme", "expiresIn": 60});
    let made = json_of(&world.post("/links", Some(&bearer), &body).await);
    assert_eq!(made["link"]["by"], "tool-a");
    let link = format!("Bearer {}", made["token"].as_str().expect("a link"));
    let file = json!({"id": "1", "name": "a.bin", "size": 17 << 20});
    let files = json!({ "files": [file] });
    let by_link = world.post("/link/uploads", Some(&link), &files).await;
    assert_eq!(by_link.status, 200, "{by_link:?}");
    assert_eq!(by_link.header("access-control-allow-origin"), Some(PAGE));
    check_denial(&world.upload(Some(&link)).await, 401, "Unauthorized");
    let by_token = world.post("/link/uploads", Some(&bearer), &files).await;
    assert_eq!(json_of(&by_token)["error"]["code"], "InvalidLink");
    check_denial(
        &world.post("/links", Some(&link), &body).await,
        401,
        "Unauthorized",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nobody_passes_and_the_page_learns_it() {
    let world = World::start().await;
    check_denial(&world.upload(None).await, 401, "Unauthorized");
    let basic = world.upload(Some("Basic dG9vbC1hOnRvb2wtYQ==")).await;
    check_denial(&basic, 401, "Unauthorized");
    world.check_denied("not.a.token", "invalid_token").await;
    world.check_denied("nothing", "invalid_token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_valid_neither_after_its_time_nor_before_it() {
    let world = World::start().await;
    let token = world.token("tool-a");
    let controls = world.stack.controls();
    controls.set_gateway_clock_offset_seconds(3_601);
    world.check_denied(&token, "expired").await;
    controls.set_gateway_clock_offset_seconds(-60);
    world.check_denied(&token, "iat").await;
    controls.set_gateway_clock_offset_seconds(0);
    world.key(&token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_audience_is_denied() {
    let world = World::start().await;
    let for_another = provider(ProviderOptions {
        issuer: Some(world.provider.issuer().to_owned()),
        keys: Some(world.provider.keys().clone()),
        audience: "another-api".to_owned(),
        ..Default::default()
    });
    let token = token(&for_another.await, "tool-a");
    world.check_denied(&token, "audience").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_issuer_with_the_same_keys_is_denied() {
    let world = World::start().await;
    let other_issuer = provider(ProviderOptions {
        keys: Some(world.provider.keys().clone()),
        ..Default::default()
    });
    let token = token(&other_issuer.await, "tool-a");
    world.check_denied(&token, "another issuer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signed_by_a_key_of_nobody_is_denied() {
    let world = World::start().await;
    let impostor = provider(ProviderOptions {
        issuer: Some(world.provider.issuer().to_owned()),
        ..Default::default()
    })
    .await;
    let token = token(&impostor, "tool-a");
    world.check_denied(&token, "no such key").await;
    let key_id = &world.provider.keys()["keys"][0]["kid"];
    let renamed = tampered(&token, json!({ "kid": key_id }), json!({}));
    world.check_denied(&renamed, "InvalidSignature").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_changed_is_denied() {
    let world = World::start().await;
    let token = world.token("tool-a");
    for claims in [json!({"sub": "tool-b"}), json!({"exp": 4_000_000_000_u64})] {
        let changed = tampered(&token, json!({}), claims);
        world.check_denied(&changed, "InvalidSignature").await;
    }
    let other_method = tampered(&token, json!({"alg": "HS256"}), json!({}));
    world.check_denied(&other_method, "signing method").await;
    let unsigned = tampered(&token, json!({"alg": "none"}), json!({}));
    let unsigned = &unsigned[..=unsigned.rfind('.').expect("a signature")];
    world.check_denied(unsigned, "invalid_token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_issuer_admits_no_token_with_an_unknown_key() {
    let World {
        provider,
        stack,
        _data,
    } = World::start().await;
    let token = token(&provider, "tool-a");
    let issuer = ProviderOptions {
        issuer: Some(provider.issuer().to_owned()),
        ..Default::default()
    };
    drop(provider);
    let provider = self::provider(issuer).await;
    let world = World {
        provider,
        stack,
        _data,
    };
    world.check_denied(&token, "cannot be asked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_of_the_route_is_needed_and_one_is_enough() {
    let world = World::with_scopes(&["upload", "admin"]).await;
    world.key(&world.token("tool-a")).await;
    let without = tokio::task::block_in_place(|| world.provider.token_for("tool-a", "")).expect("a token");
    let answer = world.upload(Some(&format!("Bearer {without}"))).await;
    check_denial(&answer, 403, "Forbidden");
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_url_for_the_folder_of_another() {
    let world = World::start().await;
    let key = world.key(&world.token("tool-a")).await;
    let body = json!({"key": key, "uploadId": "id", "operations": [{"operation": "AbortMultipartUpload"}]});
    let own = format!("Bearer {}", world.token("tool-a"));
    assert_eq!(world.post("/sign", Some(&own), &body).await.status, 200);
    let other = format!("Bearer {}", world.token("tool-b"));
    let answer = world.post("/sign", Some(&other), &body).await;
    assert_eq!(
        (answer.status, &json_of(&answer)["error"]["code"]),
        (403, &"Forbidden".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_needs_no_token() {
    let world = World::start().await;
    let preflight = async |origin: &str| {
        let request = Request::options(format!("{}/uploads", world.stack.api_url()))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let request = request.body(Full::default()).expect("a request");
        Answer::to(request).await.expect("an answer")
    };
    let answer = preflight(PAGE).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    let allowed = answer.header("access-control-allow-headers");
    assert!(allowed.is_some_and(|allowed| allowed.contains("authorization")));
    let answer = preflight("http://evil.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
}
