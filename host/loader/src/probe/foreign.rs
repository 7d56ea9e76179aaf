//! Functions that a plugin gave.

use super::session::{Said, Session};
use super::tensor::{Array, Held, Samples, receive};
use dreamwire_abi as abi;
use dreamwire_abi::field;

const MAX_TENSORS: u32 = 256;
const MAX_RANK: u32 = 16;
const MAX_TEXT: usize = 1 << 20;

/// A function of the plugin, with the one reference that was moved to the checker.
pub struct Foreign {
    raw: *mut abi::Fn,
    /// what it says of itself
    pub described: Described,
}

/// What a function says of itself.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// FEATURES, ...
    pub kind: String,
    /// for people
    pub name: String,
    /// `FN_*` of the ABI
    pub flags: u32,
    /// bit i: a gradient by input i can be asked
    pub diff_in: u64,
    /// inputs in order
    pub inputs: Vec<Spec>,
    /// outputs in order
    pub outputs: Vec<Spec>,
    /// what cannot be read, and why
    pub faults: Vec<String>,
}

/// One input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// `relu4_3`
    pub name: String,
    /// sizes, -1 is free
    pub dims: Vec<i64>,
    /// `layout=nchw;weight=0.5`
    pub semantics: String,
    /// it is float32
    pub is_float: bool,
}

/// How `eval` ended.
pub struct Evaluated {
    /// a status of the ABI
    pub status: abi::Status,
    /// what was said of it
    pub said: Option<Said>,
    /// the outputs; `None` where it gave none. Empty if it failed
    pub y: Vec<Option<Result<Samples, String>>>,
    /// what it kept for gradients
    pub tape: Option<ForeignTape>,
    /// it failed, and set out parameters nevertheless
    pub touched: bool,
}

/// How `value_and_grad` ended.
pub struct Valued {
    /// a status of the ABI
    pub status: abi::Status,
    /// what was said of it
    pub said: Option<Said>,
    /// the value
    pub value: f64,
    /// gradients by the inputs, `None` is zero or not asked for. Empty if it failed
    pub gradient: Vec<Option<Result<Samples, String>>>,
}

/// How `vjp` ended.
pub struct Pulled {
    /// a status of the ABI
    pub status: abi::Status,
    /// what was said of it
    pub said: Option<Said>,
    /// gradients by the inputs, `None` is zero or not asked for. Empty if it failed
    pub gradient: Vec<Option<Result<Samples, String>>>,
}

/// What `dw.tiles/1` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// pixels
    pub stride: u32,
    /// pixels
    pub halo: u32,
    /// `TILES_*` of the ABI
    pub reduction: u32,
}

/// A tape of the plugin; released when it is dropped.
pub struct ForeignTape {
    raw: *mut abi::Tape,
    n_in: usize,
}

impl Foreign {
    /// # Safety
    /// `raw` is null or a function with one reference that is now the checker's.
    pub(super) unsafe fn take(raw: *mut abi::Fn) -> Result<Self, String> {
        // SAFETY: null or alive; every function is checked before it is called.
        unsafe {
            if raw.is_null() || (*raw).vt.is_null() {
                return Err("a function, or its table, is null".to_owned());
            }
            let vt = (*raw).vt;
            let Some(describe) = field!(vt, abi::FnVt, describe) else {
                return Err("a function has no `describe`".to_owned());
            };
            let missing = [
                ("retain", field!(vt, abi::FnVt, retain).is_none()),
                ("release", field!(vt, abi::FnVt, release).is_none()),
                ("eval", field!(vt, abi::FnVt, eval).is_none()),
            ];
            if let Some((name, _)) = missing.iter().find(|(_, missing)| *missing) {
                return Err(format!("a function has no `{name}`"));
            }
            Ok(Self { raw, described: read(describe(raw)) })
        }
    }

    /// `retain`, then `release`: leaves everything as it was.
    pub fn retain_and_release(&self) {
        // SAFETY: alive; `take` has seen both functions.
        unsafe {
            if let (Some(retain), Some(release)) =
                (field!((*self.raw).vt, abi::FnVt, retain), field!((*self.raw).vt, abi::FnVt, release))
            {
                retain(self.raw);
                release(self.raw);
            }
        }
    }

