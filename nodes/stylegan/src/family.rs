use std::collections::HashMap;
use std::fmt::Display;

use dreamwire_nets::stylegan::Tiles;
use dreamwire_nets::{TensorOptions, stylegan, stylegan1, stylegan3};
use dreamwire_sdk::prelude::*;
use dreamwire_sdk::serde_json::{Map, Value};

use crate::{noise, transform};

/// The first StyleGAN in messages, and the name of its functions.
const ONE: &str = "StyleGAN";
/// StyleGAN2 in messages, and the name of its functions.
const TWO: &str = "StyleGAN2";
/// StyleGAN3 in messages, and the name of its functions.
const THREE: &str = "StyleGAN3";

/// A generator's two networks, of one family. Cloning shares the weights.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) mapping: Mapping,
    pub(crate) synthesis: Synthesis,
}

/// What a user sets about a network.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// What activations are limited to, in both directions, 0 for no limit; none for what the file says. The first StyleGAN
    /// has no limit.
    pub(crate) clamp: Option<f64>,
    /// Height and width of the pictures, if not the network's own. For the first StyleGAN only.
    pub(crate) resolution: Option<usize>,
    /// The share of the last block in the picture, 1 for all. For the first StyleGAN only.
    pub(crate) blend: f64,
}

/// Why there is no network.
pub(crate) struct Refusal {
    /// The setting that does not fit; none if it is the weights.
    pub(crate) param: Option<&'static str>,
    pub(crate) text: String,
}

impl Refusal {
    /// Of weights.
    fn of(error: &dyn Display) -> Self {
        Self { param: None, text: error.to_string() }
    }
}

impl From<stylegan1::StyleGan1Error> for Refusal {
    fn from(error: stylegan1::StyleGan1Error) -> Self {
        let param = match &error {
            stylegan1::StyleGan1Error::Resolution { .. } => Some("resolution"),
            stylegan1::StyleGan1Error::Blend { .. } => Some("blend"),
            _ => None,
        };
        Self { param, ..Self::of(&error) }
    }
}

impl Network {
    /// The networks of these tensors, of the family that their names tell, in f32 on `device`; `own` is what the file says
    /// about how it was built.
    ///
    /// # Errors
    ///
    /// If they are of no family: says what they are, or which tensors are wrong. If a setting is not for this family.
    pub(crate) fn new(
        tensors: HashMap<String, Tensor>,
        own: &Map<String, Value>,
        settings: Settings,
        device: &Device,
    ) -> std::result::Result<Self, Refusal> {
        let Settings { clamp, resolution, blend } = settings;
        let options = TensorOptions::new(DType::F32, device.clone());
        if stylegan1::recognises(&tensors) {
            let generator = stylegan1::Generator::new(tensors)?.with_settings(own)?;
            return Ok(generator.build(resolution, blend, options)?.into());
        }
        let clamp = limit(clamp, own);
        let network: Self = if stylegan3::recognises(&tensors) {
            let own = stylegan3::Settings::read(own).map_err(|error| Refusal::of(&error))?;
            let network = stylegan3::StyleGan3::new(tensors, &own, clamp, options);
            network.map_err(|error| Refusal::of(&error))?.into()
        } else {
            let network = stylegan::StyleGan::new(tensors, clamp, options);
            network.map_err(|error| Refusal::of(&error))?.into()
        };
        for (param, is_set, unset) in
            [("resolution", resolution.is_some(), "0"), ("blend", blend != 1.0, "1")]
        {
            if is_set {
                let name = network.synthesis.name();
                let text = format!("`{param}` is for the first {ONE} alone, this is a {name}: use {unset}");
                return Err(Refusal { param: Some(param), text });
            }
        }
        Ok(network)
    }

    /// The network whose pictures are made of that many tiles.
    ///
    /// # Errors
    ///
    /// If it is a StyleGAN3, which begins with waves, and not with a constant: only one tile is left to it.
    pub(crate) fn tiled(self, tiles: Tiles) -> std::result::Result<Self, Refusal> {
        let synthesis = match self.synthesis {
            Synthesis::One(it) => Synthesis::One(it.tiled(tiles)),
            Synthesis::Two(it) => Synthesis::Two(it.tiled(tiles)),
            three if tiles == Tiles::ONE => three,
            three => {
                let text = format!(
                    "`tiles` is for {ONE} and {TWO}, this is a {}, whose pictures are moved by \
                     GeneratorTransform: use 1x1",
                    three.name()
                );
                return Err(Refusal { param: Some("tiles"), text });
            }
        };
        Ok(Self { synthesis, ..self })
    }
}

/// What activations are limited to: `clamp`, where 0 is no limit; without it what the network was trained with, by the
/// settings `own` of its file. Files that do not say get NVIDIA's usual limit.
pub(crate) fn limit(clamp: Option<f64>, own: &Map<String, Value>) -> Option<f64> {
    const USUAL: f64 = 256.0;
    let of_file = || {
        let below = || own.get("synthesis_kwargs")?.get("conv_clamp");
        match own.get("conv_clamp").or_else(below) {
            Some(Value::Null) => None,
            found => Some(found.and_then(Value::as_f64).unwrap_or(USUAL)),
        }
    };
    clamp.or_else(of_file).filter(|limit| *limit > 0.0)
}

