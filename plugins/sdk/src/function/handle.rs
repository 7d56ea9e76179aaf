//! A function of another plugin: evaluate it, differentiate it.

use super::op;
use crate::{Call, Error, FnSpec, Peak, Result, Tiles, live, tensor};
use candle_core::Tensor;
use dreamwire_abi as abi;
use dreamwire_socket::{FnRef, Owned, TapeRef, Views};
use std::sync::Arc;

/// A differentiable function `y[0..m) = f(x[0..n))` from a wire. Cheap to clone.
#[derive(Clone)]
pub struct Function {
    handle: Arc<Handle>,
}

struct Handle {
    function: FnRef,
    spec: FnSpec,
}

impl Function {
    /// Takes over a reference.
    pub(crate) fn new(function: FnRef) -> Result<Self> {
        let facts =
            function.desc().ok_or_else(|| Error::failed("a function has no valid description"))?.facts();
        let spec = FnSpec::from_facts(facts)
            .map_err(|fault| Error::failed(format!("the description of a function is invalid: {fault}")))?;
        Ok(Self { handle: Arc::new(Handle { function, spec }) })
    }

    /// FEATURES, OBJECTIVE, MAPPING, GENERATOR or DISCRIMINATOR.
    pub fn ty(&self) -> &str {
        &self.handle.spec.ty
    }

    /// Inputs and outputs.
    pub fn spec(&self) -> &FnSpec {
        &self.handle.spec
    }

    /// Its halo, if it is local: then it may be evaluated tile by tile.
    pub fn tiles(&self) -> Option<Tiles> {
        self.handle.function.tiles().ok().flatten().and_then(Tiles::from_abi)
    }

    /// Memory that an evaluation needs, if it says so.
    pub fn peak(&self) -> Option<Peak> {
        self.handle.function.peak().ok().flatten().map(Peak::from_abi)
    }

    pub(crate) fn reference(&self) -> FnRef {
        self.handle.function.clone()
    }

    fn check_inputs(&self, x: &[&Tensor]) -> Result<()> {
        let inputs = &self.handle.spec.inputs;
        // Optional inputs come last, so fewer are valid: the provider reports a missing one.
        if x.len() > inputs.len() {
            let (given, wanted, ty) = (x.len(), inputs.len(), self.ty());
            return Err(Error::failed(format!("{ty} takes {wanted} inputs, found {given}")));
        }
        Ok(())
    }

    fn call_eval(&self, call: &Call, x: &[&Tensor], wrt: u64) -> Result<(Vec<Tensor>, Option<Tape>)> {
        self.check_inputs(x)?;
        let x = tensor::export_all(&x.iter().copied().map(Some).collect::<Vec<_>>())?;
        let done = self.handle.function.eval(call.raw(), &Views::new(&x), wrt, wrt != 0);
        if done.status != abi::OK {
            return Err(self.error(done.status));
        }
        let outputs = done.y.iter().map(|y| match y {
            Some(y) => tensor::receive(y, call.device()),
            None => Err(Error::failed("a call succeeded but returned no tensor")),
        });
        let outputs = outputs.collect::<Result<_>>()?;
        Ok((outputs, done.tape.map(|tape| Tape { tape, function: self.clone() })))
    }

    /// The provider has said why.
    fn error(&self, status: abi::Status) -> Error {
        if status == abi::CANCELLED {
            return Error::cancelled();
        }
        let ty = self.ty();
        Error::reported(status, format!("{ty} `{}` failed", self.handle.spec.name))
    }

    /// `y = f(x)`. Trailing optional inputs may be left out.
    ///
    /// # Errors
    /// Those of the provider, which the host reports with the provider's name.
    pub fn eval(&self, x: &[&Tensor]) -> Result<Vec<Tensor>> {
        live::current(|call| Ok(self.call_eval(call, x, 0)?.0))
    }

    /// `y = f(x)` and the tape for gradients with respect to the inputs whose bits are set in `wrt`.
    ///
    /// # Errors
    /// As [`Function::eval`], and if the function is not differentiable.
    pub fn linearise(&self, x: &[&Tensor], wrt: u64) -> Result<(Vec<Tensor>, Tape)> {
        live::current(|call| {
            let (y, tape) = self.call_eval(call, x, wrt)?;
            let ty = self.ty();
            let tape =
                tape.ok_or_else(|| Error::not_differentiable(format!("{ty} returned no gradient tape")))?;
            Ok((y, tape))
        })
    }

    /// Value and gradient of a scalar function with respect to its first input.
    ///
    /// # Errors
    /// As [`Function::linearise`], and if the function is not scalar.
    pub fn value_and_grad(&self, x: &Tensor) -> Result<(f64, Tensor)> {
        live::current(|call| {
            self.check_inputs(&[x])?;
            let views = [Some(tensor::export(x)?)];
            let done = self.handle.function.value_and_grad(call.raw(), &Views::new(&views), 1);
            let done = done.ok_or_else(|| self.error(abi::E_UNSUPPORTED))?;
            if done.status != abi::OK {
                return Err(self.error(done.status));
            }
            let gradient = match done.gradient.first() {
                Some(Some(gradient)) => tensor::receive(gradient, call.device())?,
                // Exactly zero.
                _ => x.zeros_like()?,
            };
            Ok((done.value, gradient))
        })
    }

    /// `y = f(x)` as a node of this plugin's candle graph: `backward()` pulls gradients through the other plugin.
    ///
    /// # Errors
    /// As [`Function::eval`].
    pub fn apply(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        op::apply(self, x)
    }
}

/// What a forward pass keeps for its vector-Jacobian product.
pub struct Tape {
    tape: TapeRef,
    function: Function,
}

impl Tape {
    /// `gx = J^T gy`: the gradient of each input, `None` if it was not requested or is exactly zero.
    ///
    /// # Errors
    /// What the provider says.
    pub fn vjp(&self, gy: &[Option<&Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let spec = self.function.spec();
        if gy.len() != spec.outputs.len() {
            let (given, wanted) = (gy.len(), spec.outputs.len());
            return Err(Error::failed(format!(
                "expected {wanted} cotangents, one per output, found {given}"
            )));
        }
        live::current(|call| {
            let gy = tensor::export_all(gy)?;
            let done = self.tape.vjp(call.raw(), &Views::new(&gy));
            if done.status != abi::OK {
                return Err(self.function.error(done.status));
            }
            let receive =
                |g: &Option<Owned>| g.as_ref().map(|g| tensor::receive(g, call.device())).transpose();
            done.gradient.iter().map(receive).collect()
        })
    }

    /// Memory that the tape pins, in bytes, as the provider estimates it.
    pub fn bytes(&self) -> u64 {
        self.tape.bytes()
    }
}
