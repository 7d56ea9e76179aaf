//! StyleGAN2's generator on small networks made here: gradients, random weights, and errors for tensors and
//! inputs that do not fit.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use dreamwire_nets::random::CounterRng;
use dreamwire_nets::stylegan::{StyleGan, StyleGanError, randn, random_tensors};

mod nvidia1;
mod tiles;

/// A network of few channels, no two layers alike: z of 5, w of 3, two mapping layers.
struct Small {
    /// Of b4, b8, ..
    channels: &'static [usize],
    picture: usize,
    filter: &'static [f64],
    noise: bool,
}

const SMALL: Small = Small { channels: &[4, 3], picture: 3, filter: &[1.0, 3.0, 3.0, 1.0], noise: true };

impl Small {
    fn tensors(&self) -> HashMap<String, Tensor> {
        let mut tensors = HashMap::new();
        let mut add = |name: String, shape: &[usize]| {
            let tensor = uniform(name.len() as u64 * 1000 + tensors.len() as u64, shape);
            tensors.insert(name, tensor);
        };
        add("mapping.fc0.weight".into(), &[4, 5]);
        add("mapping.fc0.bias".into(), &[4]);
        add("mapping.fc1.weight".into(), &[3, 4]);
        add("mapping.fc1.bias".into(), &[3]);
        add("mapping.w_avg".into(), &[3]);
        let mut inputs = self.channels[0];
        add("synthesis.b4.const".into(), &[inputs, 4, 4]);
        for (index, channels) in self.channels.iter().copied().enumerate() {
            let block = format!("synthesis.b{}", 4 << index);
            let convolutions: &[&str] = if index == 0 { &["conv1"] } else { &["conv0", "conv1"] };
            for convolution in convolutions {
                let layer = format!("{block}.{convolution}");
                add(format!("{layer}.weight"), &[channels, inputs, 3, 3]);
                add(format!("{layer}.bias"), &[channels]);
                add(format!("{layer}.affine.weight"), &[inputs, 3]);
                add(format!("{layer}.affine.bias"), &[inputs]);
                if self.noise {
                    add(format!("{layer}.noise_const"), &[4 << index, 4 << index]);
                    add(format!("{layer}.noise_strength"), &[]);
                }
                inputs = channels;
            }
            add(format!("{block}.torgb.weight"), &[self.picture, channels, 1, 1]);
            add(format!("{block}.torgb.bias"), &[self.picture]);
            add(format!("{block}.torgb.affine.weight"), &[channels, 3]);
            add(format!("{block}.torgb.affine.bias"), &[channels]);
        }
        let sum: f64 = self.filter.iter().sum();
        let outer = self.filter.iter().flat_map(|a| self.filter.iter().map(move |b| a * b / (sum * sum)));
        let taps = self.filter.len();
        let filter = Tensor::from_vec(outer.collect::<Vec<_>>(), (taps, taps), &Device::Cpu).unwrap();
        for index in 1..self.channels.len() {
            for part in ["", ".conv0"] {
                let name = format!("synthesis.b{}{part}.resample_filter", 4 << index);
                tensors.insert(name, filter.clone());
            }
        }
        tensors
    }

    fn network(&self) -> StyleGan {
        StyleGan::new(self.tensors(), Some(256.0), DType::F64).unwrap()
    }
}

/// Numbers in -1.5..1.5, f64.
fn uniform(seed: u64, shape: &[usize]) -> Tensor {
    let rng = CounterRng::new(seed);
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count as u64).map(|n| (rng.uniform(n) - 0.5) * 3.0).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The gradient of a weighted sum of `forward(x)`, about 24 numbers of it, against central differences.
fn check_gradient(what: &str, x: &Tensor, forward: impl Fn(&Tensor) -> Tensor) {
    const STEP: f64 = 1e-6;
    let loss = |x: &Tensor| {
        let y = forward(x);
        (&y * uniform(99, y.dims())).unwrap().sum_all().unwrap()
    };
    let variable = Var::from_tensor(x).unwrap();
    let gradients = loss(&variable).backward().unwrap();
    let found: Vec<f64> = gradients.get(&variable).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let scale = found.iter().fold(0.0, |scale: f64, g| scale.max(g.abs()));
    assert!(scale > 1e-3, "{what}: the gradient should not be zero, its largest number is {scale:e}");
    let start: Vec<f64> = x.flatten_all().unwrap().to_vec1().unwrap();
    for index in (0..start.len()).step_by(start.len().div_ceil(24)) {
        let value = |step: f64| {
            let mut moved = start.clone();
            moved[index] += step;
            let x = Tensor::from_vec(moved, x.shape(), &Device::Cpu).unwrap();
            loss(&x).to_scalar::<f64>().unwrap()
        };
        let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        let error = (found[index] - expected).abs();
        assert!(error < 1e-6 * scale.max(1.0), "{what}, number {index}: {} not {expected}", found[index]);
    }
}

