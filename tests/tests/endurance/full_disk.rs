//! Disks that fill up, by a library that is loaded before the program and lets writes fail after some bytes.

use super::{Files, Place, Random, assert_same, one_save, temporaries, tries};
use dreamwire_tests::{Cmd, c_library};
use std::path::Path;

/// Lets writes below a folder fail after `bytes` bytes.
fn full(run: Cmd, library: &Path, folder: &Path, bytes: usize) -> Cmd {
    run.env("LD_PRELOAD", library).env("FULL_DISK", folder).env("FULL_DISK_BYTES", bytes.to_string())
}

/// A place from 0 to `total`, in the `index`th of `count` equal parts.
fn spread(random: &mut Random, index: usize, count: usize, total: usize) -> usize {
    if index == 0 { 0 } else { total * index / count + random.below(total / count) }
}

/// The first `count` of some pictures, as files.
fn numbered(pictures: &[Vec<u8>], count: usize) -> Files {
    let file = |(index, bytes): (usize, &Vec<u8>)| (format!("it_{:05}_.png", index + 1), bytes.clone());
    pictures.iter().take(count).enumerate().map(file).collect()
}

/// Faults: E1, F2.
#[test]
fn a_disk_that_fills_up_at_any_byte_keeps_what_was_there_and_what_fits() {
    let place = Place::new(&one_save(20));
    let (library, out) =
        (c_library("full_disk"), place.folder.path().canonicalize().expect("a folder").join("out"));
    let old = ["--set", "noise.seed=2", "--set", "noise.batch=3", "--no-cache"];
    place.run("old").args(old).run().exits(0);
    // Three pictures of an earlier graph, and the first picture of this one, which need not be written.
    let mut pictures: Vec<Vec<u8>> = place.files("old").into_values().collect();
    pictures.extend(place.reference().into_values());
    let known = 4;
    let sizes: Vec<usize> = pictures[known..].iter().map(Vec::len).collect();
    // So that every second run publishes pictures that are in the cache.
    place.cached("first").run().exits(0);

    let (mut random, count) = (Random(2), tries(6, 60));
    for index in 0..count {
        std::fs::create_dir(&out).expect("made");
        for (name, bytes) in numbered(&pictures, known) {
            place.folder.write(&format!("out/{name}"), bytes);
        }
        let room = spread(&mut random, index, count, sizes.iter().sum());
        let run = if index % 2 == 0 { place.run("out").args(["--no-cache"]) } else { place.cached("out") };
        full(run, &library, &out, room).run().exits(6).says("cannot write `it_");
        let filled = sizes.iter().scan(0_usize, |sum, size| {
            *sum += *size;
            Some(*sum)
        });
        let fitting = filled.take_while(|sum| *sum <= room).count();
        let when = format!("after {room} bytes");
        assert_same(&place.files("out"), &numbered(&pictures, known + fitting), &when);
        assert!(temporaries(&out).is_empty(), "{when}");
        // With room again, the rest comes too.
        place.cached("out").run().exits(0);
        assert_same(&place.files("out"), &numbered(&pictures, pictures.len()), &when);
        place.remove("out");
    }
}

/// The size of all files below a folder.
fn bytes(place: &Place, folder: &str) -> usize {
    place.files(folder).values().map(Vec::len).sum()
}

/// Faults: F3.
#[test]
fn a_cache_on_a_full_disk_is_no_failure() {
    let place = Place::new(&one_save(20));
    let (library, cache) =
        (c_library("full_disk"), place.folder.path().canonicalize().expect("a folder").join("cache"));
    let reference = place.reference();
    place.cached("out").run().exits(0);
    let (everything, plugins) = (bytes(&place, "cache"), bytes(&place, "cache/plugins"));
    let results = everything - plugins;
    assert!(results > 0, "nothing was cached");

    let (mut random, count) = (Random(3), tries(6, 60));
    for index in 0..count {
        place.remove("out");
        place.forget_results();
        let mut total = results;
        // What is known of plugins is much larger than the results, so the two are tried in turns.
        if index % 2 == 1 {
            place.remove("cache");
            total = everything;
        }
        let room = spread(&mut random, index, count, total);
        let when = format!("after {room} of {total} bytes");
        full(place.cached("out"), &library, &cache, room).run().exits(0);
        assert_same(&place.files("out"), &reference, &when);
        let left: Vec<String> =
            place.folder.files("cache").into_iter().filter(|name| name.ends_with(".tmp")).collect();
        assert!(left.is_empty(), "{left:?} remain {when}");
        // What was cached is right.
        place.remove("out");
        place.cached("out").run().exits(0);
        assert_same(&place.files("out"), &reference, &when);
    }
}
