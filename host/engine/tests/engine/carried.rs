//! What published pictures carry.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;

use dreamwire_engine::*;

use crate::arithmetic::Bench;

fn graph(by: u32) -> String {
    format!(
        r#"{{ "read": {{ "class_type": "Read", "inputs": {{ "file": "in.txt" }} }},
        "add": {{ "class_type": "Add", "inputs": {{ "a": ["read", 0], "by": {by} }} }},
        "other": {{ "class_type": "Read", "inputs": {{ "file": "weights" }} }},
        "save": {{ "class_type": "SavePicture", "inputs": {{ "a": ["add", 0] }} }},
        "save_other": {{ "class_type": "Save", "inputs": {{ "a": ["other", 0], "name": "y" }} }} }}"#
    )
}

/// The log of a run that computes nothing.
const CACHED: &str = "save=Unchanged save_other=Unchanged";

fn picture(b: &Bench, number: u32) -> Vec<u8> {
    std::fs::read(b.path(&format!("out/x_{number:05}.png"))).unwrap()
}

fn text(picture: &[u8], name: &str) -> Option<String> {
    metadata::text(picture, name)
}

fn pictures(b: &Bench) -> usize {
    let names = std::fs::read_dir(b.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".png")).count()
}

/// Runs the graph: the words of the log, sorted.
fn log(b: &mut Bench) -> String {
    let log = b.log(&graph(1));
    let mut words: Vec<&str> = log.split(' ').collect();
    words.sort_unstable();
    words.join(" ")
}

/// What the pictures of `save` would be made of now.
fn record(b: &Bench, graph: &str, options: Options) -> Record {
    let plan = b.plan(graph);
    let run = Run {
        plan: &plan,
        files: &Snapshot::take(&plan, &b.world),
        options,
        nodes: &b.nodes,
        world: &b.world,
        emit: &|_| {},
        cancel: &AtomicBool::new(false),
        quarantine: &HashMap::new(),
        explain: None,
        texts: &BTreeMap::new(),
    };
    Record::of(&run, "save", 0).expect("it is known")
}

#[test]
fn a_picture_says_what_it_was_made_of_and_nothing_else() {
    let mut b = Bench::new();
    b.log(&graph(1));
    let found = picture(&b, 1);
    assert_eq!(text(&found, "prompt").as_deref(), Some(&graph(1)[..]));
    let json = text(&found, "dreamwire").unwrap();
    let folder = b.dir.path().to_str().unwrap();
    assert!(!json.contains(folder) && !json.contains("in.txt"), "{json}");
    let carried = Record::read(&found).unwrap();
    assert_eq!((carried.node.as_str(), carried.index), ("save", 0));
    let content = metadata::content(&found).unwrap().to_hex().to_string();
    assert_eq!(carried.content, content);
    let hash = blake3::hash(b"seven..").to_hex().to_string();
    assert_eq!(carried.files, BTreeMap::from([("read.file".to_owned(), hash)]), "`other` is not needed");
    let plugin = &carried.plugins["org.example.arithmetic"];
    assert_eq!(plugin.build, blake3::hash(b"build 1").to_hex().to_string());
    assert!(plugin.mode.starts_with("cpu ("), "{}", plugin.mode);
    assert!(b.path("out/y_00001.txt").exists());
}

#[test]
fn what_differs_from_then_is_named() {
    let mut b = Bench::new();
    b.log(&graph(1));
    let (carried, options) = (Record::read(&picture(&b, 1)).unwrap(), b.options);
    let what = |b: &Bench, options| -> Vec<String> {
        let now = record(b, &graph(1), options);
        let word = |difference: Difference| match difference {
            Difference::Plugin { id, .. } => id,
            Difference::Mode { now, .. } => now.split(' ').next().unwrap().to_owned(),
            Difference::File { input, now, .. } => format!("{input} {}", now.is_some()),
        };
        carried.differences(&now).into_iter().map(word).collect()
    };
    assert_eq!(what(&b, options), [""; 0]);
    std::fs::write(b.path("weights"), "another file, which it did not need").unwrap();
    assert_eq!(what(&b, options), [""; 0]);
    std::fs::write(b.path("in.txt"), "eight...").unwrap();
    assert_eq!(what(&b, options), ["read.file true"]);
    std::fs::remove_file(b.path("in.txt")).unwrap();
    *b.nodes.build.lock().unwrap() = "build 2".to_owned();
    let options = Options { device: Device::Metal, ..options };
    assert_eq!(what(&b, options), ["org.example.arithmetic", "metal", "read.file false"]);
}

#[test]
fn a_file_that_is_named_over_a_link_is_said_not_to_be_known() {
    let b = Bench::new();
    let linked = r#"{"text": {"class_type": "Text", "inputs": {"name": "in.txt"}},
        "read": {"class_type": "Read", "inputs": {"file": ["text", 0]}},
        "save": {"class_type": "SavePicture", "inputs": {"a": ["read", 0]}}}"#;
    let record = record(&b, linked, b.options);
    assert!(record.files.is_empty());
    assert_eq!(record.unknown.iter().collect::<Vec<_>>(), ["read.file"]);
}

