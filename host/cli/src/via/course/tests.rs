use dreamwire_graph::{Source, parse};
use dreamwire_session::events;
use serde_json::json;

use super::*;

fn course() -> Course {
    let text = r#"{ "noise": { "class_type": "NoiseImage", "inputs": {} },
        "dream": { "class_type": "Dream", "inputs": { "image": ["noise", 0] } },
        "save": { "class_type": "SaveImage", "inputs": { "images": ["dream", 0] } } }"#;
    let (graph, problems) = parse(&Source::new("g.json", text));
    assert!(problems.is_empty());
    let definitions = json!({ "SaveImage": { "input": {}, "output_node": true } });
    let wires = Wires::new(&graph, &super::super::definitions::kinds(&definitions).unwrap());
    let kinds = graph.nodes.iter().map(|node| (node.id.clone(), node.kind.clone())).collect();
    Course::new("j", kinds, wires)
}

fn told(kind: &str, mut data: Value) -> Frame {
    if data.get("prompt_id").is_none() {
        data["prompt_id"] = json!("j");
    }
    Frame::Told { kind: kind.to_owned(), data }
}

/// What was heard in short: the events without times, and the rest in words.
fn short(heard: Vec<Heard>) -> Vec<String> {
    let word = |heard| match heard {
        Heard::Event(Event::Finished { node, .. }) => format!("finished {node}"),
        Heard::Event(event) => {
            let event = events::event(&event);
            let rest = event.as_object().unwrap().values().map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            rest.collect::<Vec<_>>().join(" ")
        }
        Heard::Files { node, output } => format!("files {node} {output}"),
        Heard::Waits(count) => format!("waits {count}"),
        Heard::Ended => "ended".to_owned(),
    };
    heard.into_iter().map(word).collect()
}

fn states(states: &[(&str, &str)]) -> Frame {
    let nodes: serde_json::Map<String, Value> =
        states.iter().map(|(node, state)| ((*node).to_owned(), json!({ "state": state }))).collect();
    told("progress_state", json!({ "nodes": nodes }))
}

#[test]
fn a_job_becomes_the_events_of_a_run() {
    let mut course = course();
    let mut heard = |frame: Frame| short(course.hear(frame));
    let status =
        |left: u64| told("status", json!({ "status": { "exec_info": { "queue_remaining": left } } }));
    assert_eq!(heard(status(3)), ["waits 2"]);
    assert!(heard(status(3)).is_empty() && heard(status(1)).is_empty());
    assert!(heard(told("executing", json!({ "node": "x", "prompt_id": "other" }))).is_empty());
    assert!(heard(told("execution_start", json!({}))).is_empty());
    let found = heard(told("execution_cached", json!({ "nodes": ["noise"] })));
    assert_eq!(found, ["planned 2", "cached noise unchanged"]);
    assert!(heard(states(&[("dream", "running")])).is_empty());
    assert_eq!(heard(told("executing", json!({ "node": "dream" }))), ["started dream Dream"]);
    // Its note comes right after it.
    assert!(heard(told("progress", json!({ "node": "dream", "value": 1, "max": 4 }))).is_empty());
    let note = Frame::Note { job: Some("j".to_owned()), node: "dream".to_owned(), text: "loss 2".to_owned() };
    assert_eq!(heard(note), ["progress dream 1 4 loss 2"]);
    assert!(heard(told("progress", json!({ "node": "dream", "value": 2, "max": 4 }))).is_empty());
    let entries = json!({ "entries": [{ "m": "warning `dream`: odd\n" }, { "m": "Requested to load: it" }] });
    let found = heard(told("logs", entries));
    assert_eq!(found, ["progress dream 2 4 ", "log dream warning odd"]);
    // A batch in pieces takes turns; both go on.
    assert_eq!(heard(told("executing", json!({ "node": "save" }))), ["started save SaveImage"]);
    assert!(heard(told("executing", json!({ "node": "dream" }))).is_empty());
    assert_eq!(heard(states(&[("dream", "finished"), ("save", "running")])), ["finished dream"]);
    let output = json!({ "images": [] });
    let found = heard(told("executed", json!({ "node": "save", "output": output })));
    assert_eq!(found, [r#"files save {"images":[]}"#]);
    assert_eq!(heard(states(&[("dream", "finished"), ("save", "finished")])), ["finished save"]);
    assert_eq!(heard(told("execution_success", json!({}))), ["ended"]);
    let summary = course.summary();
    let ran: Vec<_> = summary.steps.iter().map(|step| (step.node.as_str(), step.ran.is_some())).collect();
    assert_eq!(ran, [("noise", false), ("dream", true), ("save", true)]);
}

#[test]
fn a_server_that_tells_no_states_ends_a_step_with_the_next() {
    let mut course = course();
    let mut heard = |frame: Frame| short(course.hear(frame));
    assert_eq!(heard(told("executing", json!({ "node": "dream" }))), ["started dream Dream"]);
    let found = heard(told("executing", json!({ "node": "save" })));
    assert_eq!(found, ["finished dream", "started save SaveImage"]);
    assert_eq!(heard(told("executing", json!({ "node": null }))), ["finished save", "ended"]);
}

#[test]
fn without_a_socket_history_tells_what_ran() {
    let mut course = course();
    let messages = json!([["execution_start", {}], ["execution_cached", { "nodes": ["noise"] }]]);
    assert_eq!(short(course.concludes(&messages)), ["planned 2", "cached noise unchanged"]);
    assert!(course.concludes(&messages).is_empty(), "it is known");
    let summary = course.summary();
    let ran: Vec<_> = summary.steps.iter().map(|step| (step.node.as_str(), step.ran.is_some())).collect();
    assert_eq!(ran, [("noise", false), ("dream", true), ("save", true)]);
}

#[test]
fn what_depends_on_a_failure_is_skipped() {
    let mut course = course();
    let mut heard = |frame: Frame| short(course.hear(frame));
    heard(told("executing", json!({ "node": "noise" })));
    assert_eq!(heard(states(&[("noise", "error")])), ["failed noise"]);
    assert_eq!(heard(told("execution_error", json!({ "node_id": "noise" }))), ["ended"]);
    assert!(course.fails("dream").is_empty(), "it was refused before it ran");
    assert_eq!(short(course.fails("noise")), ["skipped dream noise", "skipped save noise"]);
}

#[test]
fn progress_is_shown_if_no_note_comes() {
    let mut course = course();
    course.hear(told("progress", json!({ "node": "dream", "value": 1.0, "max": 4.0 })));
    assert_eq!(short(course.quiet()), ["progress dream 1 4 "]);
    assert!(course.quiet().is_empty());
}

#[test]
fn lines_of_the_log_have_a_level_and_perhaps_a_node() {
    let shown = |line: &str| logged(line).map(|event| events::event(&event).to_string());
    let expected = r#"{"event":"log","node":"a","level":"info","message":"x: y"}"#;
    assert_eq!(shown("info `a`: x: y\n").as_deref(), Some(expected));
    let expected = r#"{"event":"log","node":"","level":"error","message":"y"}"#;
    assert_eq!(shown("error: y").as_deref(), Some(expected));
    for line in ["cuda: a card", "info a: b", "got prompt", "", "warning"] {
        assert!(shown(line).is_none(), "{line}");
    }
}
