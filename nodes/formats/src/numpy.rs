//! NumPy's files, and its arrays in pickles.

mod dtype;
mod header;
mod npy;
mod pickled;

pub(crate) use npy::{MAGIC, read_npy, read_npz};
pub(crate) use pickled::{array, is_array, is_scalar, scalar, scalar_tensor};
