//! Storages inside of a pickle: each is the bytes of a legacy file with nothing else in it.

use crate::bytes::Bytes;
use crate::limits::Budget;
use crate::pickle::Value;
use crate::tensor::Storage;

use super::legacy::Legacy;
use super::rebuild::Problem;
use super::storage_id::StorageId;

/// The storage that `bytes` hold.
pub(super) fn storage<'a>(bytes: Bytes<'a>, budget: &Budget) -> Result<Storage<'a>, Problem> {
    let (dtype, range, big_endian) = {
        let file = Legacy::read(bytes.as_slice(), budget)?;
        let Value::Persistent(id) = file.tree.get(file.tree.root()) else {
            return Err("has a storage that is saved as something else".into());
        };
        let id = StorageId::read(&file.tree, *id)?;
        (id.dtype, file.range(&id)?, file.big_endian)
    };
    let bytes = bytes.slice(range).ok_or("has a storage that is not in the file")?;
    Ok(Storage { bytes, dtype, big_endian })
}
