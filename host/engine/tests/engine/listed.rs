//! Params that mean the files of a folder.

use crate::arithmetic::Bench;
use dreamwire_engine::*;

const GRAPH: &str = r#"{"read": {"class_type": "ReadAll", "inputs": {"file": "frames/#.txt"}},
                        "save": {"class_type": "Save", "inputs": {"a": ["read", 0]}}}"#;

fn bench(files: &[(&str, &str)]) -> Bench {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("frames")).unwrap();
    files.iter().for_each(|(name, text)| std::fs::write(bench.path(name), text).unwrap());
    bench
}

#[test]
fn what_is_in_the_files_and_which_there_are_is_in_the_key() {
    let mut b = bench(&[("frames/1.txt", "a"), ("frames/10.txt", "bc"), ("frames/x.txt", "other")]);
    assert_eq!(b.log(GRAPH), "read save");
    assert_eq!(std::fs::read_to_string(b.path("out/x_00001.txt")).unwrap(), "3");
    std::fs::write(b.path("frames/x.txt"), "does not fit").unwrap();
    assert_eq!(b.log(GRAPH), "save=Unchanged");
    // As long, but other bytes: the result of `read` is the same, so what follows is not run.
    std::fs::write(b.path("frames/1.txt"), "z").unwrap();
    assert_eq!(b.log(GRAPH), "read save=SameInputs");
    std::fs::write(b.path("frames/2.txt"), "def").unwrap();
    assert_eq!(b.log(GRAPH), "read save");
    std::fs::rename(b.path("frames/2.txt"), b.path("frames/3.txt")).unwrap();
    assert_eq!(b.log(GRAPH), "read save=SameInputs");
    std::fs::remove_file(b.path("frames/3.txt")).unwrap();
    assert_eq!(b.log(GRAPH), "save=Unchanged", "as at first but one");
}

#[test]
fn a_listing_says_where_changes_matter_and_what_must_not_be_overwritten() {
    let b = bench(&[("frames/1.txt", "a"), ("frames/2.txt", "b")]);
    let plan = b.plan(GRAPH);
    let files = Snapshot::take(&plan, &b.world);
    let places = [b.path("frames"), b.path("frames/1.txt"), b.path("frames/2.txt")];
    assert_eq!(files.stamps().places(), places);
    assert!(files.inputs().contains(&b.path("frames/2.txt").canonicalize().unwrap()));
    std::fs::write(b.path("frames/3.txt"), "").unwrap();
    let later = Snapshot::take(&plan, &b.world).stamps();
    assert!(!files.stamps().same_files(&later, &plan));
}

#[test]
fn a_step_reads_nothing_that_is_not_listed() {
    let mut b = bench(&[("frames/pointer", "")]);
    let log = b.log(&GRAPH.replace("#.txt", "*"));
    assert!(log.ends_with("asked for the file `in.txt`, which no param of this node names"), "{log}");
}

#[test]
fn no_file_that_fits_is_told_before_the_first_step() {
    let b = bench(&[("frames/pointer", "")]);
    let plan = b.plan(GRAPH);
    let files = Snapshot::take(&plan, &b.world);
    let problems = preflight(&plan, &files, &b.world, &b.nodes.kinds);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].message, "node `read` (ReadAll): there are no files `frames/#.txt`");
}

#[test]
fn a_large_file_of_many_that_changes_is_refused() {
    let mut b = bench(&[]);
    std::fs::File::create(b.path("frames/1.txt")).unwrap().set_len(HEAD_BYTES + 1).unwrap();
    let plan = b.plan(GRAPH);
    let files = &Snapshot::take(&plan, &b.world);
    std::fs::File::create(b.path("frames/1.txt")).unwrap().set_len(HEAD_BYTES + 2).unwrap();
    let run = Run {
        plan: &plan,
        files,
        options: b.options,
        nodes: &b.nodes,
        world: &b.world,
        emit: &|_| {},
        cancel: &std::sync::atomic::AtomicBool::new(false),
        quarantine: &std::collections::HashMap::new(),
        explain: None,
        texts: &std::collections::BTreeMap::new(),
    };
    let Err(Stopped::Failed(failures)) = b.engine.run(&run) else { panic!("accepted") };
    assert_eq!(failures[0].failure.message, "`frames/1.txt` has changed since the run began");
}
