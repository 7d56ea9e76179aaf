use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use super::layout::Layout;
use super::{Generator, Settings, StyleGan3Error};
use crate::random::CounterRng;
use crate::stylegan::{LEARNING_RATE, MappingSizes, randn, uniform};

/// Layers with a rectifier, as in the released networks; one more makes the picture.
const LAYERS: usize = 14;
/// Channels of all maps: an eighth of those of the released networks of configuration R.
const CHANNELS: usize = 128;
/// Numbers of z and w, and layers of the mapping, as there.
const MAPPING: (usize, usize) = (512, 2);

// Chosen by eye, like the numbers of the random StyleGAN2: clouds whose colours differ from seed to seed. With larger
// styles and biases the mean of a picture differs more than its parts do.

/// Of the weights of the affine maps from w to styles.
const STYLE_DEVIATION: f64 = 0.2;
/// Of the biases of convolutions.
const BIAS_DEVIATION: f64 = 0.1;
/// Of each colour in the picture of the average style, in -1..1.
const COLOUR_DEVIATION: f64 = 0.35;

/// Number of z that w is averaged over.
const AVERAGED: usize = 1000;
/// Size of the picture that colours are measured in.
const SKETCHED: usize = 64;

/// An untrained network of configuration R for pictures of `resolution` pixels: z and w of 512, 16 styles, and layers of
/// 128 channels. Its pictures are abstract, and turn with the transform of its input. For experiments without trained
/// weights.
///
/// The same seed gives the same numbers on every machine, but for what is computed of them up to rounding: the average w,
/// and the mean and the deviation of colours, by which the last layer is scaled.
///
/// # Errors
///
/// If there is no network of that size: a power of 2 from 16 to 1024 has one.
pub fn random_tensors(seed: u64, resolution: usize) -> Result<HashMap<String, Tensor>, StyleGan3Error> {
    let (mut tensors, picture) = untrained(seed, resolution)?;
    let average = average(&tensors)?;
    tensors.insert(AVERAGE.to_owned(), average.clone());
    let sketch = match resolution {
        0..=SKETCHED => tensors.clone(),
        _ => {
            let mut sketch = untrained(seed, SKETCHED)?.0;
            sketch.insert(AVERAGE.to_owned(), average);
            sketch
        }
    };
    let [scale, bias] = colours(sketch)?;
    let weight = format!("{picture}.weight");
    let scaled = tensors[&weight].broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
    tensors.insert(weight, scaled);
    tensors.insert(format!("{picture}.bias"), bias);
    Ok(tensors)
}

/// The average style.
const AVERAGE: &str = "mapping.w_avg";

/// All tensors, of which the average style and the last biases are 0, and the name of the last layer.
fn untrained(seed: u64, resolution: usize) -> Result<(HashMap<String, Tensor>, String), StyleGan3Error> {
    let settings = Settings::default();
    let mapping = MappingSizes::plain(MAPPING.0, MAPPING.1);
    let layout = Layout::of_configuration_r(&settings, mapping, resolution, LAYERS, CHANNELS);
    let rng = CounterRng::new(seed);
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let values = values(rng, &name, &shape, settings.first_cutoff);
        Tensor::from_vec(values, shape, &Device::Cpu).map(|tensor| (name, tensor))
    };
    let mut tensors =
        layout.shapes().into_par_iter().map(tensor).collect::<candle_core::Result<HashMap<_, _>>>()?;
    for (index, layer) in layout.layers.iter().enumerate() {
        let Some(resampling) = layer.resampling else { continue };
        let (read, made) = (&layout.bands[index.saturating_sub(1)], &layout.bands[index]);
        for (part, filter) in ["up", "down"].into_iter().zip(resampling.filters(read, made)) {
            if let Some((shape, values)) = filter {
                let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
                let filter = Tensor::from_vec(values, shape, &Device::Cpu)?;
                tensors.insert(format!("{}.{part}_filter", layer.name), filter);
            }
        }
    }
    let last = layout.layers.last().map_or(String::new(), |layer| layer.name.clone());
    Ok((tensors, last))
}

/// The numbers of a tensor, by its name without the sizes in it, so that layers are alike at all resolutions.
fn values(rng: CounterRng, name: &str, shape: &[usize], cutoff: f64) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let layer = name.strip_prefix("synthesis.L").and_then(|rest| {
        let (index, rest) = rest.split_once('_')?;
        Some((index.parse::<usize>().ok()?, rest.split_once('.')?.1))
    });
    let random = |name: &str, deviation: f64| uniform(rng, name, count, deviation);
    if let Some((index, part)) = layer {
        let name = format!("synthesis.L{index}.{part}");
        return match part {
            "weight" => random(&name, 1.0),
            "affine.weight" => random(&name, STYLE_DEVIATION),
            "affine.bias" => vec![1.0; count],
            "bias" if index < LAYERS => random(&name, BIAS_DEVIATION),
            // Sines have half the power that rectifiers keep.
            "magnitude_ema" => vec![if index == 0 { 0.5 } else { 1.0 }; count],
            // The last biases and the filters, which are made from the rest.
            _ => vec![0.0; count],
        };
    }
    match name {
        "synthesis.input.weight" => random(name, 1.0),
        // In -1/2..1/2.
        "synthesis.input.phases" => random(name, 0.5 / 3f64.sqrt()),
        "synthesis.input.freqs" => frequencies(rng, name, count / 2, cutoff),
        "synthesis.input.affine.bias" => vec![1.0, 0.0, 0.0, 0.0],
        "synthesis.input.transform" => vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        _ if name.starts_with("mapping.fc") && name.ends_with(".weight") => random(name, 1.0 / LEARNING_RATE),
        // All styles see the input in the same place.
        _ => vec![0.0; count],
    }
}

