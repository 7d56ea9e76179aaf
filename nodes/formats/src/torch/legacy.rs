//! What `torch.save` wrote before PyTorch 1.6: five pickles, then the storages one after another.

use std::collections::HashMap;
use std::ops::Range;

use crate::archive::{Archive, Format};
use crate::bytes::Bytes;
use crate::error::Error;
use crate::limits::Budget;
use crate::pickle::{self, Tree, Value};
use crate::tensor::Storage;
use crate::walk;

use super::rebuild::{Persistent, Problem};
use super::storage_id::StorageId;

/// The first bytes: protocol 2 and the magic number.
pub(crate) const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The only version of the layout that there was.
const VERSION: i128 = 1001;

/// A legacy file: its object, and where its storages lie.
pub(crate) struct Legacy<'a> {
    pub(crate) tree: Tree<'a>,
    pub(crate) big_endian: bool,
    storages: HashMap<String, Range<usize>>,
}

/// Reads a legacy file.
pub(crate) fn read<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Archive<'a>, Error> {
    let Legacy { tree, big_endian, storages } = Legacy::read(bytes, budget)?;
    let mut outside = Outside { bytes, big_endian, storages };
    let mut archive = Archive::new(Format::TorchLegacy);
    walk::collect(&tree, &|part| Ok(Bytes::of_file(part)), &mut outside, budget, "", &mut archive)?;
    Ok(archive)
}

impl<'a> Legacy<'a> {
    pub(crate) fn read(bytes: &'a [u8], budget: &Budget) -> Result<Self, Error> {
        if !bytes.starts_with(MAGIC) {
            return Err(Error::Damaged("a PyTorch checkpoint (legacy) without its magic number".to_owned()));
        }
        let (version, at) = pickle::load(bytes, MAGIC.len(), budget)?;
        if *version.get(version.root()) != Value::Int(VERSION) {
            return Err(Error::Unsupported(
                "this is a PyTorch checkpoint (legacy) of an unknown version".to_owned(),
            ));
        }
        let (system, at) = pickle::load(bytes, at, budget)?;
        let pairs = walk::mapping(&system, system.root()).unwrap_or_default();
        let little = walk::lookup(&system, &pairs, "little_endian").map(|id| system.get(id));
        let (tree, at) = pickle::load(bytes, at, budget)?;
        let (keys, at) = pickle::load(bytes, at, budget)?;
        let storages = places(bytes, &tree, &keys, at)?;
        Ok(Self { tree, big_endian: little == Some(&Value::Bool(false)), storages })
    }

    /// The bytes of a storage.
    pub(crate) fn range(&self, id: &StorageId<'_>) -> Result<Range<usize>, String> {
        range(&self.storages, id)
    }
}

struct Outside<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    storages: HashMap<String, Range<usize>>,
}

impl<'a> Persistent<'a> for Outside<'a> {
    fn storage(&mut self, id: &StorageId<'_>, _: &Budget) -> Result<Storage<'a>, Problem> {
        let bytes = self.bytes.get(range(&self.storages, id)?).unwrap_or_default();
        Ok(Storage { bytes: Bytes::of_file(bytes), dtype: id.dtype, big_endian: self.big_endian })
    }
}

/// Where each storage lies. Their order is the last pickle; their types are where tensors refer to them.
fn places(
    bytes: &[u8],
    tree: &Tree<'_>,
    keys: &Tree<'_>,
    mut at: usize,
) -> Result<HashMap<String, Range<usize>>, Error> {
    let mut sizes = HashMap::new();
    for value in tree.values() {
        // Others are modules with their source; a storage that cannot be read is reported with its tensor.
        if let Value::Persistent(id) = value
            && let Ok(id) = StorageId::read(tree, *id)
        {
            sizes.insert(id.key, id.size());
        }
    }
    let keys_of = keys.sequence(keys.root()).ok_or_else(|| damaged("its list of storages is not a list"))?;
    let mut places = HashMap::new();
    for key in keys_of {
        let key = keys.text(*key).ok_or_else(|| damaged("its list of storages has something else in it"))?;
        let size = *sizes.get(key).ok_or_else(|| damaged("it has a storage that no tensor refers to"))?;
        let rest = bytes.get(at..).unwrap_or_default();
        let (count, data) = rest
            .split_first_chunk::<8>()
            .ok_or_else(|| Error::Truncated("it ends before its last storage".to_owned()))?;
        let length =
            usize::try_from(i64::from_le_bytes(*count)).ok().and_then(|count| count.checked_mul(size));
        let length = length.filter(|length| *length <= data.len());
        let length =
            length.ok_or_else(|| Error::Truncated(format!("it ends in the middle of storage `{key}`")))?;
        places.insert(key.to_owned(), at + 8..at + 8 + length);
        at += 8 + length;
    }
    Ok(places)
}

fn damaged(problem: &str) -> Error {
    Error::Damaged(problem.to_owned())
}

fn range(storages: &HashMap<String, Range<usize>>, id: &StorageId<'_>) -> Result<Range<usize>, String> {
    let all =
        storages.get(id.key).ok_or_else(|| format!("refers to storage `{}`, which is not there", id.key))?;
    let wrong = || format!("refers to storage `{}`, which has another size", id.key);
    let (offset, count) = match id.part {
        Some(part) => part,
        None if id.count.checked_mul(id.size()) == Some(all.len()) => (0, id.count),
        None => return Err(wrong()),
    };
    let start =
        offset.checked_mul(id.size()).and_then(|offset| offset.checked_add(all.start)).ok_or_else(wrong)?;
    let end = count.checked_mul(id.size()).and_then(|length| length.checked_add(start)).ok_or_else(wrong)?;
    if end > all.end { Err(wrong()) } else { Ok(start..end) }
}
