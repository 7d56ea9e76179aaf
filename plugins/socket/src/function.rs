//! Functions and tapes of the other side.

use crate::{CallRef, DescRef, Fault, Owned, Views};
use dreamwire_abi as abi;
use dreamwire_abi::field;
use std::ffi::{CStr, c_void};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// One reference to a function. A clone is one more reference.
pub struct FnRef {
    raw: NonNull<abi::Fn>,
    n_in: usize,
    n_out: usize,
}

// SAFETY: retain, release and describe are thread-safe; callers use one thread at a time if the function is not
// reentrant.
unsafe impl Send for FnRef {}
// SAFETY: as above.
unsafe impl Sync for FnRef {}

/// How `eval` ended.
pub struct Evaluated {
    /// A status of the ABI.
    pub status: abi::Status,
    /// The outputs; `None` where it set none. Empty unless the status is OK.
    pub y: Vec<Option<Owned>>,
    /// The tape, for gradients.
    pub tape: Option<TapeRef>,
    /// Whether it set out parameters although it did not end with OK.
    pub touched: bool,
}

/// How `value_and_grad` ended.
pub struct Valued {
    /// A status of the ABI.
    pub status: abi::Status,
    /// The value.
    pub value: f64,
    /// Gradients with respect to the inputs; `None` is zero or not requested. Empty unless the status is OK.
    pub gradient: Vec<Option<Owned>>,
}

/// How `vjp` ended.
pub struct Pulled {
    /// A status of the ABI.
    pub status: abi::Status,
    /// Gradients with respect to the inputs; `None` is zero or not requested. Empty unless the status is OK.
    pub gradient: Vec<Option<Owned>>,
}

/// Reads an optional function of a vtable that is known not to be null.
macro_rules! method {
    ($raw:expr, $vt:ty, $name:ident) => {
        // SAFETY: the object is alive, and its table was checked when it was taken.
        unsafe { field!((*$raw.as_ptr()).vt, $vt, $name) }
    };
}

impl FnRef {
    /// Takes a reference. An unusable function is released if possible.
    ///
    /// # Errors
    /// It is null, lacks a required function, or does not describe itself.
    ///
    /// # Safety
    /// `raw` is null, or a function with one reference that is now ours, whose maker keeps `dreamwire.h`.
    pub unsafe fn from_raw(raw: *mut abi::Fn) -> Result<Self, Fault> {
        // SAFETY: the caller's promise.
        let checked = unsafe { Self::read(raw) };
        if checked.is_err()
            && let Some(raw) = NonNull::new(raw)
            // SAFETY: alive and ours; its table may be null.
            && unsafe { !(*raw.as_ptr()).vt.is_null() }
            && let Some(release) = method!(raw, abi::FnVt, release)
        {
            // SAFETY: the reference is ours, and nobody will use it.
            unsafe { release(raw.as_ptr()) };
        }
        checked
    }

    /// Retains a borrowed function.
    ///
    /// # Errors
    /// As [`FnRef::from_raw`].
    ///
    /// # Safety
    /// `raw` is null, or a live function, whose maker keeps `dreamwire.h`.
    pub unsafe fn borrow_raw(raw: *mut abi::Fn) -> Result<Self, Fault> {
        // SAFETY: the caller's promise.
        let borrowed = ManuallyDrop::new(unsafe { Self::read(raw) }?);
        Ok(Self::clone(&borrowed))
    }

    unsafe fn read(raw: *mut abi::Fn) -> Result<Self, Fault> {
        let raw = NonNull::new(raw).ok_or_else(|| Fault::failed("a function is null"))?;
        // SAFETY: alive.
        if unsafe { (*raw.as_ptr()).vt.is_null() } {
            return Err(Fault::failed("the table of a function is null"));
        }
        let missing = [
            ("retain", method!(raw, abi::FnVt, retain).is_none()),
            ("release", method!(raw, abi::FnVt, release).is_none()),
            ("describe", method!(raw, abi::FnVt, describe).is_none()),
            ("eval", method!(raw, abi::FnVt, eval).is_none()),
        ];
        if let Some((name, _)) = missing.iter().find(|(_, missing)| *missing) {
            return Err(Fault::failed(format!("a function has no `{name}`")));
        }
        let mut function = ManuallyDrop::new(Self { raw, n_in: 0, n_out: 0 });
        let counts =
            function.desc().ok_or_else(|| Fault::failed("a function has no valid description"))?.counts();
        (function.n_in, function.n_out) = counts;
        Ok(ManuallyDrop::into_inner(function))
    }

