use super::warp::{Method, Warp, exact_sin_cos};
use super::{Edge, beyond, edge, framed};
use crate::colour_text;
use dreamwire_sdk::prelude::*;

/// Moves, turns and scales every picture of a batch on a canvas that keeps its size.
///
/// With the point c, the shift t, the scale s and the rotation R (clockwise), a point p of the picture goes to
/// `c + t + s R (p - c)`; c is the centre, or where `centre_x` and `centre_y` say. Every pixel of the result is looked up in the picture (inverse mapping), by `method`:
/// bicubic is Catmull-Rom, bilinear softer. Where the picture shrinks, it is first resized by a filter that widens
/// as much, so that nothing aliases. Results are clamped to 0..1. Colours count by their alpha, so that transparent
/// pixels do not bleed; where the result is wholly transparent it is black. A shift by whole pixels alone moves
/// samples and changes none.
///
/// `mode` says what is outside of the picture: constant is `colour`; edge repeats the outermost pixels; reflect
/// mirrors the picture at its outermost pixels; wrap repeats the picture. In a grey picture the colour is its luma
/// (BT.709), and in one without alpha it is opaque, with a warning.
///
/// `[B,H,W,C]` stays. MASK is 1 where no picture would be, whatever the mode. Errors: a text that is no colour.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Shift to the right; negative to the left.
    #[schemars(range(min = -32768.0, max = 32768.0), extend("x-dw-unit" = "px"))]
    pub(crate) x: f64,
    /// Shift down; negative up.
    #[schemars(range(min = -32768.0, max = 32768.0), extend("x-dw-unit" = "px"))]
    pub(crate) y: f64,
    /// Scale about the point: 2 is twice as large.
    #[schemars(range(min = 0.01, max = 100.0), extend("x-dw-step" = 0.01))]
    pub(crate) scale: f64,
    /// Rotation about the point, clockwise.
    #[schemars(range(min = -360.0, max = 360.0), extend("x-dw-unit" = "degrees"))]
    pub(crate) degrees: f64,
    /// The point that scale and rotation leave where it is, across: 0 is the left border, 1 the right one.
    #[schemars(range(min = -10.0, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) centre_x: f64,
    /// The same down: 0 is the upper border, 1 the lower one.
    #[schemars(range(min = -10.0, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) centre_y: f64,
    /// What is outside of the picture.
    pub(crate) mode: Edge,
    /// Colour outside of the picture for the mode constant, as in CSS: `#rrggbb`, `#rrggbbaa` or a name.
    pub(crate) colour: String,
    /// How samples between pixels are found.
    pub(crate) method: Method,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            x: 0.0,
            y: 0.0,
            scale: 1.0,
            degrees: 0.0,
            centre_x: 0.5,
            centre_y: 0.5,
            mode: Edge::Constant,
            colour: "#000000".to_owned(),
            method: Method::Bicubic,
        }
    }
}

impl Params {
    /// The shift, if it is by whole pixels and all that is to be done.
    fn whole_shift(&self) -> Option<(i64, i64)> {
        let whole = |shift: f64| (shift.fract() == 0.0 && shift.abs() <= 32_768.0).then_some(shift as i64);
        let only = self.scale == 1.0 && self.degrees.rem_euclid(360.0) == 0.0;
        whole(self.x).zip(whole(self.y)).filter(|_| only)
    }

    /// The shift of a map about the centre of the picture that is the map about the point: `t + d - s R d`, where d leads from
    /// that centre to the point.
    fn shift(&self, (width, height): (usize, usize)) -> (f64, f64) {
        let (x, y) = ((self.centre_x - 0.5) * width as f64, (self.centre_y - 0.5) * height as f64);
        let (sin, cos) = exact_sin_cos(self.degrees);
        let turned = (self.scale * (cos * x - sin * y), self.scale * (sin * x + cos * y));
        (self.x + x - turned.0, self.y + y - turned.1)
    }
}

#[derive(Default)]
pub(crate) struct Transform;

