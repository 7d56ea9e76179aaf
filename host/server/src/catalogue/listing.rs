//! The files of the input folder.

use std::path::{Component, Path, PathBuf};

/// Folders below the input folder are entered to this depth.
const MAX_DEPTH: usize = 8;

/// So many entries of folders at most are looked at, and no more files are listed.
const MAX_ENTRIES: usize = 20_000;

/// So many files of each sort at most are listed.
const MAX_FILES: usize = 2000;

/// The ends of the names of pictures that can be read.
pub(super) const PICTURES: [&str; 10] =
    ["png", "jpg", "jpeg", "webp", "tif", "tiff", "gif", "bmp", "qoi", "exr"];

/// The ends of the names of files of weights.
pub(super) const WEIGHTS: [&str; 6] = ["safetensors", "pth", "pt", "pkl", "npz", "npy"];

/// Names of files of the folders that graphs read, sorted, with `/` between folders.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Pictures.
    pub(crate) pictures: Vec<String>,
    /// Files of weights.
    pub(crate) weights: Vec<String>,
}

impl Listing {
    /// What lies in folders now; nothing of one that cannot be read. Links that lead out of a folder are left out.
    pub(crate) fn of<'a>(roots: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut listing = Self::default();
        roots.into_iter().for_each(|root| listing.look(root));
        for names in [&mut listing.pictures, &mut listing.weights] {
            names.sort_by_cached_key(|name| (name.to_lowercase(), name.clone()));
            names.dedup();
            names.truncate(MAX_FILES);
        }
        listing
    }

    fn look(&mut self, root: &Path) {
        let Ok(real) = root.canonicalize() else { return };
        let mut folders = vec![(real.clone(), String::new(), 0)];
        let mut seen = 0;
        while let Some((folder, prefix, depth)) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                seen += 1;
                if seen > MAX_ENTRIES {
                    break;
                }
                let Some(name) = entry.file_name().to_str().filter(|name| is_shown(name)).map(str::to_owned)
                else {
                    continue;
                };
                let Ok(ty) = entry.file_type() else { continue };
                let path = format!("{prefix}{name}");
                if ty.is_dir() && depth < MAX_DEPTH {
                    folders.push((entry.path(), format!("{path}/"), depth + 1));
                } else if ty.is_file() || (ty.is_symlink() && inside(&real, &path).is_some()) {
                    self.add(path);
                }
            }
        }
    }

    fn add(&mut self, path: String) {
        if has_end(&path, &PICTURES) {
            self.pictures.push(path);
        } else if has_end(&path, &WEIGHTS) {
            self.weights.push(path);
        }
    }
}

/// Whether a name ends like one of these.
pub(super) fn has_end(name: &str, ends: &[&str]) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end);
    end.is_some_and(|end| ends.iter().any(|known| known.eq_ignore_ascii_case(end)))
}

/// Whether a file or folder may be listed and served: hidden ones are not.
pub(super) fn is_shown(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.')
}

/// The file of a relative name below a folder, without links; `None` if there is none, or if it lies elsewhere.
pub(super) fn inside(root: &Path, name: &str) -> Option<PathBuf> {
    let plain = |part: Component<'_>| match part {
        Component::Normal(part) => part.to_str().is_some_and(is_shown),
        _ => false,
    };
    if name.is_empty() || name.contains('\\') || !Path::new(name).components().all(plain) {
        return None;
    }
    let real = root.join(name).canonicalize().ok()?;
    (real.starts_with(root.canonicalize().ok()?) && real.is_file()).then_some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn pictures_and_weights_of_all_folders_but_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["b.PNG", "A.jpg", "sub/deep/c.webp", ".hidden/d.png", ".e.png", "net.pth", "note.txt", "png"]
        {
            write(folder.path().join(name));
        }
        let listing = Listing::of([folder.path()]);
        assert_eq!(listing.pictures, ["A.jpg", "b.PNG", "sub/deep/c.webp"]);
        assert_eq!(listing.weights, ["net.pth"]);
        assert!(Listing::of([folder.path().join("nowhere").as_path()]).pictures.is_empty());
    }

    #[test]
    fn nothing_outside_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (root, other) = (folder.path().join("in"), folder.path().join("other"));
        write(root.join("sub/a.png"));
        write(root.join(".b.png"));
        write(other.join("secret.png"));
        assert_eq!(inside(&root, "sub/a.png"), Some(root.canonicalize().unwrap().join("sub/a.png")));
        let absolute = other.join("secret.png").display().to_string();
        for name in [
            "../other/secret.png",
            &absolute,
            ".b.png",
            "sub",
            "sub\\a.png",
            "",
            "./sub/../sub/a.png",
            "no.png",
        ] {
            assert_eq!(inside(&root, name), None, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_the_folder_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (root, other) = (folder.path().join("in"), folder.path().join("other"));
        write(root.join("a.png"));
        write(other.join("secret.png"));
        std::os::unix::fs::symlink("a.png", root.join("same.png")).unwrap();
        std::os::unix::fs::symlink(other.join("secret.png"), root.join("file.png")).unwrap();
        std::os::unix::fs::symlink(&other, root.join("folder")).unwrap();
        assert_eq!(Listing::of([root.as_path()]).pictures, ["a.png", "same.png"]);
        assert!(inside(&root, "file.png").is_none() && inside(&root, "folder/secret.png").is_none());
    }
}
