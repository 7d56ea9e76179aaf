//! Two processes on one output folder and one cache.

use super::{Place, assert_same, one_save, temporaries, tries};

/// Two runs at the same time, which must both succeed.
fn at_once(place: &Place, seeds: [usize; 2]) {
    let children =
        seeds.map(|seed| place.cached("out").args(["--set", &format!("noise.seed={seed}")]).start());
    for child in children {
        let output = child.wait_with_output().expect("a child can be waited for");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Faults: E6.
#[test]
fn two_processes_that_make_the_same_pictures_save_each_once() {
    let place = Place::new(&one_save(10));
    place.run("reference").args(["--no-cache", "--set", "noise.seed=1"]).run().exits(0);
    let reference = place.files("reference");
    assert_eq!(reference.len(), 10);
    for round in 0..tries(4, 50) {
        at_once(&place, [1, 1]);
        let when = format!("in round {round}");
        assert_same(&place.files("out"), &reference, &when);
        assert!(temporaries(&place.folder.join("out")).is_empty(), "{when}");
        // The cache that both have written is right.
        place.cached("again").args(["--set", "noise.seed=1"]).run().exits(0);
        assert_same(&place.files("again"), &reference, &when);
        place.remove("out");
        place.remove("again");
        place.forget_results();
    }
}

/// Faults: E6.
#[test]
fn two_processes_that_make_different_pictures_lose_none_and_share_no_number() {
    const BATCH: usize = 6;
    let place = Place::new(&one_save(BATCH));
    let rounds = tries(4, 50);
    for round in 0..rounds {
        at_once(&place, [2 * round, 2 * round + 1]);
    }
    // One after another.
    for seed in 0..2 * rounds {
        let seed = format!("noise.seed={seed}");
        place.run("reference").args(["--no-cache", "--set", &seed]).run().exits(0);
    }
    let count = 2 * rounds * BATCH;
    let found = place.files("out");
    let names: Vec<String> = (1..=count).map(|number| format!("it_{number:05}_.png")).collect();
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), names);
    let sorted = |folder: &str| {
        let mut contents: Vec<Vec<u8>> = place.files(folder).into_values().collect();
        contents.sort();
        contents
    };
    let mut pictures = sorted("out");
    assert!(pictures == sorted("reference"), "they are not the same pictures");
    pictures.dedup();
    assert_eq!(pictures.len(), count, "a picture was saved twice");
    assert!(temporaries(&place.folder.join("out")).is_empty());
}
