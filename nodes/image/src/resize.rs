use crate::limits;
use crate::resample::resampled;
use crate::resample::windows::{self, Window, windowed};
use dreamwire_sdk::prelude::*;
use fast_image_resize::{FilterType, ResizeAlg};
use serde::Serialize;

/// Changes the size of every image of a batch.
///
/// Filters work on the display-referred values, per channel, and widen when they shrink a picture, so that
/// nothing aliases (except with nearest). Overshoot of lanczos3 and bicubic is clamped to 0..1.
///
/// `[B,H,W,C]` becomes `[B,height,width,C]`. Errors: width and height both 0; a result of more than 100 megapixels or
/// more than 32768 pixels on a side.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// New width in pixels; 0 keeps the aspect ratio.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// New height in pixels; 0 keeps the aspect ratio.
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// The filter: lanczos3 is sharp, bicubic (Catmull-Rom) softer, area averages the pixels covered, nearest
    /// repeats pixels.
    pub(crate) method: Method,
}

impl Default for Params {
    fn default() -> Self {
        Self { width: 0, height: 0, method: Method::Lanczos3 }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Method {
    Lanczos3,
    Bicubic,
    Area,
    Nearest,
}

#[derive(Default)]
pub(crate) struct Resize;

impl Node for Resize {
    const KIND: Kind = Kind::new("Resize", 2)
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The resized pictures, `[B,height,width,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (samples, shape) = inputs.pixels("image")?;
        let [batch, old_height, old_width, channels] = shape;
        let (width, height) =
            new_size((old_width, old_height), (params.width as usize, params.height as usize));
        limits::check("the result", batch as u64, width as u64, height as u64)?;
        limits::check_memory("resizing", (batch * width * height * channels * size_of::<f32>()) as u64)?;
        let report = |done, total| call.progress(done, total, "resizing");
        let filtered = |filter: FilterType| {
            resampled(&samples, shape, (width, height), ResizeAlg::Convolution(filter), report)
        };
        let by_table = |table: fn(usize, usize) -> Vec<Window>| {
            windowed(&samples, shape, (&table(old_width, width), &table(old_height, height)), report)
        };
        let resized = match params.method {
            Method::Lanczos3 => filtered(FilterType::Lanczos3),
            Method::Bicubic => filtered(FilterType::CatmullRom),
            Method::Area => by_table(windows::covered),
            Method::Nearest => by_table(windows::nearest),
        }?;
        Ok(Tensor::from_vec(resized, (batch, height, width, channels), call.device())?.into())
    }

    /// Rejects 0 for both sides.
    fn check(params: &Params) -> Result<()> {
        if params.width == 0 && params.height == 0 {
            return Err(Error::param("width", "`width` and `height` are both 0: at least one must be set"));
        }
        Ok(())
    }
}

/// Width and height of the result; a 0 in `asked` follows the ratio of `old`. They are not both 0.
pub(crate) fn new_size(old: (usize, usize), asked: (usize, usize)) -> (usize, usize) {
    let keep = |old: usize, other_old: usize, other: usize| {
        ((old as f64 * other as f64 / other_old as f64).round() as usize).max(1)
    };
    match asked {
        (0, height) => (keep(old.0, old.1, height), height),
        (width, 0) => (width, keep(old.1, old.0, width)),
        both => both,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    /// Runs the node on `[1,H,W,C]` samples; returns the shape and the samples of the result.
    fn resize(samples: &[f32], shape: (usize, usize, usize), params: &str) -> (Vec<usize>, Vec<f32>) {
        let (h, w, c) = shape;
        let image = Tensor::from_slice(samples, (1, h, w, c), &Device::Cpu).expect("a tensor");
        let ran = run_node::<Resize>(params, &[("image", Value::Tensor(image))], &[]).expect(params);
        let image = ran.outputs[0].tensor();
        (image.dims().to_vec(), image.flatten_all().and_then(|t| t.to_vec1()).expect("f32"))
    }

    #[test]
    fn zero_keeps_the_ratio() {
        assert_eq!(new_size((640, 480), (320, 0)), (320, 240));
        assert_eq!(new_size((640, 480), (0, 1)), (1, 1));
        assert_eq!(new_size((1, 10_000), (0, 100)), (1, 100));
        assert_eq!(new_size((3, 3), (7, 9)), (7, 9));
        let error = Resize::check(&Params::default()).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("`width`") && message.contains("`height`"), "{message}");
        assert!(Resize::check(&Params { height: 1, ..Params::default() }).is_ok());
    }

    #[test]
    fn area_averages_and_nearest_picks() {
        // 2 x 2 pixels of three channels, averaged into one.
        let samples = [0.0, 0.2, 1.0, 0.4, 0.2, 1.0, 0.4, 0.2, 1.0, 0.8, 0.2, 1.0];
        let (dims, area) = resize(&samples, (2, 2, 3), r#"{"width": 1, "method": "area"}"#);
        assert_eq!(dims, [1, 1, 1, 3]);
        for (found, wanted) in area.iter().zip([0.4, 0.2, 1.0]) {
            assert!((found - wanted).abs() < 1e-6, "{area:?}");
        }
        let (_, nearest) =
            resize(&[0.1, 0.9], (1, 2, 1), r#"{"width": 4, "height": 1, "method": "nearest"}"#);
        assert_eq!(nearest, [0.1, 0.1, 0.9, 0.9]);
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        for method in ["lanczos3", "bicubic", "area", "nearest"] {
            for channels in [1, 3, 4] {
                let samples = vec![0.3; 7 * 5 * channels];
                let params = format!(r#"{{"width": 13, "height": 3, "method": "{method}"}}"#);
                let (dims, out) = resize(&samples, (7, 5, channels), &params);
                assert_eq!(dims, [1, 3, 13, channels], "{method}");
                assert!(
                    out.iter().all(|v| (v - 0.3).abs() < 1e-5),
                    "{method} of {channels} channels: {out:?}"
                );
            }
        }
    }

    #[test]
    fn overshoot_is_clamped() {
        let edge: Vec<f32> = (0..16).map(|x| if x < 8 { 0.0 } else { 1.0 }).collect();
        let (_, out) = resize(&edge, (1, 16, 1), r#"{"width": 64, "height": 1}"#);
        assert!(out.iter().all(|v| (0.0..=1.0).contains(v)), "{out:?}");
        // The edge itself is still there.
        assert!(out[16] < 0.05 && out[47] > 0.95, "{out:?}");
    }

    #[test]
    fn channels_do_not_mix() {
        let samples: Vec<f32> =
            (0..6 * 6).flat_map(|i| [f32::from(i as u8) / 36.0, 0.25, 0.5, 1.0]).collect();
        let (_, out) = resize(&samples, (6, 6, 4), r#"{"width": 4}"#);
        for pixel in out.chunks(4) {
            for (found, wanted) in pixel[1..].iter().zip([0.25, 0.5, 1.0]) {
                assert!((found - wanted).abs() < 1e-5, "{pixel:?}");
            }
        }
    }
}
