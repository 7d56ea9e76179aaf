//! Kinds that put batches together and take pictures out of them.

mod batch_join;
mod batch_select;
mod indices;

pub(crate) use batch_join::BatchJoin;
pub(crate) use batch_select::BatchSelect;
