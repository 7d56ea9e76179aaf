//! The stylegan plugin: generators, and arithmetic on their latents.
//!
//! A LATENT_Z is `[B,z]`: random numbers, one row per picture. A LATENT_W is `[B,layers,w]`: the output of
//! the mapping network, one style per layer of the generator. Both are float32. MAPPING and GENERATOR are
//! functions on wires (`functions`); the nodes between them only do arithmetic on latents.

mod builtin;
mod functions;
mod latent;
mod latent_interpolate;
mod latent_noise;
mod list;
mod load_stylegan;
mod mapping_network;
mod network;
mod noise;
#[cfg(test)]
mod small;
mod style_mix;
mod synthesis;

use latent_interpolate::LatentInterpolate;
use latent_noise::LatentNoise;
use load_stylegan::LoadStyleGAN;
use mapping_network::MappingNetwork;
use style_mix::StyleMix;
use synthesis::Synthesis;

dreamwire_sdk::plugin!(
    "org.dreamwire.stylegan",
    LoadStyleGAN,
    LatentNoise,
    MappingNetwork,
    StyleMix,
    LatentInterpolate,
    Synthesis
);
