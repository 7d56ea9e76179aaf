//! Values on ports.

use crate::{Fault, FnRef, Owned, Watched, text};
use dreamwire_abi as abi;

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
    /// IMAGE, MASK, ...: ended when the inputs are.
    Tensor(Owned),
    /// A tensor that is never ended.
    Watched(&'static Watched),
    /// FEATURES, OBJECTIVE, ...
    Function(FnRef),
    /// The values of a MANY port.
    Many(Vec<Given<'a>>),
}

/// The inputs of one run, one per port; everything that is lent ends with this.
pub struct Inputs<'a> {
    values: Vec<abi::Value>,
    // Boxed lists stay where they are when the vector grows.
    _lists: Vec<(Box<abi::List>, Vec<abi::Value>)>,
    // What the values point to.
    _given: Vec<Given<'a>>,
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

fn lend(given: &Given<'_>, lists: &mut Vec<(Box<abi::List>, Vec<abi::Value>)>) -> abi::Value {
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
            let list = Box::new(abi::List { n: items.len() as u64, items: items.as_ptr() });
            let raw = &raw const *list;
            lists.push((list, items));
            (abi::LIST, abi::ValueUnion { list: raw })
        }
    };
    abi::Value { kind, flags: 0, u }
}

/// What a node left at an output port.
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
    /// Takes over what is at a port.
    ///
    /// # Errors
    /// It is not what its kind says.
    ///
    /// # Safety
    /// The kind says which field holds, and what it holds is ours.
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
