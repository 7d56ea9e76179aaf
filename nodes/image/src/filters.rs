//! Filters over the neighbourhood of each pixel.

pub(crate) mod blur;
pub(crate) mod convolution;
pub(crate) mod sharpen;
