use std::borrow::Cow;

use dreamwire_nets::PaddingMode;
use dreamwire_nets::vgg::parse_layers;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::builtin;
use crate::network::{Features, Kept};

/// VGG16's view of a picture, as a function on a wire: what a dream amplifies and a style is made of.
///
/// The function takes an IMAGE `[B,H,W,3]` in 0..1, normalises it with ImageNet's mean and deviation,
/// and gives the chosen layers, `[B,C,h,w]` each, in one pass that ends at the deepest of them. It is
/// differentiable by the picture.
///
/// Layers are `convB_N` (before the ReLU), `reluB_N` and `poolB`, blocks B = 1 to 5 of 64, 128, 256, 512
/// and 512 channels at 1, 1/2, 1/4, 1/8 and 1/16 of the size. Early layers see strokes and textures,
/// late ones (`relu4_3`, `relu5_1`) eyes, fur and animals.
///
/// Errors: an unknown layer; weights that are not VGG16's; a picture that is too small for the layer.
///
/// Source: Simonyan & Zisserman, arXiv:1409.1556, configuration D, in torchvision's form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// `vgg16` is built in (trained on ImageNet); otherwise a safetensors file with torchvision's names,
    /// `features.N.weight` and `features.N.bias`.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["vgg16"]))]
    #[serde(default = "vgg16")]
    pub(crate) weights: String,
    /// Layers with weights, which are 1 where left out: `relu4_3:1, relu5_1:0.5, conv3_2`.
    #[serde(default = "relu4_3")]
    pub(crate) layers: String,
    /// What convolutions see outside of the picture: zeros, as the network was trained, or the picture
    /// mirrored (reflect), as AdaIN wants it.
    #[serde(default = "zeros")]
    pub(crate) padding: Padding,
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Padding {
    Zeros,
    Reflect,
}

fn vgg16() -> String {
    builtin::NAME.to_owned()
}

fn relu4_3() -> String {
    "relu4_3".to_owned()
}

fn zeros() -> Padding {
    Padding::Zeros
}

#[derive(Default)]
pub(crate) struct VGGFeatures {
    kept: Kept,
}

impl Node for VGGFeatures {
    const KIND: Kind = Kind::new("VGGFeatures", 1)
        .title("VGG features")
        .category("features")
        .outputs(&[port("FEATURES", "FEATURES").doc("picture to the chosen layers, `[B,C,h,w]` each")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let layers = parse_layers(&params.layers).map_err(|error| Error::param("layers", error))?;
        let padding = match params.padding {
            Padding::Zeros => PaddingMode::Zeros,
            Padding::Reflect => PaddingMode::Reflect,
        };
        let bytes = if params.weights == builtin::NAME {
            Cow::Borrowed(builtin::VGG16)
        } else {
            Cow::Owned(call.read(&params.weights)?)
        };
        let vgg = self.kept.network(&params.weights, &bytes, padding)?;
        Ok(Outputs::new().function(Features::new(vgg, layers, padding)))
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call, run_node};

    use super::*;

    fn features(params: &str) -> Function {
        let mut ran = run_node::<VGGFeatures>(params, &[], &[]).unwrap();
        match ran.outputs.pop() {
            Some(Value::Function(function)) => function,
            _ => panic!("no function"),
        }
    }

    fn check_error(params: &str, files: &[(&str, &[u8])], blamed: &str, expected: &str) {
        let error = run_node::<VGGFeatures>(params, &[], files).err().expect("refused");
        assert_eq!(error.blamed(), blamed);
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn a_picture_becomes_the_chosen_layers() {
        let features = features(r#"{"layers": "relu3_1:0.5, pool1"}"#);
        let spec = features.spec();
        assert_eq!((spec.kind.as_str(), spec.name.as_str()), ("FEATURES", "vgg16"));
        assert_eq!(spec.outputs[0].name, "relu3_1");
        assert_eq!(spec.outputs[0].dims, [-1, 256, -1, -1]);
        assert_eq!(spec.outputs[0].semantic("weight"), Some("0.5"));
        in_call(|_| {
            let image = Tensor::ones((2, 16, 12, 3), DType::F32, &Device::Cpu)?;
            let y = features.eval(&[&image])?;
            assert_eq!(y[0].dims(), [2, 256, 4, 3]);
            assert_eq!(y[1].dims(), [2, 64, 8, 6]);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn gradients_reach_the_picture() {
        let features = features("{}");
        in_call(|_| {
            let image = Tensor::rand(0f32, 1.0, (1, 16, 16, 3), &Device::Cpu)?;
            let (y, tape) = features.linearise(&[&image], 1)?;
            let gx = tape.vjp(&[Some(&y[0])])?;
            let gradient = gx[0].as_ref().expect("asked for");
            assert_eq!(gradient.dims(), image.dims());
            assert!(gradient.abs()?.sum_all()?.to_scalar::<f32>()? > 0.0);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn small_pictures_are_refused_with_the_size_it_takes() {
        let features = features(r#"{"layers": "pool4, relu1_1"}"#);
        let error = in_call(|_| {
            features.eval(&[&Tensor::zeros((1, 15, 40, 3), DType::F32, &Device::Cpu)?]).map(|_| ())
        });
        let error = error.expect_err("refused").to_string();
        assert!(error.contains("a picture of 40x15 is too small for `pool4`: it takes 16x16"), "{error}");
    }

    #[test]
    fn mistakes_are_blamed_on_their_param() {
        let nearest = "there is no layer `relu43` (did you mean `relu4_3`?); the layers are conv1_1";
        check_error(r#"{"layers": "relu43"}"#, &[], "layers", nearest);
        let page: &[(&str, &[u8])] = &[("vgg.pth", b"<!doctype html>")];
        check_error(r#"{"weights": "vgg.pth"}"#, page, "weights", "`vgg.pth`: this is an HTML page");
    }

    /// A kept network must not outlive a change of what it was made from.
    #[test]
    fn the_kept_network_follows_padding_and_content() {
        let mut kept = Kept::default();
        let image = Tensor::ones((1, 8, 8, 3), DType::F32, &Device::Cpu).unwrap();
        let mut edge = |padding| {
            let vgg = kept.network("vgg16", builtin::VGG16, padding).unwrap();
            let layers = parse_layers("conv1_1").unwrap();
            let y = Features::new(vgg, layers, padding).forward(std::slice::from_ref(&image)).unwrap();
            y[0].flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let (zeros, reflect) = (edge(PaddingMode::Zeros), edge(PaddingMode::Reflect));
        assert_ne!(zeros, reflect);
        assert_eq!(zeros, edge(PaddingMode::Zeros));
        assert!(
            kept.network("other", b"version https://git-lfs.github.com/spec/v1", PaddingMode::Zeros).is_err()
        );
    }
}
