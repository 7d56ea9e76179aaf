//! From the text of 1,000 nodes to a plan: the cost of every save of a graph file before anything runs.

mod graphs;

use criterion::{Criterion, criterion_group, criterion_main};
use dreamwire_engine::Plan;
use dreamwire_graph::{Source, check, parse};
use std::hint::black_box;

const NODES: usize = 1000;

fn benchmark(c: &mut Criterion) {
    let (kinds, text) = (graphs::kinds(), graphs::chain(NODES));
    c.bench_function("parse+check+plan of 1000 nodes", |b| {
        b.iter(|| {
            let (graph, problems) = parse(&Source::new("graph.json", black_box(text.as_str())));
            assert!(problems.is_empty());
            let (checked, problems) = check(&graph, &kinds);
            assert!(problems.is_empty(), "{problems:?}");
            let plan = Plan::new(checked.expect("no problems"), text.clone());
            assert_eq!(plan.steps.len(), NODES);
            plan
        });
    });
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
