//! Whatever comes in is answered: no body of a request and no message of a socket makes the server fail.
//!
//! `PROPTEST_CASES=100000 cargo test -p dreamwire-server fuzz` looks longer.

use std::sync::Arc;

use dreamwire_graph::{Kinds, Source, check, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::activity::Activity;
use crate::app::App;
use crate::catalogue::coerce::coerce;
use crate::catalogue::tests::kinds;
use crate::diagnose::{diagnose, needed};
use crate::hub::Hub;
use crate::plugins::Plugins;
use crate::queue::Queue;
use crate::routes;

/// Any JSON, with the words that mean something more often than others.
fn value(kinds: &Kinds) -> impl Strategy<Value = Value> + use<> {
    let words: Vec<String> = kinds
        .iter()
        .flat_map(|kind| {
            let ports = kind.inputs.iter().map(|port| port.name.clone());
            let params = kind.params.list.iter().map(|param| param.name.clone());
            std::iter::once(kind.id.clone()).chain(ports).chain(params).collect::<Vec<_>>()
        })
        .chain(
            ["a", "b", "class_type", "inputs", "_meta", "title", "__value__", "prompt", "client_id"]
                .map(str::to_owned),
        )
        .collect();
    let word = prop_oneof![4 => proptest::sample::select(words), 1 => ".{0,8}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ("[ab]", 0..3i64).prop_map(|(node, output)| json!([node, output])),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((word.clone(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A graph of a few nodes, most of whose parts are right.
fn graph(kinds: &Kinds) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let ids: Vec<String> = kinds.iter().map(|kind| kind.id.clone()).collect();
    let names: Vec<String> = kinds
        .iter()
        .flat_map(|kind| kind.inputs.iter().map(|port| port.name.clone()).collect::<Vec<_>>())
        .chain(
            kinds
                .iter()
                .flat_map(|kind| kind.params.list.iter().map(|param| param.name.clone()).collect::<Vec<_>>()),
        )
        .collect();
    let input = (proptest::sample::select(names), value(kinds));
    let node = (proptest::sample::select(ids), vec(input, 0..5)).prop_map(
        |(kind, inputs)| json!({ "class_type": kind, "inputs": Value::Object(inputs.into_iter().collect()) }),
    );
    let node = prop_oneof![8 => node, 1 => value(kinds)];
    vec(("[abcd]", node), 0..5).prop_map(|nodes| nodes.into_iter().collect())
}

fn app(folder: &TempDir) -> App {
    let queue = Queue::open(&folder.path().join("q"), 1_000_000).unwrap();
    App {
        queue: Arc::new(queue),
        hub: Arc::new(Hub::new(4)),
        plugins: Arc::new(Plugins::none()),
        activity: Arc::new(Activity::new()),
        upload_max: 1 << 20,
    }
}

proptest! {
    #[test]
    fn any_graph_is_judged(mut graph in graph(&kinds()), targets in proptest::option::of(vec("[abcd]", 0..3))) {
        let kinds = kinds();
        coerce(&mut graph, &kinds);
        let once = graph.clone();
        coerce(&mut graph, &kinds);
        prop_assert_eq!(&graph, &once, "what was made canonical stays");
        let source = Source::new("prompt", Value::Object(graph.clone()).to_string());
        let (parsed, mut problems) = parse(&source);
        let (checked, found) = check(&parsed, &kinds);
        problems.extend(found);
        let verdict = diagnose(&parsed, checked.as_ref(), &problems, &kinds, targets.as_deref());
        prop_assert_eq!(verdict.good.is_empty(), verdict.error.is_some());
        // What is said to be good runs on its own.
        let part = needed(&graph, &verdict.good);
        let source = Source::new("prompt", Value::Object(part).to_string());
        let (parsed, mut problems) = parse(&source);
        problems.extend(check(&parsed, &kinds).1);
        if !verdict.good.is_empty() {
            prop_assert!(!problems.iter().any(|problem| problem.is_error()), "{:?}", problems);
        }
    }

    #[test]
    fn any_body_is_answered(body in prop_oneof![
        value(&kinds()).prop_map(|value| value.to_string().into_bytes()),
        graph(&kinds()).prop_map(|graph| json!({ "prompt": graph }).to_string().into_bytes()),
        vec(any::<u8>(), 0..64),
    ]) {
        let folder = TempDir::new().unwrap();
        let status = routes::prompt::submitted(&app(&folder), &body).status();
        prop_assert!(status.is_success() || status.is_client_error(), "{}", status);
        routes::object(&body);
    }

    #[test]
    fn any_message_of_a_socket_is_heard(text in prop_oneof![
        ".{0,64}",
        value(&kinds()).prop_map(|value| json!({ "type": "feature_flags", "data": value }).to_string()),
    ]) {
        let hub = Arc::new(Hub::new(1));
        let connection = hub.connect("a".to_owned()).unwrap();
        let reply = routes::socket::heard(&connection, &text, 1 << 20);
        prop_assert_eq!(reply.is_some(), text.contains("feature_flags"));
    }
}
