//! Objectives: numbers for how much of something the features of a picture hold, or how far they are from
//! others.
//!
//! | function | value | source |
//! |---|---|---|
//! | [`energy()`] | activation of layers | DeepDream: Google's notebook, lucid |
//! | [`channel_energy`] | activation of channels of one layer | lucid |
//! | [`guide()`] | similarity to the most similar positions of a guide | Google's notebook, "guided dream" |
//! | [`l1_distance`] | difference of features, absolute | Chen & Koltun, arXiv:1707.09405, perceptual loss |
//! | [`l2_distance`] | difference of features, squared | Gatys et al., arXiv:1508.06576, content loss |
//! | [`gram_distance`] | difference of the correlations of channels | Gatys et al., style loss; [`gram`] |
//! | [`statistics_distance`] | difference of means and standard deviations | Huang & Belongie,
//! arXiv:1703.06868, style loss |
//! | [`unit_distance`] | difference of features, scaled to length 1 per position | Zhang et al., arXiv:1801.03924, LPIPS
//! without its learned weights |
//! | [`total_variation`] | difference of neighbouring pixels | Mahendran & Vedaldi, arXiv:1412.0035 |
//! | [`anchor_distance`] | difference from a picture | |
//!
//! All of them take a batch and return one value per image, `[B]`, that depends on this image alone: the
//! gradient of the sum is each image's own. They are plain candle operations, in f32 or f64, with first
//! derivatives. Losses and distances are at least 0 and become objectives by negation.
//!
//! Layers are feature maps `[B, C, h, w]`. Targets have as many images, or one for all.

mod distance;
mod energy;
mod guide;
mod picture;
mod style;
mod terms;
mod unit;

pub use distance::{Reduction, l1_distance, l2_distance};
pub use energy::{Norm, channel_energy, energy};
pub use guide::guide;
pub use picture::{anchor_distance, total_variation};
pub use style::{gram, gram_distance, statistics_distance};
pub use unit::{unit_distance, unit_length};
