use std::path::PathBuf;
use std::time::Duration;

use dreamwire_engine::Options;
use serde::{Deserialize, Serialize};

use crate::{CacheFolder, GraphFile, Judging};

/// What to run, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The graph.
    pub graph: GraphFile,
    /// Where results are published.
    pub out: PathBuf,
    /// The options of each run.
    pub options: Options,
    /// Whether the device is chosen when the first run starts; that of `options` then does not count.
    pub any_device: bool,
    /// What earlier processes left; without it nothing is known of them, and nothing is left.
    pub cache: Option<CacheFolder>,
    /// Whether a run may replace what an earlier one of the same runner has published; otherwise each has files of its
    /// own.
    pub replaces: bool,
    /// Whether to say why steps run.
    pub explain: bool,
    /// Whether plugins run in a process of their own.
    pub isolated: bool,
    /// Limits of such a process.
    pub limits: Limits,
}

impl Settings {
    /// Who judges params.
    pub fn judging(&self) -> Judging {
        if self.isolated { Judging::ByTheRunner } else { Judging::Here }
    }
}

/// Limits that only a run in a process of its own can keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How long one step may take.
    pub step: Option<Duration>,
    /// How much memory the process may use, in bytes of its address space.
    pub memory: Option<u64>,
}