    /// `y = f(x)`, `None` for inputs left out; with a tape out parameter if `tape`.
    pub fn eval(&self, session: &Session, x: &[Option<Array>], wrt: u64, tape: bool) -> Evaluated {
        let views = Views::new(x, self.described.inputs.len(), session);
        let mut y: Vec<abi::Owned> = vec![std::ptr::null_mut(); self.described.outputs.len()];
        let mut kept: *mut abi::Tape = std::ptr::null_mut();
        let (out, kept_out) = (y.as_mut_ptr(), &raw mut kept);
        let (status, said) = session.call(|call| {
            // SAFETY: alive; the call is live, and arrays have the sizes that the description states.
            unsafe {
                let tape = if tape { kept_out } else { std::ptr::null_mut() };
                field!((*self.raw).vt, abi::FnVt, eval)
                    .map_or(abi::E_UNSUPPORTED, |eval| eval(self.raw, call, views.as_ptr(), out, wrt, tape))
            }
        });
        if status != abi::OK {
            let touched = !kept.is_null() || y.iter().any(|y| !y.is_null());
            return Evaluated { status, said, y: Vec::new(), tape: None, touched };
        }
        // SAFETY: OK promises that what is set is ours.
        let (y, tape) = unsafe { (collect(&y), ForeignTape::take(kept, self.described.inputs.len())) };
        Evaluated { status, said, y, tape, touched: false }
    }

    /// Value and gradients of a scalar function; `None` if it offers none.
    pub fn value_and_grad(&self, session: &Session, x: &[Option<Array>], wrt: u64) -> Option<Valued> {
        let views = Views::new(x, self.described.inputs.len(), session);
        let (mut value, mut g) = (0.0, vec![std::ptr::null_mut(); self.described.inputs.len()]);
        let (value_out, out) = (&raw mut value, g.as_mut_ptr());
        // SAFETY: alive.
        let function = unsafe { field!((*self.raw).vt, abi::FnVt, value_and_grad) }?;
        let (status, said) = session.call(|call| {
            // SAFETY: as in `eval`.
            unsafe { function(self.raw, call, views.as_ptr(), wrt, value_out, out) }
        });
        // SAFETY: OK promises that what is set is ours.
        let gradient = if status == abi::OK { unsafe { collect(&g) } } else { Vec::new() };
        Some(Valued { status, said, value, gradient })
    }

    /// What the extension `dw.tiles/1` says, if it is there.
    ///
    /// # Errors
    /// The struct is too small.
    pub fn tiles(&self) -> Result<Option<Tiles>, String> {
        // SAFETY: alive; what comes back is null or lives as long as the function.
        unsafe {
            let get = field!((*self.raw).vt, abi::FnVt, get_extension);
            let found = get.map_or(std::ptr::null(), |get| get(self.raw, abi::TILES.as_ptr()));
            let Some(tiles) = found.cast::<abi::Tiles>().as_ref() else { return Ok(None) };
            if (tiles.size as usize) < size_of::<abi::Tiles>() {
                return Err(format!("its `dw.tiles/1` says that it has {} bytes", tiles.size));
            }
            Ok(Some(Tiles { stride: tiles.stride, halo: tiles.halo, reduction: tiles.reduction }))
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // SAFETY: the one reference that was moved here.
        unsafe {
            if let Some(release) = field!((*self.raw).vt, abi::FnVt, release) {
                release(self.raw);
            }
        }
    }
}

impl ForeignTape {
    unsafe fn take(raw: *mut abi::Tape, n_in: usize) -> Option<Self> {
        // SAFETY: null, or a tape that is now ours; a tape without a table is none.
        let usable = unsafe { !raw.is_null() && !(*raw).vt.is_null() };
        // Made only if it is usable: dropping it calls it.
        usable.then(|| Self { raw, n_in })
    }

    /// Whether it has the functions that a tape must have.
    pub fn is_complete(&self) -> bool {
        // SAFETY: alive; `take` has seen the table.
        unsafe {
            let vt = (*self.raw).vt;
            field!(vt, abi::TapeVt, release).is_some() && field!(vt, abi::TapeVt, vjp).is_some()
        }
    }

