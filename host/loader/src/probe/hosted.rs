//! Functions that the checker gives to a plugin, and counts the references of.

use super::model::{Model, Shape};
use super::session::State;
use super::tensor::{self, Array};
use dreamwire_abi as abi;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A function of the checker's. Copies are the same function.
#[derive(Clone, Copy)]
pub struct HostFunction {
    hosted: &'static Hosted,
}

/// Never freed: a plugin may release it more often than it should.
#[repr(C)]
struct Hosted {
    base: abi::Fn,
    references: AtomicI64,
    model: Model,
    strange: bool,
    desc: abi::FnDesc,
}

// SAFETY: but for the counter it is never written after it was made, and the counter is atomic.
unsafe impl Sync for Hosted {}

/// Never freed: a plugin may release it more often than it should.
#[repr(C)]
struct HostedTape {
    base: abi::Tape,
    model: Model,
    x: Mutex<Option<Array>>,
    released: AtomicBool,
    state: &'static State,
}

static FN_VT: abi::FnVt = abi::FnVt {
    size: size_of::<abi::FnVt>() as u32,
    flags: 0,
    retain: Some(retain),
    release: Some(release),
    describe: Some(describe),
    eval: Some(eval),
    value_and_grad: Some(value_and_grad),
    get_extension: Some(no_extension),
};

static TAPE_VT: abi::TapeVt = abi::TapeVt {
    size: size_of::<abi::TapeVt>() as u32,
    flags: 0,
    release: Some(tape_release),
    vjp: Some(tape_vjp),
    bytes: Some(tape_bytes),
};

impl HostFunction {
    /// A function of that formula, with one reference.
    pub fn new(model: Model) -> Self {
        Self::make(model, false)
    }

    /// The same function, but it says that it takes wider inputs than it does, and refuses whatever it is given.
    pub fn strange(model: Model) -> Self {
        Self::make(model, true)
    }

    fn make(model: Model, strange: bool) -> Self {
        let inputs = specs(model.inputs(), if strange { 5 } else { 0 });
        let outputs = specs(model.outputs(), 0);
        let scalar = if model == Model::Objective { abi::FN_SCALAR } else { 0 };
        let desc = abi::FnDesc {
            size: size_of::<abi::FnDesc>() as u32,
            flags: abi::FN_REENTRANT | abi::FN_DETERMINISTIC | scalar,
            ty: abi::Str::new(model.kind()),
            name: abi::Str::new("checker"),
            n_in: inputs.len() as u32,
            n_out: outputs.len() as u32,
            inputs: inputs.as_ptr(),
            outputs: outputs.as_ptr(),
            diff_in: 1,
        };
        let base = abi::Fn { vt: &raw const FN_VT };
        let hosted = Hosted { base, references: AtomicI64::new(1), model, strange, desc };
        Self { hosted: Box::leak(Box::new(hosted)) }
    }

    /// References that are held, the checker's own included: 1 when all is given back.
    pub fn references(self) -> i64 {
        self.hosted.references.load(Ordering::SeqCst)
    }

    pub(super) fn raw(self) -> *mut abi::Fn {
        std::ptr::from_ref(self.hosted).cast_mut().cast()
    }
}

