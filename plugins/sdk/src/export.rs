//! Functions that this plugin gives away on wires: [`Differentiable`] behind the ABI.

use crate::guard::{Sendable, guard};
use crate::node::LIVE;
use crate::{Differentiable, Error, Linearised, Peak, Pullback, Result, Tiles, tensor};
use candle_core::{Device, Tensor};
use dreamwire_abi as abi;
use dreamwire_socket::{CallRef, DescRef, Evaluation, FnHost, FnRef, Owned, SpecTable, TapeHost, Views};
use std::ffi::{CStr, c_void};
use std::sync::atomic::Ordering;

/// Something that the host holds, while it does.
struct Counted;

impl Counted {
    fn new() -> Self {
        LIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Exported {
    // First: it is dropped before code that may panic.
    _counted: Counted,
    table: SpecTable,
    scalar: bool,
    tiles: Option<abi::Tiles>,
    memory: Option<abi::Memory>,
    peak: Option<abi::Peak>,
    function: Box<dyn Differentiable>,
}

struct Tape {
    _counted: Counted,
    pullback: Box<dyn Pullback>,
    n_in: usize,
    n_out: usize,
}

/// A new handle with one reference.
pub(crate) fn function(function: Box<dyn Differentiable>) -> FnRef {
    let spec = function.spec();
    let size = size_of::<abi::Memory>() as u32;
    let memory = function.memory().map(|bytes| abi::Memory { size, reserved: 0, bytes });
    let tiles = function.tiles().map(Tiles::to_abi);
    let peak = function.peak().map(Peak::to_abi);
    let (scalar, table) = (spec.is_scalar(), SpecTable::new(spec.into_facts()));
    let counted = Counted::new();
    dreamwire_socket::export(Exported { _counted: counted, table, scalar, tiles, memory, peak, function })
}

/// Imports the inputs: those in `wrt` as tracked leaves. Trailing ones may be left out.
fn inputs(x: &Views<'_>, wrt: u64, device: &Device) -> Result<Vec<Tensor>> {
    let import = |index: usize| {
        let view = x.get(index).ok_or_else(|| Error::failed("a tensor is missing"))??;
        match wrt.checked_shr(index as u32).unwrap_or(0) & 1 {
            1 => tensor::import_variable(&view, device),
            _ => tensor::import(&view, device),
        }
    };
    (0..x.given()).map(import).collect()
}

impl Exported {
    fn check_outputs(&self, y: &[Tensor]) -> Result<()> {
        let (given, wanted) = (y.len(), self.table.facts().outputs.len());
        if given == wanted {
            return Ok(());
        }
        Err(Error::failed(format!("the function returned {given} outputs, but describes {wanted}")))
    }
}

fn exported(tensors: &[Tensor]) -> Result<Vec<Option<Owned>>> {
    tensor::export_all(&tensors.iter().map(Some).collect::<Vec<_>>())
}

fn exported_gradients(tensors: &[Option<Tensor>], n_in: usize) -> Result<Vec<Option<Owned>>> {
    // Gradients by inputs that were left out are not asked.
    let mut gradients: Vec<Option<&Tensor>> = tensors.iter().map(Option::as_ref).collect();
    gradients.resize(n_in, None);
    tensor::export_all(&gradients)
}

impl FnHost for Exported {
    fn desc(&self) -> Option<DescRef<'_>> {
        Some(self.table.desc())
    }

    fn extension(&self, id: &CStr) -> *const c_void {
        fn of<T>(extension: Option<&T>) -> *const c_void {
            extension.map_or(std::ptr::null(), |it| (&raw const *it).cast())
        }
        match id {
            id if id == abi::TILES => of(self.tiles.as_ref()),
            id if id == abi::MEMORY => of(self.memory.as_ref()),
            id if id == abi::PEAK => of(self.peak.as_ref()),
            _ => std::ptr::null(),
        }
    }

    fn eval(
        &self,
        call: CallRef<'_>,
        x: Views<'_>,
        wrt: u64,
    ) -> std::result::Result<Evaluation, abi::Status> {
        guard(call, |call| {
            let x = inputs(&x, wrt, call.device())?;
            call.progress(0, 0, "")?;
            let (outputs, pullback) = if wrt == 0 {
                (self.function.forward(&x)?, None)
            } else {
                let Linearised { y, pullback } = self.function.linearise(&x, wrt)?;
                (y, Some(pullback))
            };
            self.check_outputs(&outputs)?;
            let (n_in, n_out) = (self.table.facts().inputs.len(), outputs.len());
            let tape = pullback.map(|pullback| {
                let tape = Tape { _counted: Counted::new(), pullback, n_in, n_out };
                dreamwire_socket::export_tape(tape, n_in, n_out)
            });
            Ok((exported(&outputs)?, tape))
        })
    }

    fn value_and_grad(
        &self,
        call: CallRef<'_>,
        x: Views<'_>,
        wrt: u64,
    ) -> std::result::Result<(f64, Vec<Option<Owned>>), abi::Status> {
        guard(call, |call| {
            let facts = self.table.facts();
            if !self.scalar {
                return Err(Error::not_differentiable(format!("{} is not scalar", facts.ty)));
            }
            let x = inputs(&x, wrt, call.device())?;
            call.progress(0, 0, "")?;
            let Linearised { y, pullback } = self.function.linearise(&x, wrt)?;
            self.check_outputs(&y)?;
            let gradients = pullback.vjp(&[Some(y[0].ones_like()?)])?;
            // On the host: Metal has no f64.
            let value = y[0].to_device(&Device::Cpu)?.flatten_all()?;
            let value = value.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?;
            let value = value.first().copied().ok_or_else(|| Error::failed("the value is empty"))?;
            Ok((value, exported_gradients(&gradients, facts.inputs.len())?))
        })
    }
}

impl TapeHost for Tape {
    fn vjp(&self, call: CallRef<'_>, gy: Views<'_>) -> std::result::Result<Vec<Option<Owned>>, abi::Status> {
        // One thread at a time uses a tape, and that one waits here while the pool's does.
        let (pullback, n_in, n_out) = (Sendable(&*self.pullback), self.n_in, self.n_out);
        guard(call, move |call| {
            let import = |j: usize| match gy.get(j) {
                None => Ok(None),
                Some(view) => tensor::import(&view?, call.device()).map(Some),
            };
            let gy = (0..n_out).map(import).collect::<Result<Vec<_>>>()?;
            exported_gradients(&pullback.get().vjp(&gy)?, n_in)
        })
    }

    fn bytes(&self) -> u64 {
        self.pullback.bytes()
    }
}