    /// `gx = J^T gy`; `None` in `gy` is zero. `gy` has one entry per output.
    pub fn vjp(&self, session: &Session, gy: &[Option<Array>]) -> Pulled {
        let views = Views::new(gy, gy.len(), session);
        let mut gx: Vec<abi::Owned> = vec![std::ptr::null_mut(); self.n_in];
        let out = gx.as_mut_ptr();
        let (status, said) = session.call(|call| {
            // SAFETY: alive; the call is live, and arrays have the sizes that the description states.
            unsafe {
                field!((*self.raw).vt, abi::TapeVt, vjp)
                    .map_or(abi::E_NOT_DIFF, |vjp| vjp(self.raw, call, views.as_ptr(), out))
            }
        });
        // SAFETY: OK promises that what is set is ours.
        let gradient = if status == abi::OK { unsafe { collect(&gx) } } else { Vec::new() };
        Pulled { status, said, gradient }
    }
}

impl Drop for ForeignTape {
    fn drop(&mut self) {
        // SAFETY: ours, released once.
        unsafe {
            if let Some(release) = field!((*self.raw).vt, abi::TapeVt, release) {
                release(self.raw);
            }
        }
    }
}

/// Views of arrays for one call, with nulls for what is left out.
struct Views {
    views: Vec<abi::View>,
    #[expect(clippy::vec_box, reason = "the views point to them, so they must not move")]
    _held: Vec<Box<Held>>,
}

impl Views {
    fn new(arrays: &[Option<Array>], count: usize, session: &Session) -> Self {
        let (mut views, mut held) = (vec![std::ptr::null(); count.max(arrays.len())], Vec::new());
        for (view, array) in views.iter_mut().zip(arrays) {
            let Some(array) = array else { continue };
            let tensor = Held::of(array, session.state);
            *view = tensor.view();
            held.push(tensor);
        }
        Self { views, _held: held }
    }

    fn as_ptr(&self) -> *const abi::View {
        self.views.as_ptr()
    }
}

/// # Safety
/// The call ended with OK: each is null or ours.
unsafe fn collect(owned: &[abi::Owned]) -> Vec<Option<Result<Samples, String>>> {
    // SAFETY: the caller's promise.
    owned.iter().map(|&owned| (!owned.is_null()).then(|| unsafe { receive(owned) })).collect()
}

/// # Safety
/// `desc` is null or alive.
unsafe fn read(desc: *const abi::FnDesc) -> Described {
    let mut described = Described::default();
    // SAFETY: the caller's promise.
    let Some(desc) = (unsafe { desc.as_ref() }) else {
        described.faults.push("it does not describe itself".to_owned());
        return described;
    };
    let faults = &mut described.faults;
    if (desc.size as usize) < size_of::<abi::FnDesc>() {
        faults.push(format!("its description says that it has {} bytes", desc.size));
        return described;
    }
    // SAFETY: texts and arrays live as long as the function; counts and pointers are checked.
    unsafe {
        described.kind = text(desc.ty, "its type", faults);
        described.name = text(desc.name, "its name", faults);
        described.inputs = specs(desc.inputs, desc.n_in, "input", faults);
        described.outputs = specs(desc.outputs, desc.n_out, "output", faults);
    }
    described.flags = desc.flags;
    described.diff_in = desc.diff_in;
    described
}

unsafe fn text(text: abi::Str, what: &str, faults: &mut Vec<String>) -> String {
    if text.len > MAX_TEXT {
        faults.push(format!("{what} has {} bytes", text.len));
        return String::new();
    }
    // SAFETY: text that lives as long as the function.
    match unsafe { text.text() } {
        Some(text) => text.to_owned(),
        None => {
            faults.push(format!("{what} is not UTF-8 text"));
            String::new()
        }
    }
}

unsafe fn specs(
    list: *const *const abi::TensorSpec,
    count: u32,
    what: &str,
    faults: &mut Vec<String>,
) -> Vec<Spec> {
    if count > MAX_TENSORS || (count > 0 && list.is_null()) {
        faults.push(format!("it says that it has {count} {what}s, or their array is null"));
        return Vec::new();
    }
    let mut read = Vec::new();
    for index in 0..count as usize {
        // SAFETY: `count` pointers, as the description says; each is checked before it is read.
        unsafe {
            let Some(spec) = (*list.add(index)).as_ref() else {
                faults.push(format!("{what} {index} is null"));
                continue;
            };
            if spec.ndim > MAX_RANK || (spec.ndim > 0 && spec.dims.is_null()) {
                faults.push(format!("{what} {index} has the rank {} and no usable sizes", spec.ndim));
                continue;
            }
            read.push(Spec {
                name: text(spec.name, &format!("the name of {what} {index}"), faults),
                dims: (0..spec.ndim as usize).map(|axis| *spec.dims.add(axis)).collect(),
                semantics: text(spec.semantics, &format!("the semantics of {what} {index}"), faults),
                is_float: spec.dtype == abi::F32,
            });
        }
    }
    read
}
