use crate::colour::solid_color::filled;
use crate::limits;
use dreamwire_sdk::prelude::*;

/// Pictures of one colour, as ComfyUI's EmptyImage makes them; SolidColor takes the colour as text.
///
/// IMAGE is `[batch_size,height,width,3]`. Errors: more than 100 megapixels over the whole batch.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Width in pixels.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height in pixels.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
    /// Number of pictures.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) batch_size: u32,
    /// The colour as `65536 red + 256 green + blue`, each in 0..255: 16777215 is white.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub(crate) color: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { width: 512, height: 512, batch_size: 1, color: 0 }
    }
}

#[derive(Default)]
pub(crate) struct EmptyImage;

impl Node for EmptyImage {
    const KIND: Kind = Kind::new("EmptyImage", 1)
        .title("Empty Image")
        .category("image")
        .outputs(&[port("IMAGE", "IMAGE").doc("The pictures, `[batch_size,height,width,3]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let [_, red, green, blue] = params.color.to_be_bytes();
        let colour = [red, green, blue].map(|v| f32::from(v) / 255.0);
        Ok(filled(call, &colour, (params.batch_size, params.height, params.width))?.into())
    }

    /// Rejects more pixels than the limit.
    fn check(params: &Params) -> Result<()> {
        let Params { width, height, batch_size, .. } = *params;
        limits::check("the picture", batch_size.into(), width.into(), height.into())
            .map_err(|e| e.at("width"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{check_params, run_node};

    #[track_caller]
    fn check(params: &str, dims: [usize; 4], pixel: [f32; 3]) {
        let ran = run_node::<EmptyImage>(params, &[], &[]).expect(params);
        let image = ran.outputs[0].tensor();
        assert_eq!(image.dims(), dims);
        let samples: Vec<f32> = image.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        assert!(samples.chunks(3).all(|found| found == pixel), "{samples:?}");
    }

    #[test]
    fn the_number_is_red_green_blue() {
        check(r#"{"width": 2, "height": 1, "color": 16711680}"#, [1, 1, 2, 3], [1.0, 0.0, 0.0]);
        check(r#"{"width": 1, "height": 2, "color": 52479}"#, [1, 2, 1, 3], [0.0, 0.8, 1.0]);
        check(r#"{"width": 1, "height": 1, "batch_size": 2, "color": 16777215}"#, [2, 1, 1, 3], [1.0; 3]);
        check("{}", [1, 512, 512, 3], [0.0; 3]);
    }

    #[test]
    fn too_much_is_refused_before_it_is_made() {
        let error = check_params::<EmptyImage>(r#"{"batch_size": 4096}"#).unwrap_err();
        assert_eq!((error.status(), error.input()), (dreamwire_sdk::abi::E_LIMIT, "width"));
    }
}