#[test]
fn gradients_of_styles_and_noise() {
    let networks = [
        SMALL,
        Small { channels: &[3, 5, 2], picture: 1, filter: &[1.0, 2.0, 1.0], noise: true },
        Small { channels: &[2, 3], picture: 4, filter: &[1.0, 1.0], noise: false },
        Small { channels: &[3, 3], picture: 3, filter: &[1.0, 4.0, 6.0, 4.0, 1.0], noise: true },
    ];
    for small in networks {
        let what = format!("{:?} channels, {} taps", small.channels, small.filter.len());
        let synthesis = small.network().synthesis;
        let layers = 2 * small.channels.len();
        assert_eq!((synthesis.layers(), synthesis.channels()), (layers, small.picture));
        let sizes = synthesis.noise_sizes();
        assert_eq!(sizes.len(), if small.noise { layers - 1 } else { 0 });

        let w = uniform(7, &[2, layers, 3]);
        let side = synthesis.resolution();
        assert_eq!(synthesis.forward(&w, &[]).unwrap().dims(), [2, side, side, small.picture]);
        check_gradient(&format!("w of {what}"), &w, |w| synthesis.forward(w, &[]).unwrap());
        // Planes of one image for all and of one for each.
        let plane = |(index, size): (usize, &usize)| uniform(index as u64, &[1 + index % 2, 1, *size, *size]);
        let planes: Vec<Tensor> = sizes.iter().enumerate().map(plane).collect();
        for (index, plane) in planes.iter().enumerate() {
            check_gradient(&format!("plane {index} of {what}"), plane, |plane| {
                let mut planes = planes.clone();
                planes[index] = plane.clone();
                synthesis.forward(&w, &planes).unwrap()
            });
        }
    }
}

#[test]
fn gradients_of_z() {
    let mapping = SMALL.network().mapping;
    assert_eq!((mapping.z_width(), mapping.w_width(), mapping.layers()), (5, 3, 4));
    // The weights are made for a gain of 0.01.
    check_gradient("z", &uniform(3, &[2, 5]), |z| (mapping.forward(z).unwrap() * 1e3).unwrap());
}

/// A scalar with another shape, and parts of a checkpoint other than the generator.
#[test]
fn checkpoints_in_their_variants() {
    let picture = |tensors| {
        let network = StyleGan::new(tensors, None, DType::F64).unwrap();
        let picture = network.synthesis.forward(&uniform(7, &[1, 4, 3]), &[]).unwrap();
        picture.flatten_all().unwrap().to_vec1::<f64>().unwrap()
    };
    let plain = picture(SMALL.tensors());
    let mut tensors = SMALL.tensors();
    for name in ["synthesis.b4.conv1.noise_strength", "synthesis.b8.conv0.noise_strength"] {
        let strength = tensors[name].reshape(1).unwrap();
        tensors.insert(name.into(), strength);
    }
    for name in ["synthesis.b4", "synthesis.b4.conv1", "synthesis.b8.conv1"] {
        tensors.insert(format!("{name}.resample_filter"), uniform(0, &[4, 4]));
    }
    assert_eq!(picture(tensors), plain);
    for prefix in ["G_ema.", "G."] {
        let mut tensors: HashMap<_, _> =
            SMALL.tensors().into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect();
        for other in ["D.b4.out.weight", "D.b8.skip.weight", "augment_pipe.p"] {
            tensors.insert(other.into(), uniform(0, &[1]));
        }
        if prefix == "G_ema." {
            tensors.insert("G.mapping.w_avg".into(), uniform(0, &[1]));
        }
        assert_eq!(picture(tensors), plain, "{prefix}");
    }
}

/// Checkpoints of rosinality's training have none.
#[test]
fn without_an_average_it_is_that_of_random_latents() {
    let mut tensors = SMALL.tensors();
    tensors.remove("mapping.w_avg");
    let mapping = StyleGan::new(tensors, None, DType::F64).unwrap().mapping;
    let z = Tensor::from_vec(randn(0, 4096 * 5), (4096, 5), &Device::Cpu).unwrap();
    let expected = mapping.forward(&z).unwrap().narrow(1, 0, 1).unwrap().squeeze(1).unwrap().mean(0).unwrap();
    let error = (mapping.average() - expected).unwrap().abs().unwrap().max_all().unwrap();
    assert!(error.to_scalar::<f64>().unwrap() < 1e-12);
}

