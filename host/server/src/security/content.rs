//! Which bodies are taken.
//!
//! A form of any page can be sent here without a script and without asking. Browsers tell where it comes from
//! ([`super::origin`]); besides, what a form can send is not taken from a browser where no form belongs.

use super::{only_reads, single};
use crate::files::refusal::Refusal;
use axum::extract::Request;
use axum::http::HeaderMap;

/// # Errors
/// 415 for a packed body, and for a content type that a foreign page can send.
pub(super) fn check(request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    if single(headers, "content-encoding")?.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    {
        return Err(Refusal::media("packed bodies are not taken"));
    }
    if only_reads(request.method()) {
        return Ok(());
    }
    let Some(content_type) = single(headers, "content-type")? else { return Ok(()) };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let has_origin = headers.contains_key("origin");
    let is_taken = match &*essence {
        "application/json" | "application/octet-stream" => true,
        // The editor sends JSON so; its origin has been checked.
        "text/plain" => has_origin || !is_browser(headers),
        // Python's urllib gives this type to any body. A form of a page has an origin.
        "application/x-www-form-urlencoded" => !has_origin && !is_browser(headers),
        "multipart/form-data" => is_upload(request.uri().path()),
        _ => false,
    };
    if is_taken {
        Ok(())
    } else {
        Err(Refusal::media("this content type is not taken here: send application/json"))
    }
}

/// Whether the headers have what only browsers send. Others of that name do not tell: Node's `fetch` sends
/// `Sec-Fetch-Mode`.
fn is_browser(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site")
}

fn is_upload(path: &str) -> bool {
    let path = path.strip_prefix("/api").unwrap_or(path);
    ["/upload/image", "/upload/mask"].contains(&path)
}
