//! Functions from a plugin.

use super::host::Host;
use super::tensor::{Array, Samples, lend_once, receive};
use dreamwire_abi as abi;
use dreamwire_socket::{FnFacts, FnRef, Owned, Said, TapeRef, Views};

/// A function of the plugin, with the one reference that was moved to the checker.
pub(crate) struct Function {
    function: FnRef,
    /// Its description.
    pub(crate) described: FnFacts,
}

/// How `eval` ended.
pub(crate) struct Evaluated {
    /// A status of the ABI.
    pub(crate) status: abi::Status,
    /// The failure that was reported.
    pub(crate) said: Option<Said>,
    /// The outputs; `None` where it set none. Empty if it failed.
    pub(crate) y: Vec<Option<Result<Samples, String>>>,
    /// The tape, for gradients.
    pub(crate) tape: Option<Tape>,
    /// Whether it failed and set out parameters nevertheless.
    pub(crate) touched: bool,
}

/// How a call for gradients ended.
pub(crate) struct Pulled {
    /// A status of the ABI.
    pub(crate) status: abi::Status,
    /// The failure that was reported.
    pub(crate) said: Option<Said>,
    /// The value, if the call was `value_and_grad`.
    pub(crate) value: f64,
    /// Gradients with respect to the inputs; `None` is zero or not requested. Empty if it failed.
    pub(crate) gradient: Vec<Option<Result<Samples, String>>>,
}

/// A tape of the plugin; released when it is dropped.
pub(crate) struct Tape(TapeRef);

impl Function {
    pub(super) fn new(function: FnRef) -> Result<Self, String> {
        let described = function.desc().ok_or("a function has no valid description")?.facts();
        Ok(Self { function, described })
    }

    /// `retain`, then `release`: leaves everything unchanged.
    pub(crate) fn retain_and_release(&self) {
        drop(self.function.clone());
    }

    /// `y = f(x)`, `None` for omitted inputs; with a tape out parameter if `tape`.
    pub(crate) fn eval(&self, host: &Host, x: &[Option<Array>], wrt: u64, tape: bool) -> Evaluated {
        let x = lent(x);
        let (done, said) = host.call(|call| self.function.eval(call, &Views::new(&x), wrt, tape));
        let tape = done.tape.map(Tape);
        Evaluated { status: done.status, said, y: collect(done.y), tape, touched: done.touched }
    }

    /// Value and gradients of a scalar function; `None` if it has none.
    pub(crate) fn value_and_grad(&self, host: &Host, x: &[Option<Array>], wrt: u64) -> Option<Pulled> {
        let x = lent(x);
        let (done, said) = host.call(|call| self.function.value_and_grad(call, &Views::new(&x), wrt));
        let done = done?;
        Some(Pulled { status: done.status, said, value: done.value, gradient: collect(done.gradient) })
    }

    /// The extension `dw.tiles/1`, if it has one; the error says why it cannot be read.
    pub(crate) fn tiles(&self) -> Result<Option<abi::Tiles>, String> {
        self.function.tiles().map_err(|fault| fault.message)
    }

    /// The extension `dw.memory/1`, if it has one; the error says why it cannot be read.
    pub(crate) fn memory(&self) -> Result<Option<u64>, String> {
        self.function.memory().map_err(|fault| fault.message)
    }

    /// The extension `dw.peak/1`, if it has one; the error says why it cannot be read.
    pub(crate) fn peak(&self) -> Result<Option<abi::Peak>, String> {
        self.function.peak().map_err(|fault| fault.message)
    }
}

impl Tape {
    /// Whether it has the functions that a tape must have.
    pub(crate) fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    /// `gx = J^T gy`; `None` in `gy` is zero. `gy` has one entry per output.
    pub(crate) fn vjp(&self, host: &Host, gy: &[Option<Array>]) -> Pulled {
        let gy = lent(gy);
        let (done, said) = host.call(|call| self.0.vjp(call, &Views::new(&gy)));
        Pulled { status: done.status, said, value: 0.0, gradient: collect(done.gradient) }
    }
}

fn lent(arrays: &[Option<Array>]) -> Vec<Option<Owned>> {
    arrays.iter().map(|array| array.as_ref().and_then(lend_once)).collect()
}

fn collect(owned: Vec<Option<Owned>>) -> Vec<Option<Result<Samples, String>>> {
    owned.into_iter().map(|owned| owned.map(receive)).collect()
}
