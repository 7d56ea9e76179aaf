//! Functions that this plugin gives away on wires.

use crate::function::FnSpec;
use crate::guard::{Sendable, guard};
use crate::node::LIVE;
use crate::{Error, Result, Tiles, tensor};
use candle_core::Tensor;
use dreamwire_abi as abi;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A differentiable function `y[0..m) = f(x[0..n))` over float32 tensors.
///
/// Writing `forward` with candle ops is enough: the tape is candle's graph. Beware that candle's own max-pool and
/// nearest-upsample have wrong gradients; use those of `dreamwire-kernels`.
pub trait Differentiable: Send + Sync + 'static {
    /// Type, inputs and outputs; asked once.
    fn spec(&self) -> FnSpec;

    /// `y = f(x)`. `x` has one tensor per input of the spec that was given; inputs to differentiate by are tracked.
    ///
    /// # Errors
    /// Say what was expected and what was found.
    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>>;

    /// How far it sees, if it is local: then a large picture can be dreamt in tiles. Asked once.
    fn tiles(&self) -> Option<Tiles> {
        None
    }

    /// `y = f(x)` and what its vjp needs, for the inputs whose bits are set in `wrt`.
    ///
    /// # Errors
    /// As [`Differentiable::forward`].
    fn linearise(&self, x: &[Tensor], wrt: u64) -> Result<Linearised> {
        let y = self.forward(x)?;
        let pullback = CandleTape { x: x.to_vec(), y: y.clone(), wrt };
        Ok(Linearised { y, pullback: Box::new(pullback) })
    }
}

/// A forward pass with its way back.
pub struct Linearised {
    /// the outputs
    pub y: Vec<Tensor>,
    /// the vjp at `x`
    pub pullback: Box<dyn Pullback>,
}