    /// The function, still ours.
    pub fn raw(&self) -> *mut abi::Fn {
        self.raw.as_ptr()
    }

    /// Gives the reference away.
    pub fn into_raw(self) -> *mut abi::Fn {
        ManuallyDrop::new(self).raw.as_ptr()
    }

    /// How many inputs it takes.
    pub fn n_in(&self) -> usize {
        self.n_in
    }

    /// How many outputs it has.
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// Its description. `None` if it has none, or one that is smaller than this version's struct.
    pub fn desc(&self) -> Option<DescRef<'_>> {
        let describe = method!(self.raw, abi::FnVt, describe)?;
        // SAFETY: alive; what comes back is null, or valid until the release.
        unsafe { DescRef::from_raw(describe(self.raw.as_ptr())) }
    }

    /// An extension, which lives as long as the function; null if it has none of that id.
    pub fn extension(&self, id: &CStr) -> *const c_void {
        let get = method!(self.raw, abi::FnVt, get_extension);
        // SAFETY: alive; the id ends in NUL.
        get.map_or(std::ptr::null(), |get| unsafe { get(self.raw.as_ptr(), id.as_ptr()) })
    }

    /// An extension that is a struct and starts with its size.
    fn sized_extension<T: Copy>(&self, id: &CStr) -> Result<Option<T>, Fault> {
        let found = self.extension(id).cast::<T>();
        if found.is_null() {
            return Ok(None);
        }
        // SAFETY: what the id names, alive as long as the function; the size is read before the rest.
        unsafe {
            let size = found.cast::<u32>().read() as usize;
            if size < size_of::<T>() {
                let id = id.to_string_lossy();
                return Err(Fault::failed(format!("its `{id}` declares only {size} bytes")));
            }
            Ok(Some(found.read()))
        }
    }

    /// The extension `dw.tiles/1`, if it has one.
    ///
    /// # Errors
    /// The struct is too small.
    pub fn tiles(&self) -> Result<Option<abi::Tiles>, Fault> {
        self.sized_extension(abi::TILES)
    }

    /// The extension `dw.memory/1`, if it has one: the memory that it keeps, in bytes.
    ///
    /// # Errors
    /// The struct is too small.
    pub fn memory(&self) -> Result<Option<u64>, Fault> {
        Ok(self.sized_extension::<abi::Memory>(abi::MEMORY)?.map(|memory| memory.bytes))
    }

    /// The extension `dw.peak/1`, if it has one: the memory that an evaluation needs.
    ///
    /// # Errors
    /// The struct is too small.
    pub fn peak(&self) -> Result<Option<abi::Peak>, Fault> {
        self.sized_extension(abi::PEAK)
    }

    /// `y = f(x)`; inputs after those in `x` are omitted. Bit i of `wrt` requests the gradient with respect to input i
    /// from a later vjp.
    pub fn eval(&self, call: CallRef<'_>, x: &Views<'_>, wrt: u64, with_tape: bool) -> Evaluated {
        let views = x.padded(self.n_in);
        let mut y: Vec<abi::Owned> = vec![std::ptr::null_mut(); self.n_out];
        let mut tape: *mut abi::Tape = std::ptr::null_mut();
        let tape_out = if with_tape { &raw mut tape } else { std::ptr::null_mut() };
        let status = match method!(self.raw, abi::FnVt, eval) {
            // SAFETY: alive; the call is live, and the arrays have the sizes that the description states.
            Some(eval) => unsafe {
                eval(self.raw.as_ptr(), call.raw(), views.as_ptr(), y.as_mut_ptr(), wrt, tape_out)
            },
            None => abi::E_UNSUPPORTED,
        };
        if status != abi::OK {
            let touched = !tape.is_null() || y.iter().any(|y| !y.is_null());
            return Evaluated { status, y: Vec::new(), tape: None, touched };
        }
        // SAFETY: OK promises that what is set is ours.
        let (y, tape) = unsafe { (collect(&y), TapeRef::from_raw(tape, self.n_in, self.n_out)) };
        Evaluated { status, y, tape, touched: false }
    }

    /// Value and gradients of a scalar function. `None` if it has no `value_and_grad`.
    pub fn value_and_grad(&self, call: CallRef<'_>, x: &Views<'_>, wrt: u64) -> Option<Valued> {
        let function = method!(self.raw, abi::FnVt, value_and_grad)?;
        let views = x.padded(self.n_in);
        let (mut value, mut g) = (0.0, vec![std::ptr::null_mut(); self.n_in]);
        // SAFETY: as in `eval`.
        let status = unsafe {
            function(self.raw.as_ptr(), call.raw(), views.as_ptr(), wrt, &raw mut value, g.as_mut_ptr())
        };
        // SAFETY: OK promises that what is set is ours.
        let gradient = if status == abi::OK { unsafe { collect(&g) } } else { Vec::new() };
        Some(Valued { status, value, gradient })
    }
}

