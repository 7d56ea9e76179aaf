//! From the text of a graph to the end of its run: what all front ends share.
//!
//! ```text
//! Session::open --> plugins
//! GraphFile::read --> Source --understand--> Job --InProcess::read--> Snapshot --InProcess::run--> End
//!                                                                       Events on the way
//! watch: the same again after every change
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | [`Session`] | the loaded plugins |
//! | [`GraphFile`] | the graph file, its overrides, and the folders of its inputs |
//! | [`understand`] | parses, applies overrides, checks, and lets each kind judge its params |
//! | [`Job`] | one graph to run, with the plugins of the time it was read |
//! | [`InProcess`] | runs jobs and caches results between them |
//! | [`watch`] | runs a graph again when its file, an input or a plugin changes |
//! | [`events`] | events and diagnostics as JSON |
//!
//! # What this crate does not do
//! It prints nothing and knows neither a command line nor exit codes: each front end has its own.

pub mod events;
mod graph_file;
mod job;
mod plugins;
mod run;
mod understand;
pub mod watch;

pub use graph_file::GraphFile;
pub use job::Job;
pub use plugins::Session;
pub use run::{End, InProcess};
pub use understand::{Understood, understand};

/// Stack size of threads that run plugins, in bytes: candle's backward pass and the drop of its graph recurse deeply.
pub const STACK_BYTES: usize = 32 << 20;