/// The vector-Jacobian product of a function at one point.
pub trait Pullback: Send {
    /// `gx = J^T gy`; `None` in `gy` is zero, `None` in the result is exactly zero or not asked.
    ///
    /// # Errors
    /// Say what was expected and what was found.
    fn vjp(&self, gy: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>>;

    /// Memory that it pins, in bytes, as far as it knows.
    fn bytes(&self) -> u64;
}

/// The default tape: candle's graph from `x` to `y`.
struct CandleTape {
    x: Vec<Tensor>,
    y: Vec<Tensor>,
    wrt: u64,
}

impl Pullback for CandleTape {
    fn vjp(&self, gy: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        // candle's backward seeds with ones, so the cotangent is contracted first: d<y,gy>/dx = J^T gy.
        let mut total: Option<Tensor> = None;
        for (y, gy) in self.y.iter().zip(gy) {
            let Some(gy) = gy else { continue };
            if gy.dims() != y.dims() {
                let (found, wanted) = (gy.dims(), y.dims());
                return Err(Error::shape(
                    "",
                    format!("a cotangent has the shape {found:?}, its output {wanted:?}"),
                ));
            }
            let term = (y * gy)?.sum_all()?;
            total = Some(match total {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
        let Some(total) = total else { return Ok(vec![None; self.x.len()]) };
        let gradients = total.backward()?;
        let asked = |i: usize| self.wrt >> i & 1 == 1;
        Ok(self
            .x
            .iter()
            .enumerate()
            .map(|(i, x)| gradients.get(x).filter(|_| asked(i)).map(Tensor::detach))
            .collect())
    }

    fn bytes(&self) -> u64 {
        // What is between x and y is candle's to know; ends only.
        self.x.iter().chain(&self.y).map(|t| (t.elem_count() * t.dtype().size_in_bytes()) as u64).sum()
    }
}

#[repr(C)]
struct Exported {
    base: abi::Fn,
    references: AtomicUsize,
    table: crate::function::SpecTable,
    tiles: Option<abi::Tiles>,
    function: Box<dyn Differentiable>,
}

#[repr(C)]
struct ExportedTape {
    base: abi::Tape,
    pullback: Box<dyn Pullback>,
    n_out: usize,
}

static FN_VT: abi::FnVt = abi::FnVt {
    size: size_of::<abi::FnVt>() as u32,
    flags: 0,
    retain: Some(retain),
    release: Some(release),
    describe: Some(describe),
    eval: Some(eval),
    value_and_grad: Some(value_and_grad),
    get_extension: Some(get_extension),
};

static TAPE_VT: abi::TapeVt = abi::TapeVt {
    size: size_of::<abi::TapeVt>() as u32,
    flags: 0,
    release: Some(tape_release),
    vjp: Some(tape_vjp),
    bytes: Some(tape_bytes),
};

/// A new handle with one reference.
pub(crate) fn function(function: Box<dyn Differentiable>) -> *mut abi::Fn {
    LIVE.fetch_add(1, Ordering::Relaxed);
    let table = crate::function::SpecTable::new(function.spec());
    let tiles = function.tiles().map(Tiles::to_abi);
    let base = abi::Fn { vt: &raw const FN_VT };
    let references = AtomicUsize::new(1);
    Box::into_raw(Box::new(Exported { base, references, table, tiles, function })).cast()
}

unsafe extern "C" fn get_extension(f: *mut abi::Fn, id: *const c_char) -> *const c_void {
    // SAFETY: a live handle of ours, and a text that ends in NUL, as the header says.
    unsafe {
        if CStr::from_ptr(id) != abi::TILES {
            return std::ptr::null();
        }
        (*f.cast::<Exported>()).tiles.as_ref().map_or(std::ptr::null(), |tiles| (&raw const *tiles).cast())
    }
}

unsafe extern "C" fn retain(f: *mut abi::Fn) {
    // SAFETY: a live handle of ours.
    unsafe { (*f.cast::<Exported>()).references.fetch_add(1, Ordering::Relaxed) };
}

pub(crate) unsafe extern "C" fn release(f: *mut abi::Fn) {
    let exported = f.cast::<Exported>();
    // SAFETY: a live handle of ours; the last release frees it, and acquire orders all others' uses before.
    unsafe {
        if (*exported).references.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(exported))));
            LIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

unsafe extern "C" fn describe(f: *mut abi::Fn) -> *const abi::FnDesc {
    // SAFETY: a live handle of ours.
    unsafe { (*f.cast::<Exported>()).table.desc() }
}

/// Imports the inputs: those in `wrt` as tracked leaves. Trailing nulls are inputs left out.
///
/// # Safety
/// `x` points to `n` views.
unsafe fn inputs(
    x: *const abi::View,
    n: usize,
    wrt: u64,
    device: &candle_core::Device,
) -> Result<Vec<Tensor>> {
    // SAFETY: the caller's promise; each view is null or alive.
    unsafe {
        let given = (0..n).take_while(|&i| !(*x.add(i)).is_null()).count();
        (0..given)
            .map(|i| match wrt >> i & 1 {
                1 => tensor::import_variable(*x.add(i), device),
                _ => tensor::import(*x.add(i), device),
            })
            .collect()
    }
}

/// Moves tensors into the caller's array: all, or on an error none.
///
/// # Safety
/// `out` has room for as many tensors as there are.
unsafe fn hand_over<'a>(
    tensors: impl Iterator<Item = Option<&'a Tensor>>,
    out: *mut abi::Owned,
) -> Result<()> {
    let made = tensors
        // SAFETY: just exported, so live and ours.
        .map(|t| t.map(|t| unsafe { tensor::Managed::new(tensor::export(t)?) }).transpose())
        .collect::<Result<Vec<_>>>()?;
    for (index, managed) in made.into_iter().enumerate() {
        if let Some(managed) = managed {
            // SAFETY: the caller's promise.
            unsafe { *out.add(index) = managed.into_raw() };
        }
    }
    Ok(())
}

fn check_outputs(spec: &FnSpec, y: &[Tensor]) -> Result<()> {
    if y.len() == spec.outputs.len() {
        return Ok(());
    }
    let (given, wanted) = (y.len(), spec.outputs.len());
    Err(Error::failed(format!("the function gave {given} outputs, it describes {wanted}")))
}

unsafe extern "C" fn eval(
    f: *mut abi::Fn,
    call: *const abi::Call,
    x: *const abi::View,
    y: *mut abi::Owned,
    wrt: u64,
    tape: *mut *mut abi::Tape,
) -> abi::Status {
    let raw = Sendable((f, x, y, tape));
    // SAFETY: the caller keeps the handle, the call and the arrays alive; arrays have the described sizes.
    unsafe {
        guard(call, move |call| {
            let (f, x, y, tape) = raw.get();
            let exported = &*f.cast::<Exported>();
            let spec = exported.table.spec();
            let wrt = if tape.is_null() { 0 } else { wrt };
            let x = inputs(x, spec.inputs.len(), wrt, call.device())?;
            call.progress(0, 0, "")?;
            let (outputs, pullback) = if wrt == 0 {
                (exported.function.forward(&x)?, None)
            } else {
                let Linearised { y, pullback } = exported.function.linearise(&x, wrt)?;
                (y, Some(pullback))
            };
            check_outputs(spec, &outputs)?;
            hand_over(outputs.iter().map(Some), y)?;
            if let Some(pullback) = pullback {
                LIVE.fetch_add(1, Ordering::Relaxed);
                let base = abi::Tape { vt: &raw const TAPE_VT };
                let held = ExportedTape { base, pullback, n_out: outputs.len() };
                *tape = Box::into_raw(Box::new(held)).cast();
            }
            Ok(())
        })
    }
}

unsafe extern "C" fn value_and_grad(
    f: *mut abi::Fn,
    call: *const abi::Call,
    x: *const abi::View,
    wrt: u64,
    value: *mut f64,
    g: *mut abi::Owned,
) -> abi::Status {
    let raw = Sendable((f, x, value, g));
    // SAFETY: as in `eval`.
    unsafe {
        guard(call, move |call| {
            let (f, x, value, g) = raw.get();
            let exported = &*f.cast::<Exported>();
            let spec = exported.table.spec();
            if !spec.is_scalar() {
                return Err(Error::not_differentiable(format!("{} is not scalar", spec.kind)));
            }
            let x = inputs(x, spec.inputs.len(), wrt, call.device())?;
            call.progress(0, 0, "")?;
            let Linearised { y, pullback } = exported.function.linearise(&x, wrt)?;
            check_outputs(spec, &y)?;
            let one = y[0].ones_like()?;
            let gradients = pullback.vjp(&[Some(one)])?;
            *value = y[0].flatten_all()?.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?[0];
            hand_over(gradients.iter().map(Option::as_ref), g)
        })
    }
}

unsafe extern "C" fn tape_release(tape: *mut abi::Tape) {
    // SAFETY: ours, released once.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(tape.cast::<ExportedTape>()) })));
    LIVE.fetch_sub(1, Ordering::Relaxed);
}

unsafe extern "C" fn tape_vjp(
    tape: *mut abi::Tape,
    call: *const abi::Call,
    gy: *const abi::View,
    gx: *mut abi::Owned,
) -> abi::Status {
    let raw = Sendable((tape, gy, gx));
    // SAFETY: as in `eval`.
    unsafe {
        guard(call, move |call| {
            let (tape, gy, gx) = raw.get();
            let tape = &*tape.cast::<ExportedTape>();
            let gy = (0..tape.n_out)
                .map(|j| match *gy.add(j) {
                    view if view.is_null() => Ok(None),
                    view => tensor::import(view, call.device()).map(Some),
                })
                .collect::<Result<Vec<_>>>()?;
            hand_over(tape.pullback.vjp(&gy)?.iter().map(Option::as_ref), gx)
        })
    }
}

unsafe extern "C" fn tape_bytes(tape: *mut abi::Tape) -> u64 {
    // SAFETY: a live tape of ours.
    unsafe { (*tape.cast::<ExportedTape>()).pullback.bytes() }
}
