//! Which nodes run: the event log after each edit, not only the result.

use crate::arithmetic::Bench;
use dreamwire_engine::*;
use dreamwire_graph::Params;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

fn graph(by: i64, name: &str) -> String {
    format!(
        r#"{{"read": {{"class_type": "Read", "inputs": {{"file": "in.txt"}}}},
             "add": {{"class_type": "Add", "inputs": {{"a": ["read", 0], "by": {by}}}}},
             "round": {{"class_type": "Round", "inputs": {{"a": ["add", 0]}}}},
             "save": {{"class_type": "Save", "inputs": {{"a": ["round", 0], "name": "{name}"}}}}}}"#
    )
}

#[test]
fn what_a_kind_refuses_names_the_node_that_gave_it() {
    let mut b = Bench::new();
    let text = r#"{"int": {"class_type": "Int", "inputs": {"by": 13}},
                   "read": {"class_type": "Read", "inputs": {"file": "in.txt"}},
                   "add": {"class_type": "Add", "inputs": {"a": ["read", 0], "by": ["int", 0]}},
                   "save": {"class_type": "Save", "inputs": {"a": ["add", 0]}}}"#;
    let log = b.log(text);
    assert!(log.ends_with("`by` is unlucky; it comes from node `int` (Int)"), "{log}");
    let log = b.log(&text.replace(r#"["int", 0]"#, "13"));
    assert!(log.ends_with("`by` is unlucky"), "{log}");
    let missing = r#"{"text": {"class_type": "Text", "inputs": {"name": "none.txt"}},
                      "read": {"class_type": "Read", "inputs": {"file": ["text", 0]}},
                      "save": {"class_type": "Save", "inputs": {"a": ["read", 0]}}}"#;
    let log = b.log(missing);
    assert!(log.ends_with("there is no file `none.txt`; it comes from node `text` (Text)"), "{log}");
}

/// A path from the command line may lie anywhere, also if it is given to the node that a param is linked to.
#[test]
fn a_path_that_the_command_line_gives_to_a_text_may_lie_anywhere() {
    let mut b = Bench::new();
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("far.txt");
    std::fs::write(&path, "far away").unwrap();
    let path = path.display().to_string();
    let text = r#"{"text": {"class_type": "Text", "inputs": {"name": "PATH"}},
                   "again": {"class_type": "Text", "inputs": {"name": ["text", 0]}},
                   "read": {"class_type": "Read", "inputs": {"file": ["again", 0]}},
                   "save": {"class_type": "Save", "inputs": {"a": ["read", 0]}}}"#;
    let log = b.log(&text.replace("PATH", &path));
    assert!(log.contains("lies outside the graph's folder; it comes from node `again` (Text)"), "{log}");
    let set = [format!("text.name={path}")];
    let log = b.log_with(text, &set);
    assert!(log.ends_with("read save"), "{log}");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "8");
    // Another text than the one that was given.
    let log = b.log_with(&text.replace(r#"["text", 0]"#, &format!("\"{path}\"")), &set);
    assert!(log.contains("lies outside the graph's folder"), "{log}");
}

fn saved(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Faults: G9.
#[test]
fn only_what_changed_runs_again() {
    let mut b = Bench::new();
    assert_eq!(b.log(&graph(1, "x")), "read add round save");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "10");
    assert_eq!(b.log(&graph(1, "x")), "save=Unchanged", "a red herring: nothing upstream is even looked at");
    assert_eq!(b.log(&graph(1, "y")), "round=Unchanged save", "only the last node");
    assert_eq!(b.log(&graph(30, "y")), "read=Unchanged add round save");
    assert_eq!(saved(&b.path("out/y_00001.txt")), "40", "a step replaces its own file");
}

#[test]
fn identical_bytes_stop_the_wave() {
    let mut b = Bench::new();
    b.log(&graph(1, "x"));
    // 7 + 2 rounds to 10 like 7 + 1: `save` need not run again.
    assert_eq!(b.log(&graph(2, "x")), "read=Unchanged add round save=SameInputs");
}

/// Faults: F4.
#[test]
fn an_input_file_counts_by_content_not_by_time() {
    let mut b = Bench::new();
    b.log(&graph(1, "x"));
    std::fs::write(b.path("in.txt"), "seven..").unwrap();
    assert_eq!(b.log(&graph(1, "x")), "save=Unchanged");
    std::fs::write(b.path("in.txt"), "twenty characters...").unwrap();
    assert_eq!(b.log(&graph(1, "x")), "read add round save");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "20");
}

