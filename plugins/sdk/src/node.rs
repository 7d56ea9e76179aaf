//! The trait that node authors implement, and the C functions that call it.

use crate::guard::{Sendable, caught, guard, status};
use crate::{Call, Error, Inputs, Kind, Outputs, Result};
use dreamwire_abi as abi;
use dreamwire_socket::CallRef;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

/// One kind of node.
///
/// An instance lives from its first run to the end of the watch or run: it may keep weights between runs, and
/// must give the same result with and without them.
pub trait Node: Default + Send + 'static {
    /// Id, version and ports.
    const KIND: Kind;
    /// The literal inputs. Field docs, defaults and ranges become the schema that the host validates against; the
    /// struct's doc is the doc of the kind.
    type Params: serde::de::DeserializeOwned + schemars::JsonSchema;

    /// Computes the outputs, in the order of [`Kind::outputs`].
    ///
    /// # Errors
    /// State what was expected, what was found, and at which port or param: the host adds node and place.
    fn run(&mut self, call: &Call, params: Self::Params, inputs: Inputs) -> Result<Outputs>;

    /// Judges params that cannot work, whatever the inputs are, before anything runs: an unknown layer, a list that is
    /// none. Must be cheap, and cannot open files. `run` need not ask again what this has refused.
    ///
    /// # Errors
    /// Name the param, and give a hint where there is one.
    fn check(params: &Self::Params) -> Result<()> {
        let _ = params;
        Ok(())
    }
}

/// Nodes, functions and tapes that the host still holds.
pub(crate) static LIVE: AtomicU32 = AtomicU32::new(0);

#[repr(C)]
struct Instance<N> {
    base: abi::Node,
    node: N,
}

struct Vtable<N>(std::marker::PhantomData<N>);

impl<N: Node> Vtable<N> {
    const VT: &'static abi::NodeVt = &abi::NodeVt {
        size: size_of::<abi::NodeVt>() as u32,
        flags: 0,
        destroy: Some(destroy::<N>),
        run: Some(run::<N>),
        get_extension: Some(no_extension),
    };
}

pub(crate) fn create<N: Node>() -> *mut abi::Node {
    let instance = Instance { base: abi::Node { vt: Vtable::<N>::VT }, node: N::default() };
    // Only now: a `default` that panics leaves nothing behind.
    LIVE.fetch_add(1, Ordering::Relaxed);
    Box::into_raw(Box::new(instance)).cast()
}

unsafe extern "C" fn no_extension(_: *mut abi::Node, _: *const c_char) -> *const c_void {
    std::ptr::null()
}

unsafe extern "C" fn destroy<N: Node>(node: *mut abi::Node) {
    // SAFETY: the host destroys once what `create` leaked. A destructor that panics must not unwind into the host.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(node.cast::<Instance<N>>()) })));
    LIVE.fetch_sub(1, Ordering::Relaxed);
}

unsafe extern "C" fn run<N: Node>(
    node: *mut abi::Node,
    call: *const abi::Call,
    params: abi::Str,
    inputs: *const abi::Value,
    outputs: *mut abi::Value,
) -> abi::Status {
    // SAFETY: the host keeps its call alive until this returns.
    let Some(call) = (unsafe { CallRef::from_raw(call) }) else { return abi::E_ARG };
    let raw = Sendable((node, params, inputs, outputs));
    // SAFETY: the host keeps `params`, `inputs` and `outputs` alive for the call and the node exclusive.
    status(guard(call, move |call| unsafe {
        let (node, params, inputs, outputs) = raw.get();
        // SAFETY: `node` is an `Instance<N>`: this function is reached through that type's vtable only.
        let node = &mut (*node.cast::<Instance<N>>()).node;
        let params = read_params::<N>(params)?;
        let inputs = Inputs::new(N::KIND.inputs, inputs, call.device());
        N::check(&params)?;
        let given = node.run(call, params, inputs)?;
        given.write(N::KIND.outputs, outputs)
    }))
}

/// # Safety
/// The text is alive.
unsafe fn read_params<N: Node>(params: abi::Str) -> Result<N::Params> {
    // SAFETY: the caller's promise.
    let text = unsafe { params.text() }.ok_or_else(|| Error::failed("the params are not text"))?;
    serde_json::from_str(text).map_err(|e| Error::failed(format!("invalid params: {e}")))
}

pub(crate) unsafe extern "C" fn check_params<N: Node>(
    call: *const abi::Call,
    params: abi::Str,
) -> abi::Status {
    // SAFETY: the host keeps its call alive until this returns.
    let Some(call) = (unsafe { CallRef::from_raw(call) }) else { return abi::E_ARG };
    // Here and not on the pool: a check is cheap, and may come before `init`.
    // SAFETY: the host keeps the text alive until this returns.
    match caught(|| N::check(&unsafe { read_params::<N>(params) }?)) {
        Ok(()) => abi::OK,
        Err(error) => {
            call.fail(&error.said);
            error.said.status
        }
    }
}
