use std::collections::HashMap;

use candle_core::{DType, Tensor, Var};
use dreamwire_nets::PaddingMode;
use dreamwire_nets::objective::{Reduction, l1_distance};
use dreamwire_nets::vgg::{Variant, extractor, parameter_shapes};

use crate::network::double;
use crate::portable;
use crate::reference::{Reference, device, picture};
use crate::tolerance::Tolerance;

/// `sum_l alpha_l |F_l(x) - F_l(y)|_1` of two photographs, over five layers of VGG16 with portable weights,
/// and the gradient of its mean form with respect to `y`.
#[test]
fn absolute_differences_of_features() {
    check(portable::tensors(&parameter_shapes(Variant::Vgg16)), DType::F32, Tolerance::GradientKinks);
    check(double(&parameter_shapes(Variant::Vgg16)), DType::F64, Tolerance::Close);
}

#[track_caller]
fn check(weights: HashMap<String, Tensor>, dtype: DType, tolerance: Tolerance) {
    let reference = Reference::read("perceptual/lpips_vgg16");
    let network = extractor(weights, PaddingMode::Zeros, &device()).unwrap();
    let alphas = reference.facts["alphas"].as_object().unwrap();
    let layers: Vec<_> = alphas.keys().map(|name| network.layer(name).unwrap().clone()).collect();
    let alphas: Vec<f64> = alphas.values().map(|alpha| alpha.as_f64().unwrap()).collect();
    assert_eq!(layers.len(), 5);

    let photograph = |name: &str| picture(reference.facts[name].as_str().unwrap()).to_dtype(dtype).unwrap();
    let [x, y] = ["in0", "in1"].map(photograph);
    let y = Var::from_tensor(&y).unwrap();
    let features = network.features(&y, &layers).unwrap();
    let targets = network.features(&x, &layers).unwrap();
    let loss = |reduction| l1_distance(&features, &targets, &alphas, reduction).unwrap();

    let sum = loss(Reduction::Sum);
    Tolerance::Close.check("sum", &sum, reference.tensor("perceptual_l1_sum"));
    let mean = loss(Reduction::Mean);
    Tolerance::Close.check("mean", &mean, reference.tensor("perceptual_l1_mean"));
    let terms: Vec<Tensor> = features
        .chunks(1)
        .zip(targets.chunks(1))
        .map(|(layer, target)| l1_distance(layer, target, &[1.0], Reduction::Mean).unwrap())
        .collect();
    let terms = Tensor::cat(&terms, 0).unwrap();
    Tolerance::Close.check("terms", &terms, reference.tensor("perceptual_l1_terms_mean"));

    // The reference's pictures are in -1..1, which halves the derivative.
    let gradients = mean.backward().unwrap();
    let gradient = (gradients.get(&y).unwrap().permute((0, 3, 1, 2)).unwrap() * 0.5).unwrap();
    let expected = reference.tensor("perceptual_l1_mean_grad_wrt_y");
    tolerance.check("gradient", &gradient, expected);
}
