use crate::files::encode::Encoding;
use dreamwire_sdk::prelude::*;

/// The start of the names of its files.
const PREFIX: &str = "preview/preview";

/// Shows a batch while the graph runs, and saves it as 8-bit PNG files under `preview/`, without metadata.
///
/// Values are clamped to 0..1 and rounded half up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-dw-output" = PREFIX))]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct PreviewImage;

impl Node for PreviewImage {
    const KIND: Kind = Kind::new("PreviewImage", 1)
        .title("Preview Image")
        .category("image")
        .inputs(&[port("images", "IMAGE")
            .rows()
            .doc("The pictures to show, `[B,H,W,C]`; C is 1 (grey), 3, or 4 (with alpha).")])
        .output();
    type Params = Params;

    fn run(&mut self, call: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let images = inputs.image("images")?;
        call.preview(&images);
        let (samples, shape) = inputs.pixels("images")?;
        Encoding::default().publish(call, &samples, shape, PREFIX)?;
        Ok(Outputs::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::decode::decode;
    use dreamwire_sdk::testing::{Value, run_node};

    #[test]
    fn it_shows_and_keeps() {
        let images = Tensor::full(0.2f32, (2, 4, 5, 3), &Device::Cpu).expect("a tensor");
        let ran = run_node::<PreviewImage>("{}", &[("images", Value::Tensor(images))], &[]).expect("it runs");
        assert_eq!(ran.previews, 1);
        assert_eq!(ran.published.len(), 2);
        let (name, bytes) = &ran.published[1];
        assert_eq!(name, "preview/preview_{counter:05}_.png");
        let picture = decode("a.png", bytes, "").expect("a PNG");
        assert_eq!((picture.width, picture.height), (5, 4));
        assert!((picture.rgb[0] - 0.2).abs() < 1e-6, "51 of 255");
    }
}
