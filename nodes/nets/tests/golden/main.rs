//! Networks and optimisers compared with reference programs. Each reference is in `tests/ref` with a JSON
//! file that says how it was made.

mod adain;
mod discriminator;
mod dream;
mod finite;
mod googlenet;
mod network;
mod perceptual;
mod portable;
mod reference;
mod second_order;
mod squeezenet;
mod stylegan;
mod stylegan1;
mod stylegan3;
mod stylegan_editing;
mod stylegan_latents;
mod stylegan_project;
mod stylegan_variants;
mod tolerance;
mod trained;
mod vgg;
