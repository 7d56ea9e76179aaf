//! Functions that came over a wire.

mod foreign;
mod op;
mod spec;
mod tiles;

pub use foreign::{Function, Tape};
pub(crate) use spec::SpecTable;
pub use spec::{FnSpec, TensorSpec};
pub use tiles::{TileReduction, Tiles};