#[test]
fn a_published_file_that_is_gone_is_published_again_without_running() {
    let mut b = Bench::new();
    b.log(&graph(1, "x"));
    std::fs::remove_file(b.path("out/x_00001.txt")).unwrap();
    assert_eq!(b.log(&graph(1, "x")), "save=Unchanged");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "10");
    std::fs::write(b.path("out/x_00001.txt"), "scribble").unwrap();
    assert_eq!(b.log(&graph(1, "x")), "save=Unchanged");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "scribble", "of somebody else");
    assert_eq!(saved(&b.path("out/x_00002.txt")), "10");
}

#[test]
fn scalars_over_links_are_validated_and_keyed_by_value() {
    let mut b = Bench::new();
    let linked = |by: i64| {
        format!(
            r#"{{"int": {{"class_type": "Int", "inputs": {{"by": {by}}}}},
                 "read": {{"class_type": "Read", "inputs": {{"file": "in.txt"}}}},
                 "add": {{"class_type": "Add", "inputs": {{"a": ["read", 0], "by": ["int", "INT"]}}}},
                 "save": {{"class_type": "Save", "inputs": {{"a": ["add", 0]}}}}}}"#
        )
    };
    assert_eq!(b.log(&linked(5)), "read int add save");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "12");
    assert_eq!(b.log(&linked(6)), "read=Unchanged int add save");
    assert_eq!(
        b.log(&linked(100)),
        "read=Unchanged int add! save:add! \
         `by` is 100, which is out of range (allowed: 99 or less); it comes from node `int` (Int)"
    );
}

#[test]
fn a_file_whose_name_comes_over_a_link_is_read_again_when_it_changes() {
    let mut b = Bench::new();
    let read = r#"{"text": {"class_type": "Text", "inputs": {"name": "in.txt"}},
        "read": {"class_type": "Read", "inputs": {"file": ["text", 0]}},
        "save": {"class_type": "Save", "inputs": {"a": ["read", 0]}}}"#;
    let net = r#"{"text": {"class_type": "Text", "inputs": {"name": "in.txt"}},
        "net": {"class_type": "Net", "inputs": {"file": ["text", 0]}},
        "read": {"class_type": "Read", "inputs": {"file": "weights"}},
        "apply": {"class_type": "Apply", "inputs": {"a": ["read", 0], "net": ["net", 0]}},
        "save": {"class_type": "Save", "inputs": {"a": ["apply", 0]}}}"#;
    let made = |b: &Bench| saved(&b.path("out/x_00001.txt"));
    assert_eq!(b.log(read), "text read save");
    assert_eq!(b.log(read), "text=Unchanged read=SameInputs save=SameInputs");
    assert_eq!(made(&b), "7");
    assert!(b.log(net).ends_with("apply save"));
    assert_eq!(made(&b), "10");
    std::fs::write(b.path("in.txt"), "eight...").unwrap();
    assert_eq!(b.log(read), "text=Unchanged read save");
    assert_eq!(made(&b), "8");
    // The content of a function is not visible, but that of the file that it was made of is.
    assert!(b.log(net).ends_with("apply save"));
    assert_eq!(made(&b), "11");
}

#[test]
fn an_output_that_holds_nothing_feeds_optional_ports_only() {
    let mut b = Bench::new();
    let text = |kind: &str| {
        format!(
            r#"{{"maybe": {{"class_type": "Maybe", "inputs": {{}}}},
                 "next": {{"class_type": "{kind}", "inputs": {{"a": ["maybe", 0]}}}},
                 "save": {{"class_type": "Save", "inputs": {{"a": ["next", 0]}}}}}}"#
        )
    };
    assert_eq!(b.log(&text("Else")), "maybe next save");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "1");
    let refused = b.log(&text("Round"));
    assert_eq!(
        refused,
        "maybe=Unchanged next! save:next! output `MASK` of node `maybe` is empty in this run"
    );
}