/// Faults: E15.
#[test]
fn without_metadata_no_file_carries_anything_whatever_is_cached() {
    let mut b = Bench::new();
    b.begin_again();
    b.options.metadata = false;
    b.texts.insert("workflow".to_owned(), "{}".to_owned());
    assert_eq!(log(&mut b), "add other read save save_other");
    let bare = picture(&b, 1);
    for name in ["prompt", "dreamwire", "workflow"] {
        assert!(!bare.windows(name.len()).any(|window| window == name.as_bytes()), "{name}");
    }
    b.options.metadata = true;
    b.begin_again();
    assert_eq!(log(&mut b), "add=Unchanged other=Unchanged save save_other");
    assert!(text(&picture(&b, 2), "prompt").is_some());
    b.begin_again();
    b.options.metadata = false;
    assert_eq!(log(&mut b), CACHED);
    assert!(picture(&b, 1) == bare && pictures(&b) == 2);
    assert_eq!(metadata::content(&bare), metadata::content(&picture(&b, 2)), "the same picture");
}

#[test]
fn without_metadata_graphs_share_their_files() {
    let mut b = Bench::new();
    let texts = |b: &mut Bench, scope: &str| {
        let plan = b.plan(&graph(1)).of(scope.to_owned());
        let (ran, cancel) = (AtomicBool::new(false), AtomicBool::new(false));
        let emit = |event: Event| {
            if matches!(event, Event::Started { .. }) {
                ran.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        };
        b.run(&plan, &emit, &cancel).unwrap();
        ran.into_inner()
    };
    assert!(texts(&mut b, "/a.json") && texts(&mut b, "/b.json"));
    b.options.metadata = false;
    assert!(texts(&mut b, "/a.json") && !texts(&mut b, "/b.json"));
}

fn workflow(b: &mut Bench, text: &str) {
    b.texts = BTreeMap::from([("workflow".to_owned(), text.to_owned())]);
}

#[test]
fn a_cached_picture_gets_the_texts_of_the_run_that_publishes_it() {
    let mut b = Bench::new();
    b.begin_again();
    workflow(&mut b, r#"{"nodes": 1}"#);
    b.log(&graph(1));
    let first = picture(&b, 1);
    assert_eq!(text(&first, "workflow").as_deref(), Some(r#"{"nodes": 1}"#));
    // The same file is not written again, neither by this process nor by the next.
    assert_eq!(log(&mut b), CACHED);
    b.begin_again();
    assert_eq!(log(&mut b), CACHED);
    assert!(pictures(&b) == 1 && picture(&b, 1) == first);
    let remove = |b: &Bench| std::fs::remove_file(b.path("out/x_00001.png")).unwrap();
    remove(&b);
    b.begin_again();
    workflow(&mut b, r#"{"nodes": 2}"#);
    assert_eq!(log(&mut b), CACHED);
    let second = picture(&b, 1);
    assert_eq!(text(&second, "workflow").as_deref(), Some(r#"{"nodes": 2}"#));
    assert_eq!(Record::read(&first), Record::read(&second));
    remove(&b);
    b.texts.clear();
    b.begin_again();
    b.log(&graph(1));
    assert_eq!(text(&picture(&b, 1), "workflow"), None, "none is left of an earlier run");
    // A process replaces its own file.
    workflow(&mut b, "{}");
    b.log(&graph(1));
    assert_eq!((text(&picture(&b, 1), "workflow").as_deref(), pictures(&b)), (Some("{}"), 1));
}

#[test]
fn a_node_that_was_moved_is_no_reason_to_save_a_cached_picture_again() {
    let mut b = Bench::new();
    b.begin_again();
    workflow(&mut b, r#"{"at": [10, 20]}"#);
    b.log(&graph(1));
    let first = picture(&b, 1);
    for moved in [r#"{"at": [90, 20]}"#, r#"{"at": [1234.5, -20]}"#] {
        b.begin_again();
        workflow(&mut b, moved);
        assert_eq!(log(&mut b), CACHED);
        assert!(pictures(&b) == 1 && picture(&b, 1) == first, "{moved}");
    }
    // A graph that was drawn anew is worth a file.
    b.begin_again();
    workflow(&mut b, &format!(r#"{{"notes": "{}"}}"#, "about it ".repeat(200)));
    assert_eq!(log(&mut b), CACHED);
    assert!(text(&picture(&b, 2), "workflow").is_some_and(|text| text.contains("about it")));
    assert!(pictures(&b) == 2 && picture(&b, 1) == first);
    // A step that runs has a file of its own, whatever is there.
    b.begin_again();
    workflow(&mut b, r#"{"at": [10, 20]}"#);
    *b.nodes.build.lock().unwrap() = "build 2".to_owned();
    assert_eq!(log(&mut b), "add other read save save_other");
    assert_eq!(pictures(&b), 3);
    assert_eq!(metadata::content(&picture(&b, 3)), metadata::content(&first));
}

#[test]
fn names_that_are_taken_or_that_no_picture_can_have_are_left_out() {
    let mut b = Bench::new();
    for name in ["prompt", "dreamwire", "no name", ""] {
        b.texts.insert(name.to_owned(), "{}".to_owned());
    }
    b.log(&graph(1));
    let found = picture(&b, 1);
    assert_eq!(text(&found, "prompt").as_deref(), Some(&graph(1)[..]));
    assert!(Record::read(&found).is_some());
    assert_eq!((text(&found, "no name"), text(&found, "")), (None, None));
}

#[test]
fn a_plan_towards_a_node_runs_nothing_else() {
    let mut b = Bench::new();
    let plan = b.plan(&graph(1));
    let save = plan.graph.nodes.iter().position(|node| node.id == "save").unwrap();
    let plan = plan.towards(&[save]);
    assert_eq!(
        plan.steps.iter().map(|step| &plan.node(step).id[..]).collect::<Vec<_>>(),
        ["read", "add", "save"]
    );
    b.run(&plan, &|_| {}, &AtomicBool::new(false)).unwrap();
    assert!(!b.path("out/y_00001.txt").exists() && pictures(&b) == 1);
}
