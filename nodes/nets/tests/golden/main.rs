//! Networks and optimisers against the numbers of the programs that people know them from. Each
//! reference stands in `tests/ref` with a JSON file that says how it was made.

mod adain;
mod portable;
mod reference;
mod stylegan;
mod stylegan_latents;
mod tolerance;
mod vgg;
mod zoom;
