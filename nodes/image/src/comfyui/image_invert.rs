use dreamwire_sdk::prelude::*;

/// Inverts the colours of pictures, as ComfyUI's ImageInvert does.
///
/// Each colour v becomes `1 - v`, on display-referred values, clamped to 0..1; alpha stays as it is. The shape
/// stays `[B,H,W,C]`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct ImageInvert;

impl Node for ImageInvert {
    const KIND: Kind = Kind::new("ImageInvert", 1)
        .title("Invert Image")
        .category("image")
        .inputs(&[port("image", "IMAGE").rows().doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("The negatives, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let channels = image.dim(3)?;
        let negative = image.narrow(3, 0, channels.min(3))?.affine(-1.0, 1.0)?.clamp(0f32, 1f32)?;
        if channels <= 3 {
            return Ok(negative.into());
        }
        let alpha = image.narrow(3, 3, channels - 3)?;
        Ok(Tensor::cat(&[negative, alpha], 3)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    fn invert(samples: &[f32], shape: (usize, usize, usize, usize)) -> Vec<f32> {
        let image = Tensor::from_slice(samples, shape, &Device::Cpu).expect("a tensor");
        let ran = run_node::<ImageInvert>("{}", &[("image", Value::Tensor(image))], &[]).expect("it runs");
        let negative = ran.outputs[0].tensor();
        assert_eq!(negative.dims(), [shape.0, shape.1, shape.2, shape.3]);
        negative.flatten_all().and_then(|t| t.to_vec1()).expect("f32")
    }

    #[test]
    fn colours_are_inverted_and_alpha_stays() {
        assert_eq!(invert(&[0.25, 1.0], (2, 1, 1, 1)), [0.75, 0.0]);
        assert_eq!(invert(&[0.0, 0.5, 0.75, 1.0, 0.25, 0.5], (1, 1, 2, 3)), [1.0, 0.5, 0.25, 0.0, 0.75, 0.5]);
        assert_eq!(invert(&[0.0, 0.5, 0.75, 0.125], (1, 1, 1, 4)), [1.0, 0.5, 0.25, 0.125]);
    }

    #[test]
    fn a_value_out_of_range_is_clamped() {
        assert_eq!(invert(&[-0.5, 1.5], (1, 1, 2, 1)), [1.0, 0.0]);
    }
}
