//! Kinds that move pixels: cut, padded, turned, warped, and laid out on one sheet.

mod area;
mod crop;
mod edge;
mod flip;
mod grid;
mod label;
mod pad;
mod rotate;
#[cfg(test)]
mod testing;
mod transform;
mod warp;

pub(crate) use area::{Area, beyond, framed};
pub(crate) use crop::Crop;
pub(crate) use edge::Edge;
pub(crate) use flip::{Direction, Flip, flipped};
pub(crate) use grid::Grid;
pub(crate) use pad::{Borders, Pad};
pub(crate) use rotate::{Quarters, Rotate, quarters};
#[cfg(test)]
pub(crate) use testing::{image, mask, output};
pub(crate) use transform::Transform;

use dreamwire_sdk::prelude::*;

/// The masks at the port `mask`, if they are connected; of the size `(width, height)` of the pictures at `image`.
fn mask_of_size(inputs: &Inputs, (width, height): (usize, usize)) -> Result<Option<Tensor>> {
    let Some(mask) = inputs.opt_mask("mask")? else { return Ok(None) };
    let (_, found_height, found_width) = mask.dims3()?;
    if (found_width, found_height) == (width, height) {
        return Ok(Some(mask));
    }
    let message = format!("`mask` is {found_width}x{found_height}, but `image` is {width}x{height}");
    Err(Error::shape("mask", message).hint("make the mask as large as the picture"))
}
