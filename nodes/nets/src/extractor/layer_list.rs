/// An error in a list of layers.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum LayerListError {
    /// Nothing between the commas.
    #[error("no layers are listed{layers}")]
    Empty {
        /// `; the layers are ..` with the names of all layers, or nothing.
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
    /// Not a finite number after the colon.
    #[error("the weight of `{layer}` must be a number, found `{weight}`")]
    Weight {
        /// The name of the layer.
        layer: String,
        /// What was written.
        weight: String,
    },
    /// A repeated layer.
    #[error("`{layer}` is listed twice")]
    Repeated {
        /// The name of the layer.
        layer: String,
    },
}

/// Parses `"relu4_3:1, relu5_1:0.5, conv3_2"`: names with weights, 1 where omitted. Any name is accepted.
///
/// # Errors
///
/// If a name is repeated, a weight is not a finite number, or there is no name.
pub fn layer_entries(text: &str) -> Result<Vec<(&str, f64)>, LayerListError> {
    let mut entries: Vec<(&str, f64)> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, weight) = entry.split_once(':').unwrap_or((entry, "1"));
        let (name, weight) = (name.trim(), weight.trim());
        let value = weight.parse().ok().filter(|value: &f64| value.is_finite());
        let Some(value) = value else {
            return Err(LayerListError::Weight { layer: name.to_owned(), weight: weight.to_owned() });
        };
        if entries.iter().any(|(other, _)| *other == name) {
            return Err(LayerListError::Repeated { layer: name.to_owned() });
        }
        entries.push((name, value));
    }
    if entries.is_empty() { Err(LayerListError::Empty { layers: String::new() }) } else { Ok(entries) }
}

/// As [`layer_entries`], for a network whose layers have the names `known`: their indices in it.
///
/// # Errors
///
/// As there, and if a name is unknown: with all names, and the nearest.
pub fn layer_indices<N: AsRef<str>>(text: &str, known: &[N]) -> Result<Vec<(usize, f64)>, LayerListError> {
    let entries = layer_entries(text).map_err(|error| match error {
        LayerListError::Empty { .. } => {
            LayerListError::Empty { layers: format!("; the layers are {}", names(known)) }
        }
        error => error,
    })?;
    let index = |(name, weight): (&str, f64)| {
        let index = known.iter().position(|known| known.as_ref() == name);
        index.map(|index| (index, weight)).ok_or_else(|| unknown(name, known))
    };
    entries.into_iter().map(index).collect()
}

fn names<N: AsRef<str>>(known: &[N]) -> String {
    known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" ")
}

fn unknown<N: AsRef<str>>(name: &str, known: &[N]) -> LayerListError {
    let lower = name.to_lowercase();
    let likeness = |layer: &str| strsim::jaro_winkler(&lower, layer);
    let nearest = known.iter().map(AsRef::as_ref).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = match nearest {
        Some(nearest) if likeness(nearest) > 0.8 => format!(" (did you mean `{nearest}`?)"),
        _ => String::new(),
    };
    LayerListError::Unknown { name: name.to_owned(), hint, layers: names(known) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: [&str; 7] = ["conv1_1", "relu1_1", "conv3_2", "relu4_2", "relu4_3", "pool4", "relu5_1"];

    #[track_caller]
    fn check(text: &str, expected: &[(&str, f64)]) {
        assert_eq!(layer_entries(text).unwrap(), expected);
        let found = layer_indices(text, &LAYERS).unwrap();
        let found: Vec<_> = found.iter().map(|(index, weight)| (LAYERS[*index], *weight)).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        let error = layer_indices(text, &LAYERS).unwrap_err().to_string();
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
        check_error("relu4_3:much", "the weight of `relu4_3` must be a number, found `much`");
        check_error("relu4_3:inf", "the weight of `relu4_3` must be a number, found `inf`");
        check_error("relu4_3, relu4_3", "`relu4_3` is listed twice");
        check_error(" , ", "no layers are listed; the layers are conv1_1");
        assert_eq!(layer_entries(" , ").unwrap_err().to_string(), "no layers are listed");
        assert_eq!(layer_entries("relu43").unwrap(), [("relu43", 1.0)], "some network may have it");
    }
}
