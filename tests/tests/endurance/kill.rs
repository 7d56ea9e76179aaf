//! Runs that are killed.

use super::{Files, Place, Random, assert_same, temporaries, tries, two_saves};
use std::fs::File;
use std::time::{Duration, Instant, SystemTime};

/// Starts a run and kills it after a while. Whether it was still running.
fn kill(place: &Place, after: Duration) -> bool {
    let mut child = place.cached("out").start();
    std::thread::sleep(after);
    child.kill().expect("a child can be killed");
    let code = child.wait().expect("a child can be waited for").code();
    assert!(matches!(code, None | Some(0)), "{code:?} after {after:?}");
    code.is_none()
}

/// Every file that has its final name has its final content.
#[track_caller]
fn check_whole(found: &Files, reference: &Files, when: &str) {
    let broken: Vec<&String> = found.keys().filter(|name| found.get(*name) != reference.get(*name)).collect();
    assert!(broken.is_empty(), "{broken:?} are not whole {when}");
}

/// One more run, and everything is as if nothing had happened.
fn check_finish(place: &Place, reference: &Files, when: &str) {
    let out = place.folder.join("out");
    place.cached("out").run().exits(0);
    assert_same(&place.files("out"), reference, when);
    // What a dead process has left is kept for a minute: the process may be one of another machine.
    let then = SystemTime::now() - Duration::from_secs(120);
    for path in temporaries(&out) {
        File::open(&path).and_then(|file| file.set_modified(then)).expect("it is ours");
    }
    place.cached("out").run().exits(0);
    assert_same(&place.files("out"), reference, when);
    let left = temporaries(&out);
    assert!(left.is_empty(), "{left:?} remain {when}");
    // From the cache alone.
    let again = place.cached("again").args(["--progress", "json"]).run();
    again.exits(0);
    assert!(!again.stdout.contains("\"started\""), "the cache lacks something {when}\n{}", again.stdout);
    assert_same(&place.files("again"), reference, when);
}

/// Faults: E4, F2.
#[test]
fn a_run_that_is_killed_at_any_moment_leaves_whole_files_and_the_next_run_finishes() {
    let place = Place::new(&two_saves());
    let reference = place.reference();
    assert_eq!(reference.len(), 20);
    // The first run with a cache gets to know the plugins, which takes longer.
    place.cached("out").run().exits(0);
    place.remove("out");
    place.forget_results();
    let began = Instant::now();
    let ended = place.cached("out").start().wait_with_output().expect("a child can be waited for");
    let duration = began.elapsed();
    assert!(ended.status.success());

    let mut random = Random(1);
    let (all, mut tried, mut killed) = (tries(12, 200), 0, 0);
    while tried < all {
        place.remove("out");
        place.remove("again");
        place.forget_results();
        if random.below(4) == 0 {
            place.remove("cache");
        }
        // Some are killed again when they try to finish.
        for _ in 0..1 + random.below(3) {
            let after = duration.mul_f64(random.fraction());
            let when = format!("after kill {tried} at {after:?} of {duration:?}");
            killed += usize::from(kill(&place, after));
            tried += 1;
            check_whole(&place.files("out"), &reference, &when);
        }
        check_finish(&place, &reference, &format!("after {tried} kills"));
    }
    assert!(killed > 0, "every run had ended before it was killed");
}