#[test]
fn what_is_not_pure_runs_every_time() {
    let mut b = Bench::new();
    let text = r#"{"dice": {"class_type": "Dice", "inputs": {}},
                   "save": {"class_type": "Save", "inputs": {"a": ["dice", 0]}}}"#;
    assert_eq!(b.log(text), "dice save");
    assert_eq!(b.log(text), "dice save=SameInputs");
}

/// Faults: F2.
#[test]
fn a_failure_stops_the_run_and_the_next_one_goes_on_from_there() {
    let mut b = Bench::new();
    b.nodes.fail.store(true, Ordering::Relaxed);
    assert_eq!(b.log(&graph(1, "x")), "read add add! round:add! save:add! cannot add");
    b.nodes.fail.store(false, Ordering::Relaxed);
    assert_eq!(b.log(&graph(1, "x")), "read=Unchanged add round save");
}

/// Faults: F2.
#[test]
fn cancelling_stops_before_the_next_step() {
    let mut b = Bench::new();
    let plan = b.plan(&graph(1, "x"));
    let cancel = AtomicBool::new(false);
    let emit = |event: Event| {
        if matches!(event, Event::Finished { node, .. } if node == "add") {
            cancel.store(true, Ordering::Relaxed);
        }
    };
    let stopped = b.run(&plan, &emit, &cancel);
    assert!(matches!(stopped, Err(Stopped::Cancelled)));
    assert_eq!(b.log(&graph(1, "x")), "add=Unchanged round save", "what was done is not done again");
}

#[test]
fn a_name_that_leaves_the_root_blames_the_param() {
    let mut b = Bench::new();
    let plan = b.plan(&graph(1, "../x"));
    let stopped = b.run(&plan, &|_| {}, &AtomicBool::new(false));
    let Err(Stopped::Failed(failures)) = stopped else { panic!("accepted") };
    let StepFailure { node, failure } = &failures[0];
    assert_eq!((failure.kind, failure.input.as_str()), (FailureKind::Publish, "name"));
    assert_eq!(plan.graph.nodes[*node].id, "save");
    assert!(!b.path("x_00001.txt").exists());
}

#[test]
fn preflight_finds_missing_files_and_a_bad_output_folder_at_once() {
    let b = Bench::new();
    let plan = b.plan(&graph(1, "x").replace("in.txt", "none.txt"));
    std::fs::write(b.path("out"), "in the way").unwrap();
    let codes: Vec<&str> = preflight(&plan, &Snapshot::take(&plan, &b.world), &b.world, &b.nodes.kinds)
        .iter()
        .map(|p| p.code.as_str())
        .collect();
    assert_eq!(codes, ["world::file", "world::output"]);
}

