//! Functions and tapes for the other side: the tables of C functions, over two traits.

use crate::{CallRef, DescRef, FnRef, Owned, Said, TapeRef, Views};
use dreamwire_abi as abi;
use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicIsize, Ordering};

/// The outputs of an evaluation, one per described output, and the tape if requested.
pub type Evaluation = (Vec<Option<Owned>>, Option<TapeRef>);

/// The implementation of a `dw_fn`.
///
/// An error is the status that the caller gets; the reason must have been reported to the call.
pub trait FnHost: Send + Sync + 'static {
    /// Its description; always the same. `None` if it has none.
    fn desc(&self) -> Option<DescRef<'_>>;

    /// An extension, which must live as long as the function; null for none.
    fn extension(&self, _id: &CStr) -> *const c_void {
        std::ptr::null()
    }

    /// `y = f(x)`. Bit i of `wrt` requests a tape that gives the gradient with respect to input i; 0 requests no tape.
    ///
    /// # Errors
    /// A status below 0, or CANCELLED.
    fn eval(&self, call: CallRef<'_>, x: Views<'_>, wrt: u64) -> Result<Evaluation, abi::Status>;

    /// Value and gradients of a scalar function; `None` where not requested or exactly zero.
    ///
    /// # Errors
    /// As [`FnHost::eval`].
    fn value_and_grad(
        &self,
        call: CallRef<'_>,
        x: Views<'_>,
        wrt: u64,
    ) -> Result<(f64, Vec<Option<Owned>>), abi::Status>;
}

/// The implementation of a `dw_tape`.
pub trait TapeHost: Send + 'static {
    /// `gx = J^T gy`, one per input; `None` is zero.
    ///
    /// # Errors
    /// As [`FnHost::eval`].
    fn vjp(&self, call: CallRef<'_>, gy: Views<'_>) -> Result<Vec<Option<Owned>>, abi::Status>;

    /// The memory that it pins, in bytes.
    fn bytes(&self) -> u64;

    /// Called at every release of a tape from [`watch_tape`], perhaps more than once.
    fn released(&self) {}
}

#[repr(C)]
struct Exported<F> {
    base: abi::Fn,
    references: AtomicIsize,
    /// Whether it is freed with the last reference.
    freed: bool,
    n_in: usize,
    n_out: usize,
    host: F,
}

struct FnTable<F>(PhantomData<F>);

impl<F: FnHost> FnTable<F> {
    const VT: &'static abi::FnVt = &abi::FnVt {
        size: size_of::<abi::FnVt>() as u32,
        flags: 0,
        retain: Some(retain::<F>),
        release: Some(release::<F>),
        describe: Some(describe::<F>),
        eval: Some(eval::<F>),
        value_and_grad: Some(value_and_grad::<F>),
        get_extension: Some(get_extension::<F>),
    };
}

fn leak<F: FnHost>(host: F, freed: bool) -> *mut Exported<F> {
    let (n_in, n_out) = host.desc().map_or((0, 0), DescRef::counts);
    let base = abi::Fn { vt: FnTable::<F>::VT };
    Box::into_raw(Box::new(Exported { base, references: AtomicIsize::new(1), freed, n_in, n_out, host }))
}

/// A function with one reference. `host` is dropped with the last one.
///
/// # Panics
/// Never: the function is complete.
pub fn export<F: FnHost>(host: F) -> FnRef {
    // SAFETY: just made, with one reference.
    unsafe { FnRef::from_raw(leak(host, true).cast()) }.expect("our own table is complete")
}

/// A function that is never freed, so that too many releases are counted and do no damage. Copies are the same
/// function.
#[derive(Clone, Copy)]
pub struct WatchedFn {
    raw: *mut abi::Fn,
    references: &'static AtomicIsize,
}

// SAFETY: the function is never freed, and counts with an atomic.
unsafe impl Send for WatchedFn {}
// SAFETY: as above.
unsafe impl Sync for WatchedFn {}

impl WatchedFn {
    /// The references held; 1, the maker's own, when all others are released.
    pub fn references(self) -> isize {
        self.references.load(Ordering::SeqCst)
    }

