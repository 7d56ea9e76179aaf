use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use rayon::prelude::*;

use super::layout::{Layout, Parameters, block};
use super::mapping::{LEARNING_RATE, Mapping};
use super::{StyleGanError, randn};
use crate::optim::CounterRng;

/// Standard deviation of the pictures, about: most of -1..1 is used, and little is cut off.
const DEVIATION: f64 = 0.5;
/// Standard deviation that a `torgb` of weights of unit variance gives, measured.
const PLAIN: f64 = 0.75;
/// Of the noise, against activations of about 1.
const NOISE_STRENGTH: f32 = 0.1;
/// How many z the average w is taken over.
const AVERAGED: usize = 1000;

/// An untrained network of the sizes of "config-f" (30 million numbers, z and w of 512, 8 mapping
/// layers, up to 512 channels) for pictures of `resolution` pixels: abstract paintings of coloured
/// clouds, of which every z has its own. For trying things out before the trained weights are there.
///
/// The same seed gives the same numbers on every machine (the average w up to rounding), and in every
/// layer that two resolutions share. Weights are uniform and of unit variance after their gains; those
/// of `torgb` fall off with the resolution r as `sqrt(2 / r)`, so that every block adds about half
/// of the energy of the block before.
///
/// # Errors
///
/// If `resolution` is not a power of 2 from 16 to 1024.
pub fn random_tensors(
    seed: u64,
    resolution: usize,
) -> std::result::Result<HashMap<String, Tensor>, StyleGanError> {
    if !(16..=1024).contains(&resolution) || !resolution.is_power_of_two() {
        return Err(StyleGanError::Resolution { found: resolution });
    }
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
    let mapping = Mapping::new(&Parameters::new(tensors.clone())?, DType::F32)?;
    let width = mapping.z_width();
    let z: Vec<f32> = randn(0, AVERAGED * width).into_iter().map(|z| z as f32).collect();
    let average = mapping.mean(&Tensor::from_vec(z, (AVERAGED, width), &Device::Cpu)?)?;
    tensors.insert("mapping.w_avg".into(), average);
    Ok(tensors)
}

/// The numbers of a tensor, by the last parts of its name.
fn values(rng: CounterRng, name: &str, shape: &[usize]) -> Vec<f32> {
    let count: usize = shape.iter().product();
    let is = |tail: &str| name.ends_with(tail);
    if is(".resample_filter") {
        let taps = [1.0, 3.0, 3.0, 1.0f32];
        return taps.iter().flat_map(|down| taps.map(|across| down * across / 64.0)).collect();
    }
    if is(".affine.bias") {
        return vec![1.0; count];
    }
    if is(".noise_strength") {
        return vec![NOISE_STRENGTH; count];
    }
    // The average is known only when the rest of the network is.
    if is(".bias") || is(".w_avg") {
        return vec![0.0; count];
    }
    let deviation = match block(name) {
        None => 1.0 / LEARNING_RATE,
        Some(resolution) if is(".torgb.weight") => DEVIATION / PLAIN * (2.0 / resolution as f64).sqrt(),
        Some(_) => 1.0,
    };
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
