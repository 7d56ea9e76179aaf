//! What a node gives back.

use crate::export::{self, Differentiable};
use crate::{Error, Port, Result, tensor};
use candle_core::Tensor;
use dreamwire_abi as abi;

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
    /// None yet.
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

    /// Nothing at this port, which is [`optional`](crate::Port::optional).
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
            return Err(Error::failed(format!("the node gave {given} outputs, its kind has {wanted}")));
        }
        // Everything that can fail comes first, so that on an error no output is set.
        let mut made = Made(Vec::with_capacity(self.0.len()));
        for output in self.0 {
            let (kind, u) = match output {
                Output::None => (abi::NONE, abi::ValueUnion { i: 0 }),
                Output::Tensor(tensor) => (abi::TENSOR, abi::ValueUnion { t: tensor::export(&tensor)? }),
                Output::Int(i) => (abi::I64, abi::ValueUnion { i }),
                Output::Float(f) => (abi::F64, abi::ValueUnion { f }),
                Output::Bool(b) => (abi::BOOL, abi::ValueUnion { i: b.into() }),
                Output::Text(text) => (abi::STRING, abi::ValueUnion { s: lend(text) }),
                Output::Function(function) => {
                    (abi::FUNCTION, abi::ValueUnion { func: export::function(function) })
                }
            };
            made.0.push(abi::Value { kind, flags: 0, u });
        }
        for (index, value) in std::mem::take(&mut made.0).into_iter().enumerate() {
            // SAFETY: one writable value per port.
            unsafe { *values.add(index) = value };
        }
        Ok(())
    }
}

/// Text lives until the next call on that node; the host copies at once, so the last one per thread is enough.
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

/// Values on their way out; what is left on an error is released.
struct Made(Vec<abi::Value>);

impl Drop for Made {
    fn drop(&mut self) {
        for value in &self.0 {
            // SAFETY: made by `write` above and not handed over.
            unsafe {
                if value.kind == abi::TENSOR {
                    drop(tensor::Managed::new(value.u.t));
                } else if value.kind == abi::FUNCTION {
                    export::release(value.u.func);
                }
            }
        }
    }
}

impl From<Tensor> for Outputs {
    fn from(tensor: Tensor) -> Self {
        Self::new().tensor(tensor)
    }
}
