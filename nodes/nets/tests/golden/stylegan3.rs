use std::collections::HashMap;
use std::sync::LazyLock;

use candle_core::{DType, Tensor, Var};
use dreamwire_nets::stylegan::truncate;
use dreamwire_nets::stylegan3::{Generator, Settings, StyleGan3};
use serde_json::Value;

use crate::reference::{Reference, device, options, sample};
use crate::stylegan::tensors;
use crate::tolerance::Tolerance;

/// NVIDIA's stylegan3 with seeded random weights, configuration T: z and w of 64, 64 pixels, 8 layers.
static NETWORK: LazyLock<StyleGan3> = LazyLock::new(|| {
    StyleGan3::new(tensors("sg3/sg3t_64_tensors"), &Settings::default(), Some(256.0), options(DType::F32))
        .unwrap()
});
static OUTPUTS: LazyLock<Reference> = LazyLock::new(|| Reference::read("sg3/sg3t_64_outputs"));

fn channels_last(x: &Tensor) -> Tensor {
    x.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

fn styles() -> Tensor {
    let w = NETWORK.mapping.forward(OUTPUTS.tensor("z")).unwrap();
    truncate(&w, NETWORK.mapping.average(), 0.7, 10).unwrap()
}

/// The matrix for a shift by `x` and `y` and a rotation, as NVIDIA's gen_images.py makes it.
fn transform(x: f64, y: f64, degrees: f64) -> Tensor {
    let (s, c) = degrees.to_radians().sin_cos();
    let rows = [[c, -s, s * y - c * x], [s, c, -s * x - c * y], [0.0, 0.0, 1.0]];
    Tensor::new(&[rows], &device()).unwrap()
}

#[test]
fn sizes() {
    let StyleGan3 { mapping, synthesis } = &*NETWORK;
    assert_eq!((mapping.z_width(), mapping.w_width(), mapping.layers()), (64, 64, 10));
    assert_eq!((synthesis.resolution(), synthesis.channels()), (64, 3));
    assert_eq!((synthesis.w_width(), synthesis.layers()), (64, 10));
}

#[test]
fn every_layer_of_the_peer() {
    let w = styles();
    Tolerance::Close.check("styles", &w, OUTPUTS.tensor("ws_psi07"));
    let mut layers = 0;
    let found = NETWORK.synthesis.forward_with(&w, None, |name, x| {
        let expected = channels_last(OUTPUTS.tensor(&format!("layer0.{name}")));
        let found = x.narrow(0, 0, 1).unwrap().narrow(3, 0, expected.dims()[3]).unwrap();
        Tolerance::Close.check(name, &found, &expected);
        layers += 1;
    });
    assert_eq!(layers, 10);
    Tolerance::Close.check("pictures", &found.unwrap(), &channels_last(OUTPUTS.tensor("img_psi07")));
}

#[test]
fn a_moved_picture_of_the_peer() {
    let w = styles().narrow(0, 0, 1).unwrap();
    let found = NETWORK.synthesis.forward(&w, Some(&transform(0.3, -0.1, 25.0))).unwrap();
    let expected = channels_last(OUTPUTS.tensor("img_translate_0.3_-0.1_rotate25"));
    Tolerance::Close.check("a moved picture", &found, &expected);
}

/// A shift by a sample of the input is one by four pixels, to the right and down: no layer sees a difference, but for
/// the borders of its map.
#[test]
fn a_shifted_input_shifts_the_picture() {
    let w = styles().narrow(0, 0, 1).unwrap();
    let still = NETWORK.synthesis.forward(&w, Some(&transform(0.0, 0.0, 0.0))).unwrap();
    let moved = NETWORK.synthesis.forward(&w, Some(&transform(1.0 / 16.0, 2.0 / 16.0, 0.0))).unwrap();
    let middle = |x: &Tensor, row, column| x.narrow(1, row, 24).unwrap().narrow(2, column, 24).unwrap();
    let (still, moved) = (middle(&still, 16, 16), middle(&moved, 24, 20));
    let spread = (&still - still.mean_all().unwrap().to_scalar::<f32>().unwrap() as f64).unwrap();
    let power = |x: &Tensor| x.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
    let (error, power) = (power(&(&moved - &still).unwrap()), power(&spread));
    assert!(error < 1e-3 * power, "mean squares: error {error:e}, picture {power:e}");
}

/// A small network made by `tests/ref/make/stylegan3.py`, and what that program computed.
struct Small {
    reference: Reference,
    tensors: HashMap<String, Tensor>,
    settings: Settings,
}

impl Small {
    fn new(name: &str) -> Self {
        let reference = Reference::read(name);
        let Value::Object(settings) = &reference.facts["settings"] else { panic!("no settings") };
        let settings = Settings::read(settings).unwrap();
        Self { tensors: tensors(name), settings, reference }
    }

    fn network(&self, dtype: DType) -> StyleGan3 {
        let convert = |(name, x): (&String, &Tensor)| (name.clone(), x.to_dtype(dtype).unwrap());
        let tensors = self.tensors.iter().map(convert).collect();
        StyleGan3::new(tensors, &self.settings, Some(256.0), options(dtype)).unwrap()
    }

    fn tensor(&self, name: &str, dtype: DType) -> Tensor {
        self.reference.tensor(name).to_dtype(dtype).unwrap()
    }
}

/// Configuration R with its radial filters, and T with other settings than those of released networks; in f32 and f64.
#[test]
fn the_article_s_formulas() {
    for name in ["sg3/sg3r_32", "sg3/sg3_settings"] {
        let small = Small::new(name);
        for dtype in [DType::F32, DType::F64] {
            let network = small.network(dtype);
            let w = network.mapping.forward(&small.tensor("z", dtype)).unwrap();
            let one = w.narrow(1, 1, 1).unwrap().squeeze(1).unwrap();
            Tolerance::Close.check(name, &one, small.reference.tensor("w"));
            let (w, layers) = (small.tensor("ws", dtype), w.dims()[1]);
            assert_eq!(w.dims()[1], layers);
            let found = network.synthesis.forward_with(&w, None, |layer, x| {
                let expected = small.reference.tensor(&format!("layer.{layer}"));
                let found = x.to_dtype(DType::F32).unwrap();
                let stride = (found.elem_count() / 512).max(1);
                let found = sample(&found, stride, expected.elem_count());
                Tolerance::Close.check(&format!("{layer} of {name}"), &found, expected);
            });
            Tolerance::Close.check(name, &found.unwrap(), &channels_last(small.reference.tensor("img")));
        }
    }
}

/// The gradient of a weighted sum of the moved pictures, by styles and transform.
fn gradients(small: &Small, network: &StyleGan3, dtype: DType) -> [Tensor; 3] {
    let w = Var::from_tensor(&small.tensor("ws", dtype)).unwrap();
    let transform = Var::from_tensor(&small.tensor("transform", dtype)).unwrap();
    let pictures = network.synthesis.forward(&w, Some(&transform)).unwrap();
    let weights = channels_last(&small.tensor("cotangent", dtype));
    let gradients = (&pictures * weights).unwrap().sum_all().unwrap().backward().unwrap();
    let of = |x: &Var| gradients.get(x).unwrap().clone();
    [pictures.detach(), of(&w), of(&transform)]
}

#[test]
fn gradients_of_styles_and_transform() {
    for name in ["sg3/sg3r_32", "sg3/sg3_settings"] {
        let small = Small::new(name);
        for (dtype, tolerance) in [(DType::F64, Tolerance::Close), (DType::F32, Tolerance::GradientKinks)] {
            let [pictures, to_w, to_transform] = gradients(&small, &small.network(dtype), dtype);
            let expected = |name| small.reference.tensor(name);
            Tolerance::Close.check(name, &pictures, &channels_last(expected("moved")));
            tolerance.check("gradient of w", &to_w, expected("grad.ws"));
            tolerance.check("gradient of the transform", &to_transform, expected("grad.transform"));
        }
    }
}

/// Central differences in f64, along the gradient itself.
#[test]
fn gradients_are_slopes() {
    const STEP: f64 = 1e-6;
    let small = Small::new("sg3/sg3_settings");
    let network = small.network(DType::F64);
    let [_, to_w, to_transform] = gradients(&small, &network, DType::F64);
    let inputs = ["ws", "transform"].map(|name| small.tensor(name, DType::F64));
    let weights = channels_last(&small.tensor("cotangent", DType::F64));
    for (index, gradient) in [to_w, to_transform].into_iter().enumerate() {
        let power = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        let value = |step: f64| {
            let mut inputs = inputs.clone();
            inputs[index] = (&inputs[index] + (&gradient * (step / power.sqrt())).unwrap()).unwrap();
            let [w, transform] = &inputs;
            let pictures = network.synthesis.forward(w, Some(transform)).unwrap();
            (pictures * &weights).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
        };
        let slope = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        assert!((slope - power.sqrt()).abs() < 1e-5 * slope, "input {index}: {slope}, {}", power.sqrt());
    }
}

/// A batch of two equals two single pictures, bit for bit, and gradients of one do not see the other.
#[test]
fn pictures_of_a_batch_are_independent() {
    let small = Small::new("sg3/sg3r_32");
    let network = small.network(DType::F32);
    let (w, matrix) = (small.tensor("ws", DType::F32), small.tensor("transform", DType::F32));
    let together = network.synthesis.forward(&w, Some(&matrix)).unwrap();
    let each = Tensor::cat(&[&matrix, &transform(0.1, 0.0, 5.0).to_dtype(DType::F32).unwrap()], 0).unwrap();
    let apart = network.synthesis.forward(&w, Some(&each)).unwrap();
    for index in 0..2 {
        let [one, matrix_one] = [&w, &each].map(|x| x.narrow(0, index, 1).unwrap());
        let alone = network.synthesis.forward(&one, Some(&matrix)).unwrap();
        Tolerance::Exact.check("a batch", &together.narrow(0, index, 1).unwrap(), &alone);
        let alone = network.synthesis.forward(&one, Some(&matrix_one)).unwrap();
        Tolerance::Exact.check("a batch of moves", &apart.narrow(0, index, 1).unwrap(), &alone);
    }
}

/// One thread and three make the same bits, forward and backward.
#[test]
fn threads_do_not_matter() {
    for name in ["sg3/sg3r_32", "sg3/sg3_settings"] {
        let small = Small::new(name);
        let network = small.network(DType::F32);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| gradients(&small, &network, DType::F32))
        };
        for (one, three) in run(1).iter().zip(&run(3)) {
            Tolerance::Exact.check(name, one, three);
        }
    }
}

