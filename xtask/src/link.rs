//! `cargo xtask link`: an upload link, by which somebody without an account can upload into one folder.

use std::{
    env,
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use fast_qr::{ECL, QRBuilder};
use lambda_api::{Environment as _, LambdaEnvironment, LinkSecret, Links, new_link, timestamp};
use wire::{Link, LinkRequest};

/// The secret of the local stack's links. It opens nothing but that.
pub(crate) const LOCAL_SECRET: &str = "bG9jYWwgdXBsb2FkIGxpbmtzLCBhbmQgbm90aGluZyBlbHNlIQ==";

/// The page of `cargo xtask serve`.
const LOCAL_PAGE: &str = "http://127.0.0.1:8080/";

/// The variable that may have the secret, so that it is in no list of processes.
const SECRET: &str = "LINK_SECRET";

/// The options of `cargo xtask link`.
#[derive(Args)]
pub(crate) struct Options {
    /// The folder that files go to
    #[arg(long, value_name = "NAME")]
    folder: String,
    /// How long the link is valid, such as 30m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: u64,
    /// The largest file in bytes
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// The most files that the page plans by one call
    #[arg(long, value_name = "NUMBER")]
    max_files: Option<u32>,
    /// The accepted media types, comma-separated, such as image/*,application/pdf
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    types: Vec<String>,
    /// What the page calls the link
    #[arg(long)]
    title: Option<String>,
    /// What the page says to whoever has the link
    #[arg(long)]
    note: Option<String>,
    /// The page's address
    #[arg(long, value_name = "PAGE", default_value = LOCAL_PAGE)]
    url: String,
    /// The deployment's secret in base64 [default: the variable LINK_SECRET, or for a local page the local stack's]
    #[arg(long, value_name = "BASE64")]
    secret: Option<String>,
}

/// Prints a link, what it allows, and on a terminal its QR code.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let secret = secret(
        options.secret.clone().or_else(|| env::var(SECRET).ok()),
        &options.url,
    )?;
    let request = LinkRequest {
        folder: options.folder.clone(),
        expires_in: options.expires,
        max_bytes: options.max_bytes,
        max_files: options.max_files,
        types: options
            .types
            .iter()
            .map(|types| types.trim().to_owned())
            .collect(),
        title: options.title.clone(),
        note: options.note.clone(),
    };
    let (link, token) = make(&secret, request)?;
    let address = address(&options.url, &token);
    println!("{address}\n");
    for (name, value) in facts(&link) {
        println!("{name:<14}{value}");
    }
    if stdout().is_terminal() {
        let code = qr_code(&address);
        println!(
            "\n{}",
            code.as_deref()
                .unwrap_or("The address is too long for a QR code.")
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The address of a link of the local stack.
pub(crate) fn local_address(page: &str) -> Result<String> {
    Ok(address(page, &local_token()?))
}

/// A link of the local stack, valid for a week.
pub(crate) fn local_token() -> Result<String> {
    let request = LinkRequest {
        folder: "try".to_owned(),
        expires_in: 7 * 24 * 60 * 60,
        title: Some("A link to try".to_owned()),
        ..LinkRequest::default()
    };
    let (_, token) = make(LOCAL_SECRET, request)?;
    Ok(token)
}

fn make(secret: &str, request: LinkRequest) -> Result<(Link, String)> {
    let refused = |error: wire::ApiError| anyhow!(error.message);
    let secret = LinkSecret::parse(secret).map_err(|problem| anyhow!("the secret {problem}"))?;
    let environment = LambdaEnvironment;
    let link = new_link(request, None, environment.random(), environment.now()).map_err(refused)?;
    let token = Links::new(secret, Default::default()).sign(&link);
    Ok((link, token.map_err(refused)?))
}

/// The page's address with a link in its fragment, which no server sees.
fn address(page: &str, token: &str) -> String {
    let page = page.split('#').next().unwrap_or(page);
    format!("{page}#link={token}")
}

/// The given secret, or the local stack's if the page is on this machine.
fn secret(given: Option<String>, page: &str) -> Result<String> {
    let local = ["http://127.0.0.1:", "http://localhost:"];
    match given.filter(|secret| !secret.is_empty()) {
        Some(secret) => Ok(secret.trim().to_owned()),
        None if local.iter().any(|start| page.starts_with(start)) => Ok(LOCAL_SECRET.to_owned()),
        None => {
            bail!("{page} is not on this machine: its deployment's secret has to be in --secret or {SECRET}")
        }
    }
}

/// What a link allows, for its maker to read.
fn facts(link: &Link) -> Vec<(&'static str, String)> {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(link.exp);
    let optional = [
        ("title", link.title.clone()),
        ("note", link.note.clone()),
        (
            "largest file",
            link.max_bytes.map(|bytes| format!("{bytes} bytes")),
        ),
        ("files", link.max_files.map(|files| format!("{files} at once"))),
        ("types", (!link.types.is_empty()).then(|| link.types.join(", "))),
    ];
    let optional = optional
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    [
        (
            "folder",
            format!("{}/{}/{}/", wire::LINKS_FOLDER, link.folder, link.jti),
        ),
        ("expires", timestamp(time).unwrap_or_default()),
        ("id", format!("{} (REVOKED_LINKS takes it)", link.jti)),
    ]
    .into_iter()
    .chain(optional)
    .collect()
}

/// The QR code of an address; `None` if it is too long for one.
fn qr_code(address: &str) -> Option<String> {
    let code = QRBuilder::new(address).ecl(ECL::L).build();
    Some(code.ok()?.to_str())
}

/// Reads a time such as `7d` in seconds.
fn parse_time(text: &str) -> Result<u64, &'static str> {
    let problem = "not a time such as 90s, 30m, 12h or 7d";
    let units = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)];
    let unit = units.into_iter().find(|(unit, _)| text.ends_with(*unit));
    let (unit, seconds) = unit.ok_or(problem)?;
    let number: u64 = text.trim_end_matches(unit).parse().map_err(|_| problem)?;
    number.checked_mul(seconds).ok_or(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, expected) in [("90s", 90), ("30m", 1_800), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(parse_time(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "7",
            "d",
            "-1d",
            "1.5h",
            "7 d",
            "99999999999999999999d",
            "9999999999999999d",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_is_in_the_fragment_of_its_page() {
        let address = local_address("http://127.0.0.1:8080/?lang=de#old").expect("a link");
        let token = address
            .strip_prefix("http://127.0.0.1:8080/?lang=de#link=")
            .expect("a fragment");
        let secret = LinkSecret::parse(LOCAL_SECRET).expect("a secret");
        let grant = Links::new(secret, Default::default())
            .read(token)
            .expect("a link");
        assert_eq!(grant.check(LambdaEnvironment.now()), Ok(()));
    }

    #[test]
    fn only_the_local_stacks_secret_is_known() {
        assert_eq!(secret(None, LOCAL_PAGE).expect("a secret"), LOCAL_SECRET);
        assert!(secret(None, "https://upload.example.com/").is_err());
        assert!(secret(Some(String::new()), "http://127.0.0.1.example.com/").is_err());
        let given = secret(Some("a secret\n".to_owned()), "https://upload.example.com/");
        assert_eq!(given.expect("a secret"), "a secret");
    }

    #[test]
    fn what_a_link_allows_is_said() {
        let request = LinkRequest {
            folder: "acme".to_owned(),
            expires_in: 60,
            max_bytes: Some(5),
            types: vec!["image/*".to_owned(), "text/plain".to_owned()],
            ..LinkRequest::default()
        };
        let (link, _) = make(LOCAL_SECRET, request).expect("a link");
        let facts = facts(&link);
        assert_eq!(facts[0].1, format!("links/acme/{}/", link.jti));
        assert_eq!(
            facts[3..],
            [
                ("largest file", "5 bytes".to_owned()),
                ("types", "image/*, text/plain".to_owned())
            ]
        );
    }

    #[test]
    fn a_qr_code_holds_the_longest_link_it_can() {
        assert!(qr_code(&"a".repeat(2_900)).is_some());
        assert!(qr_code(&"a".repeat(4_000)).is_none());
    }
}
