//! Where plugins are searched for.

use crate::Problem;
use dreamwire_graph::{Hint, Setting};
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
    origin: Origin,
}

/// Where a search place comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The folder of the program.
    Beside,
    /// `DREAMWIRE_PLUGINS`.
    Environment,
    /// `--plugins`.
    Named,
}

/// A library to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    /// Whether `--plugins` named it or its folder, so that a failure to load it is an error, not a warning.
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
        let beside = beside.into_iter().map(|path| Place { path, origin: Origin::Beside });
        let environment = environment.into_iter().map(|path| Place { path, origin: Origin::Environment });
        let named = named.iter().map(|path| Place { path: path.clone(), origin: Origin::Named });
        Self { places: beside.chain(environment).chain(named).collect() }
    }

    /// The places, for messages.
    pub fn places(&self) -> Vec<String> {
        self.places.iter().map(|place| place.path.display().to_string()).collect()
    }

    /// The folders of the search, for watchers.
    pub fn folders(&self) -> Vec<PathBuf> {
        let folder = |path: &PathBuf| match path.is_dir() {
            true => Some(path.clone()),
            false => path.parent().filter(|p| !p.as_os_str().is_empty()).map(Path::to_owned),
        };
        self.places.iter().filter_map(|place| folder(&place.path)).collect()
    }

    /// Libraries in order, each once, and problems with the places: requested ones that do not exist, and ones that
    /// everybody can write to.
    pub(crate) fn candidates(&self) -> (Vec<Candidate>, Vec<Problem>) {
        let (mut candidates, mut problems) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for place in &self.places {
            let paths = if place.path.is_dir() {
                let libraries = libraries(&place.path);
                // A folder without libraries needs no warning yet.
                problems.extend(exposed(&place.path, "folder").filter(|_| !libraries.is_empty()));
                libraries
            } else if place.path.exists() {
                vec![place.path.clone()]
            } else {
                problems.extend(missing(place));
                Vec::new()
            };
            for path in paths {
                if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                    problems.extend(exposed(&path, "library"));
                    candidates.push(Candidate { path, named: place.origin == Origin::Named });
                }
            }
        }
        (candidates, problems)
    }
}

fn missing(place: &Place) -> Option<Problem> {
    let hint = match place.origin {
        Origin::Beside => return None,
        Origin::Environment => "DREAMWIRE_PLUGINS lists folders with libraries".into(),
        Origin::Named => Hint::with("name a library, or a folder with libraries", Setting::Plugins),
    };
    let message = format!("there is no plugin or folder `{}`", place.path.display());
    Some(Problem { message, hint: Some(hint), fatal: true })
}

/// A warning if everybody can write to a path: code loaded from it runs with the rights of the user.
fn exposed(path: &Path, what: &str) -> Option<Problem> {
    let shown = path.display();
    is_exposed(path).then(|| Problem {
        message: format!("anyone can write to the plugin {what} `{shown}`, and so run code as you"),
        hint: Some(format!("remove the permission: chmod o-w '{shown}'").into()),
        fatal: false,
    })
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_: &Path) -> bool {
    false
}

/// The files in a folder that are named like our plugins, sorted.
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

/// The stem of a library's name: `libdreamwire_vgg.so` -> `dreamwire_vgg`.
pub(crate) fn stem(path: &Path) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    stem.strip_prefix(std::env::consts::DLL_PREFIX).map_or(stem.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}x{}", concat_prefix(), std::env::consts::DLL_SUFFIX));
        std::fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn a_place_that_somebody_asked_for_must_exist() {
        let nowhere = PathBuf::from("/no/such/folder");
        let (candidates, problems) = Search::of(Some(nowhere.clone()), vec![], &[]).candidates();
        assert!(candidates.is_empty() && problems.is_empty());
        for (search, hint) in [
            (Search::of(None, vec![nowhere.clone()], &[]), "DREAMWIRE_PLUGINS"),
            (Search::of(None, vec![], &[nowhere]), "name a library"),
        ] {
            let (_, problems) = search.candidates();
            let [problem] = &problems[..] else { panic!("{problems:?}") };
            assert!(problem.fatal && problem.message.contains("/no/such/folder"), "{problem:?}");
            assert!(problem.hint.as_ref().is_some_and(|it| it.text.contains(hint)), "{problem:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_everybody_can_write_is_warned_of() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let allow = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let check = |expected: &[&str]| {
            let (_, problems) = Search::of(None, vec![folder.path().to_owned()], &[]).candidates();
            let told: Vec<&str> = problems.iter().map(|problem| &problem.message[..]).collect();
            assert_eq!(told.len(), expected.len(), "{told:?}");
            assert!(told.iter().zip(expected).all(|(told, it)| told.contains(it)), "{told:?}");
            assert!(problems.iter().all(|problem| !problem.fatal));
        };
        allow(folder.path(), 0o777);
        check(&[]);
        let library = library(folder.path());
        allow(&library, 0o644);
        check(&["plugin folder"]);
        allow(folder.path(), 0o755);
        check(&[]);
        allow(&library, 0o666);
        check(&["plugin library"]);
    }
}
