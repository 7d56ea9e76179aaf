//! Events of a run. The engine does not know who listens.

use crate::{Device, Published, Reason, Tensor};
use blake3::Hash;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Something happened.
#[derive(Clone, Serialize, Deserialize)]
pub enum Event {
    /// Where the run computes, if that is not the CPU, or is the CPU only because something else does not work.
    Device {
        /// The device.
        device: Device,
        /// What is known of it, and who computes elsewhere, or why it is this one.
        words: String,
    },
    /// The run has planned its work.
    Planned {
        /// Steps that may have to run.
        steps: usize,
    },
    /// A step is not needed: its result is cached.
    Cached {
        /// Node id.
        node: String,
        /// Why it is valid.
        why: Why,
    },
    /// Why a step runs, if that was asked for; it has not started yet.
    Explained {
        /// Node id.
        node: String,
        /// At least one.
        reasons: Vec<Reason>,
    },
    /// A step starts.
    Started {
        /// Node id.
        node: String,
        /// Kind id.
        kind: String,
        /// The same for the same work, in every process.
        identity: Hash,
    },
    /// A step that has started goes on with some rows of its batch. Steps that make and use the same rows take turns.
    Rows {
        /// Node id.
        node: String,
        /// Kind id.
        kind: String,
        /// As in [`Event::Started`].
        identity: Hash,
        /// Index of the first row.
        first: usize,
        /// How many rows.
        count: usize,
        /// How many rows the batch has.
        batch: usize,
    },
    /// A step reports its progress.
    Progress {
        /// Node id.
        node: String,
        /// Units done.
        done: u64,
        /// Units in all; 0 is unknown.
        total: u64,
        /// What is being done.
        note: String,
    },
    /// A step shows its intermediate IMAGE.
    Preview {
        /// Node id.
        node: String,
        /// float32 `[B,H,W,C]`.
        image: Tensor,
    },
    /// A step logs a message.
    Log {
        /// Node id.
        node: String,
        /// Log level.
        level: Level,
        /// One line.
        message: String,
    },
    /// A step published a file.
    Published {
        /// Node id.
        node: String,
        /// The file.
        file: Published,
    },
    /// A step succeeded.
    Finished {
        /// Node id.
        node: String,
        /// Time of its run alone.
        elapsed: Duration,
    },
    /// A step failed.
    Failed {
        /// Node id.
        node: String,
    },
    /// A step cannot run.
    Skipped {
        /// Node id.
        node: String,
        /// The failed step that it depends on.
        failed: String,
    },
}

impl Event {
    /// The node that it is about, if it is one.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Device { .. } | Self::Planned { .. } => None,
            Self::Cached { node, .. }
            | Self::Explained { node, .. }
            | Self::Started { node, .. }
            | Self::Rows { node, .. }
            | Self::Progress { node, .. }
            | Self::Preview { node, .. }
            | Self::Log { node, .. }
            | Self::Published { node, .. }
            | Self::Finished { node, .. }
            | Self::Failed { node }
            | Self::Skipped { node, .. } => Some(node),
        }
    }
}

/// Why a step did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Nothing that it depends on has changed.
    Unchanged,
    /// Its inputs were recomputed with the same bytes.
    SameInputs,
}

/// Log levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Something is wrong.
    Error,
    /// Users should see it.
    Warn,
    /// On request.
    Info,
    /// For authors.
    Debug,
    /// For authors, in large amounts.
    Trace,
}
