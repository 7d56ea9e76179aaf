//! Which nodes run: the event log after each edit, not only the result.

use dreamwire_engine::*;
use dreamwire_graph::{KindInfo, Kinds, Params, Port, Source};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Arithmetic kinds: `Read` (a file's length), `Int`, `Add` (two tensors and a param), `Round` (to tens),
/// `Maybe` (empty), `Else` (its input, or 1), `Save`.
struct Arithmetic {
    kinds: Kinds,
    fail: AtomicBool,
}

fn kind(id: &str, inputs: &[&str], output: Option<&str>, schema: &str) -> KindInfo {
    let port = |name: &str, ty: &str| Port {
        name: name.to_owned(),
        doc: String::new(),
        types: vec![ty.to_owned()],
        optional: false,
        many: false,
    };
    let (params, doc) = Params::parse(&serde_json::from_str(schema).unwrap()).unwrap();
    KindInfo {
        id: id.to_owned(),
        version: 1,
        plugin: "org.example.arithmetic".to_owned(),
        file: String::new(),
        title: id.to_owned(),
        category: String::new(),
        doc,
        inputs: inputs.iter().map(|name| port(name, "MASK")).collect(),
        outputs: output.into_iter().map(|ty| port(ty, ty)).collect(),
        params,
        pure_: id != "Dice",
        output: id == "Save",
        stateful: false,
    }
}

impl Arithmetic {
    fn new() -> Self {
        let mut kinds = Kinds::new();
        let none = r#"{"type": "object", "properties": {}}"#;
        let by =
            r#"{"type": "object", "properties": {"by": {"type": "integer", "default": 0, "maximum": 99}}}"#;
        let file = r#"{"type": "object", "properties": {"file": {"type": "string", "format": "dw-file"}}, "required": ["file"]}"#;
        let name = r#"{"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}"#;
        kinds.insert(kind("Read", &[], Some("MASK"), file));
        kinds.insert(kind("Int", &[], Some("INT"), by));
        kinds.insert(kind("NaN", &[], Some("MASK"), none));
        kinds.insert(kind("Dice", &[], Some("MASK"), none));
        kinds.insert(kind("Add", &["a"], Some("MASK"), by));
        kinds.insert(kind("Round", &["a"], Some("MASK"), none));
        kinds.insert(kind("Maybe", &[], Some("MASK"), none));
        let mut otherwise = kind("Else", &["a"], Some("MASK"), none);
        otherwise.inputs[0].optional = true;
        kinds.insert(otherwise);
        kinds.insert(kind("Save", &["a"], None, name));
        let mut prefixed = kind(
            "SavePrefix",
            &["a"],
            None,
            &name.replace(r#""string""#, r#""string", "format": "dw-output""#),
        );
        prefixed.output = true;
        kinds.insert(prefixed);
        Self { kinds, fail: AtomicBool::new(false) }
    }
}

fn tensor(value: f64) -> Value {
    // Eight bytes of one element of a rank 1 tensor; the engine looks at bytes only.
    let bytes = Arc::new(value.to_ne_bytes().to_vec());
    Value::Tensor(Tensor::new(Dtype::U8, vec![8], bytes).unwrap())
}

fn number(input: &Input) -> f64 {
    let Input::One(Value::Tensor(tensor)) = input else { panic!("no tensor") };
    f64::from_ne_bytes(tensor.bytes().try_into().unwrap())
}

impl Nodes for Arithmetic {
    fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    fn build(&self, _: &str) -> Option<blake3::Hash> {
        Some(blake3::hash(b"build 1"))
    }

    fn run(&self, request: &Request<'_>) -> Result<Vec<Value>, Failure> {
        let params: serde_json::Value = serde_json::from_str(request.params).unwrap();
        if !request.services.progress(0, 1, "") {
            return Err(Failure::new(FailureKind::Cancelled, "stopped"));
        }
        Ok(match request.kind.id.as_str() {
            "Read" => {
                let bytes = request.services.read(params["file"].as_str().unwrap());
                let bytes = bytes.map_err(|_| request.services.take_failure().unwrap())?;
                vec![tensor(bytes.len() as f64)]
            }
            "Int" => vec![Value::Int(params["by"].as_i64().unwrap())],
            "Dice" => vec![tensor(4.)],
            "NaN" => {
                let bytes = Arc::new(f64::NAN.to_ne_bytes().to_vec());
                vec![Value::Tensor(Tensor::new(Dtype::F64, vec![1], bytes).unwrap())]
            }
            "Maybe" => vec![Value::None],
            "Else" if matches!(request.inputs[0], Input::None) => vec![tensor(1.)],
            "Add" if self.fail.load(Ordering::Relaxed) => {
                return Err(Failure::new(FailureKind::Argument, "cannot add").at("by"));
            }
            "Add" => vec![tensor(number(&request.inputs[0]) + params["by"].as_f64().unwrap())],
            "Round" => vec![tensor((number(&request.inputs[0]) / 10.).round() * 10.)],
            _ => {
                let text = number(&request.inputs[0]).to_string();
                let template = format!("{}_{{counter:05}}.txt", params["name"].as_str().unwrap());
                let published = request.services.publish(&template, text.as_bytes());
                published.map_err(|_| request.services.take_failure().unwrap())?;
                Vec::new()
            }
        })
    }
}

struct Bench {
    dir: tempfile::TempDir,
    nodes: Arithmetic,
    world: Disk,
    engine: Engine,
    options: Options,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("in.txt"), "seven..").unwrap();
        let world = Disk::new(vec![dir.path().to_owned()], dir.path().join("out"));
        let options = Options { device: Device::Cpu, threads: 1, allow_nonfinite: false };
        Self { nodes: Arithmetic::new(), world, engine: Engine::new(Cache::new(1 << 20)), options, dir }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn plan(&self, text: &str) -> Plan {
        let (graph, problems) = dreamwire_graph::parse(&Source::new("g.json", text));
        assert!(problems.is_empty(), "{problems:?}");
        let (checked, problems) = dreamwire_graph::check(&graph, &self.nodes.kinds);
        Plan::new(checked.unwrap_or_else(|| panic!("{problems:?}")), text.to_owned())
    }

    fn run(
        &mut self,
        plan: &Plan,
        emit: &(dyn Fn(Event) + Sync),
        cancel: &AtomicBool,
    ) -> Result<Summary, Stopped> {
        let files = &Snapshot::take(plan, &self.world);
        let options = self.options;
        let (quarantine, explain) = (&HashMap::new(), None);
        let (nodes, world) = (&self.nodes, &self.world);
        self.engine.run(&Run { plan, files, options, nodes, world, emit, cancel, quarantine, explain })
    }

    /// Runs a graph and gives the log: `ran` nodes plain, cached ones with a reason.
    fn log(&mut self, text: &str) -> String {
        let plan = self.plan(text);
        let log = Mutex::new(Vec::new());
        let emit = |event: Event| match event {
            Event::Started { node, .. } => log.lock().unwrap().push(node),
            Event::Cached { node, why } => log.lock().unwrap().push(format!("{node}={why:?}")),
            Event::Failed { node } => log.lock().unwrap().push(format!("{node}!")),
            Event::Skipped { node, failed } => log.lock().unwrap().push(format!("{node}:{failed}!")),
            Event::Explained { node, reasons } => log.lock().unwrap().push(format!("{node}:{reasons:?}")),
            _ => {}
        };
        let stopped = self.run(&plan, &emit, &AtomicBool::new(false));
        let mut log = log.into_inner().unwrap();
        if let Err(Stopped::Failed(failures)) = stopped {
            log.extend(failures.into_iter().map(|failed| failed.failure.message));
        }
        log.join(" ")
    }
}

fn graph(by: i64, name: &str) -> String {
    format!(
        r#"{{"read": {{"class_type": "Read", "inputs": {{"file": "in.txt"}}}},
             "add": {{"class_type": "Add", "inputs": {{"a": ["read", 0], "by": {by}}}}},
             "round": {{"class_type": "Round", "inputs": {{"a": ["add", 0]}}}},
             "save": {{"class_type": "Save", "inputs": {{"a": ["round", 0], "name": "{name}"}}}}}}"#
    )
}

fn saved(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

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

#[test]
fn a_failure_stops_the_run_and_the_next_one_goes_on_from_there() {
    let mut b = Bench::new();
    b.nodes.fail.store(true, Ordering::Relaxed);
    assert_eq!(b.log(&graph(1, "x")), "read add add! round:add! save:add! cannot add");
    b.nodes.fail.store(false, Ordering::Relaxed);
    assert_eq!(b.log(&graph(1, "x")), "read=Unchanged add round save");
}

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
    let codes: Vec<&str> = preflight(&plan, &Snapshot::take(&plan, &b.world), &b.world)
        .iter()
        .map(|p| p.code.as_str())
        .collect();
    assert_eq!(codes, ["world::file", "world::output"]);
}

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
    let problems = preflight(&plan, &Snapshot::take(&plan, &b.world), &b.world);
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
