//! A plugin in C for tests, and runs of it.

use crate::{Loader, PluginIndex, Problem, Search};
use dreamwire_engine::{
    Cache, Device, Disk, Engine, Event, Failure, Nodes, Options, Plan, Run, Snapshot, Stopped,
};
use dreamwire_graph::{Source, check, parse};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Compiles a build of the test plugin in a folder. Each name is another build.
pub(crate) fn library(folder: &Path, build: &str) -> PathBuf {
    let library = folder.join(format!("libdreamwire_test{}", std::env::consts::DLL_SUFFIX));
    let aside = folder.join("compiled");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-std=gnu11", "-Wall", "-Wextra", "-shared", "-fPIC", "-I"])
        .arg(here.join("../../plugins/abi/include"))
        .arg(format!("-DBUILD=\"{build}\""))
        .arg(here.join("src/testing.c"))
        .arg("-o")
        .arg(&aside)
        .output()
        .expect("a C compiler");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::rename(&aside, &library).unwrap();
    library
}

/// Loads the one library.
pub(crate) fn load(library: &Path, index: Option<&PluginIndex>) -> Loader {
    let (loader, problems) = try_load(library, index);
    assert_eq!(problems, []);
    loader
}

/// Loads the one library, if possible.
pub(crate) fn try_load(library: &Path, index: Option<&PluginIndex>) -> (Loader, Vec<Problem>) {
    Loader::load(&Search::of(None, vec![], &[library.to_owned()]), 1, None, index)
}

/// The judgement of the kind.
pub(crate) fn judge(loader: &Loader, how: &str) -> Result<(), Failure> {
    let kind = loader.kinds().get("Test").expect("the kind");
    loader.check_params(kind, &format!("{{\"how\":\"{how}\"}}"))
}

/// Runs one node, and returns its log.
pub(crate) fn run(loader: &Loader, how: &str) -> Result<Vec<String>, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(r#"{{"it": {{"class_type": "Test", "inputs": {{"how": "{how}"}}}}}}"#);
    let (graph, _) = parse(&Source::new("g.json", text));
    let plan = Plan::new(check(&graph, loader.kinds()).0.expect("a graph"), String::new());
    let world = Disk::new(vec![folder.path().to_owned()], folder.path().join("out"));
    let log = Mutex::new(Vec::new());
    let emit = |event: Event| {
        if let Event::Log { message, .. } = event {
            log.lock().unwrap().push(message);
        }
    };
    let run = Run {
        plan: &plan,
        files: &Snapshot::take(&plan, &world),
        options: Options { device: Device::Cpu, threads: 1, allow_nonfinite: false, metadata: true },
        nodes: loader,
        world: &world,
        emit: &emit,
        cancel: &AtomicBool::new(false),
        quarantine: &HashMap::new(),
        explain: None,
        texts: &BTreeMap::new(),
    };
    match Engine::new(Cache::new(1 << 20)).run(&run) {
        Ok(_) => Ok(log.into_inner().unwrap()),
        Err(Stopped::Failed(mut failures)) => Err(failures.remove(0).failure),
        Err(Stopped::Cancelled) => unreachable!("nobody cancels"),
    }
}

/// Makes a library old enough for its stamp to be believed: its time of change cannot be set, so this waits.
pub(crate) fn settle(library: &Path) {
    let past = SystemTime::now() - Duration::from_secs(60);
    std::fs::File::options().append(true).open(library).unwrap().set_modified(past).unwrap();
    std::thread::sleep(Duration::from_millis(2100));
}

/// The working folder belongs to the process: tests that change or read it take turns.
pub(crate) fn working_folder() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
