//! Signs in at the stack's user pool as the page does: Authorization Code with PKCE (RFC 7636).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use ureq::http::Request;
use url::{Url, form_urlencoded};

use crate::deployment::{Deployment, header, text};

const USER: &str = "ada@example.com";
const PASSWORD: &str = "Correct-Horse-7-Battery";

/// At least 43 characters (RFC 7636, section 4.1).
const VERIFIER: &str = "a-code-verifier-that-is-long-enough-for-the-standard";

/// The result of a sign-in.
pub(crate) struct Tokens {
    /// The token for the API.
    pub(crate) access_token: String,
    /// The `sub` claim in it.
    pub(crate) subject: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

impl Tokens {
    /// The access token with another subject but the original signature.
    pub(crate) fn tampered(&self) -> String {
        let (header, payload, signature) = parts(&self.access_token);
        let mut claims = claims(payload);
        claims["sub"] = "anonymous".into();
        let payload = Base64UrlUnpadded::encode_string(claims.to_string().as_bytes());
        format!("{header}.{payload}.{signature}")
    }
}

/// Creates a user, signs in as that user on the user pool's own page, and exchanges the code for tokens.
pub(crate) fn through_the_hosted_page(deployment: &Deployment<'_>) -> Tokens {
    let issuer = deployment.output("SignInIssuer");
    let (_, pool) = issuer.rsplit_once('/').expect("the issuer names the pool");
    let user = ["--user-pool-id", pool, "--username", USER];
    let admin = |command: &[&str], more: &[&str]| {
        let arguments = [&["cognito-idp"], command, &user, more].concat();
        deployment.aws.aws(&arguments)
    };
    admin(&["admin-create-user"], &["--message-action", "SUPPRESS"]);
    admin(
        &["admin-set-user-password"],
        &["--password", PASSWORD, "--permanent"],
    );

    let redirect_uri = format!("{}/", deployment.output("PageAddress"));
    let code = authorise(deployment, &redirect_uri);
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", deployment.output("SignInClientId")),
        ("redirect_uri", &redirect_uri),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let mut answer = deployment.aws.send(form(deployment, "/oauth2/token", &fields));
    let answer = text(&mut answer);
    let answer: TokenAnswer =
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
    let (_, payload, _) = parts(&answer.access_token);
    Tokens {
        subject: claims(payload)["sub"].as_str().expect("a subject").to_owned(),
        access_token: answer.access_token,
    }
}

/// Submits the sign-in page, and returns the code that it redirects with.
fn authorise(deployment: &Deployment<'_>, redirect_uri: &str) -> String {
    let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(VERIFIER));
    let fields = [
        ("username", USER),
        ("password", PASSWORD),
        ("client_id", deployment.output("SignInClientId")),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "state-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let mut answer = deployment.aws.send(form(deployment, "/login", &fields));
    assert_eq!(answer.status(), 302, "{}", text(&mut answer));
    let location = Url::parse(header(&answer, "location")).expect("an address");
    assert!(location.as_str().starts_with(redirect_uri), "{location}");
    let (_, code) = location
        .query_pairs()
        .find(|(name, _)| name == "code")
        .expect("a code");
    code.into_owned()
}

fn form(deployment: &Deployment<'_>, path: &str, fields: &[(&str, &str)]) -> Request<Vec<u8>> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    Request::post(format!("{}{path}", deployment.aws.endpoint()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.into_bytes())
        .expect("a request")
}

/// The parts of a JSON Web Token (RFC 7519): header, payload and signature.
fn parts(token: &str) -> (&str, &str, &str) {
    let mut parts = token.split('.');
    let mut next = || parts.next().expect("a token has three parts");
    (next(), next(), next())
}

fn claims(payload: &str) -> Value {
    let bytes = Base64UrlUnpadded::decode_vec(payload).expect("a payload");
    serde_json::from_slice(&bytes).expect("claims")
}
