//! The outputs of a node.

use crate::{Differentiable, Error, Port, Result, export, tensor};
use candle_core::Tensor;
use dreamwire_abi as abi;
use dreamwire_socket::{FnRef, Owned};

enum Output {
    None,
    Tensor(Tensor),
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Function(Box<dyn Differentiable>),
}

/// The outputs of one run, in the order of the kind's output ports.
#[derive(Default)]
pub struct Outputs(Vec<Output>);

impl Outputs {
    /// No outputs yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, output: Output) -> Self {
        self.0.push(output);
        self
    }

    /// A tensor: an IMAGE, a MASK, a latent.
    #[must_use]
    pub fn tensor(self, tensor: Tensor) -> Self {
        self.with(Output::Tensor(tensor))
    }

    /// An INT.
    #[must_use]
    pub fn int(self, value: i64) -> Self {
        self.with(Output::Int(value))
    }

    /// A FLOAT.
    #[must_use]
    pub fn float(self, value: f64) -> Self {
        self.with(Output::Float(value))
    }

    /// A BOOLEAN.
    #[must_use]
    pub fn bool(self, value: bool) -> Self {
        self.with(Output::Bool(value))
    }

    /// A STRING.
    #[must_use]
    pub fn string(self, value: impl Into<String>) -> Self {
        self.with(Output::Text(value.into()))
    }

    /// A function that others may evaluate and differentiate.
    #[must_use]
    pub fn function(self, function: impl Differentiable) -> Self {
        self.with(Output::Function(Box::new(function)))
    }

    /// Leaves this port empty, which is [`optional`](crate::Port::optional).
    #[must_use]
    pub fn none(self) -> Self {
        self.with(Output::None)
    }

    /// Moves everything into the host's array.
    ///
    /// # Safety
    /// `values` points to one value per port, writable.
    pub(crate) unsafe fn write(self, ports: &[Port], values: *mut abi::Value) -> Result<()> {
        if self.0.len() != ports.len() {
            let (given, wanted) = (self.0.len(), ports.len());
            return Err(Error::failed(format!(
                "the node returned {given} outputs, but its kind has {wanted}"
            )));
        }
        // Everything that can fail comes first, so that on an error no output is set.
        let made = self.0.into_iter().map(Made::new).collect::<Result<Vec<_>>>()?;
        for (index, made) in made.into_iter().enumerate() {
            // SAFETY: one writable value per port.
            unsafe { *values.add(index) = made.into_raw() };
        }
        Ok(())
    }
}

/// An output on its way out: released if it does not get there.
enum Made {
    Plain(abi::Value),
    Tensor(Owned),
    Function(FnRef),
}

impl Made {
    fn new(output: Output) -> Result<Self> {
        let plain = |kind, u| Self::Plain(abi::Value { kind, flags: 0, u });
        Ok(match output {
            Output::None => Self::Plain(abi::Value::NONE),
            Output::Tensor(tensor) => Self::Tensor(tensor::export(&tensor)?),
            Output::Int(i) => plain(abi::I64, abi::ValueUnion { i }),
            Output::Float(f) => plain(abi::F64, abi::ValueUnion { f }),
            Output::Bool(b) => plain(abi::BOOL, abi::ValueUnion { i: b.into() }),
            Output::Text(text) => plain(abi::STRING, abi::ValueUnion { s: lend(text) }),
            Output::Function(function) => Self::Function(export::function(function)),
        })
    }

    fn into_raw(self) -> abi::Value {
        let (kind, u) = match self {
            Self::Plain(value) => return value,
            Self::Tensor(tensor) => (abi::TENSOR, abi::ValueUnion { t: tensor.into_raw() }),
            Self::Function(function) => (abi::FUNCTION, abi::ValueUnion { func: function.into_raw() }),
        };
        abi::Value { kind, flags: 0, u }
    }
}

/// Text is valid until the next call on that node; the host copies at once, so the last one per thread is
/// enough.
fn lend(text: String) -> abi::Str {
    use std::sync::{Mutex, PoisonError};
    // Outputs of one run come from one thread; a small ring keeps several strings of several runs apart.
    static TEXTS: Mutex<Vec<Box<str>>> = Mutex::new(Vec::new());
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if texts.len() >= 256 {
        texts.drain(..128);
    }
    texts.push(text.into_boxed_str());
    texts.last().map_or(abi::Str::EMPTY, |text| abi::Str::new(text))
}

impl From<Tensor> for Outputs {
    fn from(tensor: Tensor) -> Self {
        Self::new().tensor(tensor)
    }
}