/// Descriptions that live for ever, with `wider` added to the last size of each.
fn specs(shapes: &'static [Shape], wider: i64) -> &'static [*const abi::TensorSpec] {
    let spec = |shape: &Shape| {
        let mut dims = shape.dims.to_vec();
        if let Some(last) = dims.last_mut() {
            *last += wider;
        }
        let spec = abi::TensorSpec {
            size: size_of::<abi::TensorSpec>() as u32,
            ndim: dims.len() as u32,
            dims: Box::leak(dims.into_boxed_slice()).as_ptr(),
            dtype: abi::F32,
            reserved: 0,
            name: abi::Str::new(shape.name),
            semantics: abi::Str::new(shape.semantics),
        };
        std::ptr::from_ref::<abi::TensorSpec>(Box::leak(Box::new(spec)))
    };
    Box::leak(shapes.iter().map(spec).collect::<Box<[_]>>())
}

unsafe fn hosted<'a>(f: *mut abi::Fn) -> &'a Hosted {
    // SAFETY: a function of ours: they are never freed.
    unsafe { &*f.cast::<Hosted>() }
}

unsafe extern "C" fn retain(f: *mut abi::Fn) {
    // SAFETY: a function of ours.
    unsafe { hosted(f) }.references.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn release(f: *mut abi::Fn) {
    // SAFETY: a function of ours.
    unsafe { hosted(f) }.references.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn describe(f: *mut abi::Fn) -> *const abi::FnDesc {
    // SAFETY: a function of ours.
    &raw const unsafe { hosted(f) }.desc
}

unsafe extern "C" fn no_extension(_: *mut abi::Fn, _: *const c_char) -> *const c_void {
    std::ptr::null()
}

/// The one input, and what it becomes.
unsafe fn forward(
    f: *mut abi::Fn,
    call: *const abi::Call,
    x: *const abi::View,
) -> Result<(Array, Vec<Array>), abi::Status> {
    // SAFETY: a function of ours, our call, and one view, null or alive.
    let (function, state, x) = unsafe { (hosted(f), State::of(call), tensor::copy(*x)) };
    if state.is_cancelled() {
        return Err(abi::CANCELLED);
    }
    let name = function.model.inputs()[0].name;
    let refuse = |status, message| {
        state.say(status, name, message);
        Err(status)
    };
    if function.strange {
        return refuse(abi::E_SHAPE, "this function of the checker refuses everything".to_owned());
    }
    let x = match x {
        Ok(x) => x,
        Err(why) => return refuse(abi::E_ARG, why),
    };
    match function.model.forward(&x) {
        Ok(y) => Ok((x, y)),
        Err(why) => refuse(abi::E_SHAPE, why),
    }
}

unsafe extern "C" fn eval(
    f: *mut abi::Fn,
    call: *const abi::Call,
    x: *const abi::View,
    y: *mut abi::Owned,
    wrt: u64,
    tape: *mut *mut abi::Tape,
) -> abi::Status {
    // SAFETY: plugins pass the handle and our call on, with arrays of the described sizes.
    unsafe {
        let (x, outputs) = match forward(f, call, x) {
            Ok(done) => done,
            Err(status) => return status,
        };
        let state = State::of(call);
        for (j, output) in outputs.iter().enumerate() {
            *y.add(j) = tensor::give(output, state);
        }
        if wrt & 1 == 1 && !tape.is_null() {
            state.tapes.fetch_add(1, Ordering::SeqCst);
            let made = HostedTape {
                base: abi::Tape { vt: &raw const TAPE_VT },
                model: hosted(f).model,
                x: Mutex::new(Some(x)),
                released: AtomicBool::new(false),
                state,
            };
            *tape = Box::into_raw(Box::new(made)).cast();
        }
        abi::OK
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
    // SAFETY: as in `eval`.
    unsafe {
        let (model, state) = (hosted(f).model, State::of(call));
        if model != Model::Objective {
            state.say(abi::E_NOT_DIFF, "", format!("{} is not scalar", model.kind()));
            return abi::E_NOT_DIFF;
        }
        let (x, outputs) = match forward(f, call, x) {
            Ok(done) => done,
            Err(status) => return status,
        };
        *value = f64::from(outputs[0].data[0]);
        let one = Array { shape: Vec::new(), data: vec![1.0] };
        if wrt & 1 == 1
            && let Ok(gradient) = model.pull(&x, &[Some(one)])
        {
            *g = tensor::give(&gradient, state);
        }
        abi::OK
    }
}

unsafe extern "C" fn tape_release(tape: *mut abi::Tape) {
    // SAFETY: a tape of ours: they are never freed.
    let tape = unsafe { &*tape.cast::<HostedTape>() };
    if tape.released.swap(true, Ordering::SeqCst) {
        tape.state.twice.fetch_add(1, Ordering::SeqCst);
        return;
    }
    tape.state.tapes.fetch_sub(1, Ordering::SeqCst);
    *tape.x.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

unsafe extern "C" fn tape_vjp(
    tape: *mut abi::Tape,
    call: *const abi::Call,
    gy: *const abi::View,
    gx: *mut abi::Owned,
) -> abi::Status {
    // SAFETY: a tape of ours, our call, and arrays of the described sizes.
    let (tape, state, gy) = unsafe {
        let tape = &*tape.cast::<HostedTape>();
        let views = (0..tape.model.outputs().len()).map(|j| *gy.add(j));
        let gy: Result<Vec<Option<Array>>, String> =
            views.map(|view| if view.is_null() { Ok(None) } else { tensor::copy(view).map(Some) }).collect();
        (tape, State::of(call), gy)
    };
    if state.is_cancelled() {
        return abi::CANCELLED;
    }
    let x = tape.x.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(x) = x.as_ref() else {
        state.say(abi::E_FAILED, "", "a tape was used after its release".to_owned());
        return abi::E_FAILED;
    };
    match gy.and_then(|gy| tape.model.pull(x, &gy)) {
        Ok(gradient) => {
            // SAFETY: one out parameter per input.
            unsafe { *gx = tensor::give(&gradient, state) };
            abi::OK
        }
        Err(why) => {
            state.say(abi::E_SHAPE, "", why);
            abi::E_SHAPE
        }
    }
}

unsafe extern "C" fn tape_bytes(tape: *mut abi::Tape) -> u64 {
    // SAFETY: a tape of ours: they are never freed.
    let tape = unsafe { &*tape.cast::<HostedTape>() };
    let x = tape.x.lock().unwrap_or_else(PoisonError::into_inner);
    x.as_ref().map_or(0, |x| 4 * x.data.len() as u64)
}
