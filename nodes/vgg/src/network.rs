use dreamwire_nets::vgg::{Layer, Vgg, normalise};
use dreamwire_nets::{PaddingMode, weights};
use dreamwire_sdk::prelude::*;

/// The network of the last run, kept because reading and unpacking weights takes longer than using
/// them on a small picture.
#[derive(Default)]
pub(crate) struct Kept(Option<(Key, Vgg)>);

/// What makes two networks the same: the content of the weights, not their name.
#[derive(PartialEq)]
struct Key {
    content: blake3::Hash,
    padding: PaddingMode,
}

impl Kept {
    /// The network of these weights, built if it is not the one of the last run.
    ///
    /// # Errors
    ///
    /// If `bytes` are not VGG16's weights: says what they are, or which tensors are wrong.
    pub(crate) fn network(&mut self, name: &str, bytes: &[u8], padding: PaddingMode) -> Result<Vgg> {
        let key = Key { content: blake3::hash(bytes), padding };
        if let Some((kept, vgg)) = &self.0
            && *kept == key
        {
            return Ok(vgg.clone());
        }
        // The old network goes before the new one comes: two of them are 240 MB.
        self.0 = None;
        let unusable = |what: String| Error::input(format!("`{name}`: {what}")).at("weights");
        let tensors = weights::read(bytes).map_err(|error| unusable(error.to_string()))?;
        let vgg = Vgg::new(tensors, padding).map_err(|error| unusable(error.to_string()))?;
        Ok(self.0.insert((key, vgg)).1.clone())
    }
}

/// FEATURES: from a picture `[B,H,W,3]` in 0..1 to the chosen layers, `[B,C,h,w]` each.
pub(crate) struct Features {
    vgg: Vgg,
    layers: Vec<(Layer, f64)>,
    padding: PaddingMode,
    minimum: usize,
}

impl Features {
    pub(crate) fn new(vgg: Vgg, layers: Vec<(Layer, f64)>, padding: PaddingMode) -> Self {
        let names: Vec<Layer> = layers.iter().map(|(layer, _)| *layer).collect();
        let minimum = vgg.minimum_size(&names);
        Self { vgg, layers, padding, minimum }
    }
}

impl Differentiable for Features {
    fn spec(&self) -> FnSpec {
        let padding = match self.padding {
            PaddingMode::Zeros => "zeros",
            PaddingMode::Reflect => "reflect",
        };
        let spec = FnSpec::new("FEATURES", "vgg16").input(TensorSpec::new("image", &[-1, -1, -1, 3]));
        self.layers.iter().fold(spec, |spec, (layer, weight)| {
            let output = TensorSpec::new(layer.name(), &[-1, layer.channels() as i64, -1, -1]);
            spec.output(output.semantics(format!("layout=nchw;weight={weight};padding={padding}")))
        })
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let [image] = x else {
            return Err(Error::failed(format!("vgg16 takes 1 picture, found {}", x.len())));
        };
        let (_, height, width, _) = image.dims4()?;
        if height.min(width) < self.minimum {
            let (deepest, _) =
                self.layers.iter().max_by_key(|(layer, _)| *layer).expect("a list of layers is not empty");
            return Err(Error::shape(
                "image",
                format!(
                    "a picture of {width}x{height} is too small for `{deepest}`: it takes {0}x{0}",
                    self.minimum
                ),
            ));
        }
        let layers: Vec<Layer> = self.layers.iter().map(|(layer, _)| *layer).collect();
        Ok(self.vgg.features(&normalise(image)?, &layers)?)
    }
}
