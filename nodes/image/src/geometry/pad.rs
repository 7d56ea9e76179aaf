use super::{Edge, beyond, edge, framed};
use crate::{colour_text, limits};
use dreamwire_sdk::prelude::*;

/// Adds a border to every picture of a batch.
///
/// `mode` says what is in the border: constant is `colour`; edge repeats the outermost pixels; reflect mirrors the
/// picture at its outermost pixels, which are not repeated (`c b | a b c | b a`); wrap repeats the whole picture. The
/// last two go on in the same way where a border is wider than the picture.
///
/// `[B,H,W,C]` becomes `[B,top+H+bottom,left+W+right,C]`; MASK is 1 in the border and 0 in the picture. In a grey
/// picture the colour is its luma (BT.709); in one with alpha, its alpha counts too, which others lose, with a warning.
///
/// Errors: a text that is no colour; a result of more than 100 megapixels or 32768 pixels on a side.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Columns to add on the left.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) left: u32,
    /// Rows to add above.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) top: u32,
    /// Columns to add on the right.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) right: u32,
    /// Rows to add below.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) bottom: u32,
    /// What is in the border.
    pub(crate) mode: Edge,
    /// Colour of the border for the mode constant, as in CSS: `#rrggbb`, `#rrggbbaa` or a name.
    pub(crate) colour: String,
}

impl Default for Params {
    fn default() -> Self {
        let colour = "#000000".to_owned();
        Self { left: 0, top: 0, right: 0, bottom: 0, mode: Edge::Constant, colour }
    }
}

#[derive(Default)]
pub(crate) struct Pad;

impl Node for Pad {
    const KIND: Kind = Kind::new("Pad", 1)
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("The pictures with their borders, `[B,height,width,C]`."),
            port("MASK", "MASK").doc("1 in the border, 0 in the picture, `[1,height,width]`."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let channels = image.dim(3)?;
        let colour = match params.mode {
            Edge::Constant => edge::colour(call, "colour", &params.colour, channels)?,
            _ => colour_text::parse("colour", &params.colour)?,
        };
        let fill = edge::fill(colour, channels);
        let borders = Borders {
            left: params.left as usize,
            top: params.top as usize,
            right: params.right as usize,
            bottom: params.bottom as usize,
        };
        let (padded, mask) = borders.around(call, &image, params.mode, &fill)?;
        Ok(Outputs::new().tensor(padded).tensor(mask))
    }

    /// Rejects a text that is no colour.
    fn check(params: &Params) -> Result<()> {
        colour_text::parse("colour", &params.colour).map(drop)
    }
}

/// Widths of the border on the four sides.
pub(crate) struct Borders {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) right: usize,
    pub(crate) bottom: usize,
}

impl Borders {
    /// The pictures with their borders, and the mask `[1,height,width]` that is 1 there.
    ///
    /// # Errors
    /// If the result exceeds the limits.
    pub(crate) fn around(
        &self,
        call: &Call,
        image: &Tensor,
        mode: Edge,
        fill: &[f32],
    ) -> Result<(Tensor, Tensor)> {
        let (batch, old_height, old_width, _) = image.dims4()?;
        let size = (self.left + old_width + self.right, self.top + old_height + self.bottom);
        limits::check("the result", batch as u64, size.0 as u64, size.1 as u64)?;
        // Within the limits, so that nothing wraps.
        let at = (-(self.left as i64), -(self.top as i64));
        let mask = beyond((old_width, old_height), at, size)?;
        Ok((framed(call, image, at, size, mode, fill)?, mask))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{image, output};
    use super::*;
    use dreamwire_sdk::testing::run_node;

    /// Pads the row a b c (0.1, 0.2, 0.3) and returns it in tenths, with the mask.
    fn pad(params: &str) -> (Vec<u8>, Vec<f32>) {
        let ran =
            run_node::<Pad>(params, &[("image", image(&[0.1, 0.2, 0.3], (1, 1, 3, 1)))], &[]).expect(params);
        (output(&ran, 0).1.iter().map(|v| (v * 10.0).round() as u8).collect(), output(&ran, 1).1)
    }

    #[test]
    fn every_mode_has_its_border() {
        let beyond = [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        for (mode, expected) in [
            ("constant", [10, 10, 1, 2, 3, 10, 10, 10, 10]),
            ("edge", [1, 1, 1, 2, 3, 3, 3, 3, 3]),
            ("reflect", [3, 2, 1, 2, 3, 2, 1, 2, 3]),
            ("wrap", [2, 3, 1, 2, 3, 1, 2, 3, 1]),
        ] {
            let params = format!(r##"{{"left": 2, "right": 4, "mode": "{mode}", "colour": "#ffffff"}}"##);
            assert_eq!(pad(&params), (expected.to_vec(), beyond.to_vec()), "{mode}");
        }
    }

    #[test]
    fn rows_are_added_above_and_below_every_picture() {
        let samples = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
        let inputs = [("image", image(&samples, (2, 1, 1, 4)))];
        let params = r##"{"top": 1, "bottom": 1, "colour": "#ff000080"}"##;
        let ran = run_node::<Pad>(params, &inputs, &[]).expect("a border");
        let red = [1.0, 0.0, 0.0, 128.0 / 255.0];
        let (dims, padded) = output(&ran, 0);
        assert_eq!(dims, [2, 3, 1, 4]);
        let expected = [&red[..], &samples[..4], &red, &red, &samples[4..], &red].concat();
        assert!(padded.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{padded:?}");
        assert_eq!(output(&ran, 1), (vec![1, 3, 1], vec![1.0, 0.0, 1.0]));
    }

    #[test]
    fn without_a_border_nothing_changes() {
        assert_eq!(pad("{}"), (vec![1, 2, 3], vec![0.0; 3]));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let run = |params| run_node::<Pad>(params, &[("image", image(&[0.5], (1, 1, 1, 1)))], &[]);
        let Err(error) = run(r#"{"colour": "reddish"}"#) else { panic!("reddish is a colour") };
        assert_eq!(error.input(), "colour");
        let Err(error) = run(r#"{"left": 32768}"#) else { panic!("32769 pixels were made") };
        assert_eq!(error.status(), dreamwire_sdk::abi::E_LIMIT);
        assert!(error.to_string().contains("32769x1"), "{error}");
    }
}
