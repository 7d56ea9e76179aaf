use std::collections::HashMap;

use dreamwire_nets::{stylegan, stylegan3};
use dreamwire_sdk::prelude::*;

use crate::{noise, transform};

/// StyleGAN2 in messages, and the name of its functions.
const TWO: &str = "stylegan2";
/// StyleGAN3 in messages, and the name of its functions.
const THREE: &str = "stylegan3";

/// A generator's two networks, of one family. Cloning shares the weights.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) mapping: Mapping,
    pub(crate) synthesis: Synthesis,
}

impl Network {
    /// The networks of these tensors, of the family that their names tell. Activations are limited to +-`clamp`, if
    /// there is one.
    ///
    /// # Errors
    ///
    /// If they are of no family: says what they are, or which tensors are wrong.
    pub(crate) fn new(
        tensors: HashMap<String, Tensor>,
        clamp: Option<f64>,
    ) -> std::result::Result<Self, String> {
        if stylegan3::recognises(&tensors) {
            let settings = stylegan3::Settings::default();
            let network = stylegan3::StyleGan3::new(tensors, &settings, clamp, DType::F32);
            return network.map(Self::from).map_err(|error| error.to_string());
        }
        let network = stylegan::StyleGan::new(tensors, clamp, DType::F32);
        network.map(Self::from).map_err(|error| error.to_string())
    }
}

impl From<stylegan::StyleGan> for Network {
    fn from(network: stylegan::StyleGan) -> Self {
        let stylegan::StyleGan { mapping, synthesis } = network;
        Self { mapping: Mapping::Two(mapping), synthesis: Synthesis::Two(synthesis) }
    }
}

impl From<stylegan3::StyleGan3> for Network {
    fn from(network: stylegan3::StyleGan3) -> Self {
        let stylegan3::StyleGan3 { mapping, synthesis } = network;
        Self { mapping: Mapping::Three(mapping), synthesis: Synthesis::Three(synthesis) }
    }
}

/// From random numbers to styles. StyleGAN3's mapping is StyleGAN2's, with fewer layers.
#[derive(Clone)]
pub(crate) enum Mapping {
    Two(stylegan::Mapping),
    Three(stylegan::Mapping),
}

impl Mapping {
    /// The family's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Two(_) => TWO,
            Self::Three(_) => THREE,
        }
    }

    /// Width of z.
    pub(crate) fn z_width(&self) -> usize {
        let (Self::Two(it) | Self::Three(it)) = self;
        it.z_width()
    }

    /// Width of one style.
    pub(crate) fn w_width(&self) -> usize {
        let (Self::Two(it) | Self::Three(it)) = self;
        it.w_width()
    }

    /// Styles per picture.
    pub(crate) fn layers(&self) -> usize {
        let (Self::Two(it) | Self::Three(it)) = self;
        it.layers()
    }

    /// The average style, `[w]`.
    pub(crate) fn average(&self) -> &Tensor {
        let (Self::Two(it) | Self::Three(it)) = self;
        it.average()
    }

    /// Styles `[B,layers,w]` of `z`, `[B,z]`.
    ///
    /// # Errors
    ///
    /// Those of the network.
    pub(crate) fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let (Self::Two(it) | Self::Three(it)) = self;
        Ok(it.forward(z)?)
    }
}

/// From styles to pictures.
#[derive(Clone)]
pub(crate) enum Synthesis {
    Two(stylegan::Synthesis),
    Three(stylegan3::Synthesis),
}

impl Synthesis {
    /// The family's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Two(_) => TWO,
            Self::Three(_) => THREE,
        }
    }

    /// Styles per picture.
    pub(crate) fn layers(&self) -> usize {
        match self {
            Self::Two(it) => it.layers(),
            Self::Three(it) => it.layers(),
        }
    }

    /// Width of one style.
    pub(crate) fn w_width(&self) -> usize {
        match self {
            Self::Two(it) => it.w_width(),
            Self::Three(it) => it.w_width(),
        }
    }

    /// Height and width of the pictures, in pixels.
    pub(crate) fn resolution(&self) -> usize {
        match self {
            Self::Two(it) => it.resolution(),
            Self::Three(it) => it.resolution(),
        }
    }

    /// Channels of the pictures.
    pub(crate) fn channels(&self) -> usize {
        match self {
            Self::Two(it) => it.channels(),
            Self::Three(it) => it.channels(),
        }
    }

    /// The memory that one picture needs.
    pub(crate) fn peak(&self) -> dreamwire_nets::Peak {
        match self {
            Self::Two(it) => it.peak(),
            Self::Three(it) => it.peak(),
        }
    }

    /// The inputs that may follow `w`: StyleGAN2's planes of noise, StyleGAN3's `transform`.
    pub(crate) fn options(&self) -> Vec<TensorSpec> {
        match self {
            Self::Two(it) => noise::specs(&it.noise_sizes()),
            Self::Three(_) => vec![transform::spec()],
        }
    }

    /// Refuses options that do not fit a batch.
    ///
    /// # Errors
    ///
    /// Names the option, what it must be, and what was found.
    pub(crate) fn check_options(&self, options: &[Tensor], batch: usize) -> Result<()> {
        match self {
            Self::Two(it) => noise::check(options, &it.noise_sizes(), batch),
            Self::Three(_) => options.iter().try_for_each(|matrices| transform::check(matrices, batch)),
        }
    }

    /// Pictures `[B,R,R,C]` in about -1..1 of styles `w`, `[B,layers,w]`, and of all [`Synthesis::options`] or none.
    ///
    /// # Errors
    ///
    /// Those of the network.
    pub(crate) fn forward(&self, w: &Tensor, options: &[Tensor]) -> Result<Tensor> {
        Ok(match self {
            Self::Two(it) => it.forward(w, options)?,
            Self::Three(it) => it.forward(w, options.first())?,
        })
    }
}
