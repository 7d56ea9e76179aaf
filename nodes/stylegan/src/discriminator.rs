use dreamwire_nets::stylegan;
use dreamwire_sdk::prelude::*;

use crate::classes;

/// The name of both functions in messages.
const NAME: &str = "discriminator";

/// DISCRIMINATOR: from pictures `[B,R,R,C]` in 0..1 to one number each, `[B]`. In a network with classes `c`
/// `[B,classes]` follows the picture.
pub(crate) struct Discriminator(pub(crate) stylegan::Discriminator);

impl Differentiable for Discriminator {
    fn spec(&self) -> FnSpec {
        let (side, channels) = (self.0.resolution() as i64, self.0.channels() as i64);
        let spec = FnSpec::new("DISCRIMINATOR", NAME);
        let spec = spec.input(TensorSpec::new("image", &[-1, side, side, channels]));
        let spec = classes::spec(self.0.classes()).into_iter().fold(spec, FnSpec::input);
        spec.output(TensorSpec::new("logits", &[-1]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let (pictures, c) = match x {
            [pictures] => (pictures, None),
            [pictures, c] => (pictures, Some(c)),
            _ => {
                return Err(Error::failed(format!("a discriminator takes 1 or 2 inputs, found {}", x.len())));
            }
        };
        let (side, channels) = (self.0.resolution(), self.0.channels());
        match *pictures.dims() {
            [batch, h, w, found] if [h, w, found] == [side, side, channels] => {
                classes::check(c, self.0.classes(), batch)?;
            }
            ref found => {
                let message = format!("`image` must be [B,{side},{side},{channels}], found shape {found:?}");
                return Err(Error::shape("image", message));
            }
        }
        Ok(vec![self.0.forward(pictures, c)?])
    }

    fn peak(&self) -> Option<Peak> {
        Some(per_pixel(self.0.peak(self.0.resolution(), &[]), self.0.resolution()))
    }
}

/// FEATURES: from a picture `[B,H,W,C]` of any size in 0..1 to maps inside a discriminator, `[B,channels,h,w]` each.
pub(crate) struct Features {
    network: stylegan::Discriminator,
    layers: Vec<usize>,
    weights: Vec<f64>,
}

impl Features {
    /// The layers that `list` names, with their weights.
    ///
    /// # Errors
    ///
    /// If the list cannot be parsed, or names a layer that this network does not have: names the param `layers`.
    pub(crate) fn new(network: stylegan::Discriminator, list: &str) -> Result<Self> {
        let names: Vec<String> = network.layers().into_iter().map(|layer| layer.name).collect();
        let chosen = dreamwire_nets::extractor::layer_indices(list, &names);
        let chosen = chosen.map_err(|error| Error::param("layers", error))?;
        let (layers, weights) = chosen.into_iter().unzip();
        Ok(Self { network, layers, weights })
    }
}

impl Differentiable for Features {
    fn spec(&self) -> FnSpec {
        let spec = FnSpec::new("FEATURES", NAME);
        let spec = spec.input(TensorSpec::new("image", &[-1, -1, -1, self.network.channels() as i64]));
        let known = self.network.layers();
        self.layers.iter().zip(&self.weights).fold(spec, |spec, (index, weight)| {
            let layer = &known[*index];
            let output = TensorSpec::new(layer.name.clone(), &[-1, layer.channels as i64, -1, -1]);
            spec.output(output.channels_first().weighted(*weight).padded("zeros"))
        })
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let [image] = x else {
            return Err(Error::failed(format!("features take 1 input, found {}", x.len())));
        };
        let (_, height, width, channels) = image.dims4()?;
        let (minimum, wanted) = (self.network.minimum_size(&self.layers), self.network.channels());
        if channels != wanted {
            let message = format!("`{NAME}` needs pictures with {wanted} channels, found {channels}");
            return Err(Error::shape("image", message));
        }
        if height.min(width) < minimum {
            let message = format!(
                "a picture of {width}x{height} is too small for these layers, which need at least {minimum}x{minimum}"
            );
            return Err(Error::shape("image", message).hint(
                "choose an earlier layer in `layers`, or use a larger picture; in a dream, fewer `octaves`",
            ));
        }
        Ok(self.network.features(image, &self.layers)?)
    }

    fn peak(&self) -> Option<Peak> {
        let side = self.network.resolution().max(self.network.minimum_size(&self.layers));
        Some(per_pixel(self.network.peak(side, &self.layers), side))
    }
}

/// The memory that a picture of `side` x `side` pixels needs, per pixel.
fn per_pixel(found: dreamwire_nets::Peak, side: usize) -> Peak {
    /// Copies of the outputs that the SDK and candle make for a gradient.
    const COPIES: u64 = 6;
    let each = |bytes: u64| bytes.div_ceil((side * side) as u64);
    let gradient = each(found.gradient + COPIES * found.outputs);
    Peak { fixed: found.fixed, outputs: each(found.outputs), value: each(found.forward), gradient }
}
