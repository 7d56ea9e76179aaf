use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};

mod tiled;

use super::{Generator, StyleGan1, StyleGan1Error, recognises};
use crate::random::CounterRng;
use crate::stylegan::{Tiles, randn};

/// Channels of the blocks; the last one is fused.
const CHANNELS: [usize; 3] = [5, 3, 4];
const Z: usize = 6;
const W: usize = 4;

/// Numbers in -1.5..1.5, f64.
fn uniform(seed: u64, shape: &[usize]) -> Tensor {
    let rng = CounterRng::new(seed);
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count as u64).map(|n| (rng.uniform(n) - 0.5) * 3.0).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A network of few channels, no two layers alike: z of 6, w of 4, two dense layers, pictures of 16 pixels.
fn tensors() -> HashMap<String, Tensor> {
    let mut tensors = HashMap::new();
    let mut add = |name: String, shape: &[usize]| {
        let tensor = uniform(name.len() as u64 * 1000 + tensors.len() as u64, shape);
        tensors.insert(name, tensor);
    };
    for (index, [o, i]) in [[5, Z], [W, 5]].into_iter().enumerate() {
        add(format!("style.{}.linear.weight_orig", 2 * index + 1), &[o, i]);
        add(format!("style.{}.linear.bias", 2 * index + 1), &[o]);
    }
    let mut inputs = 0;
    for (index, c) in CHANNELS.into_iter().enumerate() {
        let block = format!("generator.progression.{index}");
        match index {
            0 => add(format!("{block}.conv1.input"), &[1, c, 4, 4]),
            2 => {
                add(format!("{block}.conv1.0.weight"), &[inputs, c, 3, 3]);
                add(format!("{block}.conv1.0.bias"), &[c]);
            }
            _ => {
                add(format!("{block}.conv1.1.conv.weight_orig"), &[c, inputs, 3, 3]);
                add(format!("{block}.conv1.1.conv.bias"), &[c]);
            }
        }
        add(format!("{block}.conv2.conv.weight_orig"), &[c, c, 3, 3]);
        add(format!("{block}.conv2.conv.bias"), &[c]);
        for layer in 1..=2 {
            add(format!("{block}.noise{layer}.weight_orig"), &[1, c, 1, 1]);
            add(format!("{block}.adain{layer}.style.linear.weight_orig"), &[2 * c, W]);
            add(format!("{block}.adain{layer}.style.linear.bias"), &[2 * c]);
        }
        add(format!("generator.to_rgb.{index}.conv.weight_orig"), &[3, c, 1, 1]);
        add(format!("generator.to_rgb.{index}.conv.bias"), &[3]);
        inputs = c;
    }
    for (name, c) in [("1.conv1.2", CHANNELS[1]), ("2.conv1.1", CHANNELS[2])] {
        // Not symmetrical, so that a flipped one would be noticed.
        let blur = uniform(77, &[1, 1, 3, 3]).repeat((c, 1, 1, 1)).unwrap();
        for part in ["weight", "weight_flip"] {
            tensors.insert(format!("generator.progression.{name}.{part}"), blur.clone());
        }
    }
    tensors
}

fn network(resolution: Option<usize>, blend: f64) -> StyleGan1 {
    Generator::new(tensors()).unwrap().build(resolution, blend, DType::F64).unwrap()
}

/// One plane per block, of one image for all and of one for each.
fn planes(sizes: &[usize]) -> Vec<Tensor> {
    let plane = |(index, size): (usize, &usize)| uniform(index as u64, &[1 + index % 2, 1, *size, *size]);
    sizes.iter().enumerate().map(plane).collect()
}

fn values(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
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
    let found = values(gradients.get(&variable).unwrap());
    let scale = found.iter().fold(0.0, |scale: f64, g| scale.max(g.abs()));
    assert!(scale > 1e-3, "{what}: the gradient should not be zero, its largest number is {scale:e}");
    let start = values(x);
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
    for (resolution, blend) in [(4, 1.0), (8, 0.3), (16, 1.0), (16, 0.6)] {
        let synthesis = network(Some(resolution), blend).synthesis;
        let what = format!("{resolution} px and blend {blend}");
        let sizes = synthesis.noise_sizes();
        assert_eq!((synthesis.resolution(), synthesis.layers()), (resolution, 2 * sizes.len()));
        let (w, planes) = (uniform(7, &[2, synthesis.layers(), W]), planes(&sizes));
        assert_eq!(synthesis.forward(&w, &[]).unwrap().dims(), [2, resolution, resolution, 3]);
        check_gradient(&format!("w of {what}"), &w, |w| synthesis.forward(w, &planes).unwrap());
        for (index, plane) in planes.iter().enumerate() {
            check_gradient(&format!("plane {index} of {what}"), plane, |plane| {
                let mut planes = planes.clone();
                planes[index] = plane.clone();
                synthesis.forward(&w, &planes).unwrap()
            });
        }
    }
}

