//! Pickles as data: the opcodes of protocols 0 to 5 build a tree of plain values, and nothing is called.
//!
//! What Python would call stays in the tree as an [`Object`]: its class, its arguments, and what was put into it later.
//! Values lie in one arena and name each other by index, so that shared and even circular values need no recursion.

use std::borrow::Cow;

mod cursor;
mod danger;
mod escape;
mod machine;
mod number;
mod opcode;
#[cfg(test)]
mod tests;

pub(crate) use machine::load;

/// The place of a value in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// A value of Python.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i128),
    /// An integer beyond 128 bits, which no weights file needs.
    Huge,
    Float(f64),
    Str(Cow<'a, str>),
    /// `bytes`, `bytearray`, and the strings of Python 2.
    Bytes(Cow<'a, [u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    /// `set` and `frozenset`.
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Box<Global<'a>>),
    Object(Box<Object>),
    /// What the writer kept outside of the pickle, such as a storage.
    Persistent(Id),
}

/// The name of a class or function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Global<'a> {
    pub(crate) module: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
}

/// What Python would make by calling a class or function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    pub(crate) class: Id,
    /// A tuple.
    pub(crate) args: Id,
    /// A dict.
    pub(crate) kwargs: Option<Id>,
    /// What `__setstate__` or `__dict__.update` would get.
    pub(crate) state: Option<Id>,
    /// What was appended to it.
    pub(crate) items: Vec<Id>,
    /// What was set in it by key.
    pub(crate) pairs: Vec<(Id, Id)>,
}

/// The values of a pickle.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Tree<'a> {
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    pub(crate) fn get(&self, id: Id) -> &Value<'a> {
        // The machine makes indices of this tree only.
        self.values.get(id.0 as usize).unwrap_or(&Value::None)
    }

    pub(crate) fn values(&self) -> &[Value<'a>] {
        &self.values
    }

    /// The elements of a list, tuple or set.
    pub(crate) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => Some(items),
            _ => None,
        }
    }

    /// A text, which Python 2 may have written as bytes.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Str(text) => Some(text),
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// A number that can be a size or an offset.
    pub(crate) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// Whether a class or function of that module is named anywhere.
    pub(crate) fn mentions(&self, module: &str, name: &str) -> bool {
        self.values.iter().any(
            |value| matches!(value, Value::Global(global) if global.module == module && global.name == name),
        )
    }
}
