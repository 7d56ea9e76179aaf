//! The stylegan plugin: generators, and arithmetic on their latents.
//!
//! A LATENT_Z is `[B,z]`: random numbers, one row per picture. A LATENT_W is `[B,layers,w]`: the output of
//! the mapping network, one style per layer of the generator. Both are float32. MAPPING and GENERATOR are
//! functions on wires (`functions`); the nodes between them only do arithmetic on latents. A DISCRIMINATOR is one, too
//! (`discriminator`), with what is made of it.

mod arrays;
mod blend_networks;
mod builtin;
mod classes;
mod discriminator;
mod discriminator_objective;
mod family;
mod functions;
mod generator_transform;
mod latent;
mod latent_direction;
mod latent_interpolate;
mod latent_join;
mod latent_noise;
mod latent_prior;
mod latent_select;
mod layers;
mod list;
mod load_discriminator;
mod load_latent;
mod load_stylegan;
mod mapping_network;
mod network;
mod noise;
mod npz;
mod project_image;
mod save_latent;
#[cfg(test)]
mod small;
mod style_mix;
mod styles;
mod synthesis;
mod transform;
mod vectors;

use blend_networks::BlendNetworks;
use discriminator_objective::DiscriminatorObjective;
use generator_transform::GeneratorTransform;
use latent_direction::LatentDirection;
use latent_interpolate::LatentInterpolate;
use latent_join::LatentJoin;
use latent_noise::LatentNoise;
use latent_prior::LatentPrior;
use latent_select::LatentSelect;
use load_discriminator::LoadDiscriminator;
use load_latent::LoadLatent;
use load_stylegan::LoadStyleGAN;
use mapping_network::MappingNetwork;
use project_image::ProjectImage;
use save_latent::SaveLatent;
use style_mix::StyleMix;
use synthesis::Synthesis;

dreamwire_sdk::plugin!(
    "org.dreamwire.stylegan",
    LoadStyleGAN,
    GeneratorTransform,
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
    LoadDiscriminator,
    DiscriminatorObjective,
    ProjectImage,
    LatentPrior,
    Synthesis
);
