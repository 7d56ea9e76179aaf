//! Descriptions of functions.

use crate::{Error, Result};
use dreamwire_abi as abi;
use dreamwire_socket::{FnFacts, Spec};

/// One tensor of a function.
///
/// What it says of itself beyond its shape is text that others may pass on unread: pairs `key=value`, separated by
/// semicolons. The keys that there are are read and written here and nowhere else.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// `"relu4_3"`, `"image"`.
    pub name: String,
    /// Sizes, -1 = free.
    pub dims: Vec<i64>,
    /// `"layout=nchw;weight=0.5"`.
    pub semantics: String,
}

impl TensorSpec {
    /// A float32 tensor; -1 in `dims` is a free size.
    pub fn new(name: impl Into<String>, dims: &[i64]) -> Self {
        Self { name: name.into(), dims: dims.to_vec(), semantics: String::new() }
    }

    /// All semantics, as text.
    #[must_use]
    pub fn semantics(mut self, semantics: impl Into<String>) -> Self {
        self.semantics = semantics.into();
        self
    }

    /// Adds a pair to the semantics.
    #[must_use]
    fn with(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        if !self.semantics.is_empty() {
            self.semantics.push(';');
        }
        self.semantics.push_str(&format!("{key}={value}"));
        self
    }

    /// The value of one key of the semantics.
    pub fn semantic(&self, key: &str) -> Option<&str> {
        let pairs = self.semantics.split(';').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(k, _)| k.trim() == key).map(|(_, value)| value.trim())
    }

    /// Its axes are batch, channels, height, width (`layout=nchw`).
    #[must_use]
    pub fn channels_first(self) -> Self {
        self.with("layout", "nchw")
    }

    /// How much the layer counts where nothing else is said (`weight=`).
    #[must_use]
    pub fn weighted(self, weight: f64) -> Self {
        self.with("weight", weight)
    }

    /// How the network pads its borders (`padding=`): `zeros`, `reflect`, ...
    #[must_use]
    pub fn padded(self, padding: impl std::fmt::Display) -> Self {
        self.with("padding", padding)
    }

    /// It compares places: the picture may not be rolled under it (`positions=fixed`).
    #[must_use]
    pub fn at_fixed_positions(self) -> Self {
        self.with("positions", "fixed")
    }

    /// How much the layer counts; 1 where it does not say.
    ///
    /// # Errors
    /// What it says is no number. Names no port.
    pub fn weight(&self) -> Result<f64> {
        let text = self.semantic("weight").unwrap_or("1");
        text.parse().map_err(|_| {
            let name = &self.name;
            Error::new(
                abi::E_ARG,
                "",
                format!("the weight of layer `{name}` must be a number, found `{text}`"),
            )
        })
    }

    /// How the network pads its borders, if it says so.
    pub fn padding(&self) -> Option<&str> {
        self.semantic("padding")
    }

    /// The order of its axes, if it says so: `nchw`.
    pub fn layout(&self) -> Option<&str> {
        self.semantic("layout")
    }

    /// Whether it compares places.
    pub fn has_fixed_positions(&self) -> bool {
        self.semantic("positions") == Some("fixed")
    }
}

/// A function's type, inputs and outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct FnSpec {
    /// FEATURES, OBJECTIVE, MAPPING, GENERATOR, DISCRIMINATOR.
    pub ty: String,
    /// For people: `"vgg16"`.
    pub name: String,
    /// Inputs in order.
    pub inputs: Vec<TensorSpec>,
    /// Outputs in order.
    pub outputs: Vec<TensorSpec>,
    pub(crate) flags: u32,
}

impl FnSpec {
    /// A deterministic function that may be called from several threads.
    pub fn new(ty: impl Into<String>, name: impl Into<String>) -> Self {
        let flags = abi::FN_REENTRANT | abi::FN_DETERMINISTIC;
        Self { ty: ty.into(), name: name.into(), inputs: Vec::new(), outputs: Vec::new(), flags }
    }

    /// Adds an input.
    #[must_use]
    pub fn input(mut self, spec: TensorSpec) -> Self {
        self.inputs.push(spec);
        self
    }

    /// Adds an output.
    #[must_use]
    pub fn output(mut self, spec: TensorSpec) -> Self {
        self.outputs.push(spec);
        self
    }

    /// Declares one output of one element: an objective.
    #[must_use]
    pub fn scalar(mut self) -> Self {
        self.flags |= abi::FN_SCALAR;
        self
    }

    /// True for objectives.
    pub fn is_scalar(&self) -> bool {
        self.flags & abi::FN_SCALAR != 0
    }

    /// As it crosses. A gradient by any of the inputs can be asked.
    pub(crate) fn into_facts(self) -> FnFacts {
        let spec = |spec: TensorSpec| {
            let TensorSpec { name, dims, semantics } = spec;
            Spec { name, dims, semantics, is_float: true }
        };
        let Self { ty, name, inputs, outputs, flags } = self;
        FnFacts {
            ty,
            name,
            flags,
            diff_in: (1u64 << inputs.len().min(63)) - 1,
            inputs: inputs.into_iter().map(spec).collect(),
            outputs: outputs.into_iter().map(spec).collect(),
            faults: Vec::new(),
        }
    }

    /// What has crossed; the first fault in it.
    pub(crate) fn from_facts(facts: FnFacts) -> std::result::Result<Self, String> {
        if let Some(fault) = facts.faults.into_iter().next() {
            return Err(fault);
        }
        let spec = |spec: Spec| TensorSpec { name: spec.name, dims: spec.dims, semantics: spec.semantics };
        Ok(Self {
            ty: facts.ty,
            name: facts.name,
            inputs: facts.inputs.into_iter().map(spec).collect(),
            outputs: facts.outputs.into_iter().map(spec).collect(),
            flags: facts.flags,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantics_are_read_as_they_are_written() {
        let written = TensorSpec::new("relu1_1", &[-1]).channels_first().weighted(0.5).padded("reflect");
        assert_eq!(written.semantics, "layout=nchw;weight=0.5;padding=reflect");
        assert_eq!(written.weight().unwrap(), 0.5);
        assert_eq!((written.layout(), written.padding()), (Some("nchw"), Some("reflect")));
        assert!(!written.has_fixed_positions());
        let foreign = TensorSpec::new("x", &[]).semantics(" weight = two ; positions= fixed");
        assert!(foreign.has_fixed_positions());
        let error = foreign.weight().unwrap_err();
        assert_eq!(error.to_string(), "the weight of layer `x` must be a number, found `two`");
        assert_eq!(TensorSpec::new("x", &[]).weight().unwrap(), 1.0);
    }
}