/// The network in NVIDIA's form: biases behind the blur, planes and an average of its own.
fn nvidia() -> HashMap<String, Tensor> {
    let mut tensors = tensors();
    tensors.retain(|name, _| !name.ends_with("conv1.1.conv.bias") && !name.ends_with("conv1.0.bias"));
    for (index, channels) in CHANNELS.into_iter().enumerate() {
        tensors.insert(format!("generator.progression.{index}.bias1"), uniform(41, &[channels]));
        for layer in [2 * index, 2 * index + 1] {
            let side = 4 << index;
            tensors.insert(format!("noises.noise_{layer}"), uniform(layer as u64, &[1, 1, side, side]));
        }
    }
    tensors.insert("latent_avg".to_owned(), uniform(42, &[W]));
    tensors
}

#[test]
fn gradients_in_nvidia_s_form() {
    let generator = Generator::new(nvidia()).unwrap();
    let StyleGan1 { mapping, synthesis } = generator.build(None, 0.6, DType::F64).unwrap();
    assert_eq!(values(mapping.average()), values(&uniform(42, &[W])));
    let sizes = synthesis.noise_sizes();
    assert_eq!(sizes, [4, 4, 8, 8, 16, 16]);
    let (w, planes) = (uniform(7, &[2, 6, W]), planes(&sizes));
    check_gradient("w", &w, |w| synthesis.forward(w, &planes).unwrap());
    for (index, plane) in planes.iter().enumerate() {
        check_gradient(&format!("plane {index}"), plane, |plane| {
            let mut planes = planes.clone();
            planes[index] = plane.clone();
            synthesis.forward(&w, &planes).unwrap()
        });
    }
    // The biases count, and each of them.
    let own = values(&synthesis.forward(&w, &[]).unwrap());
    for (index, channels) in CHANNELS.iter().enumerate().take(3) {
        let mut tensors = nvidia();
        tensors.insert(format!("generator.progression.{index}.bias1"), uniform(43, &[*channels]));
        let other = StyleGan1::new(tensors, DType::F64).unwrap().synthesis;
        let one = StyleGan1::new(nvidia(), DType::F64).unwrap().synthesis;
        assert_ne!(values(&one.forward(&w, &[]).unwrap()), values(&other.forward(&w, &[]).unwrap()));
    }
    assert!(own.iter().all(|value| value.is_finite()));
    assert!(synthesis.peak().gradient > network(None, 0.6).synthesis.peak().gradient, "maps of the biases");
}

