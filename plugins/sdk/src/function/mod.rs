//! Functions that came over a wire.

mod foreign;
mod op;
mod spec;

pub use foreign::{Function, Tape};
pub(crate) use spec::SpecTable;
pub use spec::{FnSpec, TensorSpec};
