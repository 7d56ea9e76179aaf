use std::fmt;

/// Position in this table is torchvision's `features.N`.
pub(super) const LAYERS: [&str; 31] = [
    "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", //
    "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2", //
    "conv3_1", "relu3_1", "conv3_2", "relu3_2", "conv3_3", "relu3_3", "pool3", //
    "conv4_1", "relu4_1", "conv4_2", "relu4_2", "conv4_3", "relu4_3", "pool4", //
    "conv5_1", "relu5_1", "conv5_2", "relu5_2", "conv5_3", "relu5_3", "pool5", //
];

/// Channels of the five blocks.
pub(super) const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// One of VGG16's layers, by its usual name: `conv1_1` to `conv5_3`, `relu1_1` to `relu5_3`, `pool1` to
/// `pool5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layer(usize);

impl Layer {
    /// The layer of that name.
    pub fn named(name: &str) -> Option<Self> {
        LAYERS.iter().position(|layer| *layer == name).map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        LAYERS[self.0]
    }

    /// Channels of its output.
    pub fn channels(self) -> usize {
        CHANNELS[usize::from(self.name().as_bytes()[4] - b'1')]
    }

    pub(super) fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All layers, from the picture upwards.
pub fn layer_names() -> &'static [&'static str] {
    &LAYERS
}

/// A list of layers that cannot be read.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum LayerListError {
    /// Nothing between the commas.
    #[error("no layer is named; the layers are {}", LAYERS.join(" "))]
    Empty,
    /// No layer of that name.
    #[error("there is no layer `{name}`{}; the layers are {}", suggestion(.name), LAYERS.join(" "))]
    Unknown {
        /// What was written.
        name: String,
    },
    /// Something other than a finite number after the colon.
    #[error("the weight of `{layer}` should be a number, found `{weight}`")]
    Weight {
        /// The layer.
        layer: Layer,
        /// What was written.
        weight: String,
    },
    /// One layer twice.
    #[error("`{layer}` is named twice")]
    Repeated {
        /// The layer.
        layer: Layer,
    },
}

/// Reads `"relu4_3:1, relu5_1:0.5, conv3_2"`: layers with weights, which are 1 where they are left
/// out.
///
/// # Errors
///
/// If a name is unknown (with all names, and the nearest) or repeated, a weight is not a finite
/// number, or there is no layer.
pub fn parse_layers(text: &str) -> Result<Vec<(Layer, f64)>, LayerListError> {
    let mut layers: Vec<(Layer, f64)> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, weight) = entry.split_once(':').unwrap_or((entry, "1"));
        let (name, weight) = (name.trim(), weight.trim());
        let layer = Layer::named(name).ok_or_else(|| LayerListError::Unknown { name: name.to_owned() })?;
        let value = weight.parse().ok().filter(|value: &f64| value.is_finite());
        let value = value.ok_or_else(|| LayerListError::Weight { layer, weight: weight.to_owned() })?;
        if layers.iter().any(|(other, _)| *other == layer) {
            return Err(LayerListError::Repeated { layer });
        }
        layers.push((layer, value));
    }
    if layers.is_empty() { Err(LayerListError::Empty) } else { Ok(layers) }
}

fn suggestion(name: &str) -> String {
    let name = name.to_lowercase();
    let nearest = LAYERS
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(&name, a).total_cmp(&strsim::jaro_winkler(&name, b)));
    match nearest {
        Some(nearest) if strsim::jaro_winkler(&name, nearest) > 0.8 => {
            format!(" (did you mean `{nearest}`?)")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, f64)]) {
        let found = parse_layers(text).unwrap();
        let found: Vec<_> = found.iter().map(|(layer, weight)| (layer.name(), *weight)).collect();
        assert_eq!(found, expected);
    }

    fn check_error(text: &str, expected: &str) {
        let error = parse_layers(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn lists() {
        check("relu4_3", &[("relu4_3", 1.0)]);
        check(
            "relu4_3:1, relu5_1:0.5, conv3_2, pool4",
            &[("relu4_3", 1.0), ("relu5_1", 0.5), ("conv3_2", 1.0), ("pool4", 1.0)],
        );
        check(" relu1_1 : -2e-1 ,", &[("relu1_1", -0.2)]);
    }

    #[test]
    fn mistakes() {
        check_error(
            "relu43",
            "there is no layer `relu43` (did you mean `relu4_3`?); the layers are conv1_1 relu1_1",
        );
        check_error("Relu4_3", "there is no layer `Relu4_3` (did you mean `relu4_3`?)");
        check_error("mixed4c", "there is no layer `mixed4c`; the layers are");
        check_error("relu4_3:much", "the weight of `relu4_3` should be a number, found `much`");
        check_error("relu4_3:inf", "the weight of `relu4_3` should be a number, found `inf`");
        check_error("relu4_3, relu4_3", "`relu4_3` is named twice");
        check_error(" , ", "no layer is named; the layers are");
    }

    #[test]
    fn channels_follow_the_block() {
        let channels = |name| Layer::named(name).unwrap().channels();
        assert_eq!(
            [channels("conv1_2"), channels("pool2"), channels("relu3_1"), channels("pool5")],
            [64, 128, 256, 512]
        );
    }
}
