//! From the text of 1,000 nodes to a plan: the cost of every save of a graph file before anything runs.

use criterion::{Criterion, criterion_group, criterion_main};
use dreamwire_engine::Plan;
use dreamwire_graph::{KindInfo, Kinds, Params, Port, Source, check, parse};
use std::hint::black_box;

const NODES: usize = 1000;

fn port(name: &str) -> Port {
    Port {
        name: name.to_owned(),
        doc: String::new(),
        types: vec!["IMAGE".to_owned()],
        optional: false,
        many: false,
    }
}

fn kind(id: &str, inputs: Vec<Port>, outputs: Vec<Port>, output: bool) -> KindInfo {
    let schema = r#"{"type": "object", "description": "a kind", "properties": {
        "amount": {"type": "number", "default": 0.5, "minimum": 0, "maximum": 1},
        "mode": {"type": "string", "enum": ["add", "multiply", "screen"], "default": "add"},
        "seed": {"type": "integer", "default": 0, "minimum": 0, "maximum": 9007199254740991}}}"#;
    let (params, doc) =
        Params::parse(&serde_json::from_str(schema).expect("a schema")).expect("in the subset");
    KindInfo {
        id: id.to_owned(),
        version: 1,
        plugin: "org.example.bench".to_owned(),
        file: String::new(),
        title: id.to_owned(),
        category: String::new(),
        doc,
        inputs,
        outputs,
        params,
        pure_: true,
        output,
        stateful: false,
    }
}

fn text() -> String {
    let mut text = r#"{"n0": {"class_type": "Source", "inputs": {}}"#.to_owned();
    for i in 1..NODES - 1 {
        let (a, b) = (i - 1, i / 2);
        text += &format!(
            ",\n  \"n{i}\": {{ \"class_type\": \"Mix\", \"inputs\": {{ \"a\": [\"n{a}\", \"IMAGE\"], \"b\": [\"n{b}\", 0], \"amount\": 0.25, \"seed\": {i} }} }}"
        );
    }
    text + &format!(
        ",\n \"save\": {{\"class_type\": \"Save\", \"inputs\": {{\"a\": [\"n{}\", 0]}}}}}}",
        NODES - 2
    )
}

fn benchmark(c: &mut Criterion) {
    let mut kinds = Kinds::new();
    kinds.insert(kind("Source", vec![], vec![port("IMAGE")], false));
    kinds.insert(kind("Mix", vec![port("a"), port("b")], vec![port("IMAGE")], false));
    kinds.insert(kind("Save", vec![port("a")], vec![], true));
    let text = text();
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
