//! A function of another plugin: evaluate it, differentiate it.

use super::{op, spec, tiles};
use crate::{Call, Error, FnSpec, Result, Tiles, live, tensor};
use candle_core::Tensor;
use dreamwire_abi as abi;
use dreamwire_abi::field;
use std::sync::Arc;

/// A differentiable function `y[0..m) = f(x[0..n))` that came over a wire. Cheap to clone.
#[derive(Clone)]
pub struct Function {
    handle: Arc<Handle>,
}

struct Handle {
    raw: *mut abi::Fn,
    spec: FnSpec,
}

// SAFETY: retain, release and describe are thread-safe; eval and value_and_grad are serialised by the host's proxy
// where the function is not reentrant.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: retained by `Function::retain`, released once.
        unsafe {
            if let Some(release) = field!((*self.raw).vt, abi::FnVt, release) {
                release(self.raw);
            }
        }
    }
}

impl Function {
    /// # Safety
    /// `raw` is null or a live function.
    pub(crate) unsafe fn retain(raw: *mut abi::Fn) -> Result<Self> {
        let broken = || Error::failed("a function is broken: it does not describe itself");
        // SAFETY: null or alive.
        unsafe {
            if raw.is_null() || (*raw).vt.is_null() {
                return Err(broken());
            }
            let vt = (*raw).vt;
            let describe = field!(vt, abi::FnVt, describe).ok_or_else(broken)?;
            let spec = spec::read(describe(raw)).ok_or_else(broken)?;
            field!(vt, abi::FnVt, retain).ok_or_else(broken)?(raw);
            Ok(Self { handle: Arc::new(Handle { raw, spec }) })
        }
    }

    /// FEATURES, OBJECTIVE, MAPPING, GENERATOR or DISCRIMINATOR.
    pub fn kind(&self) -> &str {
        &self.handle.spec.kind
    }

    /// Inputs and outputs.
    pub fn spec(&self) -> &FnSpec {
        &self.handle.spec
    }

    /// How far it sees, if it is local: then it may be asked tile by tile.
    pub fn tiles(&self) -> Option<Tiles> {
        let raw = self.handle.raw;
        // SAFETY: the function is retained; the extension is what its name says and lives as long as the function.
        unsafe {
            let get = field!((*raw).vt, abi::FnVt, get_extension)?;
            tiles::read(get(raw, abi::TILES.as_ptr()).cast())
        }
    }

    pub(crate) fn raw(&self) -> *mut abi::Fn {
        self.handle.raw
    }

    fn check_inputs(&self, x: &[&Tensor]) -> Result<()> {
        let inputs = &self.handle.spec.inputs;
        // Optional inputs come last, so fewer is fine: the provider says if one is missing.
        if x.len() > inputs.len() {
            let (given, wanted, kind) = (x.len(), inputs.len(), self.kind());
            return Err(Error::failed(format!("{kind} takes {wanted} inputs, {given} were given")));
        }
        Ok(())
    }

    fn call_eval(&self, call: &Call, x: &[&Tensor], wrt: u64) -> Result<(Vec<Tensor>, Option<Tape>)> {
        self.check_inputs(x)?;
        let mut views: Vec<Option<&Tensor>> = x.iter().copied().map(Some).collect();
        views.resize(self.handle.spec.inputs.len(), None);
        let mut y: Vec<abi::Owned> = vec![std::ptr::null_mut(); self.handle.spec.outputs.len()];
        let mut tape: *mut abi::Tape = std::ptr::null_mut();
        let raw = self.handle.raw;
        let status = tensor::with_views(&views, |views| {
            // SAFETY: the function is retained, the call is live, arrays have the sizes that the description states.
            unsafe {
                match field!((*raw).vt, abi::FnVt, eval) {
                    Some(eval) => {
                        let tape = if wrt == 0 { std::ptr::null_mut() } else { &raw mut tape };
                        eval(raw, call.raw(), views.as_ptr(), y.as_mut_ptr(), wrt, tape)
                    }
                    None => abi::E_UNSUPPORTED,
                }
            }
        })?;
        if status != abi::OK {
            return Err(self.foreign_error(status));
        }
        let tape = (!tape.is_null()).then(|| Tape { raw: tape, function: self.clone() });
        // Own them all before any import can fail.
        // SAFETY: OK promises managed tensors that are now ours.
        let owned: Vec<Result<tensor::Managed>> =
            y.into_iter().map(|y| unsafe { tensor::Managed::new(y) }).collect();
        let outputs =
            owned.into_iter().map(|managed| managed?.tensor(call.device())).collect::<Result<_>>()?;
        Ok((outputs, tape))
    }