#[test]
fn a_name_that_is_no_file_says_what_is_built_in_and_where() {
    let mut b = Bench::new();
    let mut other = (**b.nodes.kinds.get("Read").unwrap()).clone();
    let schema = r#"{"type": "object", "properties": {
        "weights": {"type": "string", "format": "dw-weights", "x-dw-builtin": ["faces", "random:*"]}}}"#;
    other.params = Params::parse(&serde_json::from_str(schema).unwrap()).unwrap().0;
    other.id = "Load".to_owned();
    b.nodes.kinds.insert(other);
    let hint = |node: &str| {
        let plan = b.plan(&format!(
            r#"{{"read": {node}, "save": {{"class_type": "Save", "inputs": {{"a": ["read", 0]}}}}}}"#
        ));
        let problems = preflight(&plan, &Snapshot::take(&plan, &b.world), &b.world, &b.nodes.kinds);
        problems[0].hint.as_ref().unwrap().text.clone()
    };
    let unknown = hint(r#"{"class_type": "Load", "inputs": {"weights": "fases"}}"#);
    assert!(unknown.ends_with("\nbuilt in: `faces`, names that begin with `random:`"), "{unknown}");
    let elsewhere = hint(r#"{"class_type": "Read", "inputs": {"file": "faces"}}"#);
    assert!(elsewhere.ends_with("\n`faces` is built into other kinds: `Load`"), "{elsewhere}");
}

/// Faults: E3.
#[test]
fn preflight_finds_every_output_that_cannot_be_written_and_leaves_nothing() {
    let b = Bench::new();
    let save = |id: &str, name: &str| {
        format!(r#""{id}": {{"class_type": "SavePrefix", "inputs": {{"a": ["read", 0], "name": "{name}"}}}}"#)
    };
    let outputs =
        [save("one", "new/deep/x"), save("two", "taken/x"), save("three", "../x"), save("four", "x")];
    let read = r#""read": {"class_type": "Read", "inputs": {"file": "in.txt"}}"#;
    let plan = b.plan(&format!("{{{read}, {}}}", outputs.join(", ")));
    std::fs::create_dir(b.path("out")).unwrap();
    std::fs::write(b.path("out/taken"), "a file").unwrap();
    let problems = preflight(&plan, &Snapshot::take(&plan, &b.world), &b.world, &b.nodes.kinds);
    let mut messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    messages.sort_unstable();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(
        messages[1].starts_with("node `two` (SavePrefix): cannot write `taken/x_00001_`: "),
        "{messages:?}"
    );
    assert_eq!(messages[0], "node `three` (SavePrefix): `../x_00001_` leaves the output folder");
    assert!(problems.iter().all(|problem| problem.code.as_str() == "world::output"));
    assert_eq!(std::fs::read_dir(b.path("out")).unwrap().count(), 1);
}

/// Faults: C8, D13, G4.
#[test]
fn a_run_reads_each_file_once() {
    let mut b = Bench::new();
    let plan = b.plan(&graph(1, "x"));
    let files = Snapshot::take(&plan, &b.world);
    assert_eq!(files.stamps().places(), [b.path("in.txt")]);
    std::fs::write(b.path("in.txt"), "twenty characters...").unwrap();
    let (emit, cancel) = (|_| {}, AtomicBool::new(false));
    let run = Run {
        plan: &plan,
        files: &files,
        options: b.options,
        nodes: &b.nodes,
        world: &b.world,
        emit: &emit,
        cancel: &cancel,
        quarantine: &HashMap::new(),
        explain: None,
        texts: &BTreeMap::new(),
    };
    b.engine.run(&run).expect("runs");
    assert_eq!(saved(&b.path("out/x_00001.txt")), "10", "of the seven bytes that were there before");
    let later = Snapshot::take(&plan, &b.world);
    let (first, later) = (files.stamps(), later.stamps());
    let last = Snapshot::take(&plan, &b.world).stamps();
    assert!(!first.same_files(&later, &plan) && later.same_files(&last, &plan));
    let missing = b.plan(&graph(1, "x").replace("in.txt", "none.txt"));
    assert_eq!(
        Snapshot::take(&missing, &b.world).stamps().places(),
        [b.path("none.txt")],
        "it may still appear"
    );
}

/// Faults: B12.
#[test]
fn what_let_nan_through_is_not_known_to_a_run_that_does_not() {
    let mut b = Bench::new();
    let text = r#"{"nan": {"class_type": "NaN", "inputs": {}},
                   "save": {"class_type": "Save", "inputs": {"a": ["nan", 0]}}}"#;
    b.options.allow_nonfinite = true;
    assert_eq!(b.log(text), "nan save");
    assert_eq!(b.log(text), "save=Unchanged");
    b.options.allow_nonfinite = false;
    let refused = b.log(text);
    assert!(
        refused.starts_with("nan nan! save:nan! output `MASK` contains 1 values that are NaN or infinite"),
        "{refused}"
    );
}

/// Faults: A20.
#[test]
fn a_chain_of_ten_thousand_runs_in_bounded_stack() {
    let mut b = Bench::new();
    let mut text = r#"{"n0": {"class_type": "Dice", "inputs": {}}"#.to_owned();
    for i in 1..10_000 {
        text +=
            &format!(r#", "n{i}": {{"class_type": "Add", "inputs": {{"a": ["n{}", 0], "by": 1}}}}"#, i - 1);
    }
    text += r#", "save": {"class_type": "Save", "inputs": {"a": ["n9999", 0]}}}"#;
    let log = b.log(&text);
    assert_eq!(log.split(' ').count(), 10_001);
    assert_eq!(saved(&b.path("out/x_00001.txt")), "10003");
}

#[test]
fn an_output_is_published_before_anything_else_runs() {
    let mut b = Bench::new();
    let text = r#"{"read": {"class_type": "Read", "inputs": {"file": "in.txt"}},
                   "slow": {"class_type": "Add", "inputs": {"a": ["read", 0]}},
                   "slower": {"class_type": "Add", "inputs": {"a": ["slow", 0], "by": 1}},
                   "last": {"class_type": "Save", "inputs": {"a": ["slower", 0], "name": "last"}},
                   "first": {"class_type": "Save", "inputs": {"a": ["slow", 0], "name": "first"}},
                   "early": {"class_type": "Save", "inputs": {"a": ["read", 0], "name": "early"}}}"#;
    assert_eq!(b.log(text), "read early slow first slower last");
}

#[test]
fn after_a_failure_the_rest_still_runs() {
    let mut b = Bench::new();
    b.nodes.fail.store(true, Ordering::Relaxed);
    let text = r#"{"read": {"class_type": "Read", "inputs": {"file": "in.txt"}},
                   "bad": {"class_type": "Add", "inputs": {"a": ["read", 0]}},
                   "next": {"class_type": "Round", "inputs": {"a": ["bad", 0]}},
                   "lost": {"class_type": "Save", "inputs": {"a": ["next", 0], "name": "lost"}},
                   "good": {"class_type": "Round", "inputs": {"a": ["read", 0]}},
                   "kept": {"class_type": "Save", "inputs": {"a": ["good", 0], "name": "kept"}}}"#;
    let log = b.log(text);
    assert!(log.contains("bad bad!") && log.contains("next:bad! ") && log.contains("lost:bad!"), "{log}");
    assert!(log.contains("good kept"), "{log}");
    assert_eq!(saved(&b.path("out/kept_00001.txt")), "10");
    assert!(!b.path("out/lost_00001.txt").exists());
}

