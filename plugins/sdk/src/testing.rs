//! Runs a node without a host, for the tests inside node files.
//!
//! ```text
//! let ran = testing::run_node::<Mix>(r#"{"amount": 0.5}"#, &[("a", a.into()), ("b", b.into())], &[]).unwrap();
//! ```
//! The node runs behind its real C vtable, so tests see what the host would: panics as statuses, tensors
//! copied.

use crate::guard::guard;
use crate::{Differentiable, Error, Function, Node, Result, export, tensor};
use candle_core::{Device, Tensor};
use dreamwire_abi as abi;
use dreamwire_socket::{
    CallHost, CallRef, Dtype, Fault, Given, HostCall, Inputs, NodeRef, Owned, Said, Taken, TensorView, lend,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value on a port.
pub enum Value {
    /// Unconnected, or not set.
    None,
    /// IMAGE, MASK, ...
    Tensor(Tensor),
    /// The tensors of a MANY port.
    Tensors(Vec<Tensor>),
    /// FEATURES, OBJECTIVE, ...
    Function(Function),
    /// The functions of a MANY port.
    Functions(Vec<Function>),
    /// INT.
    Int(i64),
    /// FLOAT.
    Float(f64),
    /// BOOLEAN.
    Bool(bool),
    /// STRING.
    Text(String),
}

impl Value {
    /// A function created here, as if it came from a wire.
    ///
    /// # Panics
    /// If the function has no description.
    pub fn function(function: impl Differentiable) -> Self {
        let function = Function::new(export::function(Box::new(function)));
        Self::Function(function.expect("the SDK's own functions describe themselves"))
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

/// The result of running a node.
#[derive(Default)]
pub struct Ran {
    /// Its outputs, in port order.
    pub outputs: Vec<Value>,
    /// Name template and bytes of every published file.
    pub published: Vec<(String, Vec<u8>)>,
    /// How often it showed a preview.
    pub previews: usize,
    /// Its log lines and progress notes.
    pub notes: Vec<String>,
    failure: Option<Error>,
}

/// A host of one call.
struct Host<'a> {
    ran: Mutex<Ran>,
    files: &'a [(&'a str, &'a [u8])],
}

impl<'a> Host<'a> {
    fn file(&self, path: &str) -> std::result::Result<&'a [u8], abi::Status> {
        let found = self.files.iter().find(|(name, _)| *name == path);
        found.map(|(_, data)| *data).ok_or_else(|| {
            let said = Said::new(abi::E_IO, format!("no file `{path}` in this test"));
            self.ran().failure = Some(Error { said, reported: false });
            abi::E_IO
        })
    }

    fn ran(&self) -> MutexGuard<'_, Ran> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallHost for Host<'_> {
    fn fail(&self, said: Said) {
        self.ran().failure = Some(Error { said, reported: false });
    }

    fn progress(&self, _: u64, _: u64, note: &str) -> bool {
        if !note.is_empty() {
            self.ran().notes.push(note.to_owned());
        }
        true
    }

    fn preview(&self, _: std::result::Result<TensorView<'_>, Fault>) {
        self.ran().previews += 1;
    }

    fn log(&self, _: i32, message: &str) {
        self.ran().notes.push(message.to_owned());
    }

    fn read(&self, path: &str) -> std::result::Result<Owned, abi::Status> {
        let length = self.file(path)?.len() as u64;
        self.head(path, length).map(|(bytes, _)| bytes)
    }

    fn head(&self, path: &str, most: u64) -> std::result::Result<(Owned, u64), abi::Status> {
        let data = self.file(path)?;
        let head = data[..data.len().min(most as usize)].to_vec();
        let lent = lend(Dtype::U8, vec![head.len() as i64], head).map_err(|fault| fault.status)?;
        Ok((lent, data.len() as u64))
    }

    fn publish(
        &self,
        template: &str,
        bytes: std::result::Result<TensorView<'_>, Fault>,
    ) -> std::result::Result<String, abi::Status> {
        let bytes = bytes.ok().and_then(|view| view.elements::<u8>()).ok_or(abi::E_IO)?;
        self.ran().published.push((template.to_owned(), bytes));
        Ok(template.to_owned())
    }

    fn provenance(&self) -> Option<&str> {
        Some(r#"{"a test": {}}"#)
    }
}

/// Runs `body` with a live call on this thread, so that functions can be used: [`Function::eval`] and others.
fn with_call<T>(files: &[(&str, &[u8])], body: impl FnOnce(CallRef<'_>) -> T) -> (T, Ran) {
    let host = Host { ran: Mutex::default(), files };
    let result = body(HostCall::new(&host).call());
    (result, host.ran.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn failure(ran: Ran, status: abi::Status) -> Error {
    ran.failure.unwrap_or_else(|| Error::new(status, "", "failed without a word"))
}

/// Runs `body` like a node's `run`: on the plugin's pool, with a live call.
///
/// # Errors
/// Those of `body`.
pub fn in_call<T: Send>(body: impl FnOnce(&crate::Call) -> Result<T> + Send) -> Result<T> {
    let (result, ran) = with_call(&[], |call| guard(call, body));
    result.map_err(|status| failure(ran, status))
}

/// What a kind thinks of params (JSON, complete or with defaults left out), as the host hears it before a run.
///
/// # Errors
/// What [`Node::check`] says.
pub fn check_params<N: Node>(params_json: &str) -> Result<()> {
    let (status, ran) = with_call(&[], |call| {
        // SAFETY: the call and the text are alive.
        unsafe { crate::node::check_params::<N>(call.raw(), abi::Str::new(params_json)) }
    });
    if status == abi::OK { Ok(()) } else { Err(failure(ran, status)) }
}

/// Runs one node with params (JSON, defaults may be omitted), inputs by port name and files by path.
///
/// # Errors
/// Those of the node.
///
/// # Panics
/// Never: the nodes of the SDK are complete.
pub fn run_node<N: Node>(
    params_json: &str,
    inputs: &[(&str, Value)],
    files: &[(&str, &[u8])],
) -> Result<Ran> {
    let mut given: Vec<Given<'_>> = N::KIND.inputs.iter().map(|_| Given::None).collect();
    for (name, value) in inputs {
        let index = N::KIND.inputs.iter().position(|p| p.name() == *name);
        let index = index.ok_or_else(|| Error::port(name, format!("this kind has no input `{name}`")))?;
        given[index] = match value {
            Value::Tensor(tensor) => Given::Tensor(tensor::export(tensor)?),
            Value::Tensors(tensors) => {
                let given = |tensor| tensor::export(tensor).map(Given::Tensor);
                Given::Many(tensors.iter().map(given).collect::<Result<_>>()?)
            }
            Value::Function(function) => Given::Function(function.reference()),
            Value::Functions(functions) => {
                Given::Many(functions.iter().map(|it| Given::Function(it.reference())).collect())
            }
            _ => Given::None,
        };
    }
    let given = Inputs::new(given);
    let (done, mut ran) = with_call(files, |call| {
        // SAFETY: just made.
        let node = unsafe { NodeRef::from_raw(crate::node::create::<N>()) };
        let mut node = node.expect("the SDK's nodes are complete");
        let done = node.run(call, params_json, &given, N::KIND.outputs.len());
        node.destroy();
        done
    });
    if done.status != abi::OK {
        return Err(failure(ran, done.status));
    }
    ran.outputs = done.outputs.into_iter().map(|taken| value(taken?)).collect::<Result<_>>()?;
    Ok(ran)
}

fn value(taken: Taken) -> Result<Value> {
    Ok(match taken {
        Taken::None => Value::None,
        Taken::Tensor(owned) => Value::Tensor(tensor::receive(&owned, &Device::Cpu)?),
        Taken::Function(function) => Value::Function(Function::new(function)?),
        Taken::Int(i) => Value::Int(i),
        Taken::Float(f) => Value::Float(f),
        Taken::Bool(b) => Value::Bool(b),
        Taken::Text(text) => Value::Text(text),
    })
}
