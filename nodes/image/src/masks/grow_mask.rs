use super::morphology::{Shape, dilated, eroded};
use dreamwire_sdk::prelude::*;

/// Makes what a mask selects larger, or smaller.
///
/// Each pixel gets the largest value (with a negative `expand`, the smallest) within `|expand|` pixels: within
/// a square, or with `tapered_corners` within the square that stands on its corner, so that corners of the mask
/// are cut instead of kept. This is dilation (erosion) by 3x3 pixels, or by a pixel and its four neighbours,
/// `|expand|` times, as in ComfyUI, but it takes about as long for any `expand`. Outside of the mask there is
/// nothing: at its edges it is not eroded. The shape stays `[B,H,W]`, values stay what they are.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// How far it grows; it shrinks by a negative number.
    #[schemars(range(min = -16384, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) expand: i32,
    /// Cut the corners.
    pub(crate) tapered_corners: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { expand: 0, tapered_corners: true }
    }
}

#[derive(Default)]
pub(crate) struct GrowMask;

impl Node for GrowMask {
    const KIND: Kind = Kind::new("GrowMask", 1)
        .title("Grow Mask")
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks, `[B,H,W]`.")])
        .outputs(&[port("MASK", "MASK").doc("The grown masks, `[B,H,W]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let mask = inputs.mask("mask")?;
        let (batch, height, width) = mask.dims3()?;
        let shape = if params.tapered_corners { Shape::Diamond } else { Shape::Square };
        let radius = params.expand.unsigned_abs() as usize;
        let mut grown = Vec::with_capacity(batch * height * width);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "growing")?;
            let mask = mask.get(index)?.flatten_all()?.to_vec1::<f32>()?;
            let change = if params.expand < 0 { eroded } else { dilated };
            grown.extend(change(mask, width, shape, radius));
        }
        Ok(Tensor::from_vec(grown, (batch, height, width), call.device())?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, mask, output};
    use dreamwire_sdk::testing::{Ran, run_node};

    fn grow(expand: i32, tapered: bool, samples: &[f32], dims: (usize, usize, usize)) -> Result<Ran> {
        let params = format!(r#"{{"expand": {expand}, "tapered_corners": {tapered}}}"#);
        run_node::<GrowMask>(&params, &[("mask", mask(samples, dims))], &[])
    }

    /// 5 x 5 pixels: 1 where the drawing has a `#`, 0 elsewhere.
    fn drawn(rows: [&str; 5]) -> Vec<f32> {
        rows.concat().chars().map(|c| f32::from(u8::from(c == '#'))).collect()
    }

    #[test]
    fn one_pixel_becomes_a_square_or_a_diamond() {
        let dot = drawn([".....", ".....", "..#..", ".....", "....."]);
        let dims = (1, 5, 5);
        let check =
            |expand, tapered, rows| check(grow(expand, tapered, &dot, dims), &[1, 5, 5], &drawn(rows));
        check(0, true, [".....", ".....", "..#..", ".....", "....."]);
        check(1, false, [".....", ".###.", ".###.", ".###.", "....."]);
        check(1, true, [".....", "..#..", ".###.", "..#..", "....."]);
        check(2, false, ["#####", "#####", "#####", "#####", "#####"]);
        check(2, true, ["..#..", ".###.", "#####", ".###.", "..#.."]);
        check(3, true, [".###.", "#####", "#####", "#####", ".###."]);
        check(16384, true, ["#####"; 5]);
        check(-1, true, ["....."; 5]);
    }

    #[test]
    fn shrinking_takes_off_what_growing_adds_but_not_at_the_edges() {
        let block = drawn(["###..", "###..", "###..", ".....", "....."]);
        let check = |expand, tapered, rows| {
            check(grow(expand, tapered, &block, (1, 5, 5)), &[1, 5, 5], &drawn(rows));
        };
        check(-1, false, ["##...", "##...", ".....", ".....", "....."]);
        check(-1, true, ["##...", "##...", ".....", ".....", "....."]);
        check(-2, false, ["#....", ".....", ".....", ".....", "....."]);
        check(1, false, ["####.", "####.", "####.", "####.", "....."]);
        check(1, true, ["####.", "####.", "####.", "###..", "....."]);
    }

    #[test]
    fn grey_values_are_kept_and_masks_of_a_batch_do_not_mix() {
        let samples = [0.1, 0.5, 0.0, 0.0, 0.9, 0.2, 0.0, 0.0];
        check(grow(1, true, &samples, (2, 1, 4)), &[2, 1, 4], &[0.5, 0.5, 0.5, 0.0, 0.9, 0.9, 0.2, 0.0]);
        check(grow(-1, true, &samples, (2, 1, 4)), &[2, 1, 4], &[0.1, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0]);
        check(grow(-16384, false, &[0.7], (1, 1, 1)), &[1, 1, 1], &[0.7]);
    }

    #[test]
    fn a_large_mask_grows_far() {
        let mut samples = vec![0.0; 300 * 200];
        samples[150 * 200 + 100] = 0.5;
        let (_, found) = output(&grow(90, true, &samples, (1, 300, 200)).expect("it runs"), 0);
        let inside = |x: usize, y: usize| x.abs_diff(100) + y.abs_diff(150) <= 90;
        for (index, value) in found.iter().enumerate() {
            let (x, y) = (index % 200, index / 200);
            assert_eq!(*value, if inside(x, y) { 0.5 } else { 0.0 }, "{x} {y}");
        }
    }
}
