//! The less usual forms of StyleGAN2: architectures, classes, filters and channels.

use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::{DType, Tensor};
use dreamwire_nets::stylegan::{StyleGan, truncate};

use crate::finite::check_gradient;
use crate::reference::{Reference, options};
use crate::stylegan::tensors;
use crate::tolerance::Tolerance;

static SIXTEEN: LazyLock<Reference> = LazyLock::new(|| Reference::read("sg2/sg2_16_variants"));
static EIGHT: LazyLock<Reference> = LazyLock::new(|| Reference::read("sg2/sg2_8_variants"));

/// The tensors of a file whose names have this prefix, without it.
pub(crate) fn part(file: &str, prefix: &str) -> HashMap<String, Tensor> {
    let rest = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor));
    tensors(file).into_iter().filter_map(rest).collect()
}

fn network(name: &str, dtype: DType) -> StyleGan {
    StyleGan::new(part("sg2/sg2_16_variants", &format!("G_{name}.")), Some(256.0), options(dtype)).unwrap()
}

/// A reference picture, channels last.
pub(crate) fn picture(reference: &Reference, name: &str) -> Tensor {
    reference.tensor(name).permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

fn styles(network: &StyleGan, c: Option<&Tensor>) -> Tensor {
    let w = network.mapping.forward_with(SIXTEEN.tensor("z"), c).unwrap();
    truncate(&w, network.mapping.average(), 0.8, 6).unwrap()
}

#[test]
fn architectures() {
    for name in ["orig", "resnet"] {
        let network = network(name, DType::F32);
        assert_eq!((network.synthesis.layers(), network.mapping.classes()), (6, 0));
        assert_eq!(network.synthesis.noise_sizes(), [4, 8, 8, 16, 16]);
        let mut pictures = Vec::new();
        let found = network.synthesis.forward_with(&styles(&network, None), &[], |size, _, picture| {
            pictures.extend(picture.map(|_| size));
        });
        Tolerance::Close.check(name, &found.unwrap(), &picture(&SIXTEEN, &format!("{name}.img")));
        assert_eq!(pictures, [16], "only the last block has one");
    }
}

#[test]
fn classes() {
    let network = network("cond", DType::F32);
    assert_eq!((network.mapping.classes(), network.mapping.z_width()), (5, 32));
    let w = styles(&network, Some(SIXTEEN.tensor("cond.c")));
    Tolerance::Close.check("styles", &w, SIXTEEN.tensor("cond.ws"));
    let found = network.synthesis.forward(&w, &[]).unwrap();
    Tolerance::Close.check("pictures", &found, &picture(&SIXTEEN, "cond.img"));

    let z = SIXTEEN.tensor("z");
    let refused = |result: candle_core::Result<Tensor>, expected: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(network.mapping.forward(z), "needs classes of shape [B, 5], found none");
    let four = SIXTEEN.tensor("cond.c").narrow(1, 0, 4).unwrap();
    refused(network.mapping.forward_with(z, Some(&four)), "needs classes of shape [B, 5], found [4, 4]");
    let one = SIXTEEN.tensor("cond.c").narrow(0, 0, 1).unwrap();
    refused(network.mapping.forward_with(z, Some(&one)), "4 rows of z and 1 of classes");
    let plain = self::network("orig", DType::F32);
    refused(plain.mapping.forward_with(z, Some(&one)), "the network has no classes");
}

/// Styles of a class alone, between classes and of none; four channels; filters of eight taps, stored as one axis.
#[test]
fn a_network_of_classes_alone() {
    let network = StyleGan::new(part("sg2/sg2_8_variants", "G."), Some(256.0), options(DType::F32)).unwrap();
    assert_eq!((network.mapping.classes(), network.mapping.z_width()), (3, 0));
    assert_eq!((network.synthesis.resolution(), network.synthesis.channels()), (8, 4));
    let c = EIGHT.tensor("c");
    // Of z only the rows count.
    let z = Tensor::zeros((6, 1), DType::F32, c.device()).unwrap();
    let w = network.mapping.forward_with(&z, Some(c)).unwrap();
    Tolerance::Close.check("styles", &w, EIGHT.tensor("ws"));
    let found = network.synthesis.forward(&w, &[]).unwrap();
    Tolerance::Close.check("pictures", &found, &picture(&EIGHT, "img"));
}

#[test]
fn gradients() {
    for name in ["orig", "resnet"] {
        let network = network(name, DType::F64);
        let w = SIXTEEN.tensor("cond.ws").narrow(0, 0, 2).unwrap().to_dtype(DType::F64).unwrap();
        check_gradient(name, &w, |w| network.synthesis.forward(w, &[]).unwrap());
    }
    let mapping = network("cond", DType::F64).mapping;
    let [z, c] = [SIXTEEN.tensor("z"), SIXTEEN.tensor("cond.c")].map(|x| x.to_dtype(DType::F64).unwrap());
    check_gradient("z", &z, |z| mapping.forward_with(z, Some(&c)).unwrap());
    check_gradient("classes", &c, |c| mapping.forward_with(&z, Some(c)).unwrap());
}

#[test]
fn tensors_that_do_not_fit_a_form_are_named() {
    let check = |name: &str, change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = part("sg2/sg2_16_variants", &format!("G_{name}."));
        change(&mut tensors);
        let error = StyleGan::new(tensors, None, options(DType::F32)).err().expect("refused").to_string();
        assert_eq!(error, format!("these are not the weights of a StyleGAN2 generator: {expected}"));
    };
    let remove = |name: &'static str| {
        move |tensors: &mut HashMap<String, Tensor>| assert!(tensors.remove(name).is_some(), "{name}")
    };
    check(
        "resnet",
        &remove("synthesis.b8.skip.weight"),
        "`synthesis.b8.skip.weight` [32, 32, 1, 1] is missing",
    );
    check("orig", &remove("synthesis.b16.torgb.bias"), "`synthesis.b16.torgb.bias` [3] is missing");
    check("cond", &remove("mapping.embed.bias"), "`mapping.embed.bias` [32] is missing");
    check(
        "cond",
        &|tensors| {
            let narrow = tensors["mapping.embed.weight"].narrow(0, 0, 7).unwrap();
            tensors.insert("mapping.embed.weight".into(), narrow);
        },
        "`mapping.embed.weight` must be [32, 5], found [7, 5]",
    );
}
