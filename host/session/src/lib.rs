//! From the text of a graph to the end of its run: what all front ends share.
//!
//! ```text
//! Session::open --> plugins
//! GraphFile::read --> Source --understand--> Job --Runner::run--> End
//!                                                   Events on the way
//! watch: the same again after every change
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | [`Session`] | the loaded plugins |
//! | [`GraphFile`] | the graph file, its overrides, and the folders of its inputs |
//! | [`understand`] | names the values of the editor's own form, applies overrides, checks, and lets each kind judge its params |
//! | [`Job`] | one graph to run, with the plugins of the time it was read |
//! | [`Settings`] | what to run, and how |
//! | [`CacheFolder`] | what one process leaves for the next |
//! | [`Runner`] | runs jobs: [`InProcess`] does it here, a worker in a process of its own |
//! | [`sequence`] | runs of several rows: folders, frames, sweeps, seeds |
//! | [`watch`] | runs a graph again when its file, an input or a plugin changes |
//! | [`SavedPicture`] | a picture that was saved, to be compared with what would be made now |
//! | [`PathMap`] | where the paths of another machine are on this one |
//! | [`device`] | the devices of this machine, and the choice of one for all runs of a session |
//! | [`machine`] | the memory and disk space of this machine |
//! | [`Picture`] | what is shown of a picture while it is made |
//! | [`events`] | events and diagnostics as JSON |
//!
//! # What this crate does not do
//! It prints nothing and knows neither a command line nor exit codes: each front end has its own.

mod builds;
mod cache_folder;
pub mod device;
pub mod events;
mod graph_file;
mod job;
pub mod machine;
mod path_map;
mod picture;
mod plugins;
mod run;
mod saved_picture;
pub mod sequence;
mod settings;
mod understand;
pub mod watch;

pub use builds::{PluginChange, Reload};
pub use cache_folder::{CACHE_LIMIT, CacheFolder};
pub use graph_file::GraphFile;
pub use job::Job;
pub use path_map::PathMap;
pub use picture::Picture;
pub use plugins::Session;
pub use run::{End, Hears, InProcess, Runner};
pub use saved_picture::SavedPicture;
pub use settings::{Limits, Settings};
pub use understand::{Judging, Understood, understand};

/// Stack size of threads that run plugins, in bytes: candle's backward pass and the drop of its graph recurse deeply.
pub const STACK_BYTES: usize = 32 << 20;
