//! Runs a node without a host, for the tests inside node files.
//!
//! ```text
//! let ran = testing::run_node::<Mix>(r#"{"amount": 0.5}"#, &[("a", a.into()), ("b", b.into())], &[]).unwrap();
//! ```
//! The node runs behind its real C vtable, so the tests see what the host would: panics as statuses, tensors copied.

use crate::export;
use crate::kind::Descriptor;
use crate::{Differentiable, Error, Function, Node, Result, tensor};
use candle_core::{Device, Tensor};
use dreamwire_abi as abi;
use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value on a port.
pub enum Value {
    /// unconnected, or not set
    None,
    /// IMAGE, MASK, ...
    Tensor(Tensor),
    /// FEATURES, OBJECTIVE, ...
    Function(Function),
    /// the functions of a MANY port
    Functions(Vec<Function>),
    /// INT
    Int(i64),
    /// FLOAT
    Float(f64),
    /// BOOLEAN
    Bool(bool),
    /// STRING
    Text(String),
}

impl Value {
    /// A function made here, as if it had come over a wire.
    ///
    /// # Panics
    /// If the function does not describe itself.
    pub fn function(function: impl Differentiable) -> Self {
        let raw = export::function(Box::new(function));
        // SAFETY: a live handle with one reference, which is released after `retain` took its own.
        unsafe {
            let retained = Function::retain(raw).expect("the SDK's own functions describe themselves");
            export::release(raw);
            Self::Function(retained)
        }
    }