impl Node for Transform {
    const KIND: Kind = Kind::new("Transform", 1)
        .category("image")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("The moved pictures, `[B,H,W,C]`."),
            port("MASK", "MASK").doc("1 where no picture would be, `[1,H,W]`."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (_, height, width, channels) = image.dims4()?;
        let colour = match params.mode {
            Edge::Constant => edge::colour(call, "colour", &params.colour, channels)?,
            _ => colour_text::parse("colour", &params.colour)?,
        };
        let fill = edge::fill(colour, channels);
        let size = (width, height);
        if let Some((x, y)) = params.whole_shift() {
            let mask = beyond(size, (-x, -y), size)?;
            let moved = framed(call, &image, (-x, -y), size, params.mode, &fill)?;
            return Ok(Outputs::new().tensor(moved).tensor(mask));
        }
        let warp = Warp {
            size,
            scale: params.scale,
            degrees: params.degrees,
            shift: params.shift(size),
            method: params.method,
            edge: params.mode,
            fill: &fill,
        };
        let (moved, mask) = warp.apply(call, &image)?;
        Ok(Outputs::new().tensor(moved).tensor(mask))
    }

    /// Rejects a scale that is no number above 0, and a text that is no colour.
    fn check(params: &Params) -> Result<()> {
        if params.scale.is_nan() || params.scale <= 0.0 {
            let message = format!("`scale` is {}, but must be above 0", params.scale);
            return Err(Error::param("scale", message));
        }
        colour_text::parse("colour", &params.colour).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{image, output};
    use super::*;
    use dreamwire_sdk::testing::run_node;

    /// Transforms one picture `[1,H,W,C]`; the samples of the picture and of the mask.
    #[track_caller]
    fn transform(params: &str, samples: &[f32], (h, w, c): (usize, usize, usize)) -> (Vec<f32>, Vec<f32>) {
        let ran =
            run_node::<Transform>(params, &[("image", image(samples, (1, h, w, c)))], &[]).expect(params);
        let (dims, moved) = output(&ran, 0);
        assert_eq!(dims, [1, h, w, c], "{params}");
        (moved, output(&ran, 1).1)
    }

    #[test]
    fn defaults_and_whole_pixels_change_no_sample() {
        let old = [0.13, 0.29, 0.31, 0.47, 0.53, 0.61];
        assert_eq!(transform("{}", &old, (2, 3, 1)), (old.to_vec(), vec![0.0; 6]));
        let (moved, mask) = transform(r#"{"x": 1, "y": -1}"#, &old, (2, 3, 1));
        assert_eq!(moved, [0.0, 0.47, 0.53, 0.0, 0.0, 0.0]);
        assert_eq!(mask, [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        // Not even what is transparent.
        let clear = [0.3, 0.7, 0.1, 0.0, 0.9, 0.2, 0.4, 0.3];
        assert_eq!(transform(r#"{"degrees": 360, "mode": "wrap"}"#, &clear, (1, 2, 4)).0, clear);
    }

    #[test]
    fn every_mode_fills_what_the_shift_leaves() {
        let old = [0.1, 0.2, 0.3, 0.4];
        for (mode, expected) in [
            ("constant", [1.0, 1.0, 0.1, 0.2]),
            ("edge", [0.1, 0.1, 0.1, 0.2]),
            ("reflect", [0.3, 0.2, 0.1, 0.2]),
            ("wrap", [0.3, 0.4, 0.1, 0.2]),
        ] {
            let params = format!(r#"{{"x": 2, "mode": "{mode}", "colour": "white"}}"#);
            let (moved, mask) = transform(&params, &old, (1, 4, 1));
            assert_eq!(moved, expected, "{mode}");
            assert_eq!(mask, [1.0, 1.0, 0.0, 0.0], "{mode}");
        }
    }

    #[test]
    fn a_shift_that_is_looked_up_agrees_with_one_that_is_moved() {
        let old: Vec<f32> = (0..35_u8).map(|n| f32::from(n * 7 % 31) / 31.0).collect();
        for mode in ["constant", "edge", "reflect", "wrap"] {
            let shift =
                |x: f64| transform(&format!(r#"{{"x": {x}, "y": -1, "mode": "{mode}"}}"#), &old, (5, 7, 1));
            // So little more than 2 pixels that it is looked up, and the same.
            let ((moved, mask), (warped, warped_mask)) = (shift(2.0), shift(2.000_000_1));
            assert!(
                moved.iter().zip(&warped).all(|(a, b)| (a - b).abs() < 1e-5),
                "{mode}: {moved:?}, {warped:?}"
            );
            assert_eq!(mask, warped_mask, "{mode}");
        }
    }

    #[test]
    fn half_a_pixel_is_the_mean_of_two() {
        let (moved, _) =
            transform(r#"{"x": 0.5, "method": "bilinear", "mode": "edge"}"#, &[0.1, 0.3, 0.7], (1, 3, 1));
        for (found, expected) in moved.iter().zip([0.1, 0.2, 0.5]) {
            assert!((found - expected).abs() < 1e-6, "{moved:?}");
        }
    }

    #[test]
    fn a_quarter_turn_and_a_doubling_are_where_they_belong() {
        // Clockwise: left goes up.
        let (turned, _) = transform(r#"{"degrees": 90}"#, &[0.1, 0.2, 0.3, 0.4], (2, 2, 1));
        for (found, expected) in turned.iter().zip([0.3, 0.1, 0.4, 0.2]) {
            assert!((found - expected).abs() < 1e-6, "{turned:?}");
        }
        // Pixel 3.5 of 8 is the centre: x = 0 shows 3.5 - 3.5 / 2 = 1.75.
        let ramp: Vec<f32> = (0..8_u8).map(|n| f32::from(n) / 8.0).collect();
        let (larger, mask) = transform(r#"{"scale": 2, "mode": "edge"}"#, &ramp, (1, 8, 1));
        assert!((larger[0] - 1.75 / 8.0).abs() < 1e-6 && (larger[7] - 5.25 / 8.0).abs() < 1e-6, "{larger:?}");
        assert_eq!(mask, [0.0; 8]);
    }

    #[test]
    fn a_point_stays_where_it_is() {
        // About the middle of the third pixel of eight; the second goes one pixel further to the left.
        let mut old = [0.0; 8];
        (old[1], old[2]) = (0.5, 1.0);
        let (moved, _) =
            transform(r#"{"scale": 2, "centre_x": 0.3125, "method": "bilinear"}"#, &old, (1, 8, 1));
        assert!((moved[2] - 1.0).abs() < 1e-6 && (moved[0] - 0.5).abs() < 1e-6, "{moved:?}");
        // A quarter turn about the upper left corner moves the picture out to the left, from where the shift brings it back.
        let corner = r#"{"degrees": 90, "centre_x": 0, "centre_y": 0, "x": 2}"#;
        let (turned, _) = transform(corner, &[0.1, 0.2, 0.3, 0.4], (2, 2, 1));
        for (found, expected) in turned.iter().zip([0.3, 0.1, 0.4, 0.2]) {
            assert!((found - expected).abs() < 1e-6, "{turned:?}");
        }
    }

    #[test]
    fn shrinking_does_not_alias() {
        // Stripes of one pixel: every fourth pixel alone would be all black or all white.
        let side = 64_usize;
        let stripes: Vec<f32> = (0..side * side).map(|n| (n % 2) as f32).collect();
        let (small, mask) = transform(r#"{"scale": 0.25, "colour": "black"}"#, &stripes, (side, side, 1));
        for y in 26..38 {
            for x in 26..38 {
                let sample = small[y * side + x];
                assert!((sample - 0.5).abs() < 0.02, "{sample} at {x}, {y}");
            }
        }
        // 16 x 16 pixels are left of it.
        assert_eq!(mask.iter().filter(|v| **v == 0.0).count(), 256);
    }

    #[test]
    fn what_is_no_scale_is_refused() {
        let params = Params { scale: 0.0, ..Params::default() };
        assert_eq!(Transform::check(&params).unwrap_err().input(), "scale");
        let params = Params { colour: String::new(), ..Params::default() };
        assert_eq!(Transform::check(&params).unwrap_err().input(), "colour");
        assert!(Transform::check(&Params::default()).is_ok());
    }
}
