//! How a pickle of PyTorch names a storage that lies outside of it.

use crate::dtype::DType;
use crate::pickle::{Id, Tree, Value};
use crate::walk::global;

/// A storage outside of the pickle.
pub(crate) struct StorageId<'t> {
    /// Nothing if it is untyped.
    pub(crate) dtype: Option<DType>,
    pub(crate) key: &'t str,
    /// Elements, or bytes if it is untyped.
    pub(crate) count: usize,
    /// Offset and count of the part that is meant, which legacy files can have.
    pub(crate) part: Option<(usize, usize)>,
}

impl<'t> StorageId<'t> {
    /// Reads `('storage', class, key, location, count[, part])`.
    pub(crate) fn read(tree: &'t Tree<'_>, id: Id) -> Result<Self, String> {
        let fields = tree.sequence(id).unwrap_or_default();
        let [tag, class, key, _location, count, more @ ..] = fields else {
            return Err("has a storage that is not described as PyTorch does".to_owned());
        };
        if tree.text(*tag) != Some("storage") {
            return Err("refers to something that is not a storage".to_owned());
        }
        let (_, class) = global(tree, *class).ok_or("has a storage without a class")?;
        let part = more.first().filter(|part| *tree.get(**part) != Value::None);
        let part = match part.map(|part| tree.sequence(*part).unwrap_or_default()) {
            None => None,
            Some([_key, offset, count]) => tree.size(*offset).zip(tree.size(*count)),
            Some(_) => return Err("is a view of a storage that is not described as PyTorch does".to_owned()),
        };
        Ok(Self {
            dtype: dtype(class)?,
            key: tree.text(*key).ok_or("has a storage without a key")?,
            count: tree.size(*count).ok_or("has a storage whose size is not a number")?,
            part,
        })
    }

    /// Bytes per element, or 1 if it is untyped.
    pub(crate) fn size(&self) -> usize {
        self.dtype.map_or(1, DType::size)
    }
}

/// The type of a storage class; nothing for an untyped one.
fn dtype(class: &str) -> Result<Option<DType>, String> {
    match class {
        "UntypedStorage" | "_UntypedStorage" => Ok(None),
        _ if class.starts_with('Q') => Err(format!("is quantised ({class}), which is not supported")),
        _ if class.starts_with("Complex") => {
            Err(format!("has complex numbers ({class}), which is not supported"))
        }
        _ => match DType::of_torch_storage(class) {
            Some(dtype) => Ok(Some(dtype)),
            None => Err(format!("has a storage of the class {class}, which is not supported")),
        },
    }
}
