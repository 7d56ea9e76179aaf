//! StyleGAN2's discriminators: what they say of pictures, its gradient, and tensors that do not fit.

use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::{DType, Tensor, Var};
use dreamwire_nets::stylegan::Discriminator;

use crate::finite::check_gradient;
use crate::reference::{Reference, device, options};
use crate::stylegan::tensors;
use crate::stylegan_variants::{part, picture};
use crate::tolerance::Tolerance;

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::read("sg2/sg2_64_discriminator"));
static NETWORK: LazyLock<Discriminator> = LazyLock::new(|| {
    Discriminator::new(tensors("sg2/sg2_64_discriminator"), Some(256.0), options(DType::F32)).unwrap()
});

/// Pictures in -1..1, channels first, as ours.
fn ours(x: &Tensor) -> Tensor {
    x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap().affine(0.5, 0.5).unwrap()
}

fn real() -> Tensor {
    ours(REFERENCE.tensor("real"))
}

fn fake() -> Tensor {
    ours(Reference::read("sg2/sg2_64_outputs").tensor("img_psi07_const"))
}

fn first(x: &Tensor, count: usize) -> Tensor {
    x.narrow(0, 0, count).unwrap()
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn sizes() {
    assert_eq!((NETWORK.resolution(), NETWORK.channels(), NETWORK.classes()), (64, 3, 0));
    let layers = NETWORK.layers();
    let listed: Vec<_> =
        layers.iter().map(|layer| (layer.name.as_str(), layer.channels, layer.stride)).collect();
    assert_eq!(listed[..3], [("b64.conv0", 16, 1), ("b64", 32, 2), ("b32.conv0", 32, 2)]);
    assert_eq!(listed[6..], [("b8.conv0", 64, 8), ("b8", 64, 16)]);
}

/// Batches that are one group, several, or a part of one.
#[test]
fn logits() {
    let check = |what: &str, pictures: &Tensor| {
        let found = NETWORK.forward(pictures, None).unwrap().unsqueeze(1).unwrap();
        Tolerance::Close.check(what, &found, REFERENCE.tensor(what));
    };
    check("logits_real", &real());
    check("logits_fake", &fake());
    check("logits_real_batch1", &first(&real(), 1));
    check("logits_real_batch3", &first(&real(), 3));
    check("logits_8", &Tensor::cat(&[real(), fake()], 0).unwrap());
}

#[test]
fn losses() {
    let mean = |pictures: &Tensor, sign: f64| {
        let logits = values(&NETWORK.forward(pictures, None).unwrap());
        let terms = logits.iter().map(|logit| (sign * f64::from(*logit)).exp().ln_1p());
        terms.sum::<f64>() / logits.len() as f64
    };
    let check = |what: &str, found: f64| {
        let expected = f64::from(values(REFERENCE.tensor(what))[0]);
        assert!((found - expected).abs() < 1e-5 * expected, "{what}: {found}, not {expected}");
    };
    check("loss_D", mean(&real(), -1.0) + mean(&fake(), 1.0));
    check("loss_G", mean(&fake(), -1.0));
}

/// The gradient that R1 penalises; ours is of pictures in 0..1, so it is twice as large.
#[test]
fn gradients_of_pictures() {
    let pictures = Var::from_tensor(&real()).unwrap();
    let sum = NETWORK.forward(&pictures, None).unwrap().sum_all().unwrap();
    let gradient = sum.backward().unwrap().remove(&pictures).unwrap();
    let found = (gradient.permute((0, 3, 1, 2)).unwrap() * 0.5).unwrap();
    Tolerance::Close.check("gradient", &found, REFERENCE.tensor("r1_grad"));
    let penalty = found.sqr().unwrap().sum((1, 2, 3)).unwrap();
    Tolerance::Close.check("penalty", &penalty, REFERENCE.tensor("r1_penalty"));
}

fn variant(name: &str, dtype: DType) -> Discriminator {
    Discriminator::new(part("sg2/sg2_16_variants", &format!("D_{name}.")), Some(256.0), options(dtype))
        .unwrap()
}

#[test]
fn architectures_and_classes() {
    let reference = Reference::read("sg2/sg2_16_variants");
    for (name, classes) in [("orig", 0), ("skip", 0), ("resnet", 0), ("cond", 5)] {
        let network = variant(name, DType::F32);
        assert_eq!((network.resolution(), network.classes()), (16, classes), "{name}");
        let c = (classes > 0).then(|| reference.tensor("cond.c"));
        let pictures = picture(&reference, &format!("{name}.img")).affine(0.5, 0.5).unwrap();
        let found = network.forward(&pictures, c).unwrap().unsqueeze(1).unwrap();
        Tolerance::Close.check(name, &found, reference.tensor(&format!("{name}.logits")));
    }
}

/// Four channels, filters of eight taps, two statistics, and classes of another width than the network's.
#[test]
fn an_unusual_one() {
    let reference = Reference::read("sg2/sg2_8_variants");
    let network =
        Discriminator::new(tensors("sg2/sg2_8_variants"), Some(256.0), options(DType::F32)).unwrap();
    assert_eq!((network.resolution(), network.channels(), network.classes()), (8, 4, 3));
    let (pictures, c) = (picture(&reference, "img").affine(0.5, 0.5).unwrap(), reference.tensor("c"));
    for (what, start, count) in [("logits_4", 0, 4), ("logits_3", 3, 3)] {
        let [pictures, c] = [&pictures, c].map(|x| x.narrow(0, start, count).unwrap());
        let found = network.forward(&pictures, Some(&c)).unwrap().unsqueeze(1).unwrap();
        Tolerance::Close.check(what, &found, reference.tensor(what));
    }
}

#[test]
fn gradients_by_differences() {
    let reference = Reference::read("sg2/sg2_16_variants");
    let wide = |x: &Tensor| x.to_dtype(DType::F64).unwrap();
    let c = wide(&first(reference.tensor("cond.c"), 3));
    for name in ["orig", "skip", "resnet", "cond"] {
        let network = variant(name, DType::F64);
        let own = (name == "cond").then_some(&c);
        let pictures = wide(&first(&picture(&reference, &format!("{name}.img")), 3));
        check_gradient(name, &pictures, |x| network.forward(x, own).unwrap());
        // Clamped where most activations lie.
        let tensors = part("sg2/sg2_16_variants", &format!("D_{name}."));
        let clamped = Discriminator::new(tensors, Some(0.7), options(DType::F64)).unwrap();
        check_gradient(&format!("clamped {name}"), &pictures, |x| clamped.forward(x, own).unwrap());
        for layer in 0..network.layers().len() {
            check_gradient(&format!("layer {layer} of {name}"), &pictures, |x| {
                network.features(x, &[layer]).unwrap().swap_remove(0)
            });
        }
        if own.is_some() {
            check_gradient("classes", &c, |c| network.forward(&pictures, Some(c)).unwrap());
        }
    }
}

/// A batch that is no multiple of 4 is divided into equal groups, and equal pictures do not differ.
#[test]
fn groups_of_any_batch() {
    let pictures = Tensor::cat(&[real(), fake()], 0).unwrap();
    let logits = |indices: &[u32]| {
        let indices = Tensor::new(indices, pictures.device()).unwrap();
        values(&NETWORK.forward(&pictures.index_select(&indices, 0).unwrap(), None).unwrap())
    };
    // Two groups of three: pictures 0, 2, 4 and 1, 3, 5 of the batch.
    let six = logits(&[0, 4, 1, 5, 2, 6]);
    for (start, found) in [(0, [six[0], six[2], six[4]]), (4, [six[1], six[3], six[5]])] {
        let three = logits(&[start, start + 1, start + 2]);
        assert!(found.iter().zip(&three).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}, {three:?}");
    }
    // Five have no other divisor than 1.
    let five = logits(&[0, 1, 2, 3, 4]);
    let alone: Vec<f32> = (0..5).flat_map(|index| logits(&[index])).collect();
    assert!(five.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-5), "{five:?}, {alone:?}");
    let twice = logits(&[3, 3]);
    assert!((twice[0] - alone[3]).abs() < 1e-5 && (twice[1] - alone[3]).abs() < 1e-5);
}

