use dreamwire_nets::PaddingMode;
use dreamwire_nets::extractor::Extractor;
use dreamwire_nets::vgg::extractor;
use dreamwire_sdk::testing::{Ran, Value, run_node};

use super::*;

/// An encoder that averages 4x4 blocks: every channel of `layer` is one column's colour in its block, in
/// 0..2.
struct Blocks {
    name: &'static str,
    layer: &'static str,
    channels: usize,
    padding: &'static str,
}

impl Differentiable for Blocks {
    fn spec(&self) -> FnSpec {
        let output = TensorSpec::new(self.layer, &[-1, self.channels as i64, -1, -1]);
        let output = output.semantics(format!("layout=nchw;padding={}", self.padding));
        FnSpec::new("FEATURES", self.name).input(TensorSpec::new("image", &[-1, -1, -1, 3])).output(output)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let (b, h, w, _) = x[0].dims4()?;
        let blocks = x[0].reshape((b, h / 4, 4, w / 4, 12))?.permute((0, 4, 1, 2, 3))?.mean(3)?;
        let copies = vec![blocks; self.channels.div_ceil(12)];
        Ok(vec![(Tensor::cat(&copies, 1)?.narrow(1, 0, self.channels)? * 2.0)?])
    }
}

const ENCODER: Blocks = Blocks { name: "blocks", layer: "relu3_1", channels: 256, padding: "reflect" };

fn picture(batch: usize, height: usize, width: usize, seed: usize) -> Tensor {
    let count = batch * height * width * 3;
    let values: Vec<f32> = (0..count).map(|i| ((i + seed) * 7919 % 1009) as f32 / 1009.0).collect();
    Tensor::from_vec(values, (batch, height, width, 3), &Device::Cpu).unwrap()
}

fn paint(params: &str, content: Tensor, style: Tensor, encoder: Blocks) -> Result<Ran> {
    let features = Value::function(encoder);
    let inputs =
        [("content", Value::Tensor(content)), ("style", Value::Tensor(style)), ("features", features)];
    run_node::<AdaIN>(params, &inputs, &[])
}

