//! The options of a server.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::ComputeArgs;
use super::how::seconds;
use super::size;

/// Options of `dreamwire serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 is any free one. Anything but this machine's loopback address needs a token.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8188", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// The folder that graphs read and uploads go to; it is created if it is missing.
    #[arg(long = "in", value_name = "DIR", default_value = "input")]
    pub(crate) input: PathBuf,
    /// The output folder. The queue and the user's settings are kept in `.dreamwire` below it.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
    /// A folder of graph files: pages offer them, their pictures can be read, and a saved graph appears in open pages.
    #[arg(long, value_name = "DIR")]
    pub(crate) watch: Option<PathBuf>,
    /// The unpacked ComfyUI editor to serve instead of the page that is built in, or `auto`: where pip has installed it.
    #[arg(long, value_name = "DIR|auto")]
    pub(crate) frontend: Option<PathBuf>,
    /// What every request must carry, as `Authorization: Bearer` or `?token=`.
    #[arg(long, value_name = "TOKEN", env = "DREAMWIRE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A host name under which browsers may address it; may be given several times.
    #[arg(long, value_name = "HOST")]
    pub(crate) name: Vec<String>,
    /// How many jobs may wait; more are refused with status 429.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) queue_max: u32,
    /// How many websockets may be connected; more are refused with status 503.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_sockets: u32,
    /// The largest upload.
    #[arg(long, value_name = "SIZE", default_value = "100MiB", value_parser = size)]
    pub(crate) upload_max: u64,
    /// Start in the background; print the address and the process once it listens.
    #[arg(long)]
    pub(crate) detach: bool,
    /// End after so many seconds without a request, a socket or a job.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) idle_timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| "expected an address and a port, such as 127.0.0.1:8188".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(address("127.0.0.1:0"), Ok(SocketAddr::from(([127, 0, 0, 1], 0))));
        assert!(address("[::1]:8188").is_ok_and(|address| address.is_ipv6()));
        assert!(address("localhost:80").is_ok_and(|address| address.ip().is_loopback()));
        assert!(address("127.0.0.1").is_err() && address("8188").is_err() && address("").is_err());
    }
}
