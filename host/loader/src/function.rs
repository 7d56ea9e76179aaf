//! Host proxies of functions.
//!
//! A consumer never holds a provider's function itself: it holds a proxy that keeps the provider's generation alive,
//! serialises calls where the function is not reentrant, checks that what comes back is there, and adds the producing
//! node to a failure: a step of `dream` fails "in FEATURES of node `vgg`".

use crate::call::Context;
use crate::generation::Generation;
use dreamwire_abi as abi;
use dreamwire_abi::field;
use dreamwire_engine::Function;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[repr(C)]
struct Proxy {
    base: abi::Fn,
    references: AtomicUsize,
    inner: *mut abi::Fn,
    n_out: usize,
    kind: String,
    producer: String,
    serial: Option<Mutex<()>>,
    // Last: the provider's code must outlive what it made.
    _generation: Arc<Generation>,
}

static VT: abi::FnVt = abi::FnVt {
    size: size_of::<abi::FnVt>() as u32,
    flags: 0,
    retain: Some(retain),
    release: Some(release),
    describe: Some(describe),
    eval: Some(eval),
    value_and_grad: Some(value_and_grad),
    get_extension: Some(get_extension),
};

/// One reference to a proxy, as a value on a wire.
pub(crate) struct Handle {
    proxy: *mut Proxy,
}

// SAFETY: retain, release and describe are thread-safe; calls are serialised by the proxy where needed.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// Takes over a function that a plugin moved to the host.
    ///
    /// # Safety
    /// `inner` is null or a function with one reference that is now the host's.
    pub(crate) unsafe fn take(
        inner: *mut abi::Fn,
        producer: &str,
        generation: &Arc<Generation>,
    ) -> Result<Self, String> {
        // SAFETY: null or alive; every function is checked before it is called.
        unsafe {
            if inner.is_null() || (*inner).vt.is_null() {
                return Err("a function is null".to_owned());
            }
            let vt = (*inner).vt;
            let complete = field!(vt, abi::FnVt, retain).is_some() && field!(vt, abi::FnVt, eval).is_some();
            let (true, Some(release), Some(describe)) =
                (complete, field!(vt, abi::FnVt, release), field!(vt, abi::FnVt, describe))
            else {
                return Err("a function lacks retain, release, describe or eval".to_owned());
            };
            let desc = describe(inner);
            let kind = desc.as_ref().and_then(|desc| desc.ty.text());
            let Some((desc, kind)) = desc.as_ref().zip(kind) else {
                release(inner);
                return Err("a function does not describe itself".to_owned());
            };
            let proxy = Proxy {
                base: abi::Fn { vt: &raw const VT },
                references: AtomicUsize::new(1),
                inner,
                n_out: desc.n_out as usize,
                kind: kind.to_owned(),
                producer: producer.to_owned(),
                serial: (desc.flags & abi::FN_REENTRANT == 0).then(Mutex::default),
                _generation: Arc::clone(generation),
            };
            Ok(Self { proxy: Box::into_raw(Box::new(proxy)) })
        }
    }

    /// The proxy as a plugin sees it; borrowed.
    pub(crate) fn raw(&self) -> *mut abi::Fn {
        self.proxy.cast()
    }
}

impl Function for Handle {
    fn ty(&self) -> &str {
        // SAFETY: alive while a reference is held.
        unsafe { &(*self.proxy).kind }
    }

    fn bytes(&self) -> u64 {
        // Networks do not say how large they are; one is about this large.
        64 << 20
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the reference that `take` made.
        unsafe { release(self.proxy.cast()) };
    }
}

pub(crate) unsafe extern "C" fn retain(f: *mut abi::Fn) {
    // SAFETY: a live proxy.
    unsafe { (*f.cast::<Proxy>()).references.fetch_add(1, Ordering::Relaxed) };
}

pub(crate) unsafe extern "C" fn release(f: *mut abi::Fn) {
    let proxy = f.cast::<Proxy>();
    // SAFETY: a live proxy; the last release frees it, acquire orders all other uses before.
    unsafe {
        if (*proxy).references.fetch_sub(1, Ordering::AcqRel) == 1 {
            let inner = (*proxy).inner;
            if let Some(release) = field!((*inner).vt, abi::FnVt, release) {
                release(inner);
            }
            drop(Box::from_raw(proxy));
        }
    }
}

unsafe extern "C" fn describe(f: *mut abi::Fn) -> *const abi::FnDesc {
    // SAFETY: a live proxy; `take` has seen `describe`.
    unsafe {
        let inner = (*f.cast::<Proxy>()).inner;
        field!((*inner).vt, abi::FnVt, describe).map_or(std::ptr::null(), |describe| describe(inner))
    }
}

unsafe extern "C" fn get_extension(f: *mut abi::Fn, id: *const c_char) -> *const c_void {
    // SAFETY: a live proxy.
    unsafe {
        let inner = (*f.cast::<Proxy>()).inner;
        field!((*inner).vt, abi::FnVt, get_extension).map_or(std::ptr::null(), |get| get(inner, id))
    }
}

impl Proxy {
    /// Runs a call of the provider and tells where a failure happened.
    unsafe fn guarded(&self, call: *const abi::Call, body: impl FnOnce() -> abi::Status) -> abi::Status {
        let serial = self.serial.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        let status = body();
        drop(serial);
        if status < 0 {
            // SAFETY: plugins pass our call on unchanged.
            unsafe { Context::of(call) }.services().in_function(&self.kind, &self.producer);
        }
        status
    }

    unsafe fn complain(&self, call: *const abi::Call, what: &str) -> abi::Status {
        let message = format!("{} of node `{}` broke the contract: {what}", self.kind, self.producer);
        let failure = dreamwire_engine::Failure::new(dreamwire_engine::FailureKind::Plugin, message);
        // SAFETY: plugins pass our call on unchanged.
        unsafe { Context::of(call) }.services().fail(failure);
        abi::E_FAILED
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
    // SAFETY: a live proxy, and arrays of the described sizes, which go through unchanged.
    unsafe {
        let proxy = &*f.cast::<Proxy>();
        let inner = proxy.inner;
        let Some(eval) = field!((*inner).vt, abi::FnVt, eval) else { return abi::E_UNSUPPORTED };
        let status = proxy.guarded(call, || eval(inner, call, x, y, wrt, tape));
        if status == abi::OK && (0..proxy.n_out).any(|j| (*y.add(j)).is_null()) {
            return proxy.complain(call, "it succeeded without giving every output");
        }
        status
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
        let proxy = &*f.cast::<Proxy>();
        let inner = proxy.inner;
        match field!((*inner).vt, abi::FnVt, value_and_grad) {
            Some(run) => proxy.guarded(call, || run(inner, call, x, wrt, value, g)),
            None => abi::E_UNSUPPORTED,
        }
    }
}