#[test]
fn each_step_that_runs_says_why() {
    let mut b = Bench::new();
    let explain = |b: &mut Bench, text: &str, options: Options| {
        let history = {
            let plan = b.plan(&graph(1, "x"));
            let files = Snapshot::take(&plan, &b.world);
            History::of(&Run {
                plan: &plan,
                files: &files,
                options: b.options,
                nodes: &b.nodes,
                world: &b.world,
                emit: &|_| {},
                cancel: &AtomicBool::new(false),
                quarantine: &HashMap::new(),
                explain: None,
                texts: &BTreeMap::new(),
            })
            .unwrap()
        };
        b.history = Some(history);
        b.options = options;
        let log = b.log(text);
        log.split(' ').filter(|word| word.contains(':')).collect::<Vec<_>>().join(" ")
    };
    let options = b.options;
    assert_eq!(
        explain(&mut b, &graph(1, "x"), options),
        "read:[NotKept] add:[NotKept] round:[NotKept] save:[NotKept]"
    );
    b.history = None;
    b.log(&graph(1, "x"));
    let found = explain(&mut b, &graph(1, "y"), options);
    assert!(found.starts_with("save:[Param"), "{found}");
    let renamed = graph(1, "x").replace("\"add\"", "\"new\"").replace(r#""by": 1"#, r#""by": 40"#);
    let found = explain(&mut b, &renamed, options);
    assert!(found.contains("new:[New]") && found.contains("round:[Link"), "{found}");
    let found = explain(&mut b, &graph(1, "x"), Options { device: Device::Metal, ..options });
    assert!(found.contains("read:[Mode"), "{found}");
}
