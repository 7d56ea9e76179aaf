//! Values across the C ABI.

use crate::function::{self, Handle};
use crate::generation::Generation;
use crate::tensor;
use dreamwire_abi as abi;
use dreamwire_engine::{Dtype, Input, Value};
use dreamwire_graph::Port;
use std::sync::Arc;

/// The inputs of one run, lent to a plugin; everything ends with this.
pub(crate) struct Lent {
    values: Vec<abi::Value>,
    tensors: Vec<abi::Owned>,
    // Boxed lists stay where they are when the vector grows.
    _lists: Vec<(Box<abi::List>, Vec<abi::Value>)>,
    // Strings and functions are borrowed from these.
    _inputs: Vec<Input>,
}

impl Lent {
    pub(crate) fn new(inputs: &[Input]) -> Self {
        let inputs = inputs.to_vec();
        let (mut tensors, mut lists, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for input in &inputs {
            values.push(match input {
                Input::None => abi::Value::NONE,
                Input::One(value) => lend(value, &mut tensors),
                Input::Many(many) => {
                    let items: Vec<abi::Value> = many.iter().map(|value| lend(value, &mut tensors)).collect();
                    let list = abi::List { n: items.len() as u64, items: items.as_ptr() };
                    lists.push((Box::new(list), items));
                    let list = &raw const *lists[lists.len() - 1].0;
                    abi::Value { kind: abi::LIST, flags: 0, u: abi::ValueUnion { list } }
                }
            });
        }
        Self { values, tensors, _lists: lists, _inputs: inputs }
    }

    pub(crate) fn as_ptr(&self) -> *const abi::Value {
        self.values.as_ptr()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        for &owned in &self.tensors {
            // SAFETY: lent by `lend`, ended once; plugins only borrowed it.
            unsafe { tensor::delete(owned) };
        }
    }
}

fn lend(value: &Value, tensors: &mut Vec<abi::Owned>) -> abi::Value {
    let (kind, u) = match value {
        Value::None => return abi::Value::NONE,
        Value::Bool(value) => (abi::BOOL, abi::ValueUnion { i: i64::from(*value) }),
        Value::Int(i) => (abi::I64, abi::ValueUnion { i: *i }),
        Value::Float(f) => (abi::F64, abi::ValueUnion { f: *f }),
        Value::Text(text) => (abi::STRING, abi::ValueUnion { s: abi::Str::new(text) }),
        Value::Tensor(value) => {
            let t = tensor::lend(value);
            tensors.push(t);
            (abi::TENSOR, abi::ValueUnion { t })
        }
        Value::Function(function) => match function.as_any().downcast_ref::<Handle>() {
            Some(handle) => (abi::FUNCTION, abi::ValueUnion { func: handle.raw() }),
            None => return abi::Value::NONE,
        },
    };
    abi::Value { kind, flags: 0, u }
}

/// Keeps a borrowed input past its call.
///
/// # Safety
/// `input` was lent by this host and is alive; `output` is writable.
pub(crate) unsafe fn retain(input: &abi::Value, output: *mut abi::Value) -> abi::Status {
    // SAFETY: the caller's promise; the kind says which field holds.
    unsafe {
        let u = match input.kind {
            abi::NONE | abi::BOOL | abi::I64 | abi::F64 => input.u,
            abi::TENSOR => abi::ValueUnion { t: tensor::lend(&tensor::lent(input.u.t)) },
            abi::FUNCTION => {
                function::retain(input.u.func);
                input.u
            }
            _ => return abi::E_UNSUPPORTED,
        };
        *output = abi::Value { kind: input.kind, flags: 0, u };
        abi::OK
    }
}

/// Frees outputs that nobody will look at: the call failed.
///
/// # Safety
/// The values were set by a plugin, or are [`abi::Value::NONE`].
pub(crate) unsafe fn discard(values: &[abi::Value]) {
    for value in values {
        // SAFETY: the kind says which field holds; it is the host's now.
        unsafe {
            match value.kind {
                abi::TENSOR => tensor::delete(value.u.t),
                abi::FUNCTION if !value.u.func.is_null() => {
                    if let Some(release) = abi::field!((*value.u.func).vt, abi::FnVt, release) {
                        release(value.u.func);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Takes over the outputs of one run, checked against the ports.
///
/// # Safety
/// The values were set by a plugin that ended with OK.
pub(crate) unsafe fn take_outputs(
    values: &[abi::Value],
    ports: &[Port],
    node: &str,
    generation: &Arc<Generation>,
) -> Result<Vec<Value>, String> {
    let mut taken = Vec::with_capacity(values.len());
    for (index, (value, port)) in values.iter().zip(ports).enumerate() {
        // SAFETY: the caller's promise.
        let result = unsafe { take(value, node, generation) };
        let checked = result.and_then(|value| fits(&value, port).map(|()| value));
        match checked {
            Ok(value) => taken.push(value),
            Err(why) => {
                // SAFETY: those that follow are the host's, and nobody will look at them.
                unsafe { discard(&values[index + 1..]) };
                return Err(format!("output `{}`: {why}", port.name));
            }
        }
    }
    Ok(taken)
}

/// # Safety
/// The kind says which field holds, and what it holds is the host's now.
unsafe fn take(value: &abi::Value, node: &str, generation: &Arc<Generation>) -> Result<Value, String> {
    // SAFETY: the caller's promise.
    unsafe {
        Ok(match value.kind {
            abi::NONE => Value::None,
            abi::BOOL => Value::Bool(value.u.i != 0),
            abi::I64 => Value::Int(value.u.i),
            abi::F64 => Value::Float(value.u.f),
            abi::STRING => Value::Text(value.u.s.text().ok_or("a text is not UTF-8")?.into()),
            abi::TENSOR => Value::Tensor(tensor::take(value.u.t)?),
            abi::FUNCTION => Value::Function(Arc::new(Handle::take(value.u.func, node, generation)?)),
            other => return Err(format!("a value has the unknown kind {other}")),
        })
    }
}

/// The value is what its port promises.
fn fits(value: &Value, port: &Port) -> Result<(), String> {
    if port.optional && matches!(value, Value::None) {
        return Ok(());
    }
    let [ty] = &port.types[..] else { return Ok(()) };
    let wanted = |rank: usize, what: &str| match value {
        Value::Tensor(t) if t.dtype() == Dtype::F32 && t.shape().len() == rank && !t.shape().contains(&0) => {
            Ok(())
        }
        Value::Tensor(t) => Err(format!("{what} was promised, found {:?} {:?}", t.dtype(), t.shape())),
        _ => Err(format!("{what} was promised, found none")),
    };
    match (ty.as_str(), value) {
        ("IMAGE", _) => wanted(4, "a float32 IMAGE [B,H,W,C]"),
        ("MASK", _) => wanted(3, "a float32 MASK [B,H,W]"),
        ("LATENT_Z", _) => wanted(2, "a float32 LATENT_Z [B,z]"),
        ("LATENT_W", _) => wanted(3, "a float32 LATENT_W [B,layers,w]"),
        ("INT", Value::Int(_)) | ("FLOAT", Value::Float(_) | Value::Int(_)) => Ok(()),
        ("STRING", Value::Text(_)) | ("BOOLEAN", Value::Bool(_)) => Ok(()),
        ("INT" | "FLOAT" | "STRING" | "BOOLEAN", _) => {
            Err(format!("{ty} was promised, found something else"))
        }
        (_, Value::Function(f)) if f.ty() == ty => Ok(()),
        (_, Value::Function(f)) => Err(format!("{ty} was promised, found {}", f.ty())),
        ("FEATURES" | "OBJECTIVE" | "MAPPING" | "GENERATOR" | "DISCRIMINATOR", _) => {
            Err(format!("{ty} was promised, found no function"))
        }
        _ => Ok(()),
    }
}