    /// One more reference.
    ///
    /// # Panics
    /// Never: the function is complete.
    pub fn handle(self) -> FnRef {
        // SAFETY: never freed.
        unsafe { FnRef::borrow_raw(self.raw) }.expect("our own table is complete")
    }
}

/// A function that is never freed; see [`WatchedFn`].
pub fn watch<F: FnHost>(host: F) -> WatchedFn {
    let exported = leak(host, false);
    // SAFETY: leaked, so never freed.
    WatchedFn { raw: exported.cast(), references: unsafe { &(*exported).references } }
}

unsafe extern "C" fn retain<F: FnHost>(f: *mut abi::Fn) {
    // SAFETY: a live function of ours: this is reached through that type's table only.
    unsafe { (*f.cast::<Exported<F>>()).references.fetch_add(1, Ordering::Relaxed) };
}

unsafe extern "C" fn release<F: FnHost>(f: *mut abi::Fn) {
    let exported = f.cast::<Exported<F>>();
    // SAFETY: a live function of ours; the last release frees it, and acquire orders all others' uses before.
    unsafe {
        if (*exported).references.fetch_sub(1, Ordering::AcqRel) == 1 && (*exported).freed {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(exported))));
        }
    }
}

unsafe extern "C" fn describe<F: FnHost>(f: *mut abi::Fn) -> *const abi::FnDesc {
    // SAFETY: a live function of ours.
    let exported = unsafe { &*f.cast::<Exported<F>>() };
    quiet(std::ptr::null(), || exported.host.desc().map_or(std::ptr::null(), DescRef::raw))
}

unsafe extern "C" fn get_extension<F: FnHost>(f: *mut abi::Fn, id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: a live function of ours, and a text that ends in NUL, as the header says.
    let (exported, id) = unsafe { (&*f.cast::<Exported<F>>(), CStr::from_ptr(id)) };
    quiet(std::ptr::null(), || exported.host.extension(id))
}

/// Runs the body of an exported function without a status; after a panic it returns `panicked`.
fn quiet<T>(panicked: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // A payload whose drop panics would escape.
        std::mem::forget(payload);
        panicked
    })
}

/// Runs the body of an exported function and returns a status, also after a panic.
unsafe fn guarded(
    call: *const abi::Call,
    body: impl FnOnce(CallRef<'_>) -> Result<(), abi::Status>,
) -> abi::Status {
    // SAFETY: the caller keeps its call alive.
    let Some(call) = (unsafe { CallRef::from_raw(call) }) else { return abi::E_ARG };
    match catch_unwind(AssertUnwindSafe(|| body(call))) {
        Ok(Ok(())) => abi::OK,
        Ok(Err(status)) => status,
        Err(payload) => {
            // A payload whose drop panics would escape.
            std::mem::forget(payload);
            abi::E_PANIC
        }
    }
}

/// Moves tensors to the caller's array: all, or none on an error.
///
/// # Safety
/// `out` has room for `count`, unless it is 0.
unsafe fn hand_over(
    call: CallRef<'_>,
    tensors: Vec<Option<Owned>>,
    out: *mut abi::Owned,
    count: usize,
) -> Result<(), abi::Status> {
    if tensors.len() != count {
        let message = format!("a function returned {} tensors, but describes {count}", tensors.len());
        call.fail(&Said::new(abi::E_FAILED, message));
        return Err(abi::E_FAILED);
    }
    for (index, tensor) in tensors.into_iter().enumerate() {
        let Some(tensor) = tensor else { continue };
        // SAFETY: the caller's promise.
        unsafe { *out.add(index) = tensor.into_raw() };
    }
    Ok(())
}

unsafe extern "C" fn eval<F: FnHost>(
    f: *mut abi::Fn,
    call: *const abi::Call,
    x: *const abi::View,
    y: *mut abi::Owned,
    wrt: u64,
    tape: *mut *mut abi::Tape,
) -> abi::Status {
    // SAFETY: a live function of ours; the call and the arrays live for the call, and have the described sizes.
    unsafe {
        guarded(call, |call| {
            let exported = &*f.cast::<Exported<F>>();
            let x = Views::from_raw(x, exported.n_in);
            let wrt = if tape.is_null() { 0 } else { wrt };
            let (outputs, kept) = exported.host.eval(call, x, wrt)?;
            hand_over(call, outputs, y, exported.n_out)?;
            if let Some(kept) = kept
                && !tape.is_null()
            {
                *tape = kept.into_raw();
            }
            Ok(())
        })
    }
}

unsafe extern "C" fn value_and_grad<F: FnHost>(
    f: *mut abi::Fn,
    call: *const abi::Call,
    x: *const abi::View,
    wrt: u64,
    value: *mut f64,
    g: *mut abi::Owned,
) -> abi::Status {
    // SAFETY: as in `eval`.
    unsafe {
        guarded(call, |call| {
            let exported = &*f.cast::<Exported<F>>();
            let x = Views::from_raw(x, exported.n_in);
            let (found, gradient) = exported.host.value_and_grad(call, x, wrt)?;
            hand_over(call, gradient, g, exported.n_in)?;
            *value = found;
            Ok(())
        })
    }
}

#[repr(C)]
struct ExportedTape<T> {
    base: abi::Tape,
    freed: bool,
    n_in: usize,
    n_out: usize,
    host: T,
}

struct TapeTable<T>(PhantomData<T>);

impl<T: TapeHost> TapeTable<T> {
    const VT: &'static abi::TapeVt = &abi::TapeVt {
        size: size_of::<abi::TapeVt>() as u32,
        flags: 0,
        release: Some(tape_release::<T>),
        vjp: Some(tape_vjp::<T>),
        bytes: Some(tape_bytes::<T>),
    };
}

