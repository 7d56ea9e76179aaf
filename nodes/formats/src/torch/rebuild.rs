//! From the calls that would rebuild tensors in Python to tensors.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::bytes::Bytes;
use crate::dtype::DType;
use crate::error::Error;
use crate::limits::Budget;
use crate::numpy;
use crate::pickle::{Id, Tree, Value};
use crate::tensor::{Storage, Tensor, View};
use crate::walk::{Call, Found, call, global};

use super::nested;
use super::storage_id::StorageId;

/// Where the storages are that a pickle keeps outside of itself.
pub(crate) trait Persistent<'a> {
    /// The storage of that name. The problem of a tensor, if it is not there.
    fn storage(&mut self, id: &StorageId<'_>, budget: &Budget) -> Result<Storage<'a>, Problem>;
}

/// What is wrong with a tensor, or with the whole file.
pub(crate) enum Problem {
    Tensor(String),
    File(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Tensor(problem)
    }
}

impl From<&str> for Problem {
    fn from(problem: &str) -> Self {
        Self::Tensor(problem.to_owned())
    }
}

/// Makes bytes that lie in a pickle outlive it: nothing to do if it is a part of the file.
pub(crate) type Keep<'k, 't, 'a> = &'k dyn Fn(&'t [u8]) -> Result<Bytes<'a>, Error>;

/// Pickles that keep nothing outside.
pub(crate) struct NothingOutside;

impl<'a> Persistent<'a> for NothingOutside {
    fn storage(&mut self, _: &StorageId<'_>, _: &Budget) -> Result<Storage<'a>, Problem> {
        Err("refers to a storage that is not in the file".into())
    }
}

/// The tensors of one pickle.
pub(crate) struct Rebuild<'r, 't, 'a> {
    tree: &'r Tree<'t>,
    keep: Keep<'r, 't, 'a>,
    outside: &'r mut dyn Persistent<'a>,
    budget: &'r Budget,
    /// Storages inside of the pickle, so that tensors that share one share its bytes.
    inside: HashMap<Id, Storage<'a>>,
    unpacked: HashMap<Id, Bytes<'a>>,
}

impl<'r, 't, 'a> Rebuild<'r, 't, 'a> {
    pub(crate) fn new(
        tree: &'r Tree<'t>,
        keep: Keep<'r, 't, 'a>,
        outside: &'r mut dyn Persistent<'a>,
        budget: &'r Budget,
    ) -> Self {
        Self { tree, keep, outside, budget, inside: HashMap::new(), unpacked: HashMap::new() }
    }

    /// The tensor or array that a value is. The variables of a network can also be scalars, which elsewhere are
    /// metadata.
    ///
    /// # Errors
    ///
    /// If it is one and cannot be read.
    pub(crate) fn tensor(&mut self, name: &str, id: Id, in_network: bool) -> Result<Found<'a>, Error> {
        self.found(id, in_network, 0).map_err(|problem| match problem {
            Problem::File(error) => error,
            Problem::Tensor(problem) => Error::tensor(name, problem),
        })
    }

    fn found(&mut self, id: Id, in_network: bool, depth: usize) -> Result<Found<'a>, Problem> {
        let tree = self.tree;
        let Some(call) = call(tree, id) else { return Ok(Found::Nothing) };
        if numpy::is_array(&call) {
            return numpy::array(tree, &call, |bytes| self.bytes(bytes));
        }
        if in_network && numpy::is_scalar(&call) {
            return numpy::scalar_tensor(tree, &call, |bytes| self.bytes(bytes));
        }
        if !call.module.starts_with("torch") {
            return Ok(Found::Nothing);
        }
        match (call.name, call.args) {
            ("_rebuild_parameter" | "_rebuild_parameter_with_state" | "Parameter" | "Buffer", [data, ..]) => {
                if depth == 8 {
                    return Err("is wrapped too often".into());
                }
                self.found(*data, in_network, depth + 1)
            }
            ("_rebuild_device_tensor_from_numpy" | "_rebuild_xla_tensor", [data, ..]) => {
                self.found(*data, in_network, depth + 1)
            }
            ("_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3", _) => {
                self.view(&call).map(Found::Tensor)
            }
            (name, _) if name.starts_with("_rebuild_q") => {
                Err(format!("is quantised (`{}.{name}`), which is not supported", call.module).into())
            }
            (name, _) if name.starts_with("_rebuild_") => {
                Err(format!("is saved by `{}.{name}`, which is not supported", call.module).into())
            }
            _ => Ok(Found::Nothing),
        }
    }

    /// Reads `(storage, offset, size, stride, ...)`.
    fn view(&mut self, call: &Call<'_>) -> Result<Tensor<'a>, Problem> {
        let tree = self.tree;
        let [storage, offset, shape, strides, more @ ..] = call.args else {
            return Err("is described by too few values".into());
        };
        let sizes = |id: Id| {
            let items = tree.sequence(id).or_else(|| match crate::walk::call(tree, id)?.args {
                [inner] => tree.sequence(*inner),
                _ => None,
            });
            items?.iter().map(|item| tree.size(*item)).collect::<Option<Vec<_>>>()
        };
        let storage = self.storage(*storage)?;
        let typed = match (storage.dtype, call.name, more) {
            (_, "_rebuild_tensor_v3", [_, _, dtype, ..]) => {
                let (_, name) = global(tree, *dtype).ok_or("has no type")?;
                DType::of_torch(name).ok_or_else(|| format!("has the type {name}, which is not supported"))?
            }
            (Some(dtype), ..) => dtype,
            (None, ..) => return Err("has no type".into()),
        };
        let view = View {
            dtype: typed,
            offset: tree.size(*offset).ok_or("has an offset that is not a size")?,
            shape: sizes(*shape).ok_or("has a shape that is not made of sizes")?,
            strides: sizes(*strides).ok_or("has strides that are not sizes")?,
        };
        Ok(Tensor::new(&storage, view)?)
    }

    fn storage(&mut self, id: Id) -> Result<Storage<'a>, Problem> {
        let tree = self.tree;
        if let Value::Persistent(outside) = tree.get(id) {
            return self.outside.storage(&StorageId::read(tree, *outside)?, self.budget);
        }
        if let Some(known) = self.inside.get(&id) {
            return Ok(known.clone());
        }
        let bytes = match call(tree, id) {
            Some(call) if call.is("torch.storage", "_load_from_bytes") => match call.args {
                [bytes] => self.bytes(*bytes)?,
                _ => None,
            },
            _ => None,
        };
        let storage = nested::storage(bytes.ok_or("has no storage")?, self.budget)?;
        self.inside.insert(id, storage.clone());
        Ok(storage)
    }

    /// Bytes, which protocol 2 writes as a text in Latin-1.
    fn bytes(&mut self, id: Id) -> Result<Option<Bytes<'a>>, Error> {
        if let Some(known) = self.unpacked.get(&id) {
            return Ok(Some(known.clone()));
        }
        let unpacked = match self.tree.get(id) {
            Value::Bytes(Cow::Borrowed(bytes)) => return (self.keep)(bytes).map(Some),
            Value::Bytes(Cow::Owned(bytes)) => {
                self.budget.unpack(bytes.len() as u64)?;
                Some(bytes.to_vec())
            }
            _ => self.encoded(id)?,
        };
        let bytes = unpacked.map(Bytes::unpacked);
        if let Some(bytes) = &bytes {
            self.unpacked.insert(id, bytes.clone());
        }
        Ok(bytes)
    }

    fn encoded(&self, id: Id) -> Result<Option<Vec<u8>>, Error> {
        let Some(call) = call(self.tree, id) else { return Ok(None) };
        let is_bytes = matches!(
            (call.module, call.name),
            ("_codecs", "encode") | ("builtins" | "__builtin__", "bytes" | "bytearray")
        );
        match (call.args, is_bytes) {
            ([], true) => Ok(Some(Vec::new())),
            ([text, ..], true) => {
                let Value::Str(text) = self.tree.get(*text) else { return Ok(None) };
                self.budget.unpack(text.len() as u64)?;
                Ok(text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect())
            }
            _ => Ok(None),
        }
    }
}
