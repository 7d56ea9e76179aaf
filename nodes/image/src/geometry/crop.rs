use super::Area;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Cuts a rectangle out of every picture of a batch.
///
/// `anchor` says which corner, side or centre of the picture the rectangle starts from; `x` and `y` move it from
/// there to the right and down. So with `bottom_right`, `x` = -8 leaves 8 columns free on the right. With `centre`,
/// an odd remainder goes to the right and below.
///
/// `[B,H,W,C]` becomes `[B,height,width,C]`, a mask `[B or 1,H,W]` becomes `[B or 1,height,width]`. Errors: a
/// rectangle that is not wholly inside of the picture; a mask of another size.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Columns to the right of the anchor; negative to the left.
    #[schemars(range(min = -32768, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) x: i32,
    /// Rows below the anchor; negative above.
    #[schemars(range(min = -32768, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) y: i32,
    /// Width of the rectangle; 0 is as wide as fits.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height of the rectangle; 0 is as high as fits.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// Where the rectangle is when `x` and `y` are 0.
    pub(crate) anchor: Anchor,
}

impl Default for Params {
    fn default() -> Self {
        Self { x: 0, y: 0, width: 0, height: 0, anchor: Anchor::TopLeft }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Anchor {
    TopLeft,
    Top,
    TopRight,
    Left,
    Centre,
    Right,
    BottomLeft,
    Bottom,
    BottomRight,
}

/// Where along a side of the picture.
#[derive(Clone, Copy)]
enum Place {
    Start,
    Middle,
    End,
}

impl Anchor {
    /// Its places along the width and along the height.
    fn places(self) -> (Place, Place) {
        use Place::{End, Middle, Start};
        match self {
            Self::TopLeft => (Start, Start),
            Self::Top => (Middle, Start),
            Self::TopRight => (End, Start),
            Self::Left => (Start, Middle),
            Self::Centre => (Middle, Middle),
            Self::Right => (End, Middle),
            Self::BottomLeft => (Start, End),
            Self::Bottom => (Middle, End),
            Self::BottomRight => (End, End),
        }
    }
}

#[derive(Default)]
pub(crate) struct Crop;

impl Node for Crop {
    const KIND: Kind = Kind::new("Crop", 1)
        .category("image")
        .inputs(&[
            port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`."),
            port("mask", "MASK").optional().doc("Masks to cut alike, `[B or 1,H,W]`."),
        ])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("The rectangles, `[B,height,width,C]`."),
            port("MASK", "MASK")
                .optional()
                .doc("The same of the masks, `[B or 1,height,width]`; empty without `mask`."),
        ]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (_, old_height, old_width, _) = image.dims4()?;
        let mask = super::mask_of_size(&inputs, (old_width, old_height))?;
        let (across, down) = params.anchor.places();
        let (x, width) = COLUMNS.span(across, params.x, params.width, old_width)?;
        let (y, height) = ROWS.span(down, params.y, params.height, old_height)?;
        let area = Area { x, y, width, height };
        let outputs = Outputs::new().tensor(area.cut(&image)?);
        match mask {
            Some(mask) => Ok(outputs.tensor(area.cut(&mask)?)),
            None => Ok(outputs.none()),
        }
    }
}

/// Names for one direction.
struct Axis {
    offset: &'static str,
    length: &'static str,
    lines: &'static str,
}

const COLUMNS: Axis = Axis { offset: "x", length: "width", lines: "columns" };
const ROWS: Axis = Axis { offset: "y", length: "height", lines: "rows" };

impl Axis {
    /// First pixel and number of pixels of the rectangle along a side of `whole` pixels.
    fn span(&self, place: Place, offset: i32, length: u32, whole: usize) -> Result<(usize, usize)> {
        let (side, offset) = (whole as i64, i64::from(offset));
        let fits = match place {
            Place::Middle => side - 2 * offset.abs(),
            Place::Start | Place::End => side - offset.abs(),
        };
        let length = if length == 0 { fits } else { i64::from(length) };
        let start = match place {
            Place::Start => offset,
            Place::Middle => (side - length).div_euclid(2) + offset,
            Place::End => side - length + offset,
        };
        let Axis { offset: named, length: sized, lines } = self;
        if length < 1 {
            let message =
                format!("`{named}` is {offset}, which leaves nothing of the picture's {side} {lines}");
            return Err(Error::param(named, message));
        }
        if start < 0 || start + length > side {
            // The size is at fault where it would not fit at any offset.
            let input = if length > side { sized } else { named };
            let message =
                format!("{length} {lines} from {start} on are not inside of the picture, which has {side}");
            return Err(Error::param(input, message).hint(format!("0 for `{sized}` takes what fits")));
        }
        // Both are in 0..=side now.
        Ok((start as usize, length as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{image, mask, output};
    use super::*;
    use dreamwire_sdk::testing::{Ran, run_node};

    /// Crops a picture 5 wide and 4 high whose pixels are 0, 1, .. 19 (in 1/20), with its mask.
    fn crop(params: &str) -> Result<Ran> {
        let samples: Vec<f32> = (0..20_u8).map(|n| f32::from(n) / 20.0).collect();
        run_node::<Crop>(
            params,
            &[("image", image(&samples, (1, 4, 5, 1))), ("mask", mask(&samples, (1, 4, 5)))],
            &[],
        )
    }

    #[track_caller]
    fn check(params: &str, height: usize, width: usize, first: f32) {
        let ran = crop(params).expect(params);
        let (dims, samples) = output(&ran, 0);
        assert_eq!(dims, [1, height, width, 1], "{params}");
        for (n, sample) in samples.iter().enumerate() {
            let expected = first + (n / width * 5 + n % width) as f32;
            assert!((sample * 20.0 - expected).abs() < 1e-4, "{params}: {samples:?}");
        }
        assert_eq!(output(&ran, 1), (vec![1, height, width], samples), "{params}: the mask");
    }

    #[test]
    fn offsets_count_from_the_anchor() {
        check("{}", 4, 5, 0.0);
        check(r#"{"x": 1, "y": 2, "width": 3, "height": 2}"#, 2, 3, 11.0);
        check(r#"{"width": 2, "height": 2, "anchor": "top_right"}"#, 2, 2, 3.0);
        check(r#"{"x": -1, "y": -1, "width": 2, "height": 2, "anchor": "bottom_right"}"#, 2, 2, 7.0);
        check(r#"{"width": 3, "height": 2, "anchor": "centre"}"#, 2, 3, 6.0);
        // The odd column is left over on the right.
        check(r#"{"width": 2, "height": 1, "anchor": "bottom"}"#, 1, 2, 16.0);
        check(r#"{"width": 2, "height": 1, "y": 1, "anchor": "right"}"#, 1, 2, 13.0);
    }

    #[test]
    fn zero_is_what_fits() {
        check(r#"{"x": 2, "y": 3}"#, 1, 3, 17.0);
        check(r#"{"x": -2, "height": 1, "anchor": "top_right"}"#, 1, 3, 0.0);
        check(r#"{"x": 1, "height": 1, "anchor": "top"}"#, 1, 3, 2.0);
    }

    #[track_caller]
    fn refused(params: &str, input: &str, words: &str) {
        let Err(error) = crop(params) else { panic!("{params} was cropped") };
        assert_eq!(error.input(), input, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }

    #[test]
    fn a_rectangle_outside_is_refused_by_the_param() {
        refused(r#"{"x": 5}"#, "x", "`x` is 5, which leaves nothing of the picture's 5 columns");
        refused(r#"{"width": 6}"#, "width", "6 columns from 0 on");
        refused(r#"{"x": 3, "width": 3}"#, "x", "3 columns from 3 on");
        refused(r#"{"y": -1}"#, "y", "3 rows from -1 on");
        refused(r#"{"y": 1, "anchor": "bottom"}"#, "y", "3 rows from 2 on");
        refused(r#"{"height": 32768, "anchor": "centre"}"#, "height", "has 4");
    }

    #[test]
    fn batches_and_channels_stay_together() {
        // Two pictures of two columns and three channels.
        let samples: Vec<f32> = (0..12_u8).map(|n| f32::from(n) / 12.0).collect();
        let inputs = [("image", image(&samples, (2, 1, 2, 3)))];
        let ran = run_node::<Crop>(r#"{"x": 1}"#, &inputs, &[]).expect("a crop");
        let expected = [&samples[3..6], &samples[9..12]].concat();
        assert_eq!(output(&ran, 0), (vec![2, 1, 1, 3], expected));
        assert!(matches!(ran.outputs[1], dreamwire_sdk::testing::Value::None));
    }

    #[test]
    fn a_mask_of_another_size_is_refused() {
        let inputs = [("image", image(&[0.5; 4], (1, 2, 2, 1))), ("mask", mask(&[0.5; 6], (1, 2, 3)))];
        let Err(error) = run_node::<Crop>("{}", &inputs, &[]) else { panic!("it was cropped") };
        assert_eq!(error.input(), "mask");
        assert!(error.to_string().contains("`mask` is 3x2, but `image` is 2x2"), "{error}");
    }
}
