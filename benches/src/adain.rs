use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use dreamwire_nets::PaddingMode;
use dreamwire_nets::adain::{Decoder, adain};
use dreamwire_nets::extractor::Extractor;
use dreamwire_nets::vgg::{Variant, parameter_shapes};

use crate::args::AdainArgs;
use crate::failure::Failure;
use crate::flops::{gflop, vgg_gflop};
use crate::measure::{computed, repeat};
use crate::report::Report;
use crate::tensors;
use crate::vgg::vgg16;

/// Inputs and outputs of the decoder's convolutions, and pixels of the picture per pixel of their maps.
const DECODER: [(usize, usize, usize); 5] =
    [(256, 128, 4), (128, 128, 2), (128, 64, 2), (64, 64, 1), (64, 3, 1)];
/// The layer that is decoded, and pixels of the picture per pixel of its maps.
const LAYER: &str = "relu3_1";
const SCALE: usize = 4;
/// Prefix of the decoder's tensors in a file that also holds the encoder's.
const PREFIX: &str = "decoder.";

/// Style transfer: both pictures through VGG16 (with mirrored edges) to the decoder's layer, one after the
/// other, AdaIN, and the decoder, as the node AdaIN does with alpha 1.
pub(crate) fn measure(args: &AdainArgs) -> std::result::Result<String, Failure> {
    let size = args.common.size();
    if !size.is_multiple_of(SCALE) {
        return Err(Failure::Usage(format!("--size must be a multiple of {SCALE}, found {size}")));
    }
    let device = args.common.device.open()?;
    let (encoder, decoder) = networks(args, &device)?;
    let layer = [encoder.layer(LAYER).expect("VGG16 has the decoder's layer").clone()];
    let shape = [1, size, size, 3];
    let expected: [(&str, &[usize]); 2] = [("content", &shape), ("style", &shape)];
    let pictures = tensors::inputs(args.files.input.as_deref(), &expected, [0.0, 1.0], &device)?;
    let encode =
        |picture: &Tensor| -> Result<Tensor> { Ok(encoder.features(picture, &layer)?.swap_remove(0)) };
    let (times, painted) = repeat(&args.common, || {
        let (content, style) = (encode(&pictures[0])?, encode(&pictures[1])?);
        computed(decoder.decode(&adain(&content, &style)?)?.clamp(0f32, 1f32)?)
    })?;
    tensors::write(args.files.output.as_deref(), &painted)?;
    let decoding: f64 = DECODER
        .iter()
        .map(|(inputs, outputs, scale)| gflop((size / scale).pow(2), *inputs, *outputs, 9))
        .sum();
    let report = Report::new("adain", &args.common, times, 2.0 * vgg_gflop(size, LAYER) + decoding);
    report.text(args.common.json)
}

/// The encoder and the decoder, on a device.
fn networks(args: &AdainArgs, device: &Device) -> std::result::Result<(Extractor, Decoder), Failure> {
    let tensors = match &args.files.weights {
        Some(path) => tensors::read(path)?,
        None => tensors::he(&shapes())?,
    };
    let (mut encoder, mut decoder) = (HashMap::new(), HashMap::new());
    for (name, tensor) in tensors {
        match name.strip_prefix(PREFIX) {
            Some(rest) => decoder.insert(rest.to_owned(), tensor),
            None => encoder.insert(name, tensor),
        };
    }
    let encoder = vgg16(encoder, PaddingMode::Reflect, device)?;
    let decoder = Decoder::new(decoder, device).map_err(|error| Failure::Input(error.to_string()))?;
    if decoder.layer() == LAYER {
        Ok((encoder, decoder))
    } else {
        let found = decoder.layer();
        Err(Failure::Input(format!("expected a decoder of {LAYER}, found one of {found}")))
    }
}

/// Names and shapes of the tensors of both networks.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = parameter_shapes(Variant::Vgg16);
    for (index, (inputs, outputs, _)) in DECODER.into_iter().enumerate() {
        shapes.push((format!("{PREFIX}{index}.weight"), vec![outputs, inputs, 3, 3]));
        shapes.push((format!("{PREFIX}{index}.bias"), vec![outputs]));
    }
    shapes
}
