//! Networks and optimisers compared with reference programs. Each reference is in `tests/ref` with a JSON
//! file that says how it was made.

mod adain;
mod dream;
mod googlenet;
mod network;
mod perceptual;
mod portable;
mod reference;
mod squeezenet;
mod stylegan;
mod stylegan1;
mod stylegan3;
mod stylegan_editing;
mod stylegan_latents;
mod tolerance;
mod vgg;
