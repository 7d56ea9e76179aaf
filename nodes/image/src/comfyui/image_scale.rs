use super::upscale::Method;
use crate::geometry::Area;
use crate::resize::new_size;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Changes the size of every picture of a batch, as ComfyUI's ImageScale does.
///
/// A width or height of 0 keeps the aspect ratio; with both 0 the picture stays as it is. With `crop` = center, the
/// central part that has the new aspect ratio is resized; with disabled, the picture is stretched. Results are
/// clamped to 0..1. See Resize for a filter that does not alias when it shrinks.
///
/// `[B,H,W,C]` becomes `[B,height,width,C]`. Errors: a result of more than 100 megapixels.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// nearest-exact repeats pixels; bilinear and bicubic (a = -0.75) look at the nearest pixels, also when they
    /// shrink; area averages the pixels covered; lanczos (3 lobes) widens when it shrinks.
    pub(crate) upscale_method: Method,
    /// New width in pixels; 0 keeps the aspect ratio.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// New height in pixels; 0 keeps the aspect ratio.
    #[schemars(range(min = 0, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// Whether to cut off what does not fit the new aspect ratio.
    pub(crate) crop: Crop,
}

impl Default for Params {
    fn default() -> Self {
        Self { upscale_method: Method::NearestExact, width: 512, height: 512, crop: Crop::Disabled }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Crop {
    Disabled,
    Center,
}

#[derive(Default)]
pub(crate) struct ImageScale;

impl Node for ImageScale {
    const KIND: Kind = Kind::new("ImageScale", 1)
        .title("Upscale Image")
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The resized pictures, `[B,height,width,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let asked = (params.width as usize, params.height as usize);
        if asked == (0, 0) {
            return Ok(image.into());
        }
        let (_, old_height, old_width, _) = image.dims4()?;
        let size = new_size((old_width, old_height), asked);
        let image = match params.crop {
            Crop::Disabled => image,
            Crop::Center => Area::central((old_width, old_height), size).cut(&image)?,
        };
        Ok(params.upscale_method.scaled(call, &image, size)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{image, output};
    use dreamwire_sdk::testing::run_node;

    fn scale(params: &str, samples: &[f32], dims: (usize, usize, usize, usize)) -> (Vec<usize>, Vec<f32>) {
        output(&run_node::<ImageScale>(params, &[("image", image(samples, dims))], &[]).expect(params), 0)
    }

    #[test]
    fn the_defaults_are_comfyuis() {
        assert_eq!(scale("{}", &[0.5; 3], (1, 1, 1, 3)).0, [1, 512, 512, 3]);
    }

    #[test]
    fn zero_keeps_the_ratio() {
        let dims = |params| scale(params, &[0.5; 8], (1, 2, 4, 1)).0;
        assert_eq!(dims(r#"{"width": 8, "height": 0}"#), [1, 4, 8, 1]);
        assert_eq!(dims(r#"{"width": 0, "height": 1}"#), [1, 1, 2, 1]);
        assert_eq!(dims(r#"{"width": 0, "height": 0}"#), [1, 2, 4, 1]);
    }

    #[test]
    fn center_cuts_and_disabled_stretches() {
        let row = [0.1, 0.2, 0.3, 0.4];
        let area = |crop: &str| {
            let params =
                format!(r#"{{"width": 1, "height": 1, "upscale_method": "area", "crop": "{crop}"}}"#);
            scale(&params, &row.repeat(2), (1, 2, 4, 1)).1[0]
        };
        assert!((area("center") - 0.25).abs() < 1e-6);
        assert!((area("disabled") - 0.25).abs() < 1e-6);
        let nearest = |crop: &str| {
            let params = format!(r#"{{"width": 2, "height": 2, "crop": "{crop}"}}"#);
            scale(&params, &row.repeat(2), (1, 2, 4, 1)).1
        };
        assert_eq!(nearest("center"), [0.2, 0.3, 0.2, 0.3]);
        assert_eq!(nearest("disabled"), [0.2, 0.4, 0.2, 0.4]);
    }

    #[test]
    fn every_picture_of_a_batch_is_scaled() {
        let params = r#"{"width": 2, "height": 1, "upscale_method": "nearest-exact"}"#;
        let (dims, found) = scale(params, &[0.1, 0.9], (2, 1, 1, 1));
        assert_eq!((dims, found), (vec![2, 1, 2, 1], vec![0.1, 0.1, 0.9, 0.9]));
    }
}
