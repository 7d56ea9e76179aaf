//! Safe Rust for node authors: write a struct with params and a `run`, and name it in [`plugin!`].
//!
//! `nodes/template` is the manual; this page is the overview.
//!
//! # A node
//! [`Node`] is one kind: a const [`Kind`] (id, ports), a `Params` struct (serde + schemars: its docs, defaults and
//! ranges become the schema that the host validates and shows) and `run`. Inputs arrive as candle tensors
//! ([`Inputs`]), results leave as [`Outputs`], the host is reached through [`Call`].
//!
//! # Functions on wires
//! A network, an objective or a generator is a *value*. Output one by implementing [`Differentiable`] (a
//! forward pass in candle ops is enough); use one from a wire through [`Function`]: evaluate it, pull
//! gradients back through its [`Tape`], or apply it inside your own candle graph.
//!
//! # What the SDK does for you
//! - Every exported function goes through one `guard`: a panic becomes a status, an error a message with the port.
//! - Work runs on the plugin's own rayon pool, with 16 MiB stacks (candle's backward and drop recurse) and as many
//!   threads as the call allows; the threads are joined when the plugin is retired.
//! - Tensors leave detached and contiguous, and arrive copied: candle has no borrowed storage.
//! - Large blocks of memory are reused: the SDK brings a global allocator, so a plugin cannot choose its own.
//! - Devices are opened once; the host learns which ones this build has, and whether they work.
//! - Nothing is global but the pool, the allocator, the open devices and a count of live objects.
//!
//! # What it does not do
//! It never opens files (use [`Call::read`]), never prints, and has no randomness (take a `seed` param).

mod allocator;
mod call;
mod device;
mod differentiable;
mod error;
mod export;
mod function;
mod guard;
mod inputs;
mod kind;
mod live;
pub mod memory;
mod node;
mod outputs;
mod plugin;
mod pool;
pub mod prefix;
mod tensor;
pub mod testing;

pub use call::Call;
pub use candle_core as candle;
pub use differentiable::{Differentiable, Linearised, Pullback};
pub use dreamwire_abi as abi;
pub use dreamwire_socket::Bytes;
pub use error::{Error, Result};
pub use function::{FnSpec, Function, Peak, Tape, TensorSpec, TileReduction, Tiles};
pub use inputs::Inputs;
pub use kind::{Kind, Port, port};
pub use node::Node;
pub use outputs::Outputs;
pub use plugin::{Factory, Plugin, entry};
pub use serde_json;

/// Everything a node file needs.
pub mod prelude {
    pub use crate::{
        Call, Differentiable, Error, FnSpec, Function, Inputs, Kind, Linearised, Node, Outputs, Peak, Port,
        Pullback, Result, Tape, TensorSpec, TileReduction, Tiles, port,
    };
    pub use candle_core::{DType, Device, Tensor};
    pub use schemars::JsonSchema;
    pub use serde::Deserialize;
}
