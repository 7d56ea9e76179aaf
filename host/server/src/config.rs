use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use dreamwire_session::Settings;

/// What a server is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// Names under which it may be addressed, besides its address and `localhost`.
    pub names: Vec<String>,
    /// What every request must carry. Anything but a loopback address needs one.
    pub token: Option<String>,
    /// Where graphs read pictures, and uploads go.
    pub input: PathBuf,
    /// The folder of graph files that pages offer, and whose pictures graphs may read.
    pub graphs: Option<PathBuf>,
    /// The unpacked editor of ComfyUI; without it there is a page of our own.
    pub frontend: Option<PathBuf>,
    /// How many jobs may wait.
    pub queue_max: usize,
    /// How many sockets may be connected.
    pub sockets_max: usize,
    /// The largest upload in bytes.
    pub upload_max: u64,
    /// After so long without a request, a socket or a job it ends.
    pub idle_timeout: Option<Duration>,
    /// How jobs run, and where they publish. Its graph is set by the server.
    pub settings: Settings,
    /// Plugins that were named, beside those that are found.
    pub plugins: Vec<PathBuf>,
    /// The program that runs jobs when it is called with `worker`.
    pub program: PathBuf,
}

impl Config {
    /// Whether only this machine reaches it.
    pub(crate) fn is_local(&self) -> bool {
        match self.listen.ip() {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => address.is_loopback(),
        }
    }
}
