//! What the functions on OBJECTIVE wires share: one picture in, one number out, higher is better.

use dreamwire_sdk::prelude::*;

/// Whether the positions in a picture matter to an objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Positions {
    /// No: a rolled picture has the same value, except for its edges.
    Free,
    /// Yes: pixels are compared with those of another picture at the same position, so the picture must not
    /// be rolled.
    Fixed,
}

impl Positions {
    /// The spec of a function.
    pub(crate) fn of(spec: &FnSpec) -> Self {
        if spec.outputs.iter().any(TensorSpec::has_fixed_positions) { Self::Fixed } else { Self::Free }
    }
}

/// Bytes of a pixel of three channels.
pub(crate) const PIXEL_BYTES: u64 = 3 * 4;
/// Copies of its picture that an objective has at once, with its gradient.
pub(crate) const PICTURE_COPIES: u64 = 3;

/// An OBJECTIVE of pictures of the shape `dims`; -1 is free.
pub(crate) fn spec(name: &str, dims: &[i64], positions: Positions) -> FnSpec {
    let value = match positions {
        Positions::Free => TensorSpec::new("value", &[]),
        Positions::Fixed => TensorSpec::new("value", &[]).at_fixed_positions(),
    };
    FnSpec::new("OBJECTIVE", name).input(TensorSpec::new("image", dims)).output(value).scalar()
}

/// The memory of a function that compares pixels of `channels` channels: differences, squares, sums and their gradients.
pub(crate) fn pixel_peak(channels: usize) -> Peak {
    /// Copies of the picture that candle's graph and its way back have at once.
    const COPIES: u64 = 16;
    let bytes = COPIES * 4 * channels as u64;
    Peak { fixed: 0, outputs: 0, value: bytes, gradient: bytes }
}

/// The shape of a function's first input; -1 is free.
pub(crate) fn input_dims(spec: &FnSpec) -> &[i64] {
    const PICTURE: &[i64] = &[-1, -1, -1, -1];
    spec.inputs.first().map_or(PICTURE, |input| &input.dims)
}

/// The shape `dims` of pictures that are compared with `targets` others: one is for a batch of any size, and several are
/// for as many pictures, so that the host does not split their batch.
pub(crate) fn for_targets(dims: &[i64], targets: usize) -> Vec<i64> {
    let mut dims = dims.to_vec();
    if let Some(batch) = dims.first_mut().filter(|_| targets > 1) {
        *batch = targets as i64;
    }
    dims
}

/// The one picture among a function's inputs.
///
/// # Errors
///
/// If there is none, or more than one.
pub(crate) fn picture(x: &[Tensor]) -> Result<&Tensor> {
    match x {
        [picture] => Ok(picture),
        _ => Err(Error::failed(format!("an objective takes 1 input, found {}", x.len()))),
    }
}

/// The outputs of an objective whose images have the values `values`, `[B]`: the sum, so that every image has
/// its own gradient.
///
/// # Errors
///
/// Those of candle.
pub(crate) fn total(values: &Tensor) -> Result<Vec<Tensor>> {
    Ok(vec![values.sum_all()?])
}