#[track_caller]
fn refused(tensors: HashMap<String, Tensor>, settings: &Settings) -> String {
    Generator::new(tensors, settings)
        .and_then(|generator| generator.build(None, options(DType::F32)))
        .err()
        .expect("refused")
        .to_string()
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    let small = Small::new("sg3/sg3r_32");
    let last = "G.synthesis.L6_32_3.weight";
    let check = |change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = small.tensors.clone();
        change(&mut tensors);
        let error = refused(tensors, &small.settings);
        assert!(error.contains(expected), "{error}");
    };
    let of = "these are not the weights of a StyleGAN3 generator: ";
    check(
        &|tensors| {
            tensors.remove(last);
            tensors.remove("G.synthesis.input.freqs");
        },
        &format!("{of}`synthesis.input.freqs` [9, 2] is missing; `synthesis.L6_32_3.weight` [3, "),
    );
    check(
        &|tensors| tensors.retain(|name, _| !name.contains(".L3_")),
        &format!("{of}all tensors of `synthesis.L3_..` are missing"),
    );
    check(
        &|tensors| {
            tensors
                .retain(|name, _| !["3", "4", "5", "6"].iter().any(|it| name.contains(&format!(".L{it}_"))))
        },
        &format!("{of}it must have 4 to 65 layers `synthesis.L0_..`, found 3"),
    );
    let nan = Tensor::new(&[f32::NAN; 3], &device()).unwrap();
    check(
        &|tensors| drop(tensors.insert("G.synthesis.L6_32_3.bias".into(), nan.clone())),
        "tensor `synthesis.L6_32_3.bias` has values that are NaN or infinite",
    );
    let zero = Tensor::new(&[0f32], &device()).unwrap();
    check(
        &|tensors| drop(tensors.insert("G.synthesis.L6_32_3.magnitude_ema".into(), zero.clone())),
        "`synthesis.L6_32_3.magnitude_ema` must be above 0, found 0",
    );
}

/// Sizes stand in the names, so settings of another network are found out.
#[test]
fn settings_of_another_network_are_refused() {
    let small = Small::new("sg3/sg3_settings");
    let error = refused(small.tensors.clone(), &Settings::default());
    let expected = "`L0_20_9` of this StyleGAN3 generator makes maps of 20 pixels, but the settings that it was built \
                    with give 36";
    assert!(error.starts_with(expected), "{error}");
    let settings = Settings { first_cutoff: 9.0, ..small.settings.clone() };
    let error = refused(small.tensors.clone(), &settings);
    assert!(error.contains("layer 0 would keep 9 waves per picture, with "), "{error}");
    assert_eq!(Generator::new(small.tensors.clone(), &small.settings).unwrap().bands().len(), 5);
}