#[test]
fn layers_of_pictures_of_any_size() {
    let network = variant("skip", DType::F32);
    let pictures = real().narrow(1, 0, 37).unwrap().narrow(2, 5, 21).unwrap();
    let maps = network.features(&pictures, &[3, 0, 2]).unwrap();
    let shapes: Vec<&[usize]> = maps.iter().map(Tensor::dims).collect();
    assert_eq!(shapes, [&[4, 32, 9, 5][..], &[4, 32, 37, 21], &[4, 32, 18, 10]]);
    // Each picture by itself.
    let alone = network.features(&pictures.narrow(0, 2, 1).unwrap(), &[3]).unwrap();
    Tolerance::Exact.check("alone", &maps[0].narrow(0, 2, 1).unwrap(), &alone[0]);
    assert_eq!((network.minimum_size(&[0]), network.minimum_size(&[3])), (2, 4));
    let smallest =
        network.features(&pictures.narrow(1, 0, 4).unwrap().narrow(2, 0, 4).unwrap(), &[3]).unwrap();
    assert_eq!(smallest[0].dims(), [4, 32, 1, 1]);
    let refused = |result: candle_core::Result<Vec<Tensor>>, expected: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(
        network.features(&pictures.narrow(1, 0, 3).unwrap(), &[3]),
        "of at least 4x4, found [4, 3, 21, 3]",
    );
    refused(network.features(&pictures, &[4]), "there is no layer 4: the discriminator has 4");
}

