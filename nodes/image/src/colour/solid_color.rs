use crate::{colour_text, limits};
use dreamwire_sdk::prelude::*;

/// Pictures of one colour.
///
/// IMAGE is `[batch,height,width,3]`, or `[batch,height,width,4]` with straight alpha if the colour is not opaque.
///
/// Errors: a colour that cannot be read; more than 100 megapixels over the whole batch.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Width in pixels.
    #[schemars(range(min = 1, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height in pixels.
    #[schemars(range(min = 1, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// The colour, display-referred sRGB: `#rgb`, `#rrggbb`, `#rrggbbaa` or a CSS name such as `teal`.
    pub(crate) colour: String,
    /// Number of pictures.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) batch: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { width: 512, height: 512, colour: "#000000".to_owned(), batch: 1 }
    }
}

#[derive(Default)]
pub(crate) struct SolidColor;

impl Node for SolidColor {
    const KIND: Kind = Kind::new("SolidColor", 1)
        .title("Solid Color")
        .category("image")
        .outputs(&[port("IMAGE", "IMAGE").doc("The pictures, `[batch,height,width,3]`, or 4 with alpha.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let colour = colour_text::parse("colour", &params.colour)?;
        let colour = if colour[3] < 1.0 { &colour[..] } else { &colour[..3] };
        let Params { width, height, batch, .. } = params;
        Ok(filled(call, colour, (batch, height, width))?.into())
    }

    /// Rejects what is no colour, and more pixels than the limit.
    fn check(params: &Params) -> Result<()> {
        colour_text::parse("colour", &params.colour)?;
        let Params { width, height, batch, .. } = *params;
        limits::check("the picture", batch.into(), width.into(), height.into()).map_err(|e| e.at("width"))
    }
}

/// `[batch,height,width,C]` of one colour with C channels; callers check the size.
pub(crate) fn filled(call: &Call, colour: &[f32], (batch, height, width): (u32, u32, u32)) -> Result<Tensor> {
    let shape = (batch as usize, height as usize, width as usize, colour.len());
    let pixel = Tensor::from_slice(colour, (1, 1, 1, colour.len()), call.device())?;
    Ok(pixel.broadcast_as(shape)?.contiguous()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{check_params, run_node};

    #[track_caller]
    fn check(params: &str, dims: [usize; 4], pixel: &[f32]) {
        let ran = run_node::<SolidColor>(params, &[], &[]).expect(params);
        let image = ran.outputs[0].tensor();
        assert_eq!(image.dims(), dims);
        let samples: Vec<f32> = image.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        for found in samples.chunks(dims[3]) {
            assert!(found.iter().zip(pixel).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} for {pixel:?}");
        }
    }

    #[test]
    fn every_pixel_is_the_colour() {
        check(r##"{"width": 3, "height": 2, "colour": "#336699"}"##, [1, 2, 3, 3], &[0.2, 0.4, 0.6]);
        check(r#"{"width": 1, "height": 1, "colour": "white", "batch": 3}"#, [3, 1, 1, 3], &[1.0; 3]);
        check("{}", [1, 512, 512, 3], &[0.0; 3]);
    }

    #[test]
    fn a_colour_that_is_not_opaque_has_straight_alpha() {
        let half = r##"{"width": 2, "height": 1, "colour": "#33669933"}"##;
        check(half, [1, 1, 2, 4], &[0.2, 0.4, 0.6, 0.2]);
        let opaque = r##"{"width": 2, "height": 1, "colour": "#336699ff"}"##;
        check(opaque, [1, 1, 2, 3], &[0.2, 0.4, 0.6]);
    }

    #[test]
    fn what_cannot_be_made_is_refused_before_a_run() {
        let error = check_params::<SolidColor>(r#"{"colour": "reddish"}"#).unwrap_err();
        assert_eq!(error.input(), "colour");
        let error = check_params::<SolidColor>(r#"{"width": 32768, "height": 32768}"#).unwrap_err();
        assert_eq!((error.status(), error.input()), (dreamwire_sdk::abi::E_LIMIT, "width"));
    }
}