#[test]
fn a_file_may_say_what_norms_add() {
    let with = |settings: &str| {
        let settings: serde_json::Value = serde_json::from_str(settings).unwrap();
        let generator = Generator::new(tensors()).unwrap().with_settings(settings.as_object().unwrap());
        generator
            .and_then(|it| it.build(None, 1.0, DType::F64))
            .map(|it| values(&it.synthesis.forward(&uniform(7, &[1, 6, W]), &[]).unwrap()))
    };
    let usual = with("{}").unwrap();
    assert_eq!(with(r#"{"norm_epsilon": 1e-5, "z_dim": 6}"#).unwrap(), usual);
    let other = with(r#"{"synthesis_kwargs": {"norm_epsilon": 1e-1}}"#).unwrap();
    assert!(usual.iter().zip(&other).any(|(one, other)| (one - other).abs() > 1e-3));
    for wrong in ["0", "-1", "\"x\"", "2"] {
        let error = with(&format!(r#"{{"norm_epsilon": {wrong}}}"#)).expect_err("refused").to_string();
        assert_eq!(error, format!("`norm_epsilon` must be a number from 1e-12 to 1, found {wrong}"));
    }
}

#[test]
fn gradients_of_z() {
    let mapping = network(None, 1.0).mapping;
    assert_eq!((mapping.z_width(), mapping.w_width(), mapping.layers()), (Z, W, 6));
    check_gradient("z", &uniform(3, &[2, Z]), |z| mapping.forward(z).unwrap());
}

#[test]
fn the_average_is_that_of_many_z() {
    let mapping = network(None, 1.0).mapping;
    let z = Tensor::from_vec(randn(0, 4096 * Z), (4096, Z), &Device::Cpu).unwrap();
    let mean = mapping.forward(&z).unwrap().narrow(1, 0, 1).unwrap().squeeze(1).unwrap().mean(0).unwrap();
    for (found, expected) in values(mapping.average()).into_iter().zip(values(&mean)) {
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }
}

/// A network at half its size paints what its blocks do within it, and a blend lies between the two.
#[test]
fn blends_lie_between_two_resolutions() {
    let w = uniform(7, &[2, 6, W]);
    let coarse = network(Some(8), 1.0).synthesis.forward(&w.narrow(1, 0, 4).unwrap(), &[]).unwrap();
    let fine = network(Some(16), 1.0).synthesis.forward(&w, &[]).unwrap();
    let first = |pictures: &Tensor| pictures.get(0).unwrap().to_vec3::<f64>().unwrap();
    let (coarse, fine) = (first(&coarse), first(&fine));
    let blended = first(&network(Some(16), 0.3).synthesis.forward(&w, &[]).unwrap());
    for (y, row) in blended.iter().enumerate() {
        for (x, pixel) in row.iter().enumerate() {
            for (channel, found) in pixel.iter().enumerate() {
                let expected = 0.7 * coarse[y / 2][x / 2][channel] + 0.3 * fine[y][x][channel];
                assert!((found - expected).abs() < 1e-10, "{found}, not {expected}");
            }
        }
    }
}

#[test]
fn fixed_planes_stand_in_for_the_noise() {
    let synthesis = network(None, 1.0).synthesis;
    let w = uniform(7, &[2, 6, W]);
    let own = values(&synthesis.forward(&w, &[]).unwrap());
    assert_eq!(own, values(&network(None, 1.0).synthesis.forward(&w, &[]).unwrap()));
    let plane = |(index, size): (usize, usize)| {
        let rng = CounterRng::new(0).stream(index as u64);
        let numbers: Vec<f64> = (0..(size * size) as u64).map(|position| rng.normal(position)).collect();
        Tensor::from_vec(numbers, (1, 1, size, size), &Device::Cpu).unwrap()
    };
    let given: Vec<Tensor> = synthesis.noise_sizes().into_iter().enumerate().map(plane).collect();
    assert_eq!(own, values(&synthesis.forward(&w, &given).unwrap()));
    let silence: Vec<Tensor> = given.iter().map(|plane| plane.zeros_like().unwrap()).collect();
    assert_ne!(own, values(&synthesis.forward(&w, &silence).unwrap()));
}

/// Pictures and gradients in f32: alone and in a batch, at 1 and 3 threads.
#[test]
fn batches_and_threads_change_no_bit() {
    let synthesis = Generator::new(tensors()).unwrap().build(None, 0.5, DType::F32).unwrap().synthesis;
    let run = |w: &Tensor, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let w = Var::from_tensor(w).unwrap();
            let picture = synthesis.forward(&w, &[]).unwrap();
            let gradients = picture.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            [picture.detach(), gradients.get(&w).unwrap().clone()]
        })
    };
    let w = uniform(7, &[3, 6, W]).to_dtype(DType::F32).unwrap();
    let together = run(&w, 3);
    for (one, three) in run(&w, 1).iter().zip(&together) {
        assert!(values(one) == values(three));
    }
    for image in 0..3 {
        let alone = run(&w.narrow(0, image, 1).unwrap(), 2);
        for (alone, together) in alone.iter().zip(&together) {
            assert!(values(alone) == values(&together.get(image).unwrap()), "image {image}");
        }
    }
}

/// Parts of a checkpoint other than the generator are ignored, and the average comes first.
#[test]
fn checkpoints_in_their_variants() {
    let picture = |tensors: HashMap<String, Tensor>| {
        assert!(recognises(&tensors));
        let network = StyleGan1::new(tensors, DType::F64).unwrap();
        values(&network.synthesis.forward(&uniform(7, &[1, 6, W]), &[]).unwrap())
    };
    let plain = picture(tensors());
    let named = |prefix: &str| -> HashMap<String, Tensor> {
        tensors().into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect()
    };
    for prefix in ["g_running.", "generator."] {
        let mut tensors = named(prefix);
        tensors.insert("discriminator.progression.0.conv.bias".into(), uniform(0, &[1]));
        if prefix == "g_running." {
            tensors.insert("generator.style.1.linear.bias".into(), uniform(0, &[1]));
        }
        assert_eq!(picture(tensors), plain, "{prefix}");
    }
    let mut without_flips = tensors();
    without_flips.retain(|name, _| !name.ends_with("_flip"));
    assert_eq!(picture(without_flips), plain);
    let other = HashMap::from([("style.1.weight".to_owned(), uniform(0, &[1]))]);
    assert!(!recognises(&other));
}

/// The biases of a block that was never trained are zeros.
#[test]
fn the_own_resolution_is_the_last_trained_one() {
    let zeros = |indices: &[usize]| {
        let mut tensors = tensors();
        for index in indices {
            let name = format!("generator.to_rgb.{index}.conv.bias");
            tensors.insert(name, Tensor::zeros(3, DType::F64, &Device::Cpu).unwrap());
        }
        let generator = Generator::new(tensors).unwrap();
        let built = generator.build(None, 1.0, DType::F64).unwrap();
        assert_eq!(built.synthesis.resolution(), generator.resolution());
        generator.resolution()
    };
    assert_eq!(zeros(&[]), 16);
    assert_eq!(zeros(&[0]), 16);
    assert_eq!(zeros(&[2]), 8);
    assert_eq!(zeros(&[0, 1, 2]), 16, "nothing is known");
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut HashMap<String, Tensor>), expected: &str) {
    let mut tensors = tensors();
    change(&mut tensors);
    let error = Generator::new(tensors).err().expect("refused").to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn wrong_tensors_are_named() {
    const NOT: &str = "these are not the weights of a generator of the first StyleGAN: ";
    let block = |index: usize, part: &str| format!("generator.progression.{index}.{part}");
    check_refused(
        |tensors| {
            tensors.remove("style.3.linear.bias");
            tensors.remove(&block(0, "conv1.input"));
            tensors.insert("head.bias".into(), uniform(0, &[2]));
        },
        &format!(
            "{NOT}`style.3.linear.bias` [4] is missing; `generator.progression.0.conv1.input` [1, 5, 4, 4] is missing; \
             `head.bias` [2] is unexpected"
        ),
    );
    check_refused(
        |tensors| {
            tensors.insert(block(1, "adain2.style.linear.weight_orig"), uniform(0, &[3, 4]));
        },
        &format!("{NOT}`{}` must be [6, 4], found [3, 4]", block(1, "adain2.style.linear.weight_orig")),
    );
    // A block whose first layer is neither form.
    check_refused(
        |tensors| {
            tensors.remove(&block(2, "conv1.0.weight"));
        },
        &format!("{NOT}`{}` [3, 4, 3, 3] is missing", block(2, "conv1.0.weight")),
    );
    // A block after a missing one, and one beyond the largest.
    check_refused(
        |tensors| {
            tensors.insert(block(4, "conv2.conv.bias"), uniform(0, &[2]));
        },
        &format!("{NOT}`{}` [512, 4, 3, 3] is missing", block(3, "conv1.1.conv.weight_orig")),
    );
    check_refused(
        |tensors| {
            tensors.insert(block(9, "conv2.conv.bias"), uniform(0, &[2]));
        },
        &format!("{NOT}`{}` [2] is unexpected", block(9, "conv2.conv.bias")),
    );
    let blur = block(1, "conv1.2.weight");
    check_refused(
        |tensors| {
            tensors.insert(blur.clone(), uniform(5, &[3, 1, 3, 3]));
        },
        &format!("the kernels of `{blur}` must be the same for all channels"),
    );
    let none = Generator::new(HashMap::new()).err().expect("refused").to_string();
    assert!(none.starts_with(&format!("{NOT}`style.1.linear.weight_orig` [512, 512] is missing")), "{none}");
}

#[test]
fn settings_that_do_not_fit() {
    let generator = Generator::new(tensors()).unwrap();
    for found in [0, 2, 12, 32, usize::MAX] {
        let error = generator.build(Some(found), 1.0, DType::F32).err().expect("refused");
        assert!(matches!(error, StyleGan1Error::Resolution { largest: 16, .. }));
        assert_eq!(error.to_string(), format!("this network paints at 4, 8, 16, .. 16 px, found {found}"));
    }
    for found in [-0.1, 1.1, f64::NAN] {
        let error = generator.build(None, found, DType::F32).err().expect("refused");
        assert_eq!(error.to_string(), format!("the blend must be 0 to 1, found {found}"));
    }
}

#[test]
fn inputs_that_do_not_fit() {
    let StyleGan1 { mapping, synthesis } = network(Some(8), 1.0);
    let check = |result: candle_core::Result<Tensor>, expected: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(mapping.forward(&uniform(0, &[2, 4])), "needs z of shape [B, 6], found [2, 4]");
    check(synthesis.forward(&uniform(0, &[2, 6, W]), &[]), "needs w of shape [B, 4, 4], found [2, 6, 4]");
    let (w, planes) = (uniform(0, &[2, 4, W]), planes(&[4, 8, 16]));
    check(synthesis.forward(&w, &planes), "needs 2 noise planes or none, found 3");
    let planes = [planes[0].clone(), uniform(0, &[3, 1, 8, 8])];
    check(synthesis.forward(&w, &planes), "noise plane 1 must be [2 or 1, 1, 8, 8], found [3, 1, 8, 8]");
}
