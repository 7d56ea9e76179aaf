//! Opens a library from a private copy and never closes it.

use dreamwire_abi as abi;
use dreamwire_socket::EntryRef;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A library that was opened and is never closed.
pub(crate) struct Library {
    entry: EntryRef,
}

impl Library {
    /// Copies `bytes`, the content of `original`, to a private folder, opens the copy and finds the entry.
    pub(crate) fn open(original: &Path, bytes: &[u8], hash: &blake3::Hash) -> Result<Self, String> {
        if let Some(needed) = crate::elf::missing_bytes(bytes) {
            let found = bytes.len();
            return Err(format!("it is truncated: its segments need {needed} bytes, found {found}"));
        }
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = private_folder(number).map_err(|e| format!("cannot create a private copy: {e}"))?;
        // Opening the same path twice gives the old library, so every generation has its own path.
        let name = format!(
            "{}-{}{}",
            crate::search::stem(original),
            &hash.to_hex()[..16],
            std::env::consts::DLL_SUFFIX
        );
        let copy = folder.join(name);
        let opened = std::fs::write(&copy, bytes)
            .map_err(|e| format!("cannot create a private copy: {e}"))
            .and_then(|()| open_for_good(&copy).map_err(|e| without_path(&e, &copy)));
        // On Unix the mapping outlives the file; elsewhere the system removes the folder eventually.
        let _ = std::fs::remove_dir_all(&folder);
        let entry = find_entry(&opened?)?;
        // SAFETY: the address of the symbol of a library that is never unloaded; a plugin is code that the user chose.
        let entry = unsafe { EntryRef::new(entry) }?;
        Ok(Self { entry })
    }

    /// The entry, valid forever.
    pub(crate) fn entry(&self) -> EntryRef {
        self.entry
    }
}

/// A folder that only this user can enter.
fn private_folder(number: u64) -> std::io::Result<PathBuf> {
    let nonce =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    let name = format!("dreamwire-{}-{number}-{nonce:08x}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // `create` fails if the folder exists, so no other user can have prepared it.
    builder.create(&folder)?;
    Ok(folder)
}

#[cfg(unix)]
fn open_for_good(path: &Path) -> Result<libloading::Library, String> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // Not exported by libloading. With this flag even another dlclose cannot unmap code that threads still run.
    const RTLD_NODELETE: i32 = if cfg!(target_vendor = "apple") { 0x80 } else { 0x1000 };
    // SAFETY: running the library's initialisers is what loading a plugin means; a plugin is code that the user chose.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) };
    library.map(Into::into).map_err(|e| reason(&e))
}

#[cfg(windows)]
fn open_for_good(path: &Path) -> Result<libloading::Library, String> {
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
