//! `POST /links`: an upload link for somebody without an account; and `GET /link`: what a link allows.

use lambda_api::{Environment, Request, json::read_body, new_link, response::not_found};
use wire::{ApiError, ErrorCode, Link, LinkResponse, LinkTerms};

use crate::{audit::Audit, issuer::Issuer, presign::seconds, settings::Settings};

/// Makes a link, if the caller is signed in and one of those who may, and records it.
pub(crate) fn make_link(
    settings: &Settings,
    environment: &dyn Environment,
    audit: &Audit,
    request: Request,
) -> Result<LinkResponse, ApiError> {
    let links = settings.deployment.links.as_ref().ok_or_else(not_found)?;
    let maker = audit.caller().signed_in()?;
    if maker.is_anonymous() {
        let message = "only who is signed in makes upload links";
        return Err(ApiError::new(ErrorCode::NotSignedIn, message));
    }
    if !settings.link_makers.include(&audit.caller().groups) {
        let message = "the caller may not make upload links";
        return Err(ApiError::new(ErrorCode::Forbidden, message));
    }
    let by = Some(maker.as_segment().to_owned());
    let link = new_link(read_body(request)?, by, environment.random(), audit.now())?;
    let token = links.sign(&link)?;
    audit.record_link(&link);
    Ok(LinkResponse {
        server_time: seconds(audit.now()),
        token,
        link,
    })
}

/// What a link allows whoever has it, and records that they asked.
pub(crate) fn terms(issuer: &Issuer<'_>, audit: &Audit, link: Link) -> LinkTerms {
    let [deployment, own] = issuer.allowed_types();
    audit.record_link_opened();
    LinkTerms {
        server_time: issuer.server_time(),
        expires_at: link.exp,
        max_bytes: issuer.max_upload_bytes(),
        max_files: issuer.max_files() as u32,
        types: deployment.narrowed_by(own).patterns().to_vec(),
        title: link.title,
        note: link.note,
    }
}
