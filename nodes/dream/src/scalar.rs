//! What the functions on OBJECTIVE wires have in common: one picture in, one number out, higher is better.

use dreamwire_sdk::prelude::*;

/// Whether an objective cares where in the picture something is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Positions {
    /// No: a picture that is rolled is worth the same, but for what happens at its edges.
    Free,
    /// Yes: pixels are compared with those of another picture at the same place, so nothing may be rolled.
    Fixed,
}

impl Positions {
    /// What a function says about itself.
    pub(crate) fn of(spec: &FnSpec) -> Self {
        if spec.outputs.iter().any(TensorSpec::has_fixed_positions) { Self::Fixed } else { Self::Free }
    }
}

/// An OBJECTIVE of pictures of the size `dims`, -1 being free.
pub(crate) fn spec(name: &str, dims: &[i64], positions: Positions) -> FnSpec {
    let value = match positions {
        Positions::Free => TensorSpec::new("value", &[]),
        Positions::Fixed => TensorSpec::new("value", &[]).at_fixed_positions(),
    };
    FnSpec::new("OBJECTIVE", name).input(TensorSpec::new("image", dims)).output(value).scalar()
}

/// The size of what a function takes first, -1 being free.
pub(crate) fn input_dims(spec: &FnSpec) -> &[i64] {
    const PICTURE: &[i64] = &[-1, -1, -1, -1];
    spec.inputs.first().map_or(PICTURE, |input| &input.dims)
}

/// The one picture among a function's inputs.
///
/// # Errors
///
/// If there is none, or more than one.
pub(crate) fn picture(x: &[Tensor]) -> Result<&Tensor> {
    match x {
        [picture] => Ok(picture),
        _ => Err(Error::failed(format!("an objective takes 1 picture, found {}", x.len()))),
    }
}

/// The outputs of an objective whose images are worth `values`, `[B]`: the sum, so that every image has a
/// gradient of its own.
///
/// # Errors
///
/// What candle says.
pub(crate) fn total(values: &Tensor) -> Result<Vec<Tensor>> {
    Ok(vec![values.sum_all()?])
}
