use std::slice;

use dreamwire_nets::extractor::{Extractor, Layer, layer_entries, layer_indices};
use dreamwire_nets::weights::{self, Family, Weights, WeightsError};
use dreamwire_nets::{Content, PaddingMode, ParameterError};
use dreamwire_sdk::candle::DeviceLocation;
use dreamwire_sdk::prelude::*;

/// Keeps the network of a node's last run, by the content of its weights, the node's settings and the device.
pub(crate) type Kept<S> = dreamwire_nets::Kept<(Content, S, DeviceLocation), Extractor>;

/// The network with the weights of a file, by its name and bytes: the kept one if content, `settings` and `device` are the
/// same, otherwise what `build` makes there of the weights of one of the `wanted` families.
///
/// # Errors
///
/// If they are not weights that `build` takes: says what they are, or which tensors are wrong.
pub(crate) fn network<S: PartialEq>(
    kept: &mut Kept<S>,
    (name, bytes): (&str, &[u8]),
    settings: S,
    device: &Device,
    wanted: &[Family],
    build: impl FnOnce(Weights) -> std::result::Result<Extractor, ParameterError>,
) -> Result<Extractor> {
    kept.network((Content::of(bytes), settings, device.location()), || {
        let weights = weights::read(bytes, wanted).map_err(|error| refused(name, &error))?;
        build(weights).map_err(|error| Error::content(format!("`{name}`: {error}")).at("weights"))
    })
}

/// The refusal of the file `name` at `weights`.
fn refused(name: &str, error: &WeightsError) -> Error {
    let refused = Error::content(format!("`{name}`: {error}")).at("weights");
    match error.hint() {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

/// Checks the param `layers`: layers of a network with these names; if `known` is none because a file decides which
/// network it is, only the syntax.
///
/// # Errors
///
/// As [`Features::new`].
pub(crate) fn check_layers<N: AsRef<str>>(layers: &str, known: Option<&[N]>) -> Result<()> {
    let checked = match known {
        Some(names) => layer_indices(layers, names).map(drop),
        None => layer_entries(layers).map(drop),
    };
    checked.map_err(|error| Error::param("layers", error))
}

/// The side of the picture whose need of memory stands for that of all: large enough for edges not to count.
const SIDE: usize = 1024;
/// Copies of the outputs that the SDK and candle make for a gradient, besides the network's own: the gradients from outside,
/// their product with the outputs, and what its derivative is made of.
const OUTPUT_COPIES: u64 = 6;

/// FEATURES: from a picture `[B,H,W,3]` in 0..1 to the chosen layers, `[B,C,h,w]` each.
pub(crate) struct Features {
    network: Extractor,
    layers: Vec<Layer>,
    weights: Vec<f64>,
    padding: PaddingMode,
    deepest: Layer,
    /// The minimum height and width of a picture.
    minimum: usize,
}

impl Features {
    /// The layers of `network` that `layers` lists (`"relu4_3:1, relu5_1:0.5"`); `padding` is that of its
    /// convolutions, for the semantics of the outputs.
    ///
    /// # Errors
    ///
    /// If the list cannot be parsed, or names a layer that this network does not have: names the param
    /// `layers`.
    pub(crate) fn new(network: Extractor, layers: &str, padding: PaddingMode) -> Result<Self> {
        let list = network.parse_layers(layers).map_err(|error| Error::param("layers", error))?;
        let (layers, weights): (Vec<Layer>, Vec<f64>) = list.into_iter().unzip();
        let depth = |layer: &Layer| network.layers().iter().position(|other| other == layer);
        let deepest = layers.iter().max_by_key(|layer| depth(layer));
        let deepest = deepest.expect("a list of layers is not empty").clone();
        let minimum = network.minimum_size(&layers);
        Ok(Self { network, layers, weights, padding, deepest, minimum })
    }

    /// The spec of a layer's output: `h` and `w` are 1 if it is a mean over the whole picture, otherwise
    /// free.
    fn output(&self, layer: &Layer, weight: f64) -> TensorSpec {
        let side = if self.network.reach(slice::from_ref(layer)).is_some() { -1 } else { 1 };
        let padding = match self.padding {
            PaddingMode::Zeros => "zeros",
            PaddingMode::Reflect => "reflect",
        };
        TensorSpec::new(layer.name(), &[-1, layer.channels() as i64, side, side])
            .channels_first()
            .weighted(weight)
            .padded(padding)
    }
}

impl Differentiable for Features {
    fn spec(&self) -> FnSpec {
        let spec = FnSpec::new("FEATURES", self.network.name());
        let spec = spec.input(TensorSpec::new("image", &[-1, -1, -1, 3]));
        let layers = self.layers.iter().zip(&self.weights);
        layers.fold(spec, |spec, (layer, weight)| spec.output(self.output(layer, *weight)))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let [image] = x else {
            return Err(Error::failed(format!("{} takes 1 input, found {}", self.network.name(), x.len())));
        };
        let (_, height, width, _) = image.dims4()?;
        let (deepest, minimum) = (&self.deepest, self.minimum);
        if height.min(width) < minimum {
            let message = format!(
                "a picture of {width}x{height} is too small for `{deepest}`, which needs at least {minimum}x{minimum}"
            );
            return Err(Error::shape("image", message).hint(
                "choose an earlier layer in `layers`, or use a larger picture; in a dream, fewer `octaves`",
            ));
        }
        Ok(self.network.features(image, &self.layers)?)
    }

    fn tiles(&self) -> Option<Tiles> {
        let reach = self.network.reach(&self.layers)?;
        let pixels = |count: usize| u32::try_from(count).ok();
        let (stride, halo) = (pixels(reach.stride)?, pixels(reach.radius)?);
        Some(Tiles { stride, halo, reduction: TileReduction::Mean })
    }

    fn peak(&self) -> Option<Peak> {
        let side = SIDE.max(self.minimum);
        let found = self.network.peak(side, &self.layers).ok()?;
        let each = |bytes: u64| bytes.div_ceil((side * side) as u64);
        let gradient = found.gradient + OUTPUT_COPIES * found.outputs;
        let (outputs, value, gradient) = (each(found.outputs), each(found.forward), each(gradient));
        Some(Peak { fixed: found.fixed, outputs, value, gradient })
    }
}