#[test]
fn inputs_that_do_not_fit() {
    let refused = |network: &Discriminator, x: &Tensor, c: Option<&Tensor>, expected: &str| {
        let error = network.forward(x, c).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let c = Tensor::zeros((4, 5), DType::F32, real().device()).unwrap();
    refused(&NETWORK, &real(), Some(&c), "the network has no classes");
    refused(
        &NETWORK,
        &real().narrow(1, 0, 32).unwrap(),
        None,
        "needs pictures [B, 64, 64, 3], found [4, 32, 64, 3]",
    );
    let small = real().narrow(1, 0, 16).unwrap().narrow(2, 0, 16).unwrap();
    refused(&variant("cond", DType::F32), &small, None, "needs classes of shape [B, 5], found none");
    let two = c.narrow(0, 0, 2).unwrap();
    refused(&variant("cond", DType::F32), &small, Some(&two), "there are 4 pictures and 2 classes");
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let check = |name: &str, change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = part("sg2/sg2_16_variants", &format!("D_{name}."));
        change(&mut tensors);
        let error =
            Discriminator::new(tensors, None, options(DType::F32)).err().expect("refused").to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    let start = "these are not the weights of a StyleGAN2 discriminator: ";
    let remove = |name: &'static str| {
        move |tensors: &mut HashMap<String, Tensor>| assert!(tensors.remove(name).is_some(), "{name}")
    };
    check("resnet", &remove("b8.conv1.bias"), &format!("{start}`b8.conv1.bias` [32] is missing"));
    check("skip", &remove("b4.fromrgb.bias"), &format!("{start}`b4.fromrgb.bias` [32] is missing"));
    check("cond", &remove("mapping.fc7.weight"), &format!("{start}`mapping.fc7.weight` [32, 32] is missing"));
    let put = |name: &'static str, shape: &'static [usize]| {
        move |tensors: &mut HashMap<String, Tensor>| {
            let zeros = Tensor::zeros(shape, DType::F32, &device()).unwrap();
            tensors.insert(name.into(), zeros);
        }
    };
    let wrong = "`b4.conv.weight` must be [32, 33, 3, 3], found [32, 35, 3, 3]";
    check("orig", &put("b4.conv.weight", &[32, 35, 3, 3]), &format!("{start}{wrong}"));
    check("orig", &put("b4.head.weight", &[2]), &format!("{start}`b4.head.weight` [2] is unexpected"));
    check(
        "orig",
        &put("synthesis.b4.const", &[2]),
        "these are the weights of a generator without its discriminator; use a checkpoint that holds `D`",
    );
    check(
        "orig",
        &|tensors| {
            let broken = (&tensors["b8.conv1.weight"] * f64::NAN).unwrap();
            tensors.insert("b8.conv1.weight".into(), broken);
        },
        "tensor `b8.conv1.weight` has values that are NaN or infinite",
    );
    check("none", &|_| {}, &format!("{start}`b8.fromrgb.weight` [512, 3, 1, 1] is missing; "));
}
