//! Large files: hashed in parts, and read whole only by a step that runs.

use crate::arithmetic::Bench;
use dreamwire_engine::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// More than a snapshot keeps.
const LARGE: u64 = (64 << 20) + 1;

/// A world that counts the bytes of each file that it gives.
struct Counting<'a> {
    inner: &'a Disk,
    given: Mutex<Vec<usize>>,
}

impl<'a> Counting<'a> {
    fn new(inner: &'a Disk) -> Self {
        Self { inner, given: Mutex::default() }
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.given.lock().unwrap())
    }
}

impl World for Counting<'_> {
    fn read(&self, path: &InputPath, most: u64) -> Result<File, WorldError> {
        let file = self.inner.read(path, most)?;
        self.given.lock().unwrap().push(file.bytes.len());
        Ok(file)
    }

    fn list(&self, path: &InputPath) -> Result<Listing, WorldError> {
        self.inner.list(path)
    }

    fn publish(&self, file: &NewFile<'_>) -> Result<Published, WorldError> {
        self.inner.publish(file)
    }

    fn probe(&self) -> Result<(), WorldError> {
        self.inner.probe()
    }

    fn probe_prefix(&self, prefix: &str) -> Result<(), WorldError> {
        self.inner.probe_prefix(prefix)
    }
}

const GRAPH: &str = r#"{"read": {"class_type": "Read", "inputs": {"file": "large"}},
                        "head": {"class_type": "Head", "inputs": {"file": "large"}},
                        "save": {"class_type": "Save", "inputs": {"a": ["NODE", 0]}}}"#;

/// A bench with a file that takes no disk space.
fn bench() -> Bench {
    let bench = Bench::new();
    std::fs::File::create(bench.path("large")).unwrap().set_len(LARGE).unwrap();
    bench
}

/// Runs the part of the graph that `node` ends, with a snapshot of now; `between` happens before the first step.
fn run(
    bench: &mut Bench,
    node: &str,
    between: impl FnOnce(&Bench),
) -> (Result<Summary, Stopped>, Vec<usize>) {
    let world = &Counting::new(&bench.world);
    let plan = &bench.plan(&GRAPH.replace("NODE", node));
    let files = &Snapshot::take(plan, world);
    assert_eq!((world.take(), files.bytes()), (vec![HEAD_BYTES as usize], LARGE));
    assert!(preflight(plan, files, world, &bench.nodes.kinds).is_empty());
    between(bench);
    let (nodes, options, emit, cancel) = (&bench.nodes, bench.options, &|_| {}, &AtomicBool::new(false));
    let (quarantine, explain, texts) = (&HashMap::new(), None, &BTreeMap::new());
    let run = Run { plan, files, options, nodes, world, emit, cancel, quarantine, explain, texts };
    let result = bench.engine.run(&run);
    (result, world.take())
}

#[test]
fn a_large_file_is_read_by_a_step_that_wants_it_and_by_no_other() {
    let mut b = bench();
    let (result, given) = run(&mut b, "head", |_| {});
    assert!(result.is_ok() && given.is_empty(), "{given:?}");
    let found = std::fs::read_to_string(b.path("out/x_00001.txt")).unwrap();
    assert_eq!(found, (LARGE + 16).to_string(), "its length, and the bytes that were asked for");
    let (result, given) = run(&mut b, "read", |_| {});
    assert!(result.is_ok());
    assert_eq!(given, [LARGE as usize]);
    let (result, given) = run(&mut b, "read", |_| {});
    assert!(result.is_ok() && given.is_empty(), "cached: {given:?}");
}

#[test]
fn a_large_file_that_changes_before_it_is_read_is_refused() {
    let mut b = bench();
    let (result, _) = run(&mut b, "read", |b| {
        std::fs::File::options().write(true).open(b.path("large")).unwrap().set_len(LARGE - 7).unwrap();
    });
    let Err(Stopped::Failed(failures)) = result else { panic!("accepted") };
    let failure = &failures[0].failure;
    assert_eq!((failure.kind, failure.input.as_str()), (FailureKind::Read, "file"));
    assert_eq!(failure.message, "`large` has changed since the run began");
}