fn leak_tape<T: TapeHost>(host: T, n_in: usize, n_out: usize, freed: bool) -> TapeRef {
    let base = abi::Tape { vt: TapeTable::<T>::VT };
    let raw = Box::into_raw(Box::new(ExportedTape { base, freed, n_in, n_out, host }));
    // SAFETY: just made, and not shared yet.
    unsafe { TapeRef::from_raw(raw.cast(), n_in, n_out) }.expect("a box is not null")
}

/// A tape of a function with `n_in` inputs and `n_out` outputs. `host` is dropped on release.
///
/// # Panics
/// Never: a box is not null.
pub fn export_tape<T: TapeHost>(host: T, n_in: usize, n_out: usize) -> TapeRef {
    leak_tape(host, n_in, n_out, true)
}

/// A tape that is never freed; `host` hears of every release.
///
/// # Panics
/// Never: a box is not null.
pub fn watch_tape<T: TapeHost>(host: T, n_in: usize, n_out: usize) -> TapeRef {
    leak_tape(host, n_in, n_out, false)
}

unsafe extern "C" fn tape_release<T: TapeHost>(tape: *mut abi::Tape) {
    let exported = tape.cast::<ExportedTape<T>>();
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: a tape of ours, which is released once, or never freed.
        unsafe {
            if (*exported).freed {
                drop(Box::from_raw(exported));
            } else {
                (*exported).host.released();
            }
        }
    }));
}

unsafe extern "C" fn tape_vjp<T: TapeHost>(
    tape: *mut abi::Tape,
    call: *const abi::Call,
    gy: *const abi::View,
    gx: *mut abi::Owned,
) -> abi::Status {
    // SAFETY: a live tape of ours; the call and the arrays live for the call, and have the described sizes.
    unsafe {
        guarded(call, |call| {
            let exported = &*tape.cast::<ExportedTape<T>>();
            let gradient = exported.host.vjp(call, Views::from_raw(gy, exported.n_out))?;
            hand_over(call, gradient, gx, exported.n_in)
        })
    }
}

unsafe extern "C" fn tape_bytes<T: TapeHost>(tape: *mut abi::Tape) -> u64 {
    // SAFETY: a live tape of ours.
    let exported = unsafe { &*tape.cast::<ExportedTape<T>>() };
    quiet(0, || exported.host.bytes())
}
