//! Edit scripts: exactly which steps run after each, in one process and in two that share a cache on disk.

use crate::arithmetic::Bench;
use dreamwire_engine::*;
use dreamwire_graph::{Source, check, parse};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

const GRAPH: &str = r#"{
  "read": {"class_type": "Read", "inputs": {"file": "in.txt"}},
  "int": {"class_type": "Int", "inputs": {"by": 5}},
  "add": {"class_type": "Add", "inputs": {"a": ["read", 0], "by": 1}},
  "round": {"class_type": "Round", "inputs": {"a": ["add", 0]}},
  "net": {"class_type": "Net", "inputs": {"file": "weights"}},
  "apply": {"class_type": "Apply", "inputs": {"a": ["round", 0], "net": ["net", 0]}},
  "plus": {"class_type": "Add", "inputs": {"a": ["apply", 0], "by": ["int", 0]}},
  "save": {"class_type": "Save", "inputs": {"a": ["plus", 0], "name": "sum"}},
  "raw": {"class_type": "Save", "inputs": {"a": ["add", 0], "name": "raw"}}
}"#;
const ALL: &str = "add apply int net plus raw read round save";

/// What an edit may touch.
struct Edited<'a> {
    text: String,
    sets: Vec<String>,
    bench: &'a mut Bench,
}

impl Edited<'_> {
    fn replace(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "`{from}` is not in the graph");
        self.text = self.text.replace(from, to);
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.bench.path(file), text).unwrap();
    }

    /// The nodes that ran, sorted; `broken` for a graph that cannot run.
    fn run(&mut self) -> String {
        let (mut graph, problems) = parse(&Source::new("g.json", &self.text));
        if !problems.is_empty() {
            return "broken".to_owned();
        }
        for set in &self.sets {
            graph.set(set, &self.bench.nodes.kinds).unwrap();
        }
        let (checked, problems) = check(&graph, &self.bench.nodes.kinds);
        assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
        let plan = Plan::new(checked.unwrap(), self.text.clone());
        let ran = Mutex::new(Vec::new());
        let emit = |event: Event| {
            if let Event::Started { node, .. } = event {
                ran.lock().unwrap().push(node);
            }
        };
        self.bench.run(&plan, &emit, &AtomicBool::new(false)).unwrap();
        let mut ran = ran.into_inner().unwrap();
        ran.sort();
        ran.join(" ")
    }
}

