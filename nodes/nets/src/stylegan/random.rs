use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::TensorOptions;
use rayon::prelude::*;

use super::layout::{Layout, Parameters, block};
use super::mapping_layers::LEARNING_RATE;
use super::synthesis::Synthesis;
use super::{StyleGanError, randn};
use crate::random::CounterRng;

// Chosen by eye: clouds and flames of several sizes, clearly different from seed to seed, in pictures with a
// standard deviation of about 0.6 in -1..1.

/// Of the weights of the affine maps from w to styles: large, so that seeds differ.
const STYLE_DEVIATION: f64 = 3.0;
/// Of the biases of convolutions.
const BIAS_DEVIATION: f64 = 0.5;

/// Of the noise at one resolution: shapes of that size grow from it.
fn noise_strength(resolution: usize) -> f64 {
    1.5 * (4.0 / resolution as f64).powf(0.6)
}

/// Of the weights of `torgb`: fine shapes are fainter than coarse ones.
fn picture_deviation(resolution: usize) -> f64 {
    0.09 * (4.0 / resolution as f64).powf(0.25)
}

/// Number of z that w is averaged over.
const AVERAGED: usize = 1000;
/// Size of the picture that the mean colour is computed from: the fine blocks add little to it.
const SKETCHED: usize = 64;

/// An untrained network of the sizes of "config-f" (30 million parameters, z and w of 512, 8 mapping layers,
/// up to 512 channels) for pictures of `resolution` pixels: abstract paintings of coloured clouds, different
/// for every z. For experiments without trained weights.
///
/// The same seed gives the same numbers on every machine (the average w up to rounding), and in every layer
/// that two resolutions share. Weights are uniform; those of convolutions have unit variance. The last bias
/// makes the average picture grey in the mean; otherwise every network would have a colour cast.
///
/// # Errors
///
/// If `resolution` is not a power of 2 from 16 to 1024.
pub fn random_tensors(
    seed: u64,
    resolution: usize,
) -> std::result::Result<HashMap<String, Tensor>, StyleGanError> {
    check_resolution(resolution)?;
    let layout = Layout::config_f(resolution);
    let mut shapes = layout.shapes();
    shapes.extend(layout.unused().into_iter().map(|name| (name, vec![4, 4])));
    let rng = CounterRng::new(seed);
    let mut tensors = shapes
        .into_par_iter()
        .map(|(name, shape)| {
            let values = values(rng, &name, &shape);
            Tensor::from_vec(values, shape, &Device::Cpu).map(|tensor| (name, tensor))
        })
        .collect::<Result<HashMap<_, _>>>()?;
    let mapping = Parameters::new(tensors.clone())?.mapping(&TensorOptions::from(DType::F32))?;
    let width = mapping.z_width();
    let z: Vec<f32> = randn(0, AVERAGED * width).into_iter().map(|z| z as f32).collect();
    let average = mapping.mean(&Tensor::from_vec(z, (AVERAGED, width), &Device::Cpu)?)?;
    let colour = mean_colour(&tensors, &average, resolution.min(SKETCHED))?;
    tensors.insert("mapping.w_avg".into(), average);
    tensors.insert(format!("synthesis.b{resolution}.torgb.bias"), colour.neg()?);
    Ok(tensors)
}

/// Asks whether there is a random network for pictures of `resolution` pixels.
///
/// # Errors
///
/// If `resolution` is not a power of 2 from 16 to 1024.
pub fn check_resolution(resolution: usize) -> std::result::Result<(), StyleGanError> {
    if (16..=1024).contains(&resolution) && resolution.is_power_of_two() {
        Ok(())
    } else {
        Err(StyleGanError::Resolution { found: resolution })
    }
}

/// The mean colour `[3]` of the picture of the style `w`, `[w]`, estimated from its coarse blocks.
fn mean_colour(
    tensors: &HashMap<String, Tensor>,
    w: &Tensor,
    resolution: usize,
) -> std::result::Result<Tensor, StyleGanError> {
    let is_coarse = |name: &str| block(name).is_none_or(|size| size <= resolution);
    let coarse = tensors.iter().filter(|(name, _)| is_coarse(name));
    let coarse = coarse.map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
    let network = Synthesis::new(&Parameters::new(coarse)?, None, &TensorOptions::from(DType::F32))?;
    let shape = (1, network.layers(), network.w_width());
    let picture = network.forward(&w.broadcast_as(shape)?.contiguous()?, &[])?;
    Ok(picture.flatten_to(2)?.mean(0)?)
}

/// The numbers of a tensor, by the last parts of its name.
fn values(rng: CounterRng, name: &str, shape: &[usize]) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let is = |tail: &str| name.ends_with(tail);
    if is(".resample_filter") {
        let taps = [1.0, 3.0, 3.0, 1.0f32];
        return taps.iter().flat_map(|down| taps.map(|across| down * across / 64.0)).collect();
    }
    let deviation = match block(name) {
        None if is(".weight") => 1.0 / LEARNING_RATE,
        // The biases, and the average, which is computed after the rest of the network.
        None => 0.0,
        Some(_) if is(".affine.bias") => return vec![1.0; count],
        Some(resolution) if is(".noise_strength") => return vec![noise_strength(resolution) as f32; count],
        Some(_) if is(".affine.weight") => STYLE_DEVIATION,
        Some(resolution) if is(".torgb.weight") => picture_deviation(resolution),
        Some(_) if is(".torgb.bias") => 0.0,
        Some(_) if is(".bias") => BIAS_DEVIATION,
        Some(_) => 1.0,
    };
    uniform(rng, name, count, deviation)
}

/// Uniform numbers of this deviation around 0, of a stream of their own for each name.
pub(crate) fn uniform(rng: CounterRng, name: &str, count: usize, deviation: f64) -> Vec<f32> {
    // Uniform over -1..1 has the deviation 1 / sqrt(3).
    let scale = (deviation * 3f64.sqrt()) as f32;
    let rng = rng.stream(fnv1a(name));
    let unit = |position| (rng.at(position) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    (0..count as u64).map(|position| unit(position) * scale).collect()
}

/// The 64-bit FNV-1a hash.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