#[track_caller]
fn check_refused(tensors: HashMap<String, Tensor>, expected: &str) {
    let error = StyleGan::new(tensors, None, DType::F32).err().expect("refused").to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn other_networks_are_recognised() {
    let check = |names: &[&str], expected: &str| {
        let tensors = names.iter().map(|name| ((*name).to_owned(), uniform(0, &[1])));
        check_refused(tensors.collect(), &format!("these are the weights of {expected}"));
    };
    check(
        &["synthesis.input.freqs", "synthesis.L0_36_512.weight"],
        "a StyleGAN3 generator; StyleGAN2's weights are needed here",
    );
    check(&["G_ema.synthesis.L0_36_512.weight"], "a StyleGAN3 generator");
    check(
        &["style.1.linear.bias", "generator.progression.0.conv1.input"],
        "a generator of the first StyleGAN; StyleGAN2's weights are needed here",
    );
    check(
        &["style.1.weight", "convs.0.conv.weight"],
        "a StyleGAN2 in rosinality's layout; tensors need the names",
    );
    check(&["g_ema.convs.0.conv.weight"], "a StyleGAN2 in rosinality's layout");
    check(&["b4.out.weight", "b8.skip.weight", "mapping.embed.weight"], "a discriminator; use the generator");
    check(&["D.b8.conv0.weight"], "a discriminator");
    check(&["features.0.weight"], "a VGG of torchvision");
    check_refused(
        HashMap::new(),
        "these are not the weights of a StyleGAN2 generator: `mapping.fc0.weight` [512, 512] is missing",
    );
}

#[test]
fn wrong_tensors_are_named() {
    let check = |change: &dyn Fn(&mut HashMap<String, Tensor>), expected: &str| {
        let mut tensors = SMALL.tensors();
        change(&mut tensors);
        check_refused(tensors, &format!("these are not the weights of a StyleGAN2 generator: {expected}"));
    };
    let put = |tensors: &mut HashMap<String, Tensor>, name: &str, shape: &[usize]| {
        assert!(tensors.insert(name.into(), uniform(0, shape)).is_some(), "{name}");
    };
    check(
        &|tensors| {
            tensors.remove("synthesis.b4.const");
            tensors.remove("synthesis.b8.conv0.bias");
            tensors.insert("head.bias".into(), uniform(0, &[2]));
        },
        "`synthesis.b4.const` [4, 4, 4] is missing; `synthesis.b8.conv0.bias` [3] is missing; \
         `head.bias` [2] is unexpected",
    );
    // All layers have noise, or none.
    check(
        &|tensors| {
            tensors.remove("synthesis.b8.conv1.noise_const");
        },
        "`synthesis.b8.conv1.noise_const` [8, 8] is missing",
    );
    check(
        &|tensors| put(tensors, "synthesis.b4.conv1.affine.weight", &[4, 7]),
        "`synthesis.b4.conv1.affine.weight` must be [4, 3], found [4, 7]",
    );
    check(&|tensors| put(tensors, "mapping.w_avg", &[5]), "`mapping.w_avg` must be [3], found [5]");
    check(
        &|tensors| put(tensors, "mapping.fc1.weight", &[3, 5]),
        "`mapping.fc1.weight` must be [3, 4], found [3, 5]",
    );
    check(
        &|tensors| put(tensors, "synthesis.b8.torgb.weight", &[1, 3, 1, 1]),
        "`synthesis.b8.torgb.weight` must be [3, 3, 1, 1], found [1, 3, 1, 1]",
    );
    for shape in [&[1, 1][..], &[17, 17], &[3, 4], &[1]] {
        check(
            &|tensors| put(tensors, "synthesis.b8.conv0.resample_filter", shape),
            &format!("`synthesis.b8.conv0.resample_filter` must be [4, 4], found {shape:?}"),
        );
    }
    check(
        &|tensors| {
            for block in ["b4", "b8"] {
                put(tensors, &format!("synthesis.{block}.torgb.bias"), &[2]);
            }
            put(tensors, "synthesis.b4.torgb.weight", &[2, 4, 1, 1]);
            put(tensors, "synthesis.b8.torgb.weight", &[2, 3, 1, 1]);
        },
        "`synthesis.b4.torgb.weight` must be [3, 4, 1, 1], found [2, 4, 1, 1]; ",
    );
    // A block after a missing one.
    check(
        &|tensors| {
            tensors.insert("synthesis.b32.conv1.bias".into(), uniform(0, &[2]));
        },
        "`synthesis.b16.conv0.weight` [512, 3, 3, 3] is missing; ",
    );
}

#[test]
fn inputs_that_do_not_fit() {
    let StyleGan { mapping, synthesis } = SMALL.network();
    let check = |result: candle_core::Result<Tensor>, expected: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(mapping.forward(&uniform(0, &[2, 4])), "needs z of shape [B, 5], found [2, 4]");
    check(mapping.forward(&uniform(0, &[5])), "needs z of shape [B, 5], found [5]");
    check(synthesis.forward(&uniform(0, &[2, 3, 3]), &[]), "needs w of shape [B, 4, 3], found [2, 3, 3]");
    let w = uniform(0, &[2, 4, 3]);
    let planes = [4, 8, 8].map(|size| uniform(0, &[1, 1, size, size]));
    check(synthesis.forward(&w, &planes[..2]), "needs 3 noise planes or none, found 2");
    let planes = [&planes[..2], &[uniform(0, &[3, 1, 8, 8])]].concat();
    check(synthesis.forward(&w, &planes), "noise plane 2 must be [2 or 1, 1, 8, 8], found [3, 1, 8, 8]");
    let small = Small { noise: false, ..SMALL };
    check(small.network().synthesis.forward(&w, &planes), "needs 0 noise planes or none, found 3");
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn random_networks_share_the_layers_they_have_in_common() {
    let (small, large) = (random_tensors(5, 16).unwrap(), random_tensors(5, 32).unwrap());
    // The last bias depends on the picture.
    let last = "synthesis.b16.torgb.bias";
    for (name, tensor) in small.iter().filter(|(name, _)| *name != last) {
        assert_eq!(values(tensor), values(&large[name]), "{name}");
    }
    let other = random_tensors(6, 16).unwrap();
    let same = small.iter().filter(|(name, tensor)| values(tensor) == values(&other[*name])).count();
    // The rest is not drawn: other biases, noise strengths and filters.
    let tails = ["weight", "conv0.bias", "conv1.bias", ".const", ".noise_const", ".w_avg", last];
    let drawn = small.keys().filter(|name| tails.iter().any(|tail| name.ends_with(tail)));
    assert_eq!(small.len() - same, drawn.count());
}

#[test]
fn random_networks_paint() {
    let tensors = random_tensors(u64::MAX, 16).unwrap();
    let spread = |values: &[f32]| {
        let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, square.sqrt())
    };
    for (name, deviation) in [
        ("synthesis.b8.conv0.weight", 1.0),
        ("synthesis.b16.conv1.affine.weight", 3.0),
        ("mapping.fc3.weight", 100.0),
    ] {
        let (mean, found) = spread(&values(&tensors[name]));
        assert!(mean.abs() < 0.01 * deviation, "mean of {name}: {mean}");
        assert!((found - deviation).abs() < 0.01 * deviation, "deviation of {name}: {found}");
    }

    let network = StyleGan::new(tensors, Some(256.0), DType::F32).unwrap();
    let z: Vec<f32> = randn(0, 1000 * 512).into_iter().map(|z| z as f32).collect();
    let z = Tensor::from_vec(z, (1000, 512), &Device::Cpu).unwrap();
    let w = network.mapping.forward(&z).unwrap();
    let mean = w.narrow(1, 0, 1).unwrap().squeeze(1).unwrap().mean(0).unwrap();
    for (found, expected) in values(network.mapping.average()).iter().zip(values(&mean)) {
        assert!((found - expected).abs() < 1e-4, "average {found}, not {expected}");
    }

    let picture = network.synthesis.forward(&w.narrow(0, 0, 8).unwrap(), &[]).unwrap();
    let (mean, deviation) = spread(&values(&picture));
    assert!(mean.abs() < 0.2 && (0.4..0.9).contains(&deviation), "mean {mean}, deviation {deviation}");
}

#[test]
fn random_networks_of_other_sizes_are_refused() {
    for found in [0, 8, 24, 2048] {
        let error = random_tensors(0, found).unwrap_err();
        assert!(matches!(error, StyleGanError::Resolution { found: size } if size == found));
        let expected = format!("a size of 16, 32, 64, .. 1024 pixels, found {found}");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}