/// The newest file of each prefix.
fn outputs(bench: &Bench) -> Vec<(String, String)> {
    let mut files: Vec<String> = std::fs::read_dir(bench.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let newest = |prefix: &&str| files.iter().rev().find(|file| file.starts_with(prefix)).cloned();
    let prefixes = ["sum", "raw", "again", "y"];
    let newest = prefixes.iter().filter_map(|prefix| Some((prefix.to_string(), newest(prefix)?)));
    newest
        .map(|(prefix, file)| (prefix, std::fs::read_to_string(bench.path("out").join(file)).unwrap()))
        .collect()
}

/// Runs the graph, edits it, and runs it again. A function lives in memory only, so in another process `net` runs
/// again for each step that needs it.
#[track_caller]
fn check_edit(edit: impl Fn(&mut Edited<'_>), in_memory: &str, on_disk: &str) {
    let again = |on_disk: bool| {
        let mut bench = Bench::new();
        if on_disk {
            bench.begin_again();
        }
        let mut edited = Edited { text: GRAPH.to_owned(), sets: Vec::new(), bench: &mut bench };
        assert_eq!(edited.run(), ALL);
        if on_disk {
            edited.bench.begin_again();
        }
        edit(&mut edited);
        let ran = edited.run();
        (ran, outputs(&bench))
    };
    let mut fresh = Bench::new();
    let mut edited = Edited { text: GRAPH.to_owned(), sets: Vec::new(), bench: &mut fresh };
    edit(&mut edited);
    edited.run();
    let expected = outputs(&fresh);
    for (is_on_disk, expected_to_run) in [(false, in_memory), (true, on_disk)] {
        let (ran, found) = again(is_on_disk);
        assert_eq!(ran, expected_to_run, "on disk: {is_on_disk}");
        for output in &expected {
            assert!(found.contains(output), "{output:?} is not among {found:?} (on disk: {is_on_disk})");
        }
    }
}

#[test]
fn no_edit() {
    check_edit(|_| {}, "", "");
}

#[test]
fn spaces_and_lines() {
    check_edit(|it| it.text = it.text.replace('\n', "\r\n\t"), "", "");
}

#[test]
fn a_comment() {
    check_edit(|it| it.text.insert_str(1, "// about this graph\n"), "", "");
}

#[test]
fn a_title() {
    let title = r#""class_type": "Round", "_meta": {"title": "To tens"},"#;
    check_edit(|it| it.replace(r#""class_type": "Round","#, title), "", "");
}

#[test]
fn the_order_of_nodes() {
    let edit = |it: &mut Edited<'_>| {
        let mut lines: Vec<&str> = GRAPH.lines().collect();
        lines.swap(1, 5);
        lines.swap(2, 7);
        it.text = lines.join("\n");
    };
    check_edit(edit, "", "");
}

#[test]
fn the_order_of_inputs() {
    check_edit(|it| it.replace(r#""a": ["read", 0], "by": 1"#, r#""by": 1, "a": ["read", 0]"#), "", "");
}

#[test]
fn the_name_of_a_node() {
    check_edit(|it| it.text = it.text.replace(r#""add""#, r#""sum of both""#), "", "");
}

#[test]
fn a_param_without_effect_downstream() {
    // 7 + 2 rounds to 10 like 7 + 1.
    check_edit(|it| it.replace(r#""by": 1}"#, r#""by": 2}"#), "add raw round", "add net raw round");
}

#[test]
fn a_param() {
    let edit = |it: &mut Edited<'_>| it.replace(r#""by": 1}"#, r#""by": 20}"#);
    check_edit(edit, "add apply plus raw round save", "add apply net plus raw round save");
}

#[test]
fn a_param_there_and_back() {
    let edit = |it: &mut Edited<'_>| {
        it.replace(r#""by": 1}"#, r#""by": 20}"#);
        it.run();
        it.replace(r#""by": 20}"#, r#""by": 1}"#);
    };
    check_edit(edit, "", "");
}

#[test]
fn a_default_written_out() {
    let edit = |it: &mut Edited<'_>| {
        it.replace(r#", "name": "raw""#, "");
        it.run();
        it.replace(
            r#""a": ["add", 0]}}
}"#,
            r#""a": ["add", 0], "name": "x"}}
}"#,
        );
    };
    check_edit(edit, "", "");
}

#[test]
fn a_number_written_in_another_way() {
    check_edit(|it| it.replace(r#""by": 5"#, r#""by": 5.0"#), "", "");
}

#[test]
fn a_param_of_the_last_node() {
    check_edit(|it| it.replace(r#""sum""#, r#""y""#), "save", "save");
}

#[test]
fn a_scalar_over_a_link() {
    check_edit(|it| it.replace(r#""by": 5"#, r#""by": 6"#), "int plus save", "int plus save");
}

#[test]
fn a_scalar_in_place_of_a_link() {
    check_edit(|it| it.replace(r#""by": ["int", 0]"#, r#""by": 5"#), "", "");
}

#[test]
fn a_link() {
    check_edit(|it| it.replace(r#""a": ["plus", 0]"#, r#""a": ["apply", 0]"#), "save", "save");
}

#[test]
fn a_link_to_another_value_of_the_same_kind() {
    check_edit(|it| it.replace(r#"{"a": ["add", 0], "name""#, r#"{"a": ["round", 0], "name""#), "raw", "raw");
}

#[test]
fn a_new_node_that_nothing_needs() {
    let node = r#"{ "spare": {"class_type": "Int", "inputs": {"by": 1}},"#;
    check_edit(|it| it.text = it.text.replacen('{', node, 1), "", "");
}

#[test]
fn a_new_node_between_that_changes_nothing() {
    let edit = |it: &mut Edited<'_>| {
        let node = r#"{ "extra": {"class_type": "Add", "inputs": {"a": ["plus", 0], "by": 0}},"#;
        it.text = it.text.replacen('{', node, 1);
        it.replace(r#""a": ["plus", 0], "name""#, r#""a": ["extra", 0], "name""#);
    };
    check_edit(edit, "extra", "extra");
}

#[test]
fn a_new_node_that_is_another_ones_twin() {
    let edit = |it: &mut Edited<'_>| {
        let nodes = r#"{ "twin": {"class_type": "Add", "inputs": {"a": ["read", 0], "by": 1}},
                         "more": {"class_type": "Save", "inputs": {"a": ["twin", 0], "name": "again"}},"#;
        it.text = it.text.replacen('{', nodes, 1);
    };
    check_edit(edit, "more", "more");
}

#[test]
fn a_new_output() {
    let node = r#"{ "more": {"class_type": "Save", "inputs": {"a": ["round", 0], "name": "again"}},"#;
    check_edit(|it| it.text = it.text.replacen('{', node, 1), "more", "more");
}

#[test]
fn a_removed_output() {
    let output = r#",
  "raw": {"class_type": "Save", "inputs": {"a": ["add", 0], "name": "raw"}}"#;
    check_edit(|it| it.replace(output, ""), "", "");
}

#[test]
fn a_removed_node() {
    let edit = |it: &mut Edited<'_>| {
        it.replace("  \"round\": {\"class_type\": \"Round\", \"inputs\": {\"a\": [\"add\", 0]}},\n", "");
        it.replace(r#""a": ["round", 0]"#, r#""a": ["add", 0]"#);
    };
    check_edit(edit, "apply plus save", "apply net plus save");
}

/// Faults: F4.
#[test]
fn an_input_file_with_the_same_bytes() {
    check_edit(|it| it.write("in.txt", "seven.."), "", "");
}

#[test]
fn an_input_file_without_effect_downstream() {
    let edit = |it: &mut Edited<'_>| it.write("in.txt", "eight...");
    check_edit(edit, "add raw read round", "add net raw read round");
}

/// Faults: D13.
#[test]
fn an_input_file() {
    let edit = |it: &mut Edited<'_>| it.write("in.txt", "twenty characters...");
    check_edit(edit, "add apply plus raw read round save", "add apply net plus raw read round save");
}

#[test]
fn an_input_file_under_another_name() {
    let edit = |it: &mut Edited<'_>| {
        it.write("copy.txt", "seven..");
        it.replace("in.txt", "copy.txt");
    };
    // The name is a param, so `read` runs; what it reads has the same bytes.
    check_edit(edit, "read", "net read");
}

#[test]
fn weights() {
    let edit = |it: &mut Edited<'_>| it.write("weights", "abcd");
    check_edit(edit, "apply net plus save", "apply net plus save");
}

#[test]
fn weights_with_the_same_bytes() {
    check_edit(|it| it.write("weights", "abc"), "", "");
}

/// Faults: B15.
#[test]
fn a_rebuilt_plugin() {
    check_edit(|it| *it.bench.nodes.build.lock().unwrap() = "build 2".to_owned(), ALL, ALL);
}

#[test]
fn a_plugin_rebuilt_there_and_back() {
    let edit = |it: &mut Edited<'_>| {
        *it.bench.nodes.build.lock().unwrap() = "build 2".to_owned();
        it.run();
        *it.bench.nodes.build.lock().unwrap() = "build 1".to_owned();
    };
    check_edit(edit, "", "");
}

#[test]
fn a_broken_graph_and_a_mended_one() {
    let edit = |it: &mut Edited<'_>| {
        let whole = it.text.clone();
        it.text.truncate(300);
        assert_eq!(it.run(), "broken");
        it.text = whole;
    };
    check_edit(edit, "", "");
}

#[test]
fn an_override() {
    let edit = |it: &mut Edited<'_>| it.sets.push("add.by=20".to_owned());
    check_edit(edit, "add apply plus raw round save", "add apply net plus raw round save");
}

#[test]
fn an_override_with_the_value_of_the_file() {
    check_edit(|it| it.sets.push("add.by=1".to_owned()), "", "");
}

#[test]
fn a_published_file_that_was_removed() {
    let edit = |it: &mut Edited<'_>| {
        let _ = std::fs::remove_file(it.bench.path("out/sum_00001.txt"));
    };
    check_edit(edit, "", "");
}

#[test]
fn another_device() {
    check_edit(|it| it.bench.options.device = Device::Metal, ALL, ALL);
}

#[test]
fn more_threads() {
    check_edit(|it| it.bench.options.threads = 8, "", "");
}

#[test]
fn a_cache_that_was_removed() {
    // One process has its memory, the next one has nothing.
    check_edit(|it| drop(std::fs::remove_dir_all(it.bench.path("cache"))), "", ALL);
}
