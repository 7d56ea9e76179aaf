use crate::colour::stops::{Space, Stops};
use crate::limits;
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;
use serde::Serialize;

/// Pictures of a colour gradient, linear or radial.
///
/// `linear` runs through the centre in the direction of the angle, from the corner where it starts (0 %) to the one
/// where it ends (100 %): over `|width sin angle| + |height cos angle|` pixels. `radial` runs from the centre (0 %)
/// to the corners (100 %). A pixel has the colour at its centre. Colours are mixed multiplied by alpha, as linear
/// light or as display-referred values.
///
/// IMAGE is `[batch,height,width,3]`, or `[batch,height,width,4]` with straight alpha if a colour is not opaque.
///
/// Errors: stops that cannot be read; more than 100 megapixels over the whole batch.
///
/// Source: W3C CSS Images Module Level 3, section 3.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Width in pixels.
    #[schemars(range(min = 1, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height in pixels.
    #[schemars(range(min = 1, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// Whether the colours change along a line or with the distance from the centre.
    pub(crate) shape: Shape,
    /// Two or more colours, each with or without a position: `black, #ff8000 30%, white`. Those without one are spread
    /// evenly.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) stops: String,
    /// Direction of `linear`: 0 runs up, 90 to the right, 180 down; `radial` ignores it.
    #[schemars(range(min = -360.0, max = 360.0), extend("x-dw-unit" = "degrees", "x-dw-step" = 1.0))]
    pub(crate) angle: f64,
    /// The values that are mixed: `display` is even to the eye and what CSS does, `linear` mixes light.
    pub(crate) space: Space,
    /// Number of pictures.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) batch: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            width: 512,
            height: 512,
            shape: Shape::Linear,
            stops: "#000000, #ffffff".to_owned(),
            angle: 90.0,
            space: Space::Display,
            batch: 1,
        }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Shape {
    Linear,
    Radial,
}

#[derive(Default)]
pub(crate) struct Gradient;

