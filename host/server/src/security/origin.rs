//! From which page a request comes.

use super::{only_reads, single};
use crate::files::refusal::Refusal;
use axum::extract::Request;

/// Pages that a link elsewhere may lead to: they show nothing that the link could choose.
const PAGES: [&str; 2] = ["/", "/dreamwire/"];

/// Refuses what a page of another origin asks. Clients that are no browsers send none of these headers.
///
/// # Errors
/// 403 if the request has an `Origin` that is not this server, or was made across origins.
pub(super) fn check(request: &Request, host: &str) -> Result<(), Refusal> {
    let headers = request.headers();
    if let Some(origin) = single(headers, "origin")? {
        // Also `null`, the origin of a file or of a frame without rights.
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if own.is_none_or(|own| !own.eq_ignore_ascii_case(host)) {
            return Err(Refusal::forbidden("the Origin of this request is another page"));
        }
    }
    match single(headers, "sec-fetch-site")? {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) if is_visit(request)? => Ok(()),
        // `same-site` too: on this machine that is any other port.
        Some(_) => Err(Refusal::forbidden("this request comes from another page")),
    }
}

/// Whether somebody follows a link to a page.
fn is_visit(request: &Request) -> Result<bool, Refusal> {
    let headers = request.headers();
    Ok(only_reads(request.method())
        && PAGES.contains(&request.uri().path())
        && single(headers, "sec-fetch-mode")? == Some("navigate")
        && single(headers, "sec-fetch-dest")? == Some("document"))
}