/// Waves per picture along x and y, evenly distributed over a disc: so no direction is preferred.
fn frequencies(rng: CounterRng, name: &str, count: usize, cutoff: f64) -> Vec<f32> {
    let numbers = uniform(rng, name, 2 * count, 0.5 / 3f64.sqrt());
    let wave = |pair: &[f32]| {
        let (area, turn) = (f64::from(pair[0]) + 0.5, f64::from(pair[1]));
        let (y, x) = (std::f64::consts::TAU * turn).sin_cos();
        [x, y].map(|part| (cutoff * area.sqrt() * part) as f32)
    };
    numbers.chunks_exact(2).flat_map(wave).collect()
}

/// The mean style, `[w]`.
fn average(tensors: &HashMap<String, Tensor>) -> Result<Tensor, StyleGan3Error> {
    let network = Generator::new(tensors.clone(), &Settings::default())?.build(None, DType::F32)?;
    let z: Vec<f32> = randn(0, AVERAGED * MAPPING.0).into_iter().map(|z| z as f32).collect();
    let styles = network.mapping.forward(&Tensor::from_vec(z, (AVERAGED, MAPPING.0), &Device::Cpu)?)?;
    Ok(styles.narrow(1, 0, 1)?.squeeze(1)?.mean(0)?)
}

/// What to multiply the last weights by, `[3]`, and the last biases, `[3]`, so that the colours of the average style have
/// a mean of 0 and the wanted deviation.
fn colours(tensors: HashMap<String, Tensor>) -> Result<[Tensor; 2], StyleGan3Error> {
    let settings = Settings::default();
    let network = Generator::new(tensors, &settings)?.build(None, DType::F32)?;
    let shape = (1, network.synthesis.layers(), network.synthesis.w_width());
    let w = network.mapping.average().broadcast_as(shape)?.contiguous()?;
    let pixels = network.synthesis.forward(&w, None)?.flatten_to(2)?;
    let mean = pixels.mean(0)?;
    let deviation = pixels.broadcast_sub(&mean)?.sqr()?.mean(0)?.sqrt()?;
    // An even picture has no contrast that could be scaled.
    let scale = (deviation + 1e-6)?.recip()?.affine(COLOUR_DEVIATION, 0.0)?;
    let bias = (&mean * &scale)?.affine(-1.0 / settings.output_scale, 0.0)?;
    Ok([scale, bias])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform that turns what is painted by that many degrees about the middle.
    fn turned(degrees: f32) -> Tensor {
        let (s, c) = degrees.to_radians().sin_cos();
        Tensor::new(&[[[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0f32]]], &Device::Cpu).unwrap()
    }

    /// A quarter turn maps pixels to pixels.
    #[test]
    fn a_quarter_turn_turns_the_picture() {
        let tensors = random_tensors(1, 32).unwrap();
        let network = Generator::new(tensors, &Settings::default()).unwrap().build(None, DType::F32).unwrap();
        let shape = (1, network.synthesis.layers(), network.synthesis.w_width());
        let w = network.mapping.average().broadcast_as(shape).unwrap().contiguous().unwrap();
        let rows = |degrees| {
            let picture = network.synthesis.forward(&w, Some(&turned(degrees))).unwrap();
            picture.narrow(3, 0, 1).unwrap().reshape((32, 32)).unwrap().to_vec2::<f32>().unwrap()
        };
        let (still, moved) = (rows(0.0), rows(90.0));
        let (mut power, mut apart, mut unlike) = (0.0, 0.0, 0.0);
        for y in 0..32 {
            for x in 0..32 {
                power += still[y][x].powi(2);
                // Counterclockwise: what was at the right is at the top.
                apart += (moved[31 - x][y] - still[y][x]).powi(2);
                unlike += (moved[y][x] - still[y][x]).powi(2);
            }
        }
        let expected = 1024.0 * (COLOUR_DEVIATION * COLOUR_DEVIATION) as f32;
        assert!((power / expected - 1.0).abs() < 1e-2, "{power}");
        assert!(apart < 1e-2 * power, "{apart} of {power}");
        assert!(unlike > 0.3 * power, "{unlike} of {power}: not turned at all");
    }

    #[test]
    fn layers_are_alike_at_all_resolutions_and_seeds_are_not() {
        let of = |seed, resolution| {
            let (tensors, _) = untrained(seed, resolution).unwrap();
            let (_, weight) = tensors
                .into_iter()
                .find(|(name, _)| name.starts_with("synthesis.L3_") && name.ends_with("_128.weight"))
                .unwrap();
            weight.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(of(1, 16), of(1, 128));
        assert_ne!(of(1, 16), of(2, 16));
    }
}
