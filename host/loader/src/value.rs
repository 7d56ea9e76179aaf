//! Values of the engine across the C ABI.

use crate::function::Handle;
use crate::generation::Generation;
use crate::tensor;
use dreamwire_abi as abi;
use dreamwire_abi::{Form, wire_type};
use dreamwire_engine::{Dtype, Input, Request, Value};
use dreamwire_graph::Port;
use dreamwire_socket::{Fault, FnRef, Given, Inputs, Taken};
use std::sync::Arc;

/// Lends the inputs of one run to a plugin.
pub(crate) fn lend(inputs: &[Input]) -> Result<Inputs<'_>, Fault> {
    let given = inputs.iter().map(|input| match input {
        Input::None => Ok(Given::None),
        Input::One(value) => lend_one(value),
        Input::Many(many) => many.iter().map(lend_one).collect::<Result<_, _>>().map(Given::Many),
    });
    Ok(Inputs::new(given.collect::<Result<_, _>>()?))
}

fn lend_one(value: &Value) -> Result<Given<'_>, Fault> {
    Ok(match value {
        Value::None => Given::None,
        Value::Bool(value) => Given::Bool(*value),
        Value::Int(i) => Given::Int(*i),
        Value::Float(f) => Given::Float(*f),
        Value::Text(text) => Given::Text(text),
        Value::Tensor(tensor) => Given::Tensor(tensor::lend(tensor)?),
        Value::Function(function) => match function.as_any().downcast_ref::<Handle>() {
            Some(handle) => Given::Function(handle.function()),
            None => Given::None,
        },
    })
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
            abi::TENSOR => match tensor::lend(&tensor::lent(input.u.t)) {
                Ok(kept) => abi::ValueUnion { t: kept.into_raw() },
                Err(fault) => return fault.status,
            },
            abi::FUNCTION => match FnRef::borrow_raw(input.u.func) {
                Ok(kept) => abi::ValueUnion { func: kept.into_raw() },
                Err(fault) => return fault.status,
            },
            _ => return abi::E_UNSUPPORTED,
        };
        *output = abi::Value { kind: input.kind, flags: 0, u };
        abi::OK
    }
}

/// The outputs of one run, checked against the ports.
pub(crate) fn take_outputs(
    outputs: Vec<Result<Taken, Fault>>,
    ports: &[Port],
    request: &Request<'_>,
    generation: &Arc<Generation>,
) -> Result<Vec<Value>, String> {
    let take = |(taken, port): (Result<Taken, Fault>, &Port)| {
        let value =
            taken.map_err(|fault| fault.message).and_then(|taken| take_one(taken, request, generation));
        let checked = value.and_then(|value| fits(&value, port).map(|()| value));
        checked.map_err(|why| format!("output `{}`: {why}", port.name))
    };
    outputs.into_iter().zip(ports).map(take).collect()
}

fn take_one(taken: Taken, request: &Request<'_>, generation: &Arc<Generation>) -> Result<Value, String> {
    Ok(match taken {
        Taken::None => Value::None,
        Taken::Bool(value) => Value::Bool(value),
        Taken::Int(i) => Value::Int(i),
        Taken::Float(f) => Value::Float(f),
        Taken::Text(text) => Value::Text(text.into()),
        Taken::Tensor(owned) => Value::Tensor(tensor::take(owned).map_err(|fault| fault.message)?),
        Taken::Function(function) => {
            Value::Function(Arc::new(Handle::take(function, request.node, request.device, generation)?))
        }
    })
}

/// Checks that the value is what its port declares.
fn fits(value: &Value, port: &Port) -> Result<(), String> {
    if port.optional && matches!(value, Value::None) {
        return Ok(());
    }
    let [ty] = &port.types[..] else { return Ok(()) };
    let Some(wire) = wire_type(ty) else { return Ok(()) };
    let fits = match (wire.form, value) {
        (Form::Tensor { rank, .. }, Value::Tensor(t)) => {
            t.dtype() == Dtype::F32 && t.shape().len() == rank && !t.shape().contains(&0)
        }
        (Form::Int, Value::Int(_)) | (Form::Float, Value::Float(_) | Value::Int(_)) => true,
        (Form::Text, Value::Text(_)) | (Form::Bool, Value::Bool(_)) => true,
        (Form::Function { .. }, Value::Function(function)) => function.ty() == ty,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let promised = match wire.form {
        Form::Tensor { axes, .. } => format!("a float32 {ty} {axes}"),
        _ => ty.clone(),
    };
    Err(format!("expected {promised}, found {}", describe(value)))
}

fn describe(value: &Value) -> String {
    match value {
        Value::None => "nothing".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Int(_) => "an integer".to_owned(),
        Value::Float(_) => "a float".to_owned(),
        Value::Text(_) => "a text".to_owned(),
        Value::Tensor(t) => format!("{:?} {:?}", t.dtype(), t.shape()),
        Value::Function(function) => format!("a function `{}`", function.ty()),
    }
}
