use dreamwire_nets::stylegan::Discriminator;
use dreamwire_nets::weights::{self, Family};
use dreamwire_nets::{Content, Kept, TensorOptions, extractor};
use dreamwire_sdk::candle::DeviceLocation;
use dreamwire_sdk::prelude::*;
use dreamwire_sdk::serde_json::{Map, Value};

use crate::discriminator::{self, Features};
use crate::family::limit;

/// Loads the discriminator of a StyleGAN2 or StyleGAN3 as two functions: DISCRIMINATOR says how real a picture is,
/// FEATURES what it sees.
///
/// DISCRIMINATOR takes pictures `[B,R,R,C]` in 0..1 of the size that the network was trained for, and returns one number
/// each, `[B]`: the higher, the more real; its logistic function is a probability. In a network with classes `c`
/// `[B,classes]` follows, 1 for the class of the picture and 0 for the others. The pictures of a batch are compared with
/// each other, in groups of as many as it was trained with, 4 unless the file says otherwise: all alike are less real.
/// DiscriminatorObjective makes an objective of it, for pictures of any size.
///
/// FEATURES takes pictures of any size, and returns maps inside the network, for dreams and styles like those of
/// VGGFeatures. `bN` is what the block of N pixels gives to the next one, `bN.conv0` its first convolution; N is a power
/// of 2 from 8 to R. In a picture of R pixels `b8` has 4x4 positions, `b64` 32x32. Late layers (`b8`, `b16`) respond to
/// whole things that the network knows, early ones to textures.
///
/// Errors: weights of another network (named if known), or with tensors that are missing, of other shapes or not finite;
/// an unknown layer.
///
/// Source: Karras et al., arXiv:1912.04958, figure 7; architectures resnet, skip and orig, told by the tensors.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// A file as it was published: NVIDIA's `.pkl`, a checkpoint of rosinality's (`.pt`), or `.safetensors`; of a whole
    /// checkpoint `D`, the rest is ignored.
    #[schemars(extend("format" = "dw-weights"))]
    pub(crate) weights: String,
    /// Layers of FEATURES, with optional weights (default 1): `b16:1, b8.conv0:0.5`.
    #[schemars(extend("x-dw-list" = true))]
    #[serde(default = "deepest")]
    pub(crate) layers: String,
    /// Activations are clamped to plus and minus this value, as stylegan2-ada trains its networks; 0 is no limit. Null is
    /// what the file says, and 256 where it says nothing, as in LoadStyleGAN.
    #[schemars(range(min = 0.0))]
    #[serde(default)]
    pub(crate) clamp: Option<f64>,
}

/// The one layer that networks of all sizes have.
fn deepest() -> String {
    "b8".to_owned()
}

#[derive(Default)]
pub(crate) struct LoadDiscriminator {
    /// By the weights, the clamp and the device.
    kept: Kept<(Content, Option<f64>, DeviceLocation), Discriminator>,
}

