//! The token of a server that others reach.
//!
//! Programs send it in `Authorization: Bearer`; what cannot send headers, a socket or a picture of a page, in `?token=`.
//! A person opens the page once with `?token=` and then has a cookie, which no script reads and no other page
//! sends.

use super::{PolicyError, only_reads};
use crate::files::refusal::Refusal;
use axum::extract::{Query, Request};
use axum::http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use blake3::Hash;
use serde::Deserialize;

/// The shortest token, in characters.
pub(super) const SHORTEST: usize = 8;

/// Pages that set the cookie.
const PAGES: [&str; 2] = ["/", "/dreamwire/"];

/// What a token is compared with. Hashes are compared in constant time, so answers do not tell how much was right.
#[derive(Debug)]
pub(super) struct Token {
    hash: Hash,
    /// With the port: a browser has one set of cookies for all ports of a host.
    cookie: String,
    /// Made from the token, so that whoever sees the cookie does not know the token.
    value: String,
}

/// How a request goes on.
pub(super) enum Access {
    /// To its route.
    Open,
    /// The page is asked for again, with a cookie instead of a token in its address.
    SetCookie(Response),
}

#[derive(Deserialize)]
struct Asked {
    token: Option<String>,
}

impl Token {
    pub(super) fn new(token: &str, port: u16) -> Result<Self, PolicyError> {
        if token.len() < SHORTEST || !token.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(PolicyError::WeakToken);
        }
        let value = blake3::derive_key("dreamwire server 2026 cookie", token.as_bytes());
        Ok(Self {
            hash: blake3::hash(token.as_bytes()),
            cookie: format!("dreamwire-{port}"),
            value: Hash::from_bytes(value).to_hex().to_string(),
        })
    }

    /// # Errors
    /// 401 without the right token.
    pub(super) fn check(&self, request: &Request) -> Result<Access, Refusal> {
        let refused = || Refusal::new(StatusCode::UNAUTHORIZED, "this server asks for its token");
        if self.is_in_headers(request.headers()) {
            return Ok(Access::Open);
        }
        // An address is written to logs and histories, so it opens nothing that changes anything.
        let asked = Query::<Asked>::try_from_uri(request.uri()).ok().and_then(|Query(asked)| asked.token);
        if !only_reads(request.method()) || !asked.is_some_and(|token| self.is_token(&token)) {
            return Err(refused());
        }
        if request.method() == Method::GET && PAGES.contains(&request.uri().path()) {
            let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, self.value);
            // Relative, so that it is right behind a proxy too.
            let headers = [
                (SET_COOKIE, cookie.as_str()),
                (LOCATION, "./"),
                (axum::http::header::CACHE_CONTROL, "no-store"),
            ];
            return Ok(Access::SetCookie((StatusCode::SEE_OTHER, headers).into_response()));
        }
        Ok(Access::Open)
    }

    fn is_in_headers(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        // Both sides are hashed, so this comparison takes constant time too.
        let is_cookie = |value: &str| blake3::hash(value.as_bytes()) == blake3::hash(self.value.as_bytes());
        bearer.is_some_and(|token| self.is_token(token))
            || cookies.any(|(name, value)| name == self.cookie && is_cookie(value))
    }

    fn is_token(&self, token: &str) -> bool {
        blake3::hash(token.as_bytes()) == self.hash
    }
}
