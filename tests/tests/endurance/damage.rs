//! A cache that somebody damages: results never depend on it.

use super::{Place, Random, assert_same, tries, two_saves};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Damages one file. That may fail: it was damaged before, or the program has replaced it meanwhile.
fn damage(random: &mut Random, file: &Path) {
    let bytes = fs::read(file).unwrap_or_default();
    let at = random.below(bytes.len());
    let _ = match random.below(6) {
        0 if !bytes.is_empty() => {
            let mut bytes = bytes;
            bytes[at] ^= 1 << random.below(8);
            fs::write(file, bytes)
        }
        1 => fs::write(file, &bytes[..at]),
        2 => fs::write(file, [&bytes[..], b"more"].concat()),
        3 => fs::set_permissions(file, Permissions::from_mode(0o0)),
        4 => fs::remove_file(file).and_then(|()| fs::create_dir(file)),
        _ => fs::remove_file(file),
    };
}

/// Damages some files of the cache that are below one of these folders.
fn damage_some(random: &mut Random, place: &Place, folders: &[&str]) {
    let is_meant = |name: &String| folders.iter().any(|folder| name.starts_with(folder));
    let names: Vec<String> = place.folder.files("cache").into_iter().filter(is_meant).collect();
    for _ in 0..1 + random.below(4) {
        if let Some(name) = names.get(random.below(names.len())) {
            damage(random, &place.folder.join(&format!("cache/{name}")));
        }
    }
}

/// Damages a folder of the cache as a whole. That may fail: it may not be there.
fn damage_folder(random: &mut Random, folder: &Path) {
    let _ = match random.below(3) {
        0 => fs::remove_dir_all(folder),
        1 => fs::set_permissions(folder, Permissions::from_mode(0o0)),
        _ => fs::remove_dir_all(folder).and_then(|()| fs::write(folder, "in the way")),
    };
}

/// Mends what [`damage_folder`] did, so that there is something to damage the next time.
fn mend_folders(place: &Place) {
    for folder in FOLDERS.map(|folder| place.folder.join(folder)) {
        let _ = fs::set_permissions(&folder, Permissions::from_mode(0o700));
        // Only if it is a file.
        let _ = fs::remove_file(&folder);
    }
}

const FOLDERS: [&str; 3] = ["cache/results", "cache/blobs", "cache/graphs"];

/// Faults: F3.
#[test]
fn a_cache_that_is_damaged_between_runs_changes_no_result() {
    let place = Place::new(&two_saves());
    let reference = place.reference();
    let mut random = Random(4);
    for round in 0..tries(10, 200) {
        // Entries that cannot be written again would leave less and less to damage.
        if round % 8 == 0 {
            mend_folders(&place);
            place.forget_results();
        }
        place.cached("out").run().exits(0);
        assert_same(&place.files("out"), &reference, &format!("in round {round}"));
        place.remove("out");
        mend_folders(&place);
        assert!(!place.folder.files("cache").is_empty(), "there is no cache");
        match random.below(4) {
            0 => {
                let folder = FOLDERS[random.below(FOLDERS.len())];
                damage_folder(&mut random, &place.folder.join(folder));
            }
            1 => damage_some(&mut random, &place, &["plugins/"]),
            _ => damage_some(&mut random, &place, &["results/", "blobs/", "graphs/"]),
        }
    }
    // So that they can be removed.
    mend_folders(&place);
}

/// Faults: F3.
#[test]
fn a_cache_that_is_damaged_during_runs_changes_no_result() {
    let place = Place::new(&two_saves());
    let reference = place.reference();
    let mut random = Random(5);
    for round in 0..tries(10, 200) {
        if round % 8 == 0 {
            place.forget_results();
        }
        let mut child = place.cached("out").start();
        while child.try_wait().expect("a child can be waited for").is_none() {
            // Not the plugins: the program runs their copies.
            damage_some(&mut random, &place, &["results/", "blobs/", "graphs/"]);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let output = child.wait_with_output().expect("a child can be waited for");
        assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
        assert_same(&place.files("out"), &reference, &format!("in round {round}"));
        place.remove("out");
    }
}