    /// The tensor.
    ///
    /// # Panics
    /// If it is something else.
    #[track_caller]
    pub fn tensor(&self) -> &Tensor {
        match self {
            Self::Tensor(tensor) => tensor,
            _ => panic!("no tensor at this port"),
        }
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

/// What a node did.
#[derive(Default)]
pub struct Ran {
    /// its outputs, in port order
    pub outputs: Vec<Value>,
    /// name template and bytes of every published file
    pub published: Vec<(String, Vec<u8>)>,
    /// how often it showed a preview
    pub previews: usize,
    /// its log lines and progress notes
    pub notes: Vec<String>,
    failure: Option<Error>,
    files: Vec<(String, Vec<u8>)>,
}

struct Host(Mutex<Ran>);

impl Host {
    /// # Safety
    /// `call` is the one that `with_call` made.
    unsafe fn of<'a>(call: *const abi::Call) -> MutexGuard<'a, Ran> {
        // SAFETY: `with_call` put a `Host` there that outlives the call.
        unsafe { &*(*call).host.cast::<Host>() }.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

unsafe extern "C" fn progress(call: *const abi::Call, _: u64, _: u64, note: abi::Str) -> abi::Status {
    // SAFETY: called by the SDK with its live call and borrowed text.
    unsafe {
        if note.len > 0 {
            Host::of(call).notes.push(note.text().unwrap_or_default().to_owned());
        }
    }
    abi::OK
}

unsafe extern "C" fn preview(call: *const abi::Call, _: abi::View) {
    // SAFETY: as in `progress`.
    unsafe { Host::of(call).previews += 1 };
}

unsafe extern "C" fn fail(call: *const abi::Call, status: abi::Status, input: abi::Str, message: abi::Str) {
    // SAFETY: as in `progress`.
    unsafe {
        let (input, message) = (input.text().unwrap_or_default(), message.text().unwrap_or_default());
        let error = Error { status, input: input.to_owned(), message: message.to_owned(), reported: false };
        Host::of(call).failure = Some(error);
    }
}

unsafe extern "C" fn log(call: *const abi::Call, _: i32, message: abi::Str) {
    // SAFETY: as in `progress`.
    unsafe { Host::of(call).notes.push(message.text().unwrap_or_default().to_owned()) };
}

unsafe extern "C" fn read(call: *const abi::Call, path: abi::Str, bytes: *mut abi::Owned) -> abi::Status {
    // SAFETY: as in `progress`; `bytes` is a valid out parameter.
    unsafe {
        let mut ran = Host::of(call);
        let path = path.text().unwrap_or_default();
        let Some((_, data)) = ran.files.iter().find(|(name, _)| name == path) else {
            ran.failure =
                Some(Error { status: abi::E_IO, ..Error::failed(format!("no file `{path}` in this test")) });
            return abi::E_IO;
        };
        match Tensor::from_slice(data, data.len(), &Device::Cpu)
            .map_err(Error::from)
            .and_then(|t| tensor::export(&t))
        {
            Ok(owned) => *bytes = owned,
            Err(error) => return error.status,
        }
        abi::OK
    }
}

unsafe extern "C" fn publish(
    call: *const abi::Call,
    name: abi::Str,
    bytes: abi::View,
    _: abi::Str,
    final_name: *mut abi::Str,
) -> abi::Status {
    // SAFETY: as in `progress`; the view is alive for the call.
    unsafe {
        let Ok(tensor) = tensor::import(bytes, &Device::Cpu) else { return abi::E_IO };
        let Ok(bytes) = tensor.to_vec1::<u8>() else { return abi::E_IO };
        Host::of(call).published.push((name.text().unwrap_or_default().to_owned(), bytes));
        *final_name = name;
    }
    abi::OK
}

unsafe extern "C" fn get_extension(_: *const abi::Call, id: *const c_char) -> *const std::ffi::c_void {
    struct Text(abi::Str);
    // SAFETY: immutable static text.
    unsafe impl Sync for Text {}
    static PROVENANCE: Text = Text(abi::Str::new(r#"{"a test": {}}"#));
    // SAFETY: a NUL-terminated id, as the header says.
    match unsafe { std::ffi::CStr::from_ptr(id) }.to_bytes() {
        b"dw.provenance/1" => (&raw const PROVENANCE.0).cast(),
        _ => std::ptr::null(),
    }
}

/// Runs `body` with a live call on this thread, so that functions can be used: [`Function::eval`] and others.
pub fn with_call<T>(files: &[(&str, &[u8])], body: impl FnOnce(*const abi::Call) -> T) -> (T, Ran) {
    let files = files.iter().map(|(name, data)| ((*name).to_owned(), data.to_vec())).collect();
    let host = Host(Mutex::new(Ran { files, ..Ran::default() }));
    let call = abi::Call {
        size: size_of::<abi::Call>() as u32,
        flags: 0,
        host: (&raw const host).cast_mut().cast(),
        progress: Some(progress),
        preview: Some(preview),
        fail: Some(fail),
        log: Some(log),
        read: Some(read),
        publish: Some(publish),
        get_extension: Some(get_extension),
        max_threads: 0,
        reserved: 0,
        device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
        stream: std::ptr::null_mut(),
    };
    let result = body(&raw const call);
    (result, host.0.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Runs `body` as the body of a node's `run` would: on the plugin's pool, with a live call.
///
/// # Errors
/// What `body` says.
pub fn in_call<T: Send>(body: impl FnOnce(&crate::Call) -> Result<T> + Send) -> Result<T> {
    let mut result = None;
    let slot = &mut result;
    let (status, ran) = with_call(&[], |call| {
        // SAFETY: `with_call` keeps the call alive.
        unsafe {
            crate::guard::guard(call, move |call| {
                *slot = Some(body(call)?);
                Ok(())
            })
        }
    });
    result.ok_or_else(|| ran.failure.unwrap_or(Error { status, ..Error::failed("failed without a word") }))
}

/// Runs one node with params (JSON, complete or with defaults left out), inputs by port name and files by path.
///
/// # Errors
/// What the node says.
pub fn run_node<N: Node>(
    params_json: &str,
    inputs: &[(&str, Value)],
    files: &[(&str, &[u8])],
) -> Result<Ran> {
    let kind = Descriptor::<N>::KIND;
    let mut owned = Vec::new();
    let mut lists: Vec<Box<(abi::List, Vec<abi::Value>)>> = Vec::new();
    let mut values = vec![abi::Value::NONE; N::KIND.inputs.len()];
    for (name, value) in inputs {
        let index = N::KIND.inputs.iter().position(|p| p.name() == *name);
        let index = index.ok_or_else(|| Error::port(name, format!("this kind has no input `{name}`")))?;
        values[index] = match value {
            Value::Tensor(tensor) => {
                // SAFETY: just exported; deleted when `owned` is dropped, after the run.
                owned.push(unsafe { tensor::Managed::new(tensor::export(tensor)?) }?);
                let t = owned[owned.len() - 1].raw();
                abi::Value { kind: abi::TENSOR, flags: 0, u: abi::ValueUnion { t } }
            }
            Value::Function(f) => function_value(f),
            Value::Functions(functions) => {
                let items: Vec<_> = functions.iter().map(function_value).collect();
                let list = abi::List { n: items.len() as u64, items: items.as_ptr() };
                lists.push(Box::new((list, items)));
                let list = &raw const lists[lists.len() - 1].0;
                abi::Value { kind: abi::LIST, flags: 0, u: abi::ValueUnion { list } }
            }
            _ => abi::Value::NONE,
        };
    }
    let mut out = vec![abi::Value::NONE; kind.n_out as usize];
    let (status, mut ran) = with_call(files, |call| {
        let node = crate::node::create::<N>();
        // SAFETY: a live node, its own vtable, and arrays of the described sizes.
        unsafe {
            let vt = &*(*node).vt;
            let run = vt.run.expect("the SDK's vtables are complete");
            let status = run(node, call, abi::Str::new(params_json), values.as_ptr(), out.as_mut_ptr());
            vt.destroy.expect("the SDK's vtables are complete")(node);
            status
        }
    });
    if status != abi::OK {
        return Err(ran.failure.unwrap_or(Error { status, ..Error::failed("failed without a word") }));
    }
    // SAFETY: OK promises that the outputs hold what their kinds say, and that they are ours.
    ran.outputs = out.into_iter().map(|value| unsafe { take(value) }).collect::<Result<_>>()?;
    Ok(ran)
}

fn function_value(function: &Function) -> abi::Value {
    abi::Value { kind: abi::FUNCTION, flags: 0, u: abi::ValueUnion { func: function.raw() } }
}

/// # Safety
/// `value` holds what its kind says, and is ours.
unsafe fn take(value: abi::Value) -> Result<Value> {
    // SAFETY: the kind says which field holds.
    unsafe {
        Ok(match value.kind {
            abi::TENSOR => Value::Tensor(tensor::Managed::new(value.u.t)?.tensor(&Device::Cpu)?),
            abi::FUNCTION => {
                let function = Function::retain(value.u.func)?;
                export::release(value.u.func);
                Value::Function(function)
            }
            abi::I64 => Value::Int(value.u.i),
            abi::F64 => Value::Float(value.u.f),
            abi::BOOL => Value::Bool(value.u.i != 0),
            abi::STRING => Value::Text(value.u.s.text().unwrap_or_default().to_owned()),
            _ => Value::None,
        })
    }
}
