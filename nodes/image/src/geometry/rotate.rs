use super::warp::{Method, Warp, exact_sin_cos};
use super::{Direction, Edge, beyond, edge, flipped, framed};
use crate::{colour_text, limits};
use dreamwire_sdk::prelude::*;

/// Turns every picture of a batch about its centre.
///
/// Positive angles turn clockwise. Multiples of 90 degrees move pixels and change none; other angles look every
/// pixel of the result up in the picture (inverse mapping), by `method`: bicubic is Catmull-Rom, bilinear softer.
/// Results are clamped to 0..1. Colours count by their alpha, so that transparent pixels do not bleed; where the
/// result is wholly transparent it is black.
///
/// With `expand` the canvas becomes large enough for the whole picture: `W' = ceil(W |cos| + H |sin|)` and
/// `H' = ceil(W |sin| + H |cos|)`. Without, it keeps its size and the corners are cut off. `colour` is around the
/// picture; in a grey picture it is its luma (BT.709), and in one without alpha it is opaque, with a warning.
///
/// `[B,H,W,C]` becomes `[B,H',W',C]`. MASK is 1 where no picture is. Errors: a text that is no colour; a result of
/// more than 100 megapixels or 32768 pixels on a side.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The angle, clockwise.
    #[schemars(range(min = -360.0, max = 360.0), extend("x-dw-unit" = "degrees"))]
    pub(crate) degrees: f64,
    /// Whether the canvas grows, so that nothing is cut off.
    pub(crate) expand: bool,
    /// How samples between pixels are found, at angles that are no multiples of 90 degrees.
    pub(crate) method: Method,
    /// Colour around the picture, as in CSS: `#rrggbb`, `#rrggbbaa` or a name.
    pub(crate) colour: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { degrees: 90.0, expand: true, method: Method::Bicubic, colour: "#000000".to_owned() }
    }
}

#[derive(Default)]
pub(crate) struct Rotate;

impl Node for Rotate {
    const KIND: Kind = Kind::new("Rotate", 1)
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("The turned pictures, `[B,H',W',C]`."),
            port("MASK", "MASK").doc("1 where no picture is, `[1,H',W']`."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, old_height, old_width, channels) = image.dims4()?;
        let fill = edge::fill(edge::colour(call, "colour", &params.colour, channels)?, channels);
        let old = (old_width, old_height);
        let size = if params.expand { expanded(old, params.degrees) } else { old };
        limits::check("the result", batch as u64, size.0 as u64, size.1 as u64)?;
        let (turned, mask) = match whole_quarters(params.degrees) {
            Some(turns) => {
                let turned = quarters(&image, turns)?;
                let (_, height, width, _) = turned.dims4()?;
                // Sides are within the limits. An odd remainder is cut off, or added, on the right and below.
                let start = |old: usize, new: usize| (old as i64 - new as i64).div_euclid(2);
                let at = (start(width, size.0), start(height, size.1));
                let mask = beyond((width, height), at, size)?;
                (framed(call, &turned, at, size, Edge::Constant, &fill)?, mask)
            }
            None => Warp {
                size,
                scale: 1.0,
                degrees: params.degrees,
                shift: (0.0, 0.0),
                method: params.method,
                edge: Edge::Constant,
                fill: &fill,
            }
            .apply(call, &image)?,
        };
        Ok(Outputs::new().tensor(turned).tensor(mask))
    }

    /// Rejects a text that is no colour.
    fn check(params: &Params) -> Result<()> {
        colour_text::parse("colour", &params.colour).map(drop)
    }
}

/// Quarter turns, clockwise.
#[derive(Clone, Copy)]
pub(crate) enum Quarters {
    None,
    One,
    Two,
    Three,
}

/// The quarter turns that an angle consists of, if it does.
fn whole_quarters(degrees: f64) -> Option<Quarters> {
    match degrees.rem_euclid(360.0) {
        0.0 => Some(Quarters::None),
        90.0 => Some(Quarters::One),
        180.0 => Some(Quarters::Two),
        270.0 => Some(Quarters::Three),
        _ => None,
    }
}

/// All pictures `[B,H,W,C]` or masks `[B,H,W]`, turned by index.
pub(crate) fn quarters(tensor: &Tensor, turns: Quarters) -> Result<Tensor> {
    let transposed = || tensor.transpose(1, 2).and_then(|t| t.contiguous());
    match turns {
        Quarters::None => Ok(tensor.clone()),
        Quarters::One => flipped(&transposed()?, Direction::Horizontal),
        Quarters::Two => flipped(tensor, Direction::Both),
        Quarters::Three => flipped(&transposed()?, Direction::Vertical),
    }
}

/// Width and height of the box around a turned picture.
fn expanded((width, height): (usize, usize), degrees: f64) -> (usize, usize) {
    let (sin, cos) = exact_sin_cos(degrees);
    let (sin, cos, width, height) = (sin.abs(), cos.abs(), width as f64, height as f64);
    // Rounding must not add a row.
    let side = |length: f64| ((length - 1e-6).ceil() as usize).max(1);
    (side(width * cos + height * sin), side(width * sin + height * cos))
}

#[cfg(test)]
mod tests;
