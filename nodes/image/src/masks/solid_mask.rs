use crate::limits;
use dreamwire_sdk::prelude::*;

/// Makes a mask that has the same value everywhere.
///
/// MASK is `[1,height,width]`. Inputs as ComfyUI's.
///
/// Errors: more than 100 megapixels.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The value: 1 selects everything, 0 nothing.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) value: f64,
    /// Width in pixels.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) width: u32,
    /// Height in pixels.
    #[schemars(range(min = 1, max = 16384), extend("x-dw-unit" = "px"))]
    pub(crate) height: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { value: 1.0, width: 512, height: 512 }
    }
}

#[derive(Default)]
pub(crate) struct SolidMask;

impl Node for SolidMask {
    const KIND: Kind = Kind::new("SolidMask", 1)
        .title("Solid Mask")
        .category("mask")
        .outputs(&[port("MASK", "MASK").doc("The mask, `[1,height,width]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let shape = (1, params.height as usize, params.width as usize);
        Ok(Tensor::full(params.value as f32, shape, call.device())?.contiguous()?.into())
    }

    /// Rejects more pixels than the limit.
    fn check(params: &Params) -> Result<()> {
        limits::check("the mask", 1, params.width.into(), params.height.into())
            .map_err(|error| error.at("width"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, output, refused};
    use dreamwire_sdk::testing::run_node;

    #[test]
    fn it_has_the_size_and_the_value() {
        let ran = run_node::<SolidMask>(r#"{"value": 0.25, "width": 3, "height": 2}"#, &[], &[]);
        check(ran, &[1, 2, 3], &[0.25; 6]);
        let (dims, samples) = output(&run_node::<SolidMask>("{}", &[], &[]).expect("it runs"), 0);
        assert_eq!(dims, [1, 512, 512]);
        assert!(samples.iter().all(|value| *value == 1.0));
    }

    #[test]
    fn too_much_is_refused_before_it_is_made() {
        let ran = run_node::<SolidMask>(r#"{"width": 16384, "height": 16384}"#, &[], &[]);
        refused(ran, "width", "16384x16384");
    }
}
