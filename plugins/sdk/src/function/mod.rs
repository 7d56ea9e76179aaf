//! Functions that came over a wire.

mod handle;
mod op;
mod spec;
mod tiles;

pub use handle::{Function, Tape};
pub use spec::{FnSpec, TensorSpec};
pub use tiles::{TileReduction, Tiles};