impl Node for Gradient {
    const KIND: Kind = Kind::new("Gradient", 1)
        .category("image")
        .outputs(&[port("IMAGE", "IMAGE").doc("The gradient, `[batch,height,width,3]`, or 4 with alpha.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        /// Rows between two reports of progress.
        const STRIP: usize = 64;
        let stops = Stops::parse(&params.stops, params.space)?;
        let (width, height) = (params.width as usize, params.height as usize);
        let channels = if stops.transparent() { 4 } else { 3 };
        let mut one = vec![0.0; height * width * channels];
        for (strip, rows) in one.chunks_mut(STRIP * width * channels).enumerate() {
            call.progress((strip * STRIP) as u64, height as u64, "gradient")?;
            rows.par_chunks_mut(width * channels).enumerate().for_each(|(row, pixels)| {
                for (x, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
                    let colour = stops.at(place(&params, x as f64, (strip * STRIP + row) as f64));
                    pixel.copy_from_slice(&colour[..channels]);
                }
            });
        }
        let one = Tensor::from_vec(one, (1, height, width, channels), call.device())?;
        let all = one.broadcast_as((params.batch as usize, height, width, channels))?;
        Ok(all.contiguous()?.into())
    }

    /// Rejects stops that cannot be read, and more pixels than the limit.
    fn check(params: &Params) -> Result<()> {
        Stops::parse(&params.stops, params.space)?;
        let Params { width, height, batch, .. } = *params;
        limits::check("the gradient", batch.into(), width.into(), height.into()).map_err(|e| e.at("width"))
    }
}

/// Where along the gradient the centre of pixel `(x, y)` is; the stops are mostly in 0..1.
fn place(params: &Params, x: f64, y: f64) -> f64 {
    let (width, height) = (f64::from(params.width), f64::from(params.height));
    let (right, up) = (x + 0.5 - width / 2.0, height / 2.0 - y - 0.5);
    match params.shape {
        Shape::Linear => {
            let (sin, cos) = params.angle.to_radians().sin_cos();
            0.5 + (right * sin + up * cos) / ((width * sin).abs() + (height * cos).abs())
        }
        Shape::Radial => right.hypot(up) / (width / 2.0).hypot(height / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{check_params, run_node};

    fn gradient(params: &str) -> (Vec<usize>, Vec<f32>) {
        let ran = run_node::<Gradient>(params, &[], &[]).expect(params);
        let image = ran.outputs[0].tensor();
        (image.dims().to_vec(), image.flatten_all().and_then(|t| t.to_vec1()).expect("f32"))
    }

    /// The first channel of every pixel.
    #[track_caller]
    fn check(params: &str, expected: &[f32]) {
        let (dims, samples) = gradient(params);
        let found: Vec<f32> = samples.iter().step_by(dims[3]).copied().collect();
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-5, "pixel {index}: {found} for {expected}");
        }
    }

    #[test]
    fn it_runs_in_the_direction_of_the_angle() {
        // A quarter per pixel; the centres are at an eighth, ...
        let across = [0.125, 0.375, 0.625, 0.875];
        let back = [0.875, 0.625, 0.375, 0.125];
        check(r#"{"width": 4, "height": 1}"#, &across);
        check(r#"{"width": 4, "height": 1, "angle": 270}"#, &back);
        check(r#"{"width": 4, "height": 1, "angle": -90}"#, &back);
        check(r#"{"width": 1, "height": 4, "angle": 180}"#, &across);
        check(r#"{"width": 1, "height": 4, "angle": 0}"#, &back);
        // 45 degrees over 2 x 2: the line from the lower left to the upper right corner.
        check(r#"{"width": 2, "height": 2, "angle": 45}"#, &[0.5, 0.75, 0.25, 0.5]);
        check(r#"{"width": 1, "height": 1, "angle": 33}"#, &[0.5]);
    }

    #[test]
    fn radial_reaches_the_corners() {
        // From the centre (2, 1.5) of 4 x 3, whose corners are 2.5 away.
        let far = |x: f32, y: f32| x.hypot(y) / 2.5;
        let (outer, inner) = (far(1.5, 1.0), far(0.5, 1.0));
        let (left, middle) = (far(1.5, 0.0), far(0.5, 0.0));
        let rows = [outer, inner, inner, outer, left, middle, middle, left, outer, inner, inner, outer];
        check(r#"{"width": 4, "height": 3, "shape": "radial"}"#, &rows);
        check(r#"{"width": 1, "height": 1, "shape": "radial"}"#, &[0.0]);
    }

    #[test]
    fn light_is_mixed_if_asked() {
        check(r#"{"width": 1, "height": 1, "space": "linear"}"#, &[0.735_357]);
    }

    #[test]
    fn every_picture_of_a_batch_is_the_same_and_may_have_alpha() {
        let (dims, samples) =
            gradient(r##"{"width": 3, "height": 70, "batch": 2, "stops": "#ff000000, #ff0000"}"##);
        assert_eq!(dims, [2, 70, 3, 4]);
        let (first, second) = samples.split_at(samples.len() / 2);
        assert_eq!(first, second);
        for pixel in first.chunks(12) {
            for (pixel, alpha) in pixel.chunks(4).zip([1.0 / 6.0, 0.5, 5.0 / 6.0]) {
                assert!((pixel[0] - 1.0).abs() < 1e-5 && (pixel[3] - alpha).abs() < 1e-5, "{pixel:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused_before_a_run() {
        assert_eq!(check_params::<Gradient>(r#"{"stops": "red"}"#).unwrap_err().input(), "stops");
        let error = check_params::<Gradient>(r#"{"width": 32768, "height": 32768}"#).unwrap_err();
        assert_eq!((error.status(), error.input()), (dreamwire_sdk::abi::E_LIMIT, "width"));
    }
}