#[track_caller]
fn difference(a: &Ran, b: &Ran) -> f32 {
    let (a, b) = (a.outputs[0].tensor(), b.outputs[0].tensor());
    (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

#[test]
fn the_result_has_the_content_s_size_and_range() {
    let ran = paint("{}", picture(2, 13, 18, 0), picture(1, 9, 30, 5), ENCODER).unwrap();
    let out = ran.outputs[0].tensor();
    assert_eq!(out.dims(), [2, 13, 18, 3]);
    let (low, high) = (out.min_all().unwrap(), out.max_all().unwrap());
    assert!(low.to_scalar::<f32>().unwrap() >= 0.0 && high.to_scalar::<f32>().unwrap() <= 1.0);
}

/// The encoder that the built-in decoder was trained with.
struct Vgg16(Extractor);

impl Differentiable for Vgg16 {
    fn spec(&self) -> FnSpec {
        let mut spec = ENCODER.spec();
        spec.name = self.0.name().to_owned();
        spec
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let layer = self.0.layer("relu3_1").expect("VGG16 has it").clone();
        Ok(self.0.features(&x[0], &[layer])?)
    }
}

/// With the real encoder: at alpha 0 the result is the content, whatever the style; at 1 a blue style makes
/// blue pictures; and a content in its own style is unchanged.
#[test]
fn alpha_goes_from_content_to_style() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vgg/weights/vgg16_imagenet_int8.safetensors");
    let tensors = weights::read_all(&std::fs::read(path).unwrap()).unwrap();
    let vgg = extractor(tensors, PaddingMode::Reflect, &Device::Cpu).unwrap();
    // A soft gradient in each colour.
    let ramp = Tensor::arange(0f32, 48.0, &Device::Cpu).unwrap().affine(0.8 / 47.0, 0.1).unwrap();
    let down = ramp.reshape((1, 48, 1, 1)).unwrap().broadcast_as((1, 48, 48, 1)).unwrap();
    let across = ramp.reshape((1, 1, 48, 1)).unwrap().broadcast_as((1, 48, 48, 1)).unwrap();
    let dark = (&down * 0.2).unwrap();
    let content = Tensor::cat(&[&down, &across, &across], 3).unwrap();
    let blue = Tensor::cat(&[&dark, &dark, &across], 3).unwrap();
    let run = |alpha: f64, style: &Tensor| {
        let params = format!(r#"{{"alpha": {alpha}}}"#);
        let features = Value::function(Vgg16(vgg.clone()));
        let (content, style) = (Value::Tensor(content.clone()), Value::Tensor(style.clone()));
        run_node::<AdaIN>(&params, &[("content", content), ("style", style), ("features", features)], &[])
            .unwrap()
    };
    let plain = run(0.0, &content);
    assert!(!plain.notes.iter().any(|note| note.contains("was trained with")), "{:?}", plain.notes);
    assert_eq!(difference(&plain, &run(0.0, &blue)), 0.0);
    let error = (plain.outputs[0].tensor() - &content).unwrap().abs().unwrap().mean_all().unwrap();
    assert!(error.to_scalar::<f32>().unwrap() < 0.1, "{error}");
    assert!(difference(&run(1.0, &content), &plain) < 1e-3);
    let mean = |ran: &Ran, channel| {
        let plane = ran.outputs[0].tensor().narrow(3, channel, 1).unwrap();
        plane.mean_all().unwrap().to_scalar::<f32>().unwrap()
    };
    let painted = run(1.0, &blue);
    assert!(mean(&painted, 2) > mean(&painted, 0) + 0.1, "{} {}", mean(&painted, 0), mean(&painted, 2));
}

#[test]
fn an_encoder_that_does_not_fit_is_refused_by_layer() {
    let check = |encoder, expected: &str| {
        let error =
            paint("{}", picture(1, 16, 16, 0), picture(1, 16, 16, 1), encoder).err().expect("refused");
        assert_eq!(error.input(), "features");
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    let wanted = "the decoder needs layer `relu3_1` with 256 channels, found ";
    let hint = "hint: set `layers` of the VGGFeatures node to \"relu3_1\" and `padding` to \"reflect\";";
    check(Blocks { layer: "relu4_1", ..ENCODER }, &format!("{wanted}`relu4_1` with 256; {hint}"));
    check(Blocks { channels: 128, ..ENCODER }, &format!("{wanted}`relu3_1` with 128"));
}

/// The distance of the encoder's channel means and deviations from the style's.
fn style_distance(picture: &Tensor, style: &Tensor) -> f32 {
    use dreamwire_nets::adain::channel_statistics;
    let statistics = |image: &Tensor| {
        let (mean, std) =
            channel_statistics(&ENCODER.forward(std::slice::from_ref(image)).unwrap()[0]).unwrap();
        Tensor::cat(&[mean, std], 1).unwrap()
    };
    let off = statistics(picture).broadcast_sub(&statistics(style)).unwrap();
    off.sqr().unwrap().mean_all().unwrap().to_scalar().unwrap()
}

#[test]
fn refinement_brings_the_decoded_picture_closer_to_the_style() {
    let (content, style) = (picture(2, 16, 20, 0), (picture(1, 12, 16, 5) * 0.4).unwrap());
    let run = |refine| {
        paint(&format!(r#"{{"refine": {refine}}}"#), content.clone(), style.clone(), ENCODER).unwrap()
    };
    let plain = paint("{}", content.clone(), style.clone(), ENCODER).unwrap();
    assert_eq!(difference(&plain, &run(0)), 0.0, "0 is the default, and leaves the decoder's picture");
    let distance = |ran: &Ran| {
        let picture = ran.outputs[0].tensor();
        assert_eq!(picture.dims(), [2, 16, 20, 3]);
        style_distance(picture, &style)
    };
    let (decoded, some, more) = (distance(&plain), distance(&run(4)), distance(&run(20)));
    assert!(some < decoded && more < decoded / 4.0, "{decoded}, {some}, {more}");
}

/// A decoder file as pytorch-AdaIN has it, of zeros.
fn published_decoder() -> Vec<u8> {
    let channels = [512, 256, 256, 256, 256, 128, 128, 64, 64, 3];
    let indices = [1, 5, 8, 11, 14, 18, 21, 25, 28];
    let (mut header, mut end) = (Vec::new(), 0);
    for (index, pair) in indices.iter().zip(channels.windows(2)) {
        let (inputs, outputs) = (pair[0], pair[1]);
        let (bias, weight) = (end + 2 * outputs, end + 2 * outputs * (1 + 9 * inputs));
        header.push(format!(
            r#""{index}.bias":{{"dtype":"F16","shape":[{outputs}],"data_offsets":[{end},{bias}]}}"#
        ));
        header.push(format!(
            r#""{index}.weight":{{"dtype":"F16","shape":[{outputs},{inputs},3,3],"data_offsets":[{bias},{weight}]}}"#
        ));
        end = weight;
    }
    let header = format!("{{{}}}", header.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.resize(bytes.len() + end, 0);
    bytes
}

#[test]
fn the_published_decoder_wants_the_published_encoder() {
    let decoder = published_decoder();
    let run = |encoder| {
        let (content, style) = (picture(1, 20, 16, 0), picture(1, 16, 16, 1));
        let features = Value::function(encoder);
        let inputs =
            [("content", Value::Tensor(content)), ("style", Value::Tensor(style)), ("features", features)];
        run_node::<AdaIN>(
            r#"{"decoder": "d.safetensors"}"#,
            &inputs,
            &[("d.safetensors", decoder.as_slice())],
        )
    };
    let error = run(ENCODER).err().expect("refused").to_string();
    let expected = "the decoder needs layer `relu4_1` with 512 channels, found `relu3_1` with 256; \
                    hint: set `layers` of the VGGFeatures node to \"relu4_1\", `weights` to the file of \
                    pytorch-AdaIN's encoder and `padding` to \"reflect\"; `decoder` \"none\" accepts any layers";
    assert_eq!(error, expected);
    let ran = run(Blocks { layer: "relu4_1", channels: 512, ..ENCODER }).unwrap();
    assert_eq!(ran.outputs[0].tensor().dims(), [1, 20, 16, 3]);
    let note = "the decoder was trained with the encoder `vgg_normalised`, found `blocks`: if";
    assert!(ran.notes.iter().any(|found| found.starts_with(note)), "{:?}", ran.notes);
    let error =
        run(Blocks { name: "vgg19", layer: "relu4_1", channels: 512, ..ENCODER }).err().expect("refused");
    assert_eq!(error.input(), "features");
    let expected =
        "the decoder was trained with the encoder `vgg_normalised`, found `vgg19`; hint: set `weights` of";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn the_deeper_decoder_is_built_in_too() {
    let deep = Blocks { layer: "relu4_1", channels: 512, ..ENCODER };
    let (content, style) = (picture(2, 13, 18, 0), picture(1, 9, 30, 5));
    let run = |features| paint(r#"{"decoder": "relu4_1"}"#, content.clone(), style.clone(), features);
    assert_eq!(run(deep).unwrap().outputs[0].tensor().dims(), [2, 13, 18, 3]);
    let error = run(ENCODER).err().expect("refused").to_string();
    let expected = "the decoder needs layer `relu4_1` with 512 channels, found `relu3_1` with 256; hint: set `layers` of the \
                    VGGFeatures node to \"relu4_1\" and `padding`";
    assert!(error.starts_with(expected), "{error}");
}

/// The same as a style that was recoloured before.
#[test]
fn colours_can_be_kept() {
    let (content, style) = (picture(2, 16, 20, 0), (picture(1, 12, 16, 5) * 0.5).unwrap());
    let run = |params: &str, style: &Tensor| paint(params, content.clone(), style.clone(), ENCODER).unwrap();
    let recoloured = coral(&style, &content).unwrap();
    let kept = run(r#"{"preserve_color": true}"#, &style);
    assert_eq!(difference(&kept, &run("{}", &recoloured)), 0.0);
    assert_ne!(difference(&kept, &run("{}", &style)), 0.0);

    let grey = style.narrow(3, 0, 1).unwrap();
    let error = paint(r#"{"preserve_color": true}"#, content.clone(), grey, ENCODER).err().expect("refused");
    assert_eq!(error.input(), "style");
    let expected = "recolouring needs pictures with 3 channels, found a style with 1 and a content with 3";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn zero_padding_is_noted() {
    let zeros = Blocks { padding: "zeros", ..ENCODER };
    let ran = paint("{}", picture(1, 16, 16, 0), picture(1, 16, 16, 1), zeros).unwrap();
    assert!(ran.notes.iter().any(|note| note.contains("`padding` \"reflect\"")), "{:?}", ran.notes);
}

#[test]
fn styles_that_do_not_pair_up_are_refused() {
    let error = paint("{}", picture(3, 16, 16, 0), picture(2, 16, 16, 1), ENCODER).err().expect("refused");
    assert_eq!(error.to_string(), "`style` must have 1 or 3 images, as many as `content`, found 2");
}

#[test]
fn a_decoder_file_is_checked() {
    let features = Value::function(ENCODER);
    let (content, style) = (picture(1, 16, 16, 0), picture(1, 16, 16, 1));
    let inputs =
        [("content", Value::Tensor(content)), ("style", Value::Tensor(style)), ("features", features)];
    let files: &[(&str, &[u8])] = &[("d.safetensors", &builtin::DECODER[..2000])];
    let error = run_node::<AdaIN>(r#"{"decoder": "d.safetensors"}"#, &inputs, files).err().expect("refused");
    assert_eq!(error.input(), "decoder");
    let size = builtin::DECODER.len();
    let expected = format!(
        "`d.safetensors`: the file is truncated: it must have {size} bytes, found 2000; hint: download or copy it again"
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn pictures_with_alpha_are_refused_with_the_way_to_lose_it() {
    let (clear, plain) =
        (Tensor::ones((1, 16, 16, 4), DType::F32, &Device::Cpu).unwrap(), picture(1, 16, 16, 1));
    for (content, style, port) in [(&clear, &plain, "content"), (&plain, &clear, "style")] {
        let error = paint("{}", content.clone(), style.clone(), ENCODER).err().expect("refused");
        assert_eq!((error.input(), error.status()), (port, dreamwire_sdk::abi::E_SHAPE));
        assert!(error.to_string().ends_with("put a `SplitImageWithAlpha` node before it"), "{error}");
    }
}

#[test]
fn what_changes_nothing_is_told() {
    let said = |params: Params| params.without_effect().unwrap_or_default();
    let usual = Params::default;
    assert_eq!(said(usual()), "");
    assert_eq!(said(Params { refine: 3, rate: 1.0, strength: 1.0, smoothness: 1.0, ..usual() }), "");
    let none = || NO_DECODER.to_owned();
    assert_eq!(said(Params { decoder: none(), steps: 5, rate: 1.0, ..usual() }), "");
    let found = said(Params { rate: 1.0, smoothness: 1.0, ..usual() });
    assert!(found.starts_with("`rate`, `smoothness` without effect: there is no descent"), "{found}");
    let found = said(Params { steps: 5, refine: 3, ..usual() });
    assert!(found.starts_with("`steps` without effect: with a decoder `refine`"), "{found}");
    let found = said(Params { decoder: none(), refine: 3, ..usual() });
    assert!(found.starts_with("`refine` without effect: `refine` follows a decoder"), "{found}");
    let ran = paint(r#"{"strength": 1}"#, picture(1, 16, 16, 0), picture(1, 16, 16, 1), ENCODER).unwrap();
    assert!(ran.notes.iter().any(|note| note.starts_with("`strength` without effect")), "{:?}", ran.notes);
}