impl Clone for FnRef {
    fn clone(&self) -> Self {
        if let Some(retain) = method!(self.raw, abi::FnVt, retain) {
            // SAFETY: alive.
            unsafe { retain(self.raw.as_ptr()) };
        }
        Self { ..*self }
    }
}

impl Drop for FnRef {
    fn drop(&mut self) {
        if let Some(release) = method!(self.raw, abi::FnVt, release) {
            // SAFETY: the one reference that is ours.
            unsafe { release(self.raw.as_ptr()) };
        }
    }
}

/// A tape; released when it is dropped.
pub struct TapeRef {
    raw: NonNull<abi::Tape>,
    n_in: usize,
    n_out: usize,
}

// SAFETY: release is thread-safe, and vjp is called by one thread at a time: `TapeRef` is not shared.
unsafe impl Send for TapeRef {}

impl TapeRef {
    /// Takes a tape; `None` if it is null or has no table.
    ///
    /// # Safety
    /// `raw` is null, or a tape that is now ours, of a function with `n_in` inputs and `n_out` outputs.
    pub(crate) unsafe fn from_raw(raw: *mut abi::Tape, n_in: usize, n_out: usize) -> Option<Self> {
        let raw = NonNull::new(raw)?;
        // SAFETY: alive.
        let usable = unsafe { !(*raw.as_ptr()).vt.is_null() };
        // Only if it is usable: a drop calls its table.
        usable.then(|| Self { raw, n_in, n_out })
    }

    /// Gives the tape away.
    pub(crate) fn into_raw(self) -> *mut abi::Tape {
        ManuallyDrop::new(self).raw.as_ptr()
    }

    /// Whether it has the functions that a tape must have.
    pub fn is_complete(&self) -> bool {
        method!(self.raw, abi::TapeVt, release).is_some() && method!(self.raw, abi::TapeVt, vjp).is_some()
    }

    /// `gx = J^T gy`; outputs omitted from `gy` are zero.
    pub fn vjp(&self, call: CallRef<'_>, gy: &Views<'_>) -> Pulled {
        let views = gy.padded(self.n_out);
        let mut gx: Vec<abi::Owned> = vec![std::ptr::null_mut(); self.n_in];
        let status = match method!(self.raw, abi::TapeVt, vjp) {
            // SAFETY: ours alone; the call is live, and the arrays have the sizes that the description states.
            Some(vjp) => unsafe { vjp(self.raw.as_ptr(), call.raw(), views.as_ptr(), gx.as_mut_ptr()) },
            None => abi::E_NOT_DIFF,
        };
        // SAFETY: OK promises that what is set is ours.
        let gradient = if status == abi::OK { unsafe { collect(&gx) } } else { Vec::new() };
        Pulled { status, gradient }
    }

    /// The memory that it pins, in bytes, as reported by the provider.
    pub fn bytes(&self) -> u64 {
        // SAFETY: ours.
        method!(self.raw, abi::TapeVt, bytes).map_or(0, |bytes| unsafe { bytes(self.raw.as_ptr()) })
    }
}

impl Drop for TapeRef {
    fn drop(&mut self) {
        if let Some(release) = method!(self.raw, abi::TapeVt, release) {
            // SAFETY: ours, released once.
            unsafe { release(self.raw.as_ptr()) };
        }
    }
}

/// # Safety
/// Each is null, or a managed tensor that is ours.
unsafe fn collect(owned: &[abi::Owned]) -> Vec<Option<Owned>> {
    // SAFETY: the caller's promise.
    owned.iter().map(|&owned| unsafe { Owned::from_raw(owned) }).collect()
}
