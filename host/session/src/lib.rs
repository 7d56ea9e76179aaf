//! From the text of a graph to the end of its run: what every program around the engine shares.
//!
//! ```text
//! Session::open --> plugins
//! GraphFile::read --> Source --understand--> Job --InProcess::read--> Snapshot --InProcess::run--> End
//!                                                                       Events on the way
//! watch: the same again and again, whatever changed
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | [`Session`] | the plugins that a program works with |
//! | [`GraphFile`] | which graph, with which overrides, and where its inputs may lie |
//! | [`understand`] | parse, overrides, check, and what each kind says of its params |
//! | [`Job`] | one graph to run, with the plugins as they were when it was read |
//! | [`InProcess`] | runs jobs, and remembers results from one to the next |
//! | [`watch`] | runs a graph again when its file, an input or a plugin changes |
//! | [`events`] | events and diagnostics as JSON |
//!
//! # What this crate does not do
//! It prints nothing, knows no command line and no exit code: whoever listens has words of its own.

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

/// Stack of threads that run plugins, in bytes: candle's backward pass, and the drop of what it leaves, recurse deeply.
pub const STACK_BYTES: usize = 32 << 20;
