use super::Layer;

/// A list of layers that cannot be read.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum LayerListError {
    /// Nothing between the commas.
    #[error("no layer is named; the layers are {layers}")]
    Empty {
        /// The names of all layers.
        layers: String,
    },
    /// No layer of that name.
    #[error("there is no layer `{name}`{hint}; the layers are {layers}")]
    Unknown {
        /// What was written.
        name: String,
        /// ` (did you mean ..?)`, or nothing.
        hint: String,
        /// The names of all layers.
        layers: String,
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

/// See [`Extractor::parse_layers`](super::Extractor::parse_layers).
pub(super) fn parse(text: &str, known: &[Layer]) -> Result<Vec<(Layer, f64)>, LayerListError> {
    let mut layers: Vec<(Layer, f64)> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, weight) = entry.split_once(':').unwrap_or((entry, "1"));
        let (name, weight) = (name.trim(), weight.trim());
        let layer = known.iter().find(|layer| layer.name() == name).cloned();
        let layer = layer.ok_or_else(|| unknown(name, known))?;
        let value = weight.parse().ok().filter(|value: &f64| value.is_finite());
        let Some(value) = value else {
            return Err(LayerListError::Weight { layer, weight: weight.to_owned() });
        };
        if layers.iter().any(|(other, _)| *other == layer) {
            return Err(LayerListError::Repeated { layer });
        }
        layers.push((layer, value));
    }
    if layers.is_empty() { Err(LayerListError::Empty { layers: names(known) }) } else { Ok(layers) }
}

fn names(known: &[Layer]) -> String {
    known.iter().map(Layer::name).collect::<Vec<_>>().join(" ")
}

fn unknown(name: &str, known: &[Layer]) -> LayerListError {
    let lower = name.to_lowercase();
    let likeness = |layer: &Layer| strsim::jaro_winkler(&lower, layer.name());
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = match nearest {
        Some(nearest) if likeness(nearest) > 0.8 => format!(" (did you mean `{nearest}`?)"),
        _ => String::new(),
    };
    LayerListError::Unknown { name: name.to_owned(), hint, layers: names(known) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn layers() -> Vec<Layer> {
        let names = ["conv1_1", "relu1_1", "conv3_2", "relu4_2", "relu4_3", "pool4", "relu5_1"];
        let layer =
            |(node, name): (usize, &str)| Layer { name: Arc::from(name), channels: 8, node, field: None };
        names.into_iter().enumerate().map(layer).collect()
    }

    fn check(text: &str, expected: &[(&str, f64)]) {
        let found = parse(text, &layers()).unwrap();
        let found: Vec<_> = found.iter().map(|(layer, weight)| (layer.name(), *weight)).collect();
        assert_eq!(found, expected);
    }

    fn check_error(text: &str, expected: &str) {
        let error = parse(text, &layers()).unwrap_err().to_string();
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
        check_error(" , ", "no layer is named; the layers are conv1_1");
    }
}
