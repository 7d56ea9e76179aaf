//! The hosts that requests may be meant for.
//!
//! A page elsewhere can give its own name the address of this machine, and its scripts then reach the server as their
//! own origin. The `Host` of such a request is still that name.

use super::{PolicyError, single};
use crate::files::refusal::Refusal;
use axum::extract::Request;
use std::net::{IpAddr, SocketAddr};

/// Which values of `Host` are this server's.
#[derive(Debug)]
pub(super) struct Hosts {
    port: u16,
    /// Addresses under which other machines reach it.
    open: Open,
    /// Configured names in lower case, with their port if they have one.
    names: Vec<(String, Option<u16>)>,
}

#[derive(Debug)]
enum Open {
    Nowhere,
    At(IpAddr),
    /// All addresses of the machine. Which ones it has may change, so every address is taken: only names can be pointed
    /// at a machine that is not theirs.
    Anywhere,
}

impl Hosts {
    pub(super) fn new(addr: SocketAddr, names: &[String]) -> Result<Self, PolicyError> {
        let open = match addr.ip().to_canonical() {
            ip if ip.is_unspecified() => Open::Anywhere,
            ip if ip.is_loopback() => Open::Nowhere,
            ip => Open::At(ip),
        };
        let name = |text: &String| {
            let is_host = |(host, port): (&str, Option<u16>)| {
                let letters =
                    |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
                (!host.is_empty() && host.chars().all(letters)).then(|| (host.to_ascii_lowercase(), port))
            };
            split(text).and_then(is_host).ok_or_else(|| PolicyError::NotAName(text.clone()))
        };
        Ok(Self { port: addr.port(), open, names: names.iter().map(name).collect::<Result<_, _>>()? })
    }

    /// The host of a request in lower case, with its port as it was written.
    ///
    /// # Errors
    /// 403 if it is not this server's, or there is none or more than one.
    pub(super) fn check(&self, request: &Request) -> Result<String, Refusal> {
        let foreign = || Refusal::forbidden("the Host of this request is not one of this server");
        let host = single(request.headers(), "host")?.map(str::to_ascii_lowercase);
        // A request may name its host in its first line too.
        let line = request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase());
        let host = match (host, line) {
            (Some(host), Some(line)) if host != line => return Err(foreign()),
            (host, line) => host.or(line).ok_or_else(foreign)?,
        };
        if self.is_own(&host) { Ok(host) } else { Err(foreign()) }
    }

    fn is_own(&self, host: &str) -> bool {
        let Some((name, port)) = split(host) else { return false };
        if self.names.iter().any(|(own, at)| own == name && (at.is_none() || *at == port)) {
            return true;
        }
        if port.unwrap_or(80) != self.port {
            return false;
        }
        if name == "localhost" {
            return true;
        }
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        // An IPv6 address has brackets, an IPv4 address has none.
        let address = match bare {
            Some(bare) => bare.parse().ok().map(IpAddr::V6),
            None => name.parse().ok().map(IpAddr::V4),
        };
        address.map(|ip| ip.to_canonical()).is_some_and(|ip| match self.open {
            Open::Nowhere => is_home(ip),
            Open::At(own) => is_home(ip) || ip == own,
            Open::Anywhere => true,
        })
    }
}

/// 127.0.0.1 or ::1, and no other of the addresses of this machine: nothing listens there.
fn is_home(ip: IpAddr) -> bool {
    ip == IpAddr::from([127, 0, 0, 1]) || ip == IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
}

/// A host and its port. An IPv6 address stands in brackets.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (host, rest) = text.split_at(end);
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Some((host, None)),
        Some(port) if port.bytes().all(|c| c.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        _ => None,
    }
}
