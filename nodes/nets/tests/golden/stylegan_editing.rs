//! Directions in W, and networks made of two, on a small random network.

use candle_core::{DType, Tensor};
use dreamwire_nets::stylegan::{Generator, MappingOf, StyleGan, StyleGanError, randn};

use crate::reference::{Reference, device, options};
use crate::stylegan::tensors;
use crate::tolerance::Tolerance;

fn generator() -> Generator {
    Generator::new(tensors("sg2/sg2_64_tensors")).unwrap()
}

/// The same eigenvectors by NumPy.
#[test]
fn directions() {
    let reference = Reference::read("sg2/sg2_64_sefa");
    for (name, layers) in [("all", 0..10), ("layers4_7", 4..8)] {
        let found = generator().directions(&layers.collect::<Vec<_>>()).unwrap();
        assert_eq!(found.vectors.dims(), [64, 64]);
        let strengths: Vec<f32> = found.strengths.iter().map(|value| *value as f32).collect();
        let strengths = Tensor::new(strengths, found.vectors.device()).unwrap();
        Tolerance::Close.check(name, &strengths, reference.tensor(&format!("{name}.eigenvalues")));
        let first = found.vectors.narrow(0, 0, 16).unwrap();
        Tolerance::Close.check(name, &first, reference.tensor(&format!("{name}.eigenvectors")));
    }
}

#[test]
fn layers_that_are_not_there_have_no_directions() {
    let error = generator().directions(&[3, 10]).unwrap_err();
    assert_eq!(error.to_string(), "there is no layer 10: this network has 10, 0 to 9");
}

#[test]
fn weights_that_are_not_finite_have_no_directions() {
    let mut tensors = tensors("sg2/sg2_64_tensors");
    let name = "G_ema.synthesis.b8.conv0.affine.weight";
    let broken = (&tensors[name] * f64::NAN).unwrap();
    tensors.insert(name.to_owned(), broken);
    let generator = Generator::new(tensors).unwrap();
    assert!(generator.directions(&[0]).is_ok());
    let error = generator.directions(&[1]).unwrap_err().to_string();
    assert!(error.contains("b8.conv0.affine.weight"), "{error}");
}

/// The picture of a style and what every block adds to it.
fn blocks(network: &StyleGan, w: &Tensor) -> Vec<Tensor> {
    let mut activations = Vec::new();
    network.synthesis.forward_with(w, &[], |_, x, _| activations.push(x.clone())).unwrap();
    activations
}

/// A network whose 32 and 64 pixel blocks are another's: the activations of the coarse blocks are those of one of them,
/// and the fine blocks continue as the other would.
#[test]
fn swapped_blocks() {
    let own = generator().build(Some(256.0), options(DType::F32)).unwrap();
    let mut others = tensors("sg2/sg2_64_tensors");
    for (name, tensor) in &mut others {
        if name.ends_with(".affine.bias") {
            *tensor = (&*tensor * 0.5).unwrap();
        }
    }
    let other = Generator::new(others.clone()).unwrap().build(Some(256.0), options(DType::F32)).unwrap();
    let swap = |size| generator().swapped(Generator::new(others.clone()).unwrap(), size, MappingOf::Coarse);
    let swapped = swap(32).unwrap().build(Some(256.0), options(DType::F32)).unwrap();
    let z: Vec<f32> = randn(0, 64).into_iter().map(|z| z as f32).collect();
    let z = Tensor::from_vec(z, (1, 64), &device()).unwrap();
    let w = own.mapping.forward(&z).unwrap();
    Tolerance::Exact.check("w", &swapped.mapping.forward(&z).unwrap(), &w);
    let (found, own, other) = (blocks(&swapped, &w), blocks(&own, &w), blocks(&other, &w));
    for index in 0..3 {
        Tolerance::Exact.check("a coarse block", &found[index], &own[index]);
    }
    let differs = |a: &Tensor, b: &Tensor| {
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap() > 1e-3
    };
    for index in 3..5 {
        assert!(
            differs(&found[index], &own[index]) && differs(&found[index], &other[index]),
            "block {index}"
        );
    }
    for size in [4, 24, 128] {
        let error = swap(size).err().unwrap();
        assert!(matches!(error, StyleGanError::Block { largest: 64, .. }), "{error}");
    }
}
