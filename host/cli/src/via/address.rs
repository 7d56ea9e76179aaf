//! Where a server is.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};

use ureq::http::Uri;

/// The address of a server: `http://HOST:PORT`, perhaps with a path for one behind a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Without a slash at its end.
    url: String,
    host: String,
    port: u16,
}

impl Address {
    /// The URL of a path that begins with a slash.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The URL of the websocket of a client.
    pub(super) fn socket(&self, client: &str) -> String {
        let rest = self.url.strip_prefix("http").unwrap_or(&self.url);
        format!("ws{rest}/ws?clientId={client}")
    }

    /// The addresses of its host.
    pub(super) fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        Ok((self.host.as_str(), self.port).to_socket_addrs()?.collect())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// Reads the value of `--via`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn address(text: &str) -> Result<Address, String> {
    const FORM: &str = "expected an address such as http://127.0.0.1:8188";
    if text.starts_with("https:") {
        return Err("https is not supported: this program has no TLS. Forward a port of this machine to the server, by \
                    `ssh -L 8188:127.0.0.1:8188 HOST`, and name http://127.0.0.1:8188"
            .to_owned());
    }
    let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| FORM.to_owned())?;
    if uri.scheme_str() != Some("http") {
        return Err(FORM.to_owned());
    }
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
    let (Some(authority), None) = (authority, uri.query()) else {
        return Err(format!("{FORM}; a token is given by --token"));
    };
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = match authority.as_str()[host.len()..].strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| FORM.to_owned())?,
        None => 80,
    };
    let path = uri.path().trim_end_matches('/');
    Ok(Address { url: format!("http://{authority}{path}"), host: bare.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let parts = |text: &str| address(text).map(|found| (found.url.clone(), found.host, found.port));
        let of = |url: &str, host: &str, port| Ok((url.to_owned(), host.to_owned(), port));
        assert_eq!(parts("http://127.0.0.1:8188/"), of("http://127.0.0.1:8188", "127.0.0.1", 8188));
        assert_eq!(parts("http://farm/comfy/"), of("http://farm/comfy", "farm", 80));
        assert_eq!(parts("http://[::1]:99"), of("http://[::1]:99", "::1", 99));
        for text in
            ["", "farm", "127.0.0.1:8188", "ftp://farm", "http://", "http://farm:99999", "ws://farm:1"]
        {
            assert!(parts(text).unwrap_err().contains("http://127.0.0.1:8188"), "{text}");
        }
        assert!(parts("https://farm").unwrap_err().starts_with("https is not supported"));
        assert!(parts("http://farm/?token=secret").unwrap_err().contains("--token"));
        assert!(parts("http://me:word@farm").is_err());
    }

    #[test]
    fn a_socket_has_the_same_place() {
        let farm = address("http://farm:81/comfy").unwrap();
        assert_eq!(farm.socket("me"), "ws://farm:81/comfy/ws?clientId=me");
        assert_eq!(farm.url("/prompt"), "http://farm:81/comfy/prompt");
    }
}
