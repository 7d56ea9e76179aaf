//! A chain of 10,000 nodes that do nothing: what the engine itself costs per node, with and without a cache on disk.

mod graphs;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dreamwire_engine::{
    Cache, Device, Disk, DiskCache, Dtype, Engine, Event, Failure, Hash, Nodes, Options, Plan, Request, Run,
    Snapshot, Tensor, Value,
};
use dreamwire_graph::{Kinds, Source, check, parse};
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const NODES: usize = 10_000;
/// More than all results take.
const BYTES: u64 = 1 << 30;

/// Nodes that give the same small tensor at once.
struct Idle {
    kinds: Kinds,
    value: Value,
}

impl Idle {
    fn new() -> Self {
        let tensor = Tensor::new(Dtype::U8, vec![8], Arc::new(vec![0_u8; 8])).expect("8 bytes");
        Self { kinds: graphs::kinds(), value: Value::Tensor(tensor) }
    }
}

impl Nodes for Idle {
    fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    fn build(&self, _: &str) -> Option<Hash> {
        Some(Hash::from_bytes([1; 32]))
    }

    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure> {
        Ok(vec![self.value.clone(); request.kind.outputs.len()])
    }
}

fn plan(text: &str, kinds: &Kinds) -> Plan {
    let (graph, problems) = parse(&Source::new("graph.json", text));
    assert!(problems.is_empty());
    let (checked, problems) = check(&graph, kinds);
    assert!(problems.is_empty(), "{problems:?}");
    Plan::new(checked.expect("no problems"), text.to_owned())
}

/// An engine that knows nothing but what is in the cache of this folder.
fn engine(cache: Option<&Path>) -> Engine {
    let memory = Cache::new(BYTES);
    Engine::new(match cache {
        Some(folder) => memory.on_disk(DiskCache::new(folder, BYTES)),
        None => memory,
    })
}

/// Runs everything. How many steps were not cached.
fn run(engine: &mut Engine, run: &Run<'_>) -> usize {
    let summary = engine.run(run).expect("nothing can fail");
    summary.steps.iter().filter(|step| step.ran.is_some()).count()
}

fn benchmark(c: &mut Criterion) {
    let (nodes, text) = (Idle::new(), graphs::chain(NODES));
    let plan_of_all = plan(&text, &nodes.kinds);
    let folder = tempfile::tempdir().expect("a folder");
    let world = Disk::new(vec![folder.path().to_owned()], folder.path().join("out"));
    let all = Run {
        plan: &plan_of_all,
        files: &Snapshot::take(&plan_of_all, &world),
        options: Options { device: Device::Cpu, threads: 1, allow_nonfinite: false, metadata: true },
        nodes: &nodes,
        world: &world,
        emit: &|_: Event| {},
        cancel: &AtomicBool::new(false),
        quarantine: &HashMap::new(),
        explain: None,
        texts: &BTreeMap::new(),
    };
    let cache = folder.path().join("cache");
    assert_eq!(run(&mut engine(Some(&cache)), &all), NODES, "each step does something else");
    assert_eq!(run(&mut engine(Some(&cache)), &all), 0, "it is cached");

    let mut group = c.benchmark_group("10000 nodes");
    group.sample_size(10).throughput(Throughput::Elements(NODES as u64));
    group.bench_function("parse+check+plan", |b| b.iter(|| plan(black_box(&text), &nodes.kinds)));
    // What is given back is dropped outside of the measurement.
    group.bench_function("run in memory", |b| {
        let first = |mut engine: Engine| (run(&mut engine, &all), engine);
        b.iter_batched(|| engine(None), first, BatchSize::PerIteration);
    });
    group.bench_function("run again in memory", |b| {
        let mut engine = engine(None);
        run(&mut engine, &all);
        b.iter(|| run(&mut engine, &all));
    });
    group.bench_function("run over an empty cache on disk", |b| {
        let empty = || {
            let folder = tempfile::tempdir().expect("a folder");
            (engine(Some(folder.path())), folder)
        };
        let first =
            |(mut engine, folder): (Engine, tempfile::TempDir)| (run(&mut engine, &all), engine, folder);
        b.iter_batched(empty, first, BatchSize::PerIteration);
    });
    group.bench_function("run again over a cache on disk", |b| {
        b.iter_batched(
            || engine(Some(&cache)),
            |mut engine| (run(&mut engine, &all), engine),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
