//! Functions from wires.

mod handle;
mod op;
mod peak;
mod spec;
mod tiles;

pub use handle::{Function, Tape};
pub use peak::Peak;
pub use spec::{FnSpec, TensorSpec};
pub use tiles::{TileReduction, Tiles};
