//! Finds ComfyUI's editor where Python packages are installed, without running Python.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// The static files of the installed package `comfyui-frontend-package`: of the active environment first, then of one
/// in the current folder, the user's packages, and the system's. `None` if there is none.
pub fn find_frontend() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable);
    let here = ["venv", ".venv"].into_iter().map(PathBuf::from);
    let own = variable("HOME").map(|home| home.join(".local"));
    let windows = variable("APPDATA").map(|data| data.join("Python"));
    let system = ["/usr/local", "/usr"].into_iter().map(PathBuf::from);
    find_in(active.chain(here).chain(own).chain(windows).chain(system))
}

/// The first of these prefixes that has the package.
fn find_in(prefixes: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let places = prefixes.into_iter().flat_map(|prefix| packages(&prefix));
    let fronts = places.map(|place| place.join("comfyui_frontend_package").join("static"));
    let found = fronts.into_iter().find(|folder| folder.join("index.html").is_file())?;
    found.canonicalize().ok()
}

/// The folders of packages below a prefix, of the newest Python first.
fn packages(prefix: &Path) -> Vec<PathBuf> {
    // `Lib` and `Python312` are Windows' names.
    let mut versions: Vec<(Reverse<u32>, PathBuf)> =
        [prefix.join("lib"), prefix.join("lib64"), prefix.to_owned()]
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
            .filter_map(|entry| Some((Reverse(version(entry.file_name().to_str()?)?), entry.path())))
            .collect();
    versions.sort();
    let folders =
        versions.into_iter().map(|(_, path)| path).chain([prefix.join("Lib"), prefix.join("lib/python3")]);
    folders.flat_map(|folder| ["site-packages", "dist-packages"].map(|name| folder.join(name))).collect()
}

/// 12 for `python3.12` and `Python312`.
fn version(folder: &str) -> Option<u32> {
    let minor = folder.strip_prefix("python3.").or_else(|| folder.strip_prefix("Python3"))?;
    minor.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_of_the_first_prefix_and_the_newest_python_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let prefixes = ["none", "empty", "venv", "usr"].map(|name| dir.path().join(name));
        assert_eq!(find_in(prefixes.clone()), None);
        let package = |folder: &str| {
            let folder = dir.path().join(folder).join("comfyui_frontend_package/static");
            std::fs::create_dir_all(&folder).unwrap();
            folder
        };
        package("empty/lib/python3.12/site-packages");
        let system = package("usr/lib/python3/dist-packages");
        std::fs::write(system.join("index.html"), "").unwrap();
        assert_eq!(find_in(prefixes.clone()), Some(system.canonicalize().unwrap()));
        for python in ["3.9", "3.12", "3.11"] {
            let folder = package(&format!("venv/lib/python{python}/site-packages"));
            std::fs::write(folder.join("index.html"), "").unwrap();
        }
        let newest = dir.path().join("venv/lib/python3.12/site-packages/comfyui_frontend_package/static");
        assert_eq!(find_in(prefixes), Some(newest.canonicalize().unwrap()));
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version("python3.12"), Some(12));
        assert_eq!(version("Python39"), Some(9));
        assert_eq!(version("python3"), None);
        assert_eq!(version("python2.7"), None);
    }
}
