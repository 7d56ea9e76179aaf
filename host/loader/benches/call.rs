//! An empty plugin call, and the time from process start to the first step.
//!
//! The second needs the program: `cargo build --release` first; without it, it is skipped with a message.

use criterion::{Criterion, criterion_group, criterion_main};
use dreamwire_engine::{Cache, Device, Disk, Engine, Event, Nodes, Options, Plan, Run, Snapshot};
use dreamwire_graph::{Source, check, parse};
use dreamwire_loader::{Loader, Search};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn noop_plugin(folder: &Path) -> PathBuf {
    let library = folder.join(format!("libdreamwire_noop{}", std::env::consts::DLL_SUFFIX));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(compiler)
        .args(["-O2", "-shared", "-fPIC", "-I"])
        .arg(root().join("plugins/abi/include"))
        .arg("-o")
        .arg(&library)
        .arg(root().join("host/loader/benches/noop.c"))
        .status();
    assert!(status.expect("a C compiler").success());
    library
}

/// One step with an empty node: plan lookup, `dw_call`, the call, values back. The node is not pure, so it runs.
fn empty_call(c: &mut Criterion, folder: &Path) {
    let library = noop_plugin(folder);
    let (loader, problems) = Loader::load(&Search::of(None, vec![], &[library]), 1, None, None);
    assert!(problems.is_empty(), "{problems:?}");
    let mut kinds = dreamwire_graph::Kinds::new();
    // An output kind, so that it is planned.
    let mut kind = (**loader.kinds().get("Noop").expect("the kind")).clone();
    kind.output = true;
    kinds.insert(kind);
    let (graph, _) = parse(&Source::new("g.json", r#"{"n": {"class_type": "Noop", "inputs": {}}}"#));
    let plan = Plan::new(check(&graph, &kinds).0.expect("a graph"), String::new());
    let world = Disk::new(vec![folder.to_owned()], folder.join("out"));
    let run = Run {
        plan: &plan,
        files: &Snapshot::take(&plan, &world),
        options: Options { device: Device::Cpu, threads: 1, allow_nonfinite: false, metadata: true },
        nodes: &loader,
        world: &world,
        emit: &|_: Event| {},
        cancel: &AtomicBool::new(false),
        quarantine: &Default::default(),
        explain: None,
        texts: &Default::default(),
    };
    let mut engine = Engine::new(Cache::new(1 << 20));
    c.bench_function("a run of one empty plugin call", |b| {
        b.iter(|| engine.run(&run).expect("runs"));
    });
}

/// From `exec` to the first `started` event, with all plugins loaded.
fn first_step(c: &mut Criterion, folder: &Path) {
    let program = root().join("target/release/dreamwire");
    if !program.exists() {
        c.bench_function("process start to first step: left out, run `cargo build --release` first", |b| {
            b.iter(|| ())
        });
        return;
    }
    let graph = folder.join("g.json");
    let text = r#"{"n": {"class_type": "NoiseImage", "inputs": {"width": 8, "height": 8}},
                   "s": {"class_type": "SaveImage", "inputs": {"images": ["n", 0]}}}"#;
    std::fs::write(&graph, text).expect("written");
    c.bench_function("process start to first step", |b| {
        b.iter_custom(|times| (0..times).map(|_| time_to_first_step(&program, &graph, folder)).sum());
    });
}

fn time_to_first_step(program: &Path, graph: &Path, folder: &Path) -> Duration {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(["run", "--progress", "json"])
        .arg(graph)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut elapsed = None;
    for line in lines.map_while(Result::ok) {
        if elapsed.is_none() && line.contains("\"started\"") {
            elapsed = Some(start.elapsed());
        }
    }
    assert!(child.wait().expect("ends").success());
    elapsed.expect("a step started")
}

fn benchmark(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    empty_call(c, folder.path());
    first_step(c, folder.path());
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
