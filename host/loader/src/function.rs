//! Host proxies of functions.
//!
//! A consumer never holds a provider's function itself, but a proxy that keeps the provider's generation
//! alive, serialises calls if the function is not reentrant, checks that outputs were set, and adds the
//! producing node to a failure: a step of `dream` fails "in FEATURES of node `vgg`".

use crate::call::{Context, dl_device};
use crate::generation::Generation;
use crate::memory;
use dreamwire_abi as abi;
use dreamwire_engine::{Device, Failure, FailureKind, Function};
use dreamwire_socket::{
    CallRef, DescRef, Evaluated, Evaluation, FnHost, FnRef, HostCall, Owned, TapeHost, TapeRef, Valued,
    Views, export, export_tape,
};
use std::ffi::{CStr, c_void};
use std::sync::{Arc, Mutex, PoisonError};

struct Proxy {
    inner: FnRef,
    ty: Arc<str>,
    producer: String,
    serial: Option<Mutex<()>>,
    /// Where its node computed, and so where its weights are.
    device: abi::DLDevice,
    // After `inner`: the provider's code must outlive what it made.
    generation: Arc<Generation>,
}

/// One reference to a proxy, as a value on a wire.
pub(crate) struct Handle {
    proxy: FnRef,
    ty: Arc<str>,
    bytes: u64,
    takes_any_batch: bool,
}

impl Handle {
    /// Takes a function that a plugin moved to the host.
    pub(crate) fn take(
        inner: FnRef,
        producer: &str,
        device: Device,
        generation: &Arc<Generation>,
    ) -> Result<Self, String> {
        let facts = inner.desc().ok_or("a function has no valid description")?.facts();
        if let Some(fault) = facts.faults.first() {
            return Err(format!("the description of a function is invalid: {fault}"));
        }
        // Unknown memory counts as 0: a function's weights usually belong to the node's instance, so dropping the
        // function does not free them.
        let bytes = inner.memory().map_err(|fault| fault.message)?.unwrap_or(0);
        // What follows the first input, such as noise, may be the same for all rows.
        let first_size = facts.inputs.first().and_then(|input| input.dims.first());
        let takes_any_batch = first_size.is_none_or(|size| *size < 0);
        let ty: Arc<str> = facts.ty.into();
        let proxy = export(Proxy {
            inner,
            ty: Arc::clone(&ty),
            producer: producer.to_owned(),
            serial: (facts.flags & abi::FN_REENTRANT == 0).then(Mutex::default),
            device: dl_device(device),
            generation: Arc::clone(generation),
        });
        Ok(Self { proxy, ty, bytes, takes_any_batch })
    }

    /// One more reference to the proxy.
    pub(crate) fn function(&self) -> FnRef {
        self.proxy.clone()
    }
}

impl Function for Handle {
    fn ty(&self) -> &str {
        &self.ty
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn takes_any_batch(&self) -> bool {
        self.takes_any_batch
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// The host of a call.
fn context<'c>(call: CallRef<'c>) -> &'c Context<'c> {
    // SAFETY: plugins pass our call on unchanged.
    unsafe { HostCall::<Context<'c>>::host_of(call) }
}

/// Runs `body` with the call, or with one for another device.
fn on<T>(device: abi::DLDevice, call: CallRef<'_>, body: impl FnOnce(CallRef<'_>) -> T) -> T {
    if call.device() == device {
        return body(call);
    }
    let threads = call.max_threads() as usize;
    let call = HostCall::new(context(call)).threads(threads).device(device);
    body(call.call())
}

/// A tape of a function that computes on another device than the one who asked for it.
struct TapeElsewhere {
    inner: TapeRef,
    device: abi::DLDevice,
    // After `inner`.
    _generation: Arc<Generation>,
}

impl TapeHost for TapeElsewhere {
    fn vjp(&self, call: CallRef<'_>, gy: Views<'_>) -> Result<Vec<Option<Owned>>, abi::Status> {
        let pulled = on(self.device, call, |call| self.inner.vjp(call, &gy));
        if pulled.status == abi::OK { Ok(pulled.gradient) } else { Err(pulled.status) }
    }

    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }
}

impl Proxy {
    /// The tape, for whoever computes on another device.
    fn tape_elsewhere(&self, tape: TapeRef) -> TapeRef {
        let (n_in, n_out) = (self.inner.n_in(), self.inner.n_out());
        let generation = Arc::clone(&self.generation);
        let tape = TapeElsewhere { inner: tape, device: self.device, _generation: generation };
        export_tape(tape, n_in, n_out)
    }

    /// Runs a call of the provider and reports where a failure happened.
    fn guarded<T>(
        &self,
        call: CallRef<'_>,
        status: impl Fn(&T) -> abi::Status,
        body: impl FnOnce(CallRef<'_>) -> T,
    ) -> T {
        let serial = self.serial.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = on(self.device, call, body);
        drop(serial);
        if status(&ended) < 0 {
            context(call).services().in_function(&self.ty, &self.producer);
        }
        ended
    }

    fn complain(&self, call: CallRef<'_>, what: &str) -> abi::Status {
        let message = format!("{} of node `{}` broke the contract: {what}", self.ty, self.producer);
        context(call).services().fail(Failure::new(FailureKind::Plugin, message));
        abi::E_FAILED
    }
}

impl FnHost for Proxy {
    fn desc(&self) -> Option<DescRef<'_>> {
        self.inner.desc()
    }

    fn extension(&self, id: &CStr) -> *const c_void {
        self.inner.extension(id)
    }

    fn eval(&self, call: CallRef<'_>, x: Views<'_>, wrt: u64) -> Result<Evaluation, abi::Status> {
        let done = self.guarded(
            call,
            |done: &Evaluated| done.status,
            |call| self.inner.eval(call, &x, wrt, wrt != 0),
        );
        if done.status != abi::OK {
            return Err(done.status);
        }
        if done.y.iter().any(Option::is_none) {
            return Err(self.complain(call, "it succeeded without returning every output"));
        }
        let fault = done.y.iter().flatten().find_map(|y| memory::check(&y.view().ok()?).err());
        if let Some(fault) = fault {
            return Err(self.complain(call, &fault.message));
        }
        let tape = match done.tape {
            Some(tape) if call.device() != self.device => Some(self.tape_elsewhere(tape)),
            tape => tape,
        };
        Ok((done.y, tape))
    }

    fn value_and_grad(
        &self,
        call: CallRef<'_>,
        x: Views<'_>,
        wrt: u64,
    ) -> Result<(f64, Vec<Option<Owned>>), abi::Status> {
        let status = |done: &Option<Valued>| done.as_ref().map_or(abi::OK, |done| done.status);
        match self.guarded(call, status, |call| self.inner.value_and_grad(call, &x, wrt)) {
            Some(done) if done.status == abi::OK => Ok((done.value, done.gradient)),
            Some(done) => Err(done.status),
            None => Err(abi::E_UNSUPPORTED),
        }
    }
}