impl From<stylegan1::StyleGan1> for Network {
    fn from(network: stylegan1::StyleGan1) -> Self {
        let stylegan1::StyleGan1 { mapping, synthesis } = network;
        Self { mapping: Mapping::One(mapping), synthesis: Synthesis::One(synthesis) }
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
    One(stylegan1::Mapping),
    Two(stylegan::Mapping),
    Three(stylegan::Mapping),
}

impl Mapping {
    /// The family's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::One(_) => ONE,
            Self::Two(_) => TWO,
            Self::Three(_) => THREE,
        }
    }

    /// Width of z.
    pub(crate) fn z_width(&self) -> usize {
        match self {
            Self::One(it) => it.z_width(),
            Self::Two(it) | Self::Three(it) => it.z_width(),
        }
    }

    /// Width of one style.
    pub(crate) fn w_width(&self) -> usize {
        match self {
            Self::One(it) => it.w_width(),
            Self::Two(it) | Self::Three(it) => it.w_width(),
        }
    }

    /// The classes that pictures may be of; 0 in a network without classes.
    pub(crate) fn classes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Two(it) | Self::Three(it) => it.classes(),
        }
    }

    /// Styles per picture.
    pub(crate) fn layers(&self) -> usize {
        match self {
            Self::One(it) => it.layers(),
            Self::Two(it) | Self::Three(it) => it.layers(),
        }
    }

    /// The average style, `[w]`.
    pub(crate) fn average(&self) -> &Tensor {
        match self {
            Self::One(it) => it.average(),
            Self::Two(it) | Self::Three(it) => it.average(),
        }
    }

    /// Styles `[B,layers,w]` of `z`, `[B,z]`, and of classes `[B,classes]` in a network with classes.
    ///
    /// # Errors
    ///
    /// Those of the network.
    pub(crate) fn forward_with(&self, z: &Tensor, c: Option<&Tensor>) -> Result<Tensor> {
        Ok(match self {
            // It has no classes, and functions refuse `c` then.
            Self::One(it) => it.forward(z)?,
            Self::Two(it) | Self::Three(it) => it.forward_with(z, c)?,
        })
    }
}

/// From styles to pictures.
#[derive(Clone)]
pub(crate) enum Synthesis {
    One(stylegan1::Synthesis),
    Two(stylegan::Synthesis),
    Three(stylegan3::Synthesis),
}

impl Synthesis {
    /// The family's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::One(_) => ONE,
            Self::Two(_) => TWO,
            Self::Three(_) => THREE,
        }
    }

    /// Styles per picture.
    pub(crate) fn layers(&self) -> usize {
        match self {
            Self::One(it) => it.layers(),
            Self::Two(it) => it.layers(),
            Self::Three(it) => it.layers(),
        }
    }

    /// Width of one style.
    pub(crate) fn w_width(&self) -> usize {
        match self {
            Self::One(it) => it.w_width(),
            Self::Two(it) => it.w_width(),
            Self::Three(it) => it.w_width(),
        }
    }

    /// Height and width of the pictures, in pixels.
    pub(crate) fn size(&self) -> [usize; 2] {
        match self {
            Self::One(it) => it.size(),
            Self::Two(it) => it.size(),
            Self::Three(it) => [it.resolution(); 2],
        }
    }

    /// Channels of the pictures.
    pub(crate) fn channels(&self) -> usize {
        match self {
            Self::One(it) => it.channels(),
            Self::Two(it) => it.channels(),
            Self::Three(it) => it.channels(),
        }
    }

    /// The memory that one picture needs.
    pub(crate) fn peak(&self) -> dreamwire_nets::Peak {
        match self {
            Self::One(it) => it.peak(),
            Self::Two(it) => it.peak(),
            Self::Three(it) => it.peak(),
        }
    }

    /// The inputs that may follow `w`: planes of noise, of StyleGAN3 a `transform`.
    pub(crate) fn options(&self) -> Vec<TensorSpec> {
        match self {
            Self::One(it) => noise::specs(&sizes(&it.noise_sizes(), it.tiles())),
            Self::Two(it) => noise::specs(&sizes(&it.noise_sizes(), it.tiles())),
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
            Self::One(it) => noise::check(options, &sizes(&it.noise_sizes(), it.tiles()), batch),
            Self::Two(it) => noise::check(options, &sizes(&it.noise_sizes(), it.tiles()), batch),
            Self::Three(_) => options.iter().try_for_each(|matrices| transform::check(matrices, batch)),
        }
    }

    /// Pictures `[B,h,w,C]` in about -1..1 of styles `w`, `[B,layers,w]`, and of all [`Synthesis::options`] or none.
    ///
    /// # Errors
    ///
    /// Those of the network.
    pub(crate) fn forward(&self, w: &Tensor, options: &[Tensor]) -> Result<Tensor> {
        Ok(match self {
            Self::One(it) => it.forward(w, options)?,
            Self::Two(it) => it.forward(w, options)?,
            Self::Three(it) => it.forward(w, options.first())?,
        })
    }
}

/// Heights and widths of planes whose tiles have these sides.
fn sizes(sides: &[usize], tiles: Tiles) -> Vec<[usize; 2]> {
    sides.iter().map(|side| tiles.size(*side)).collect()
}

#[cfg(test)]
mod tests;
