//! What a run tells whoever listens. The engine does not know who does.

use crate::{Published, Tensor};
use std::time::Duration;

/// Something happened.
#[derive(Clone)]
pub enum Event {
    /// The run knows what it has to do.
    Planned {
        /// steps that may have to run
        steps: usize,
    },
    /// A step is not needed: its result is known.
    Cached {
        /// node id
        node: String,
        /// how it was known
        why: Why,
    },
    /// A step starts.
    Started {
        /// node id
        node: String,
        /// kind id
        kind: String,
    },
    /// A step says how far it is.
    Progress {
        /// node id
        node: String,
        /// units done
        done: u64,
        /// units in all; 0 = unknown
        total: u64,
        /// what is being done
        note: String,
    },
    /// A step shows its IMAGE so far.
    Preview {
        /// node id
        node: String,
        /// float32 `[B,H,W,C]`
        image: Tensor,
    },
    /// A step says something.
    Log {
        /// node id
        node: String,
        /// how loud
        level: Level,
        /// one line
        message: String,
    },
    /// A step published a file.
    Published {
        /// node id
        node: String,
        /// the file
        file: Published,
    },
    /// A step ended well.
    Finished {
        /// node id
        node: String,
        /// time of its run alone
        elapsed: Duration,
    },
    /// A step did not end well.
    Failed {
        /// node id
        node: String,
    },
}

/// Why a step did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// nothing that leads to it has changed
    Unchanged,
    /// something upstream ran again and gave the same bytes
    SameInputs,
}

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// something is wrong
    Error,
    /// users should see it
    Warn,
    /// on request
    Info,
    /// for authors
    Debug,
    /// for authors, in masses
    Trace,
}