impl Node for LoadDiscriminator {
    const KIND: Kind =
        Kind::new("LoadDiscriminator", 1).title("Load discriminator").category("stylegan").outputs(&[
            port("DISCRIMINATOR", "DISCRIMINATOR").doc("Pictures `[B,R,R,C]` to one number each, `[B]`."),
            port("FEATURES", "FEATURES").doc("Picture to the chosen layers, `[B,C,h,w]` each."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let bytes = call.read(&params.weights)?;
        let unusable = |error: String| Error::content(format!("`{}`: {error}", params.weights)).at("weights");
        let options = TensorOptions::new(DType::F32, call.device().clone());
        let key = (Content::of(&bytes), params.clamp, call.device().location());
        let network = self.kept.network(key, || {
            let read = weights::read(&bytes, &[Family::StyleGan2Discriminator]).map_err(|error| {
                let refused = unusable(error.to_string());
                match error.hint() {
                    Some(hint) => refused.hint(hint),
                    None => refused,
                }
            })?;
            let group = group(&read.settings).map_err(unusable)?;
            let clamp = limit(params.clamp, &read.settings);
            let built = Discriminator::new(read.tensors, clamp, options);
            built.map(|network| network.grouped(group)).map_err(|error| unusable(error.to_string()))
        })?;
        let features = Features::new(network.clone(), &params.layers)?;
        Ok(Outputs::new().function(discriminator::Discriminator(network)).function(features))
    }

    /// Rejects lists of layers that cannot be parsed. The file decides which there are.
    fn check(params: &Params) -> Result<()> {
        let entries = extractor::layer_entries(&params.layers);
        entries.map(drop).map_err(|error| Error::param("layers", error))
    }
}

/// How many pictures the network compares with each other, by the settings of its file; none for a whole batch.
fn group(own: &Map<String, Value>) -> std::result::Result<Option<usize>, String> {
    const USUAL: usize = 4;
    let below = || own.get("epilogue_kwargs")?.get("mbstd_group_size");
    match own.get("mbstd_group_size").or_else(below) {
        None => Ok(Some(USUAL)),
        Some(Value::Null) => Ok(None),
        Some(found) => match found.as_u64().and_then(|size| usize::try_from(size).ok()) {
            Some(size) if size > 0 => Ok(Some(size)),
            _ => Err(format!("`mbstd_group_size` must be a number from 1, or none, found {found}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_formats::{self as formats, Limits};
    use dreamwire_sdk::abi;
    use dreamwire_sdk::testing::{Value, in_call, run_node};

    use super::*;
    use crate::small;

    fn load(params: &str, file: &[u8]) -> Result<(Function, Function)> {
        let params = format!(r#"{{"weights": "it"{params}}}"#);
        let ran = run_node::<LoadDiscriminator>(&params, &[], &[("it", file)])?;
        match &ran.outputs[..] {
            [Value::Function(judge), Value::Function(features)] => Ok((judge.clone(), features.clone())),
            _ => panic!("two functions were promised"),
        }
    }

    fn dims(specs: &[TensorSpec]) -> Vec<(&str, &[i64])> {
        specs.iter().map(|spec| (spec.name.as_str(), spec.dims.as_slice())).collect()
    }

    #[test]
    fn specs_tell_all_sizes() {
        let (judge, features) = load(r#", "layers": "b16.conv0, b8:0.5""#, &small::discriminator(0)).unwrap();
        assert_eq!((judge.ty(), features.ty()), ("DISCRIMINATOR", "FEATURES"));
        assert_eq!(dims(&judge.spec().inputs), [("image", &[-1i64, 16, 16, 3][..])]);
        assert_eq!(dims(&judge.spec().outputs), [("logits", &[-1i64][..])]);
        assert_eq!(dims(&features.spec().inputs), [("image", &[-1i64, -1, -1, 3][..])]);
        let (conv0, b8) = (&[-1i64, 8, -1, -1][..], &[-1i64, 8, -1, -1][..]);
        assert_eq!(dims(&features.spec().outputs), [("b16.conv0", conv0), ("b8", b8)]);
        assert_eq!(features.spec().outputs[1].weight().unwrap(), 0.5);
        let (judge, _) = load("", &small::discriminator(3)).unwrap();
        assert_eq!(dims(&judge.spec().inputs)[1], ("c", &[-1i64, 3][..]));
        assert!(judge.peak().is_some_and(|peak| peak.gradient > peak.value && peak.value > 0));
    }

    /// Clamp and group are those of the file: two pictures alone, or each compared with the other.
    #[test]
    fn settings_of_the_file_count() {
        let read = |text: &str| match dreamwire_sdk::serde_json::from_str(text).unwrap() {
            dreamwire_sdk::serde_json::Value::Object(own) => group(&own),
            other => panic!("{other}"),
        };
        assert_eq!(read("{}"), Ok(Some(4)));
        assert_eq!(read(r#"{"epilogue_kwargs": {"mbstd_group_size": 8}}"#), Ok(Some(8)));
        assert_eq!(read(r#"{"epilogue_kwargs": {"mbstd_group_size": null}}"#), Ok(None));
        for wrong in ["0", "-1", "1.5", "\"x\""] {
            assert!(read(&format!(r#"{{"mbstd_group_size": {wrong}}}"#)).is_err(), "{wrong}");
        }
        let plain = small::discriminator(0);
        let with = |settings: &str| {
            let archive = formats::read(&plain, &Limits::default()).unwrap();
            let tensors = archive.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
            let mut file = Vec::new();
            formats::write_safetensors(&mut file, tensors, ("dreamwire", settings)).unwrap();
            let (judge, _) = load("", &file).unwrap();
            let pictures = (small::normal(1, &[4, 16, 16, 3]) * 0.2).unwrap();
            in_call(|_| Ok(judge.eval(&[&pictures])?[0].to_vec1::<f32>()?)).unwrap()
        };
        let four = with(r#"{"settings": {"epilogue_kwargs": {"mbstd_group_size": 4}}}"#);
        assert_eq!(with("{}"), four);
        assert_eq!(with(r#"{"settings": {"epilogue_kwargs": {"mbstd_group_size": null}}}"#), four);
        assert_ne!(with(r#"{"settings": {"epilogue_kwargs": {"mbstd_group_size": 1}}}"#), four);
        assert_ne!(with(r#"{"settings": {"conv_clamp": 0.1}}"#), four);
    }

    #[test]
    fn gradients_reach_the_picture() {
        let (judge, features) = load("", &small::discriminator(0)).unwrap();
        in_call(|_| {
            for (function, side) in [(&judge, 16), (&features, 21)] {
                let picture = (small::normal(1, &[3, side, side, 3]) * 0.2)?;
                let (y, tape) = function.linearise(&[&picture], 1)?;
                let gradient = tape.vjp(&[Some(&y[0])])?.swap_remove(0).expect("asked for");
                assert_eq!(gradient.dims(), picture.dims());
                assert!(gradient.abs()?.sum_all()?.to_scalar::<f32>()? > 0.0);
            }
            // 21 pixels are 10 after the first block, and 5 after the second.
            let y = features.eval(&[&small::normal(1, &[1, 21, 40, 3])])?;
            assert_eq!(y[0].dims(), [1, 8, 5, 10]);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn weights_that_will_not_do_are_told_by_name() {
        let check = |file: &[u8], expected: &str| {
            let error = load("", file).err().expect("refused");
            assert_eq!((error.input(), error.status()), ("weights", abi::E_INPUT), "{error}");
            assert!(error.to_string().starts_with(&format!("`it`: {expected}")), "{error}");
        };
        check(b"<!doctype html>", "this is an HTML page");
        check(&small::file(0), "this is a StyleGAN2 generator: LoadStyleGAN's `weights` takes it");
        let error = load(r#", "layers": "b32""#, &small::discriminator(0)).err().expect("refused");
        assert_eq!(error.input(), "layers");
        let text = error.to_string();
        assert!(
            text.contains("there is no layer `b32`") && text.contains("b16.conv0 b16 b8.conv0 b8"),
            "{text}"
        );
        let params =
            |layers: &str| Params { weights: "it".to_owned(), layers: layers.to_owned(), clamp: None };
        assert!(LoadDiscriminator::check(&params("b64, b8:2")).is_ok());
        assert_eq!(LoadDiscriminator::check(&params("b8, b8")).unwrap_err().input(), "layers");
    }

    #[test]
    fn inputs_that_do_not_fit() {
        let check = |classes: usize, x: &[&Tensor], blamed: &str, expected: &str| {
            let (judge, _) = load("", &small::discriminator(classes)).unwrap();
            let error = in_call(|_| judge.eval(x).map(drop)).expect_err("refused");
            assert_eq!((error.input(), error.to_string().as_str()), (blamed, expected));
        };
        let (picture, c) = (small::normal(1, &[2, 16, 16, 3]), small::normal(2, &[1, 3]));
        let wide = small::normal(1, &[2, 16, 32, 3]);
        check(0, &[&wide], "image", "`image` must be [B,16,16,3], found shape [2, 16, 32, 3]");
        check(3, &[&picture], "c", "this network has 3 classes, 0 to 2: it needs `c` [B,3]");
        check(3, &[&picture, &c], "c", "`c` must be [2,3], found shape [1, 3]");
        let (_, features) = load("", &small::discriminator(0)).unwrap();
        let tiny = small::normal(1, &[1, 3, 9, 3]);
        let error = in_call(|_| features.eval(&[&tiny]).map(drop)).expect_err("refused");
        let expected = "a picture of 9x3 is too small for these layers, which need at least 4x4";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
