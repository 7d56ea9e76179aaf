//! Values on ports.

use crate::{Fault, FnRef, Owned, Watched, text};
use dreamwire_abi as abi;
use std::ptr::NonNull;

/// A value that is lent to a node for one run.
pub enum Given<'a> {
    /// Nothing is connected.
    None,
    /// BOOLEAN.
    Bool(bool),
    /// INT.
    Int(i64),
    /// FLOAT.
    Float(f64),
    /// STRING.
    Text(&'a str),
    /// IMAGE, MASK, ...: deleted with the inputs.
    Tensor(Owned),
    /// A tensor that is never deleted.
    Watched(&'static Watched),
    /// FEATURES, OBJECTIVE, ...
    Function(FnRef),
    /// The values of a MANY port.
    Many(Vec<Given<'a>>),
}

/// The inputs of one run, one per port. Everything lent is valid until this is dropped.
pub struct Inputs<'a> {
    values: Vec<abi::Value>,
    // The data that the values point to.
    _lists: Vec<List>,
    _given: Vec<Given<'a>>,
}

/// A list at a fixed address. Not a `Box`, which would claim unique access to its content.
struct List {
    raw: NonNull<abi::List>,
    _items: Vec<abi::Value>,
}

impl List {
    fn new(items: Vec<abi::Value>) -> Self {
        let list = Box::new(abi::List { n: items.len() as u64, items: items.as_ptr() });
        Self { raw: NonNull::from(Box::leak(list)), _items: items }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: leaked by `new`, and freed once.
        drop(unsafe { Box::from_raw(self.raw.as_ptr()) });
    }
}

impl<'a> Inputs<'a> {
    /// Lends values.
    pub fn new(given: Vec<Given<'a>>) -> Self {
        let mut lists = Vec::new();
        let values = given.iter().map(|one| lend(one, &mut lists)).collect();
        Self { values, _lists: lists, _given: given }
    }

    pub(crate) fn as_ptr(&self) -> *const abi::Value {
        self.values.as_ptr()
    }
}

fn lend(given: &Given<'_>, lists: &mut Vec<List>) -> abi::Value {
    let (kind, u) = match given {
        Given::None => return abi::Value::NONE,
        Given::Bool(value) => (abi::BOOL, abi::ValueUnion { i: i64::from(*value) }),
        Given::Int(i) => (abi::I64, abi::ValueUnion { i: *i }),
        Given::Float(f) => (abi::F64, abi::ValueUnion { f: *f }),
        Given::Text(text) => (abi::STRING, abi::ValueUnion { s: abi::Str::new(text) }),
        Given::Tensor(tensor) => (abi::TENSOR, abi::ValueUnion { t: tensor.raw() }),
        Given::Watched(tensor) => (abi::TENSOR, abi::ValueUnion { t: tensor.raw() }),
        Given::Function(function) => (abi::FUNCTION, abi::ValueUnion { func: function.raw() }),
        Given::Many(many) => {
            let items: Vec<abi::Value> = many.iter().map(|one| lend(one, lists)).collect();
            let list = List::new(items);
            let raw = list.raw.as_ptr();
            lists.push(list);
            (abi::LIST, abi::ValueUnion { list: raw })
        }
    };
    abi::Value { kind, flags: 0, u }
}

/// The value that a node set at an output port.
pub enum Taken {
    /// Nothing.
    None,
    /// BOOLEAN.
    Bool(bool),
    /// INT.
    Int(i64),
    /// FLOAT.
    Float(f64),
    /// STRING.
    Text(String),
    /// IMAGE, MASK, ...
    Tensor(Owned),
    /// FEATURES, OBJECTIVE, ...
    Function(FnRef),
}

impl Taken {
    /// Takes the value of a port.
    ///
    /// # Errors
    /// The value does not match its kind.
    ///
    /// # Safety
    /// The kind tells which field is valid, and its value is ours.
    pub unsafe fn from_raw(value: &abi::Value) -> Result<Self, Fault> {
        // SAFETY: the caller's promise.
        unsafe {
            Ok(match value.kind {
                abi::NONE => Self::None,
                abi::BOOL => Self::Bool(value.u.i != 0),
                abi::I64 => Self::Int(value.u.i),
                abi::F64 => Self::Float(value.u.f),
                abi::STRING => match text::read(value.u.s, text::SCHEMA) {
                    Ok(text) => Self::Text(text),
                    Err(why) => return Err(Fault::failed(format!("a text {why}"))),
                },
                abi::TENSOR => match Owned::from_raw(value.u.t) {
                    Some(tensor) => Self::Tensor(tensor),
                    None => return Err(Fault::failed("a tensor is null")),
                },
                abi::FUNCTION => Self::Function(FnRef::from_raw(value.u.func)?),
                other => return Err(Fault::failed(format!("a value has the unknown kind {other}"))),
            })
        }
    }
}
