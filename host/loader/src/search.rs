//! Where plugins are looked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders and libraries, in order.
#[derive(Clone, Debug)]
pub struct Search {
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    named: bool,
}

/// A library to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    /// `--plugins` led to it, so that a failure to load it is an error and not a warning
    pub(crate) named: bool,
}

impl Search {
    /// The folder of this program, the folders of `DREAMWIRE_PLUGINS`, then what `--plugins` names.
    pub fn new(named: &[PathBuf]) -> Self {
        let beside = std::env::current_exe().ok().and_then(|exe| exe.canonicalize().ok());
        let beside = beside.and_then(|exe| exe.parent().map(Path::to_owned));
        let environment = std::env::var_os("DREAMWIRE_PLUGINS").unwrap_or_default();
        let environment = std::env::split_paths(&environment).filter(|p| !p.as_os_str().is_empty()).collect();
        Self::of(beside, environment, named)
    }

    /// A search of exactly these places.
    pub fn of(beside: Option<PathBuf>, environment: Vec<PathBuf>, named: &[PathBuf]) -> Self {
        let found = beside.into_iter().chain(environment).map(|path| Place { path, named: false });
        let named = named.iter().map(|path| Place { path: path.clone(), named: true });
        Self { places: found.chain(named).collect() }
    }

    /// The places, for messages.
    pub fn places(&self) -> Vec<String> {
        self.places.iter().map(|place| place.path.display().to_string()).collect()
    }

    /// Every folder that is scanned; a watcher watches these.
    pub fn folders(&self) -> Vec<PathBuf> {
        let folder = |path: &PathBuf| match path.is_dir() {
            true => Some(path.clone()),
            false => path.parent().filter(|p| !p.as_os_str().is_empty()).map(Path::to_owned),
        };
        self.places.iter().filter_map(|place| folder(&place.path)).collect()
    }

    /// Libraries in order, each once; and the places named on the command line that do not exist.
    pub(crate) fn candidates(&self) -> (Vec<Candidate>, Vec<PathBuf>) {
        let (mut candidates, mut missing) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for place in &self.places {
            let paths = if place.path.is_dir() {
                libraries(&place.path)
            } else if place.path.exists() {
                vec![place.path.clone()]
            } else {
                if place.named {
                    missing.push(place.path.clone());
                }
                Vec::new()
            };
            for path in paths {
                if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                    candidates.push(Candidate { path, named: place.named });
                }
            }
        }
        (candidates, missing)
    }
}

/// The files in a folder that are called like our plugins, by name.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| is_plugin_name(path)).collect();
    found.sort();
    found
}

fn is_plugin_name(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    name.starts_with(concat_prefix()) && name.ends_with(std::env::consts::DLL_SUFFIX)
}

fn concat_prefix() -> &'static str {
    // "libdreamwire_" on Unix, "dreamwire_" on Windows.
    if std::env::consts::DLL_PREFIX.is_empty() { "dreamwire_" } else { "libdreamwire_" }
}

/// `libdreamwire_vgg.so` -> `dreamwire_vgg`
pub(crate) fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    stem.strip_prefix(std::env::consts::DLL_PREFIX).map_or(stem.clone(), str::to_owned)
}
