use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use dreamwire_nets::adain::{Decoder, adain, channel_statistics};

use crate::portable;
use crate::reference::Reference;
use crate::tolerance::Tolerance;

/// pytorch-AdaIN's `adaptive_instance_normalization` on odd shapes.
#[test]
fn the_operation() {
    let reference = Reference::read("adain/adain");
    let (content, style) = (reference.tensor("adain.content"), reference.tensor("adain.style"));
    let found = adain(content, style).unwrap();
    Tolerance::Close.check("adain", &found, reference.tensor("adain.out"));
    let (mean, std) = channel_statistics(content).unwrap();
    Tolerance::Close.check("mean", &mean, reference.tensor("adain.mean"));
    Tolerance::Close.check("std", &std, reference.tensor("adain.std"));
}

#[test]
fn one_style_serves_a_batch() {
    let reference = Reference::read("adain/adain");
    let (content, style) = (reference.tensor("adain.content"), reference.tensor("adain.style"));
    let first = style.narrow(0, 0, 1).unwrap();
    let found = adain(content, &first).unwrap();
    let twice = Tensor::cat(&[&first, &first], 0).unwrap();
    Tolerance::Exact.check("broadcast", &found, &adain(content, &twice).unwrap());
    let error = adain(&first, content).unwrap_err().to_string();
    assert!(error.contains("style features [2, 8, ..] do not fit content features [1, 8, ..]"), "{error}");
    let pixel = content.narrow(2, 0, 1).unwrap().narrow(3, 0, 1).unwrap();
    assert!(adain(&pixel, style).unwrap_err().to_string().contains("it takes 2 positions"));
}

/// The decoder's layers one by one, in candle's own operators.
#[test]
fn the_decoder() {
    let mut tensors = HashMap::new();
    for (index, (i, o)) in [(256, 128), (128, 128), (128, 64), (64, 64), (64, 3)].into_iter().enumerate() {
        for (name, shape) in
            [(format!("{index}.weight"), vec![o, i, 3, 3]), (format!("{index}.bias"), vec![o])]
        {
            let tensor = portable::tensor(&name, &shape);
            tensors.insert(name, tensor);
        }
    }
    let features = portable::tensor("features", &[2, 256, 3, 5]);
    let mut x = features.clone();
    for index in 0..5 {
        let bias = tensors[&format!("{index}.bias")].reshape((1, (), 1, 1)).unwrap();
        x = mirror(&mirror(&x, 2), 3).conv2d(&tensors[&format!("{index}.weight")], 0, 1, 1, 1).unwrap();
        x = x.broadcast_add(&bias).unwrap();
        if index < 4 {
            x = x.relu().unwrap();
        }
        if index == 0 || index == 2 {
            let (_, _, h, w) = x.dims4().unwrap();
            x = x.upsample_nearest2d(2 * h, 2 * w).unwrap();
        }
    }
    let decoder = Decoder::new(tensors).unwrap();
    let found = decoder.decode(&features).unwrap();
    Tolerance::Close.check("picture", &found, &x.permute((0, 2, 3, 1)).unwrap());
    assert_eq!(found.dims(), [2, 12, 20, 3]);

    let other = Tensor::zeros((1, 512, 3, 5), DType::F32, &Device::Cpu).unwrap();
    let error = decoder.decode(&other).unwrap_err().to_string();
    assert!(error.contains("wants 256 channels, found 512"), "{error}");
}

/// One mirrored pixel on both sides of a dimension.
fn mirror(x: &Tensor, dimension: usize) -> Tensor {
    let size = x.dim(dimension).unwrap();
    let line = |at| x.narrow(dimension, at, 1).unwrap();
    Tensor::cat(&[&line(1), x, &line(size - 2)], dimension).unwrap()
}

#[test]
fn a_decoder_of_other_weights_is_refused() {
    let error = Decoder::new(HashMap::new()).err().expect("refused").to_string();
    let start =
        "these are not the weights of the AdaIN decoder of relu3_1: `0.weight` [128, 256, 3, 3] is missing";
    assert!(error.starts_with(start), "{error}");
}
