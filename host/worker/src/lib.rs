//! Runs jobs in a process of their own: a plugin that crashes, hangs or uses up memory takes only that process along.
//!
//! ```text
//! Child (a Runner) --Request: the text of a graph--> serve --> InProcess --> plugins
//!    ^                                                 |
//!    +-----------Reply: events, and the End------------+
//! ```
//!
//! The cut is at the job, not at the step: a function on a wire cannot leave its process. After a crash a new process
//! gets the same job, finds the finished steps in the disk cache, and does not try the step that crashed.
//!
//! The worker is the same program with another command. Its standard input and output carry the protocol; what plugins
//! print goes to its standard error, which becomes log lines.

mod child;
mod ending;
mod memory;
mod protocol;
mod serve;

pub use child::{CRASHED, Child};
pub use serve::serve;
