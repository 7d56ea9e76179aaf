use crate::batch::samples;
use crate::files::encode::Encoding;
use dreamwire_sdk::prelude::*;

/// The start of the names of its files.
const PREFIX: &str = "preview/mask";

/// Shows masks while the graph runs, and saves them as 8-bit grey PNG files under `preview/`, without metadata.
///
/// 0 is black, 1 is white. Values are clamped to 0..1 and rounded half up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-dw-output" = PREFIX))]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct PreviewMask;

impl Node for PreviewMask {
    const KIND: Kind = Kind::new("PreviewMask", 1)
        .title("Preview Mask")
        .category("mask")
        .inputs(&[port("mask", "MASK").doc("The masks to show, `[B,H,W]`.")])
        .output();
    type Params = Params;

    fn run(&mut self, call: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let grey = inputs.mask("mask")?.unsqueeze(3)?;
        call.preview(&grey);
        let (batch, height, width, _) = grey.dims4()?;
        Encoding::default().publish(call, &samples(&grey)?, [batch, height, width, 1], PREFIX)?;
        Ok(Outputs::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::decode::decode;
    use crate::masks::fixtures::mask;
    use dreamwire_sdk::testing::run_node;

    #[test]
    fn it_shows_and_keeps() {
        let given = mask(&[0.0, 0.2, 1.0, 0.4, 0.6, 2.0], (2, 1, 3));
        let ran = run_node::<PreviewMask>("{}", &[("mask", given)], &[]).expect("it runs");
        assert_eq!((ran.previews, ran.published.len()), (1, 2));
        let (name, bytes) = &ran.published[1];
        assert_eq!(name, "preview/mask_{counter:05}_.png");
        let picture = decode("a.png", bytes, "").expect("a PNG");
        assert_eq!((picture.width, picture.height), (3, 1));
        // The second mask, in all colours.
        for (found, expected) in picture.rgb.iter().zip([0.4f32, 0.4, 0.4, 0.6, 0.6, 0.6, 1.0, 1.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{:?}", picture.rgb);
        }
    }
}
