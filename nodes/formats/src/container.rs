//! The entries of a zip file, as slices of it where they are stored as they are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Cursor, ErrorKind, Read};

use zip::{CompressionMethod, ZipArchive};

use crate::bytes::Bytes;
use crate::checksums::Checksums;
use crate::error::Error;
use crate::limits::Budget;

/// A zip file.
pub(crate) struct Container<'a> {
    bytes: &'a [u8],
    archive: RefCell<ZipArchive<Cursor<&'a [u8]>>>,
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    index: usize,
    start: u64,
    size: u64,
    method: CompressionMethod,
}

impl<'a> Container<'a> {
    /// Reads the directory. Names and places are checked here, contents when they are asked for.
    pub(crate) fn open(bytes: &'a [u8], budget: &Budget) -> Result<Self, Error> {
        let mut archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| match has_directory(bytes) {
                true => damaged(error),
                false => Error::Truncated("the directory at the end of the zip file is missing".to_owned()),
            })?;
        let limit = budget.limits.tensors;
        if archive.len() as u64 > limit {
            return Err(Error::Limit { what: "entries", limit });
        }
        if archive.has_duplicate_names() {
            return Err(Error::Damaged("two entries of the zip file have the same name".to_owned()));
        }
        if archive.has_overlapping_entries().map_err(damaged)? {
            return Err(Error::Damaged("entries of the zip file overlap".to_owned()));
        }
        let mut entries = BTreeMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(damaged)?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            check_name(&name)?;
            if entry.encrypted() {
                return Err(Error::Unsupported(format!("entry `{name}` of the zip file is encrypted")));
            }
            let start = entry.data_start().ok_or_else(|| damaged("an entry without data"))?;
            let (size, method) = (entry.size(), entry.compression());
            if method == CompressionMethod::Stored && entry.compressed_size() != size {
                return Err(Error::Damaged(format!("entry `{name}` of the zip file has two sizes")));
            }
            entries.insert(name, Entry { index, start, size, method });
        }
        Ok(Self { bytes, archive: RefCell::new(archive), entries })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The content of an entry; nothing if there is none of that name.
    pub(crate) fn get(&self, name: &str, budget: &Budget) -> Result<Option<Bytes<'a>>, Error> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        let outside = || Error::Truncated(format!("it ends before entry `{name}` of the zip file does"));
        let bytes = match entry.method {
            CompressionMethod::Stored => {
                let start = usize::try_from(entry.start).map_err(|_| outside())?;
                let size = usize::try_from(entry.size).map_err(|_| outside())?;
                let end = start.checked_add(size).ok_or_else(outside)?;
                Bytes::of_file(self.bytes.get(start..end).ok_or_else(outside)?)
            }
            CompressionMethod::Deflated => {
                budget.unpack(entry.size)?;
                Bytes::unpacked(self.unpack(entry)?)
            }
            method => {
                let problem = format!("entry `{name}` of the zip file is compressed with {method}");
                return Err(Error::Unsupported(problem));
            }
        };
        Ok(Some(bytes))
    }

    /// Compares all entries with their checksums.
    pub(crate) fn checksums(&self, budget: &Budget) -> Result<Checksums, Error> {
        let mut found = Checksums::default();
        let mut archive = self.archive.borrow_mut();
        for (name, entry) in &self.entries {
            if entry.method != CompressionMethod::Stored {
                budget.unpack(entry.size)?;
            }
            let file = archive.by_index(entry.index).map_err(damaged)?;
            // What was left out is 0, which the checksum of no data is, too.
            if file.crc32() == 0 && entry.size > 0 {
                found.without += 1;
                continue;
            }
            // The zip crate compares when it comes to the end.
            match std::io::copy(&mut file.take(entry.size.saturating_add(1)), &mut std::io::sink()) {
                Ok(length) if length == entry.size => found.sound += 1,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(damaged(error)),
                _ => found.wrong.push(name.clone()),
            }
        }
        Ok(found)
    }

    fn unpack(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        let mut archive = self.archive.borrow_mut();
        let file = archive.by_index(entry.index).map_err(damaged)?;
        // The size is what the directory claims. Reading stops there, and the zip crate checks the checksum.
        let mut bytes = Vec::new();
        file.take(entry.size.saturating_add(1)).read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() as u64 != entry.size {
            return Err(Error::Damaged(
                "an entry of the zip file has another size than its directory says".to_owned(),
            ));
        }
        Ok(bytes)
    }
}

/// Whether the end of the directory is somewhere at the end, where only a comment of up to 64 KiB follows it.
fn has_directory(bytes: &[u8]) -> bool {
    let end = bytes.len().saturating_sub(22 + 65_535);
    bytes.get(end..).is_some_and(|end| end.windows(4).any(|four| four == b"PK\x05\x06"))
}

/// Nothing is ever written by these names, but an honest file has none that lead out of it.
fn check_name(name: &str) -> Result<(), Error> {
    let leads_out = name.starts_with('/')
        || name.contains(['\\', '\0'])
        || name.split('/').any(|part| part == "..")
        || name.as_bytes().get(1) == Some(&b':');
    if leads_out {
        return Err(Error::Damaged(format!(
            "entry `{}` of the zip file leads out of it",
            name.escape_debug()
        )));
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> Error {
    Error::Damaged(format!("zip: {error}"))
}
