//! Opens a library from a private copy and never closes it.

use crate::index::{Build, file_stem};
use crate::temporary::PrivateFolder;
use crate::{Refusal, search, working_folder};
use dreamwire_abi as abi;
use dreamwire_socket::EntryRef;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A library that was opened and is never closed.
pub(crate) struct Library {
    entry: EntryRef,
}

impl Library {
    /// Opens a copy of `bytes`, the content of `original`, in a private folder that is removed again.
    pub(crate) fn open(original: &Path, bytes: &[u8], hash: &blake3::Hash) -> Result<Self, Refusal> {
        check_length(bytes)?;
        // Opening the same path twice gives the old library, so every library has its own.
        let folder = PrivateFolder::new()?;
        let stem = file_stem(&search::stem(original), hash);
        let copy = folder.write(&format!("{stem}{}", std::env::consts::DLL_SUFFIX), bytes)?;
        Self::with_entry(&open_for_good(&copy)?)
    }

    /// Opens the copy in an index, whose content is `bytes`. What this process has opened before, it opens from
    /// another copy: the same path gives the same library, with the state that the first left in it.
    pub(crate) fn open_indexed(original: &Path, bytes: &[u8], build: &Build) -> Result<Self, Refusal> {
        static OPENED: Mutex<Option<HashSet<blake3::Hash>>> = Mutex::new(None);
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = opened.get_or_insert_default().insert(build.hash());
        drop(opened);
        check_length(bytes)?;
        if is_first && let Ok(library) = open_for_good(&build.copy()) {
            return Self::with_entry(&library);
        }
        // Or the index lies where nothing may be run.
        Self::open(original, bytes, &build.hash())
    }

    fn with_entry(library: &libloading::Library) -> Result<Self, Refusal> {
        let entry = find_entry(library)?;
        // SAFETY: the address of the symbol of a library that is never unloaded; a plugin is code that the user chose.
        let entry = unsafe { EntryRef::new(entry) }?;
        Ok(Self { entry })
    }

    /// The entry, valid forever.
    pub(crate) fn entry(&self) -> EntryRef {
        self.entry
    }
}

fn check_length(bytes: &[u8]) -> Result<(), String> {
    let found = bytes.len();
    crate::elf::missing_bytes(bytes).map_or(Ok(()), |needed| {
        Err(format!("it is truncated: its segments need {needed} bytes, found {found}"))
    })
}

/// Opens a library, which runs its initialisers.
fn open_for_good(copy: &Path) -> Result<libloading::Library, String> {
    let opened = working_folder::kept(
        || open_at(copy),
        |to| {
            let name = copy.file_stem().unwrap_or_default().display();
            working_folder::warn(&format!("the library `{name}`"), "while it was opened", &to);
        },
    );
    opened.map_err(|e| without_path(&e, copy))
}

#[cfg(unix)]
fn open_at(path: &Path) -> Result<libloading::Library, String> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // Not exported by libloading. With this flag even another dlclose cannot unmap code that threads still run.
    const RTLD_NODELETE: i32 = if cfg!(target_vendor = "apple") { 0x80 } else { 0x1000 };
    // SAFETY: running the library's initialisers is what loading a plugin means; a plugin is code that the user chose.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) };
    library.map(Into::into).map_err(|e| reason(&e))
}

#[cfg(windows)]
fn open_at(path: &Path) -> Result<libloading::Library, String> {
    // SAFETY: as on Unix.
    let library = unsafe { libloading::os::windows::Library::new(path) }.map_err(|e| reason(&e))?;
    library.pin().map_err(|e| reason(&e))?;
    Ok(library.into())
}

/// The system's error, which is the source of libloading's error.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// The loader's error names the private copy, which means nothing to users.
fn without_path(text: &str, copy: &Path) -> String {
    text.replace(&format!("{}: ", copy.display()), "").replace(&copy.display().to_string(), "the library")
}

fn find_entry(library: &libloading::Library) -> Result<*const abi::Entry, String> {
    // SAFETY: the symbol is a `dw_entry`, as its name promises; only its address is taken here.
    let symbol = |name: &str| unsafe { library.get::<*const abi::Entry>(name.as_bytes()).map(|s| *s).ok() };
    if let Some(entry) = symbol(abi::ENTRY_SYMBOL) {
        return Ok(entry);
    }
    let other = (0..100)
        .filter(|&major| major != abi::ABI_MAJOR)
        .find(|m| symbol(&format!("dw_entry_v{m}")).is_some());
    Err(match other {
        Some(major) => dreamwire_socket::other_major(major),
        None => format!("it is not a dreamwire plugin: it exports no `{}`", abi::ENTRY_SYMBOL),
    })
}
