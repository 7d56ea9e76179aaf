//! Who may ask: the guard before every route, websockets included.
//!
//! | fault | refused by |
//! |---|---|
//! | a page whose name was pointed at this machine (DNS rebinding) | the list of hosts, 403 |
//! | a page of another origin | `Origin` and `Sec-Fetch-Site`, 403 |
//! | another machine | the token, 401 |
//! | a form of another page | content types, 415 |
//! | a body that unpacks to more | `Content-Encoding`, 415 |
//!
//! Answers carry headers that keep pages from loading anything from elsewhere and from being framed.

mod content;
mod hosts;
mod origin;
mod token;

use crate::files::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hosts::Hosts;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use token::{Access, Token};

/// What the page of an answer may load: its own server's files and what it makes itself. The editor builds scripts by
/// evaluating text.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; \
    connect-src 'self' data: blob:; worker-src 'self' blob:; frame-src 'self'; object-src 'none'; \
    frame-ancestors 'self'";

/// Who may ask a server.
#[derive(Debug)]
pub(crate) struct Policy {
    hosts: Hosts,
    token: Option<Token>,
}

/// Why a server would be open to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It would listen on an address that others reach, without a token.
    NeedsToken(SocketAddr),
    /// The token is shorter than 8 characters, or has one that is not printable ASCII.
    WeakToken,
    /// A configured name is no host name.
    NotAName(String),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsToken(addr) => write!(f, "other machines reach {addr}, so the server needs a token"),
            Self::WeakToken => {
                write!(f, "a token has at least {} printable ASCII characters and no spaces", token::SHORTEST)
            }
            Self::NotAName(name) => write!(f, "`{}` is no host name", name.escape_debug()),
        }
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// The policy of a server that listens on `addr`, whose port is the one that it got. `names` are further hosts that
    /// requests may name, such as that of a proxy: with a port, or without one for any port.
    ///
    /// # Errors
    /// Other machines reach the address and there is no token; the token is weak; a name is none.
    pub(crate) fn new(addr: SocketAddr, token: Option<&str>, names: &[String]) -> Result<Self, PolicyError> {
        if !addr.ip().to_canonical().is_loopback() && token.is_none() {
            return Err(PolicyError::NeedsToken(addr));
        }
        let token = token.map(|token| Token::new(token, addr.port())).transpose()?;
        Ok(Self { hosts: Hosts::new(addr, names)?, token })
    }

    fn check(&self, request: &Request) -> Result<Access, Refusal> {
        let host = self.hosts.check(request)?;
        origin::check(request, &host)?;
        let access = self.token.as_ref().map_or(Ok(Access::Open), |token| token.check(request))?;
        content::check(request)?;
        Ok(access)
    }
}

/// Lets a request through to its route or refuses it, and adds headers to the answer. To be the outermost layer of the
/// router.
pub(crate) async fn guard(State(policy): State<Arc<Policy>>, request: Request, next: Next) -> Response {
    let mut response = match policy.check(&request) {
        Ok(Access::Open) => next.run(request).await,
        Ok(Access::SetCookie(answer)) => answer,
        Err(refusal) => {
            let needs_token = refusal.status == StatusCode::UNAUTHORIZED;
            let mut response = refusal.into_response();
            if needs_token {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    };
    protect(response.headers_mut());
    response
}

fn protect(headers: &mut HeaderMap) {
    // Files that came from users have a stricter policy of their own.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    let resources = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resources, HeaderValue::from_static("same-origin"));
}

/// The one value of a header; an error if there are two, or it is not text.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Refusal::forbidden(format!("the header {name} is there twice")));
    }
    let text = |value: &'a HeaderValue| value.to_str();
    first.map(text).transpose().map_err(|_| Refusal::forbidden(format!("the header {name} is not text")))
}

/// Whether a request asks without changing anything.
fn only_reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

#[cfg(test)]
mod tests;
