//! The stylegan plugin: generators, and arithmetic on their latents.
//!
//! A LATENT_Z is `[B,z]`: random numbers, one row per picture. A LATENT_W is `[B,layers,w]`: the output of
//! the mapping network, one style per layer of the generator. Both are float32. MAPPING and GENERATOR are
//! functions on wires (`functions`); the nodes between them only do arithmetic on latents.

mod arrays;
mod blend_networks;
mod builtin;
mod family;
mod functions;
mod latent;
mod latent_direction;
mod latent_interpolate;
mod latent_join;
mod latent_noise;
mod latent_select;
mod layers;
mod list;
mod load_latent;
mod load_stylegan;
mod mapping_network;
mod network;
mod noise;
mod npz;
mod save_latent;
#[cfg(test)]
mod small;
mod style_mix;
mod synthesis;
mod transform;
mod vectors;

use blend_networks::BlendNetworks;
use latent_direction::LatentDirection;
use latent_interpolate::LatentInterpolate;
use latent_join::LatentJoin;
use latent_noise::LatentNoise;
use latent_select::LatentSelect;
use load_latent::LoadLatent;
use load_stylegan::LoadStyleGAN;
use mapping_network::MappingNetwork;
use save_latent::SaveLatent;
use style_mix::StyleMix;
use synthesis::Synthesis;

dreamwire_sdk::plugin!(
    "org.dreamwire.stylegan",
    LoadStyleGAN,
    LatentNoise,
    MappingNetwork,
    StyleMix,
    LatentInterpolate,
    LatentDirection,
    LatentJoin,
    LatentSelect,
    SaveLatent,
    LoadLatent,
    BlendNetworks,
    Synthesis
);
