use dreamwire_nets::adain::Decoder;
use dreamwire_nets::vgg::Variant;
use dreamwire_sdk::prelude::*;

use crate::frame::pad;

/// The layer of a FEATURES that a decoder decodes.
pub(crate) struct Encoder {
    features: Function,
    output: usize,
    /// Pixels per feature.
    scale: usize,
    covering: bool,
}

impl Encoder {
    /// Finds the layer that `decoder` needs, and warns about likely mistakes.
    ///
    /// # Errors
    ///
    /// If `features` does not have it, or is a known network other than the decoder's encoder.
    pub(crate) fn new(call: &Call, features: Function, decoder: &Decoder) -> Result<Self> {
        let spec = features.spec();
        let fits = |output: &TensorSpec| {
            let channels = output.dims.get(1).copied().unwrap_or(-1);
            output.name == decoder.layer() && (channels < 0 || channels == decoder.channels() as i64)
        };
        let Some(output) = spec.outputs.iter().position(fits) else { return Err(unfit(spec, decoder)) };
        if spec.outputs[output].semantic("padding").is_some_and(|padding| padding != "reflect") {
            call.warn("the decoder was trained with `padding` \"reflect\" in the encoder: expect dark edges");
        }
        if spec.name != decoder.encoder() {
            let (wanted, found) = (decoder.encoder(), &spec.name);
            let message = format!("the decoder was trained with the encoder `{wanted}`, found `{found}`");
            // Another VGG has the layers that the decoder needs, and sees something else.
            if Variant::named(found).is_some() {
                let weights = match Variant::named(wanted) {
                    Some(Variant::AdainEncoder) => {
                        "set `weights` of the VGGFeatures node to the file of pytorch-AdaIN's encoder"
                    }
                    _ => "leave `weights` of the VGGFeatures node at \"vgg16\"",
                };
                return Err(
                    Error::port("features", message).hint(format!("{weights}, or choose another `decoder`"))
                );
            }
            call.warn(&format!(
                "{message}: if they were not trained together, the picture will be unrecognisable"
            ));
        }
        let covering = Variant::named(&spec.name).is_some_and(Variant::covers_edges);
        Ok(Self { features, output, scale: decoder.scale(), covering })
    }

    /// The layer for a picture, `[B,C,h,w]`, which decodes to at least the picture's size: the picture is at
    /// the top left.
    ///
    /// # Errors
    ///
    /// Those of the provider of the features.
    pub(crate) fn encode(&self, image: &Tensor) -> Result<Tensor> {
        let (_, height, width, _) = image.dims4()?;
        let whole = self.covering && height.min(width) > self.scale;
        let image = if whole { image.clone() } else { pad(image, self.scale)?.contiguous()? };
        Ok(self.features.eval(&[&image])?.swap_remove(self.output))
    }
}

/// The error that says what the decoder needs, what was found, and how to fix it.
fn unfit(spec: &FnSpec, decoder: &Decoder) -> Error {
    let describe = |output: &TensorSpec| match output.dims.get(1) {
        Some(channels) if *channels > 0 => format!("`{}` with {channels}", output.name),
        _ => format!("`{}`", output.name),
    };
    let found: Vec<String> = spec.outputs.iter().map(describe).collect();
    let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    let (layer, channels) = (decoder.layer(), decoder.channels());
    let message = format!("the decoder needs layer `{layer}` with {channels} channels, found {found}");
    let weights = match Variant::named(decoder.encoder()) {
        Some(Variant::AdainEncoder) => ", `weights` to the file of pytorch-AdaIN's encoder",
        _ => "",
    };
    // Several layers are there for the descent, which needs them all.
    let layers = match spec.outputs.len() {
        0 | 1 => format!("set `layers` of the VGGFeatures node to \"{layer}\""),
        _ => format!("set `layers` of the VGGFeatures node to the present ones and \"{layer}\""),
    };
    Error::port("features", message).hint(format!(
        "{layers}{weights} and `padding` to \"reflect\"; `decoder` \"none\" accepts any layers"
    ))
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call};

    use super::*;

    /// A layer that is the unmodified red channel.
    struct Red;

    impl Differentiable for Red {
        fn spec(&self) -> FnSpec {
            let output = TensorSpec::new("red", &[-1, 1, -1, -1]);
            FnSpec::new("FEATURES", "red").input(TensorSpec::new("image", &[-1, -1, -1, 3])).output(output)
        }

        fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
            Ok(vec![x[0].permute((0, 3, 1, 2))?.narrow(1, 0, 1)?])
        }
    }

    /// The input size of the network for a picture of that size, four pixels being one feature.
    fn check(covering: bool, (height, width): (usize, usize), shown: [usize; 2]) {
        let Value::Function(features) = Value::function(Red) else { panic!("a function") };
        let encoder = Encoder { features, output: 0, scale: 4, covering };
        let image = Tensor::ones((1, height, width, 3), DType::F32, &Device::Cpu).unwrap();
        let dims = in_call(|_| Ok(encoder.encode(&image)?.dims().to_vec())).unwrap();
        assert_eq!(dims, [1, 1, shown[0], shown[1]]);
    }

    #[test]
    fn pictures_are_mirrored_only_where_maps_would_not_cover_them() {
        check(false, (13, 18), [16, 20]);
        check(false, (16, 20), [16, 20]);
        check(true, (13, 18), [13, 18]);
        // One feature is too few to be mirrored about.
        check(true, (4, 18), [8, 20]);
    }
}
