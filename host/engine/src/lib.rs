//! Checked graph -> plan -> run.
//!
//! | stage | function | in | out |
//! |---|---|---|---|
//! | plan | [`Plan::new`] | `Checked` | the steps that outputs need, in order, with the files that they name |
//! | snapshot | [`Snapshot::take`] | `Plan`, [`World`] | the hashes of those files, the content of all but large ones |
//! | preflight | [`preflight`] | `Plan`, `Snapshot`, [`World`] | diagnostics about files |
//! | run | [`Engine::run`] | [`Run`] | [`Summary`] or [`Stopped`], [`Event`]s on the way |
//!
//! # Resolving
//! Backwards from the output nodes: a step whose key is in the cache is not run, and then nothing upstream of it is even
//! looked at, so a cached picture never makes a network load. Forwards again: what is missing runs in topological order.
//! A step has two keys ([`key`]): the deep key, known before anything ran, and the content key over its inputs' bytes.
//! If an upstream step recomputes identical bytes, the second stops the wave. An output node runs as soon as its inputs
//! are there, and a failed step stops only those that depend on it.
//!
//! Steps whose rows do not depend on each other run for some rows of a batch at a time, one after another for the same
//! rows. The result for some rows is a result of its own, with a content key.
//!
//! # What this crate does not do
//! It holds no plugin pointer (the loader implements [`Nodes`]), prints nothing (it emits [`Event`]s) and opens no file
//! outside [`world`] and the folder of its [`DiskCache`].

mod cache;
mod event;
mod failure;
mod history;
pub mod key;
pub mod metadata;
mod nodes;
mod plan;
mod preflight;
mod record;
mod run;
mod services;
mod snapshot;
mod value;
pub mod world;

pub use blake3::Hash;
pub use cache::{Cache, DiskCache, DiskUsage};
pub use event::{Event, Level, Why};
pub use failure::{Failure, FailureKind};
pub use history::{History, Reason};
pub use key::{instructions, misspelt_variable};
pub use nodes::{Device, Input, Nodes, Request};
pub use plan::{FileParam, Plan, Step};
pub use preflight::{preflight, unreadable};
pub use record::{Difference, Made, Record};
pub use run::{Batches, Engine, Options, Run, StepFailure, StepReport, Stopped, Summary};
pub use services::Services;
pub use snapshot::{Snapshot, Stamps};
pub use value::{Dtype, Function, Tensor, Value};
pub use world::{Disk, File, HEAD_BYTES, InputPath, Listing, NewFile, Origin, Published, World, WorldError};
