//! What `torch.save` writes since PyTorch 1.6, and `torch.jit.save`: a zip file with a pickle and one entry per storage.

use std::collections::HashMap;

use crate::archive::{Archive, Format};
use crate::bytes::Bytes;
use crate::container::Container;
use crate::error::Error;
use crate::limits::Budget;
use crate::pickle::{self, Value};
use crate::tensor::Storage;
use crate::walk;

use super::rebuild::{Persistent, Problem};
use super::storage_id::StorageId;

/// Reads such a file, whose entries lie in the folder `root`.
pub(crate) fn read<'a>(container: &Container<'a>, root: &str, budget: &Budget) -> Result<Archive<'a>, Error> {
    let is_script = container.has(&format!("{root}constants.pkl"));
    let mut archive = Archive::new(if is_script { Format::TorchScript } else { Format::TorchZip });
    let byte_order = container.get(&format!("{root}byteorder"), budget)?;
    let big_endian = byte_order.is_some_and(|order| order.as_slice().trim_ascii() == b"big");
    add(container, root, ("data", ""), big_endian, budget, &mut archive)?;
    if is_script {
        add(container, root, ("constants", "CONSTANTS"), big_endian, budget, &mut archive)?;
    }
    Ok(archive)
}

/// Adds the tensors of the pickle `root` + `part` + `.pkl`, whose storages lie in the folder of that name.
fn add<'a>(
    container: &Container<'a>,
    root: &str,
    (part, prefix): (&str, &str),
    big_endian: bool,
    budget: &Budget,
    archive: &mut Archive<'a>,
) -> Result<(), Error> {
    let pickle = container.get(&format!("{root}{part}.pkl"), budget)?;
    let pickle = pickle.ok_or_else(|| Error::Damaged(format!("it has no `{part}.pkl`")))?;
    let (tree, _) = pickle::load(pickle.as_slice(), 0, budget)?;
    if *tree.get(tree.root()) == Value::None {
        return Ok(());
    }
    let mut outside =
        Outside { container, folder: format!("{root}{part}/"), big_endian, known: HashMap::new() };
    // The pickle may have been unpacked, and tensors must outlive it.
    let keep = |part: &[u8]| -> Result<Bytes<'a>, Error> {
        budget.unpack(part.len() as u64)?;
        Ok(Bytes::unpacked(part.to_vec()))
    };
    walk::collect(&tree, &keep, &mut outside, budget, prefix, archive)
}

struct Outside<'c, 'a> {
    container: &'c Container<'a>,
    folder: String,
    big_endian: bool,
    /// Entries that were read, so that views of one storage share its bytes.
    known: HashMap<String, Bytes<'a>>,
}

impl<'a> Persistent<'a> for Outside<'_, 'a> {
    fn storage(&mut self, id: &StorageId<'_>, budget: &Budget) -> Result<Storage<'a>, Problem> {
        let bytes = match self.known.get(id.key) {
            Some(known) => known.clone(),
            None => {
                let entry = self.container.get(&format!("{}{}", self.folder, id.key), budget)?;
                let entry =
                    entry.ok_or_else(|| format!("refers to storage `{}`, which is not there", id.key))?;
                self.known.insert(id.key.to_owned(), entry.clone());
                entry
            }
        };
        let found = bytes.len();
        let length = id.count.checked_mul(id.size()).filter(|length| *length <= found);
        let bytes = length.and_then(|length| bytes.slice(0..length)).ok_or_else(|| {
            format!("refers to storage `{}` with {} elements, which has {found} bytes", id.key, id.count)
        })?;
        Ok(Storage { bytes, dtype: id.dtype, big_endian: self.big_endian })
    }
}