    fn foreign_error(&self, status: abi::Status) -> Error {
        if status == abi::CANCELLED {
            return Error::cancelled();
        }
        let kind = self.kind();
        Error::reported(status, format!("{kind} `{}` failed", self.handle.spec.name))
    }

    /// `y = f(x)`. Trailing optional inputs may be left out.
    ///
    /// # Errors
    /// What the provider says; it has been told to the host with the provider's name.
    pub fn eval(&self, x: &[&Tensor]) -> Result<Vec<Tensor>> {
        live::current(|call| Ok(self.call_eval(call, x, 0)?.0))
    }

    /// `y = f(x)` and the tape for gradients by the inputs whose bits are set in `wrt`.
    ///
    /// # Errors
    /// As [`Function::eval`], and where the function is not differentiable.
    pub fn linearise(&self, x: &[&Tensor], wrt: u64) -> Result<(Vec<Tensor>, Tape)> {
        live::current(|call| {
            let (y, tape) = self.call_eval(call, x, wrt)?;
            let kind = self.kind();
            let tape =
                tape.ok_or_else(|| Error::not_differentiable(format!("{kind} gave no gradient tape")))?;
            Ok((y, tape))
        })
    }

    /// Value and gradient of a scalar function by its first input.
    ///
    /// # Errors
    /// As [`Function::linearise`]; the function is not scalar.
    pub fn value_and_grad(&self, x: &Tensor) -> Result<(f64, Tensor)> {
        let raw = self.handle.raw;
        live::current(|call| {
            let inputs = self.handle.spec.inputs.len();
            let mut views = vec![Some(x)];
            views.resize(inputs.max(1), None);
            let (mut value, mut g) = (0.0, vec![std::ptr::null_mut(); inputs.max(1)]);
            let status = tensor::with_views(&views, |views| {
                // SAFETY: as in `call_eval`.
                unsafe {
                    match field!((*raw).vt, abi::FnVt, value_and_grad) {
                        Some(f) => f(raw, call.raw(), views.as_ptr(), 1, &raw mut value, g.as_mut_ptr()),
                        None => abi::E_UNSUPPORTED,
                    }
                }
            })?;
            if status != abi::OK {
                return Err(self.foreign_error(status));
            }
            if g[0].is_null() {
                // Exactly zero.
                return Ok((value, x.zeros_like()?));
            }
            // SAFETY: OK promises a managed tensor that is now ours.
            let gradient = unsafe { tensor::Managed::new(g[0]) }?.tensor(call.device())?;
            Ok((value, gradient))
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

/// What a forward pass kept for its vector-Jacobian product.
pub struct Tape {
    raw: *mut abi::Tape,
    function: Function,
}

// SAFETY: release is thread-safe and vjp is called by one thread at a time: `Tape` is not shared.
unsafe impl Send for Tape {}

impl Tape {
    /// `gx = J^T gy`: the gradient by each input, `None` where it was not asked for or is exactly zero.
    ///
    /// # Errors
    /// What the provider says.
    pub fn vjp(&self, gy: &[Option<&Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let spec = self.function.spec();
        if gy.len() != spec.outputs.len() {
            let (given, wanted) = (gy.len(), spec.outputs.len());
            return Err(Error::failed(format!("{given} cotangents for {wanted} outputs")));
        }
        live::current(|call| {
            let mut gx: Vec<abi::Owned> = vec![std::ptr::null_mut(); spec.inputs.len()];
            let status = tensor::with_views(gy, |gy| {
                // SAFETY: the tape is ours, the call is live, arrays have the sizes that the description states.
                unsafe {
                    match field!((*self.raw).vt, abi::TapeVt, vjp) {
                        Some(vjp) => vjp(self.raw, call.raw(), gy.as_ptr(), gx.as_mut_ptr()),
                        None => abi::E_NOT_DIFF,
                    }
                }
            })?;
            if status != abi::OK {
                return Err(self.function.foreign_error(status));
            }
            // SAFETY: OK promises managed tensors, or null for zero, that are now ours.
            let owned: Vec<Option<Result<tensor::Managed>>> =
                gx.into_iter().map(|g| (!g.is_null()).then(|| unsafe { tensor::Managed::new(g) })).collect();
            owned.into_iter().map(|g| g.map(|g| g?.tensor(call.device())).transpose()).collect()
        })
    }

    /// Memory that the tape pins, in bytes, as the provider reckons.
    pub fn bytes(&self) -> u64 {
        // SAFETY: the tape is ours.
        unsafe { field!((*self.raw).vt, abi::TapeVt, bytes).map_or(0, |bytes| bytes(self.raw)) }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        // SAFETY: ours, released once.
        unsafe {
            if let Some(release) = field!((*self.raw).vt, abi::TapeVt, release) {
                release(self.raw);
            }
        }
    }
}
