use super::document::TEMPORARY;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A build that was not used for this long is removed.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How many builds of a library are kept: beside the one in use, those of other branches and of a release.
const KEPT: usize = 6;
/// What was used this recently may be in use by a process that has not opened it yet.
const IN_USE: Duration = Duration::from_secs(60 * 60);

/// A folder of a build.
struct Found {
    folder: PathBuf,
    age: Duration,
}

/// Removes builds that are old or too many, and what killed processes have left, with one listing of the index.
pub(super) fn sweep(index: &Path, now: SystemTime) {
    let mut by_stem: HashMap<String, Vec<Found>> = HashMap::new();
    for entry in std::fs::read_dir(index).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            if age(&path, now) > IN_USE {
                let _ = std::fs::remove_file(&path);
            }
        } else if let Some(stem) = entry.file_name().to_str().and_then(stem) {
            // The last use; a folder without it was never finished, and is as old as itself.
            let used = path.join("descriptors.json");
            let age = age(if used.exists() { &used } else { &path }, now);
            by_stem.entry(stem.to_owned()).or_default().push(Found { folder: path, age });
        }
    }
    for mut found in by_stem.into_values() {
        found.sort_by_key(|build| build.age);
        for (index, build) in found.iter().enumerate() {
            if build.age > UNUSED || index >= KEPT && build.age > IN_USE {
                let _ = std::fs::remove_dir_all(&build.folder);
            }
        }
    }
}

/// Removes all builds and what is known of libraries, and the folder if nothing else is in it.
pub(super) fn clear(index: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(index).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_build = entry.file_name().to_str().and_then(stem).is_some();
        if is_build && (path.join("descriptors.json").exists() || is_empty(&path)) {
            std::fs::remove_dir_all(&path)?;
        }
    }
    let libraries = index.join("libraries");
    let stamps = libraries.join("stamps.json");
    if stamps.exists() {
        std::fs::remove_file(&stamps)?;
    }
    // Only if nothing else is in them.
    let _ = std::fs::remove_dir(&libraries);
    let _ = std::fs::remove_dir(index);
    Ok(())
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// The name of the library in the name of a build's folder.
fn stem(name: &str) -> Option<&str> {
    let (stem, hash) = name.rsplit_once('-')?;
    blake3::Hash::from_hex(hash).is_ok().then_some(stem)
}

/// The time since the last change; 0 if it is unknown.
fn age(path: &Path, now: SystemTime) -> Duration {
    let modified = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.ok().and_then(|modified| now.duration_since(modified).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A build of a library with that age.
    fn build(index: &Path, stem: &str, number: usize, age: Duration) -> PathBuf {
        let hash = blake3::hash(&number.to_le_bytes());
        let folder = index.join(format!("{stem}-{}", hash.to_hex()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = std::fs::File::create(folder.join("descriptors.json")).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        folder
    }

    #[test]
    fn old_builds_and_too_many_builds_go() {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path();
        let aged = |number: usize| build(index, "a", number, (3 + number as u32) * IN_USE);
        let kept: Vec<PathBuf> = (0..KEPT).map(aged).collect();
        let one_too_many = aged(KEPT);
        let alone = build(index, "b", 0, 20 * IN_USE);
        let unused = build(index, "b", 1, UNUSED + IN_USE);
        let unfinished = index.join(format!("b-{}", blake3::hash(b"").to_hex()));
        let (foreign, aside) = (index.join("a-user's-folder"), index.join("b-0.17-0.tmp"));
        std::fs::create_dir(&unfinished).unwrap();
        std::fs::create_dir(&foreign).unwrap();
        std::fs::write(&aside, "half").unwrap();
        sweep(index, SystemTime::now());
        assert!(kept.iter().all(|folder| folder.exists()) && alone.exists());
        assert!(!one_too_many.exists() && !unused.exists());
        assert!(unfinished.exists() && aside.exists());
        sweep(index, SystemTime::now() + 2 * IN_USE);
        assert!(!aside.exists());
        sweep(index, SystemTime::now() + 2 * UNUSED);
        assert!(std::fs::read_dir(index).unwrap().count() == 1 && foreign.exists());
    }

    #[test]
    fn what_may_be_in_use_stays_however_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..3 * KEPT {
            build(folder.path(), "a", number, IN_USE / 2);
        }
        sweep(folder.path(), SystemTime::now());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3 * KEPT);
    }
}
