//! Output to a terminal, a pipe and a full disk.

use dreamwire_tests::{Cmd, Folder, built};
use std::fs::OpenOptions;
use std::process::Command;

/// Characters that control a terminal or a line, escaped as JSON.
const OBEYED: [&str; 5] = ["\\u009b31m", "\\r", "\\u202e", "\\u001b[2J", "\\n"];

fn nothing_obeyed(text: &str, graph: &str) {
    let found = text.chars().find(|&c| {
        let line = matches!(c, '\n' | '\t');
        (c.is_control() && !line) || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(found, None, "of {graph}\nin {text:?}");
}

#[test]
fn nothing_that_a_terminal_obeys_comes_out_of_a_graph() {
    for bad in OBEYED {
        for graph in [
            format!(r#"{{ "a{bad}b": {{ "class_type": "NoiseImage" }} }}"#),
            format!(r#"{{ "a": {{ "class_type": "Noise{bad}Image" }} }}"#),
            format!(r#"{{ "a": {{ "class_type": "NoiseImage", "inputs": {{ "wid{bad}th": 3 }} }} }}"#),
            format!(r#"{{ "a": {{ "class_type": "SaveImage", "inputs": {{ "images": ["b{bad}", 0] }} }} }}"#),
            format!(r#"{{ "a": {{ "class_type": "SaveImage", "inputs": {{ "format": "p{bad}ng" }} }} }}"#),
            format!(
                r#"{{ "a": {{ "class_type": "LoadImage", "inputs": {{ "image": "c{bad}.png" }} }},
                      "s": {{ "class_type": "SaveImage", "inputs": {{ "images": ["a", 0] }} }} }}"#
            ),
        ] {
            let folder = Folder::new();
            folder.write("graph.json", &graph);
            for words in [&["check", "graph.json"][..], &["run", "graph.json"], &["describe", "graph.json"]] {
                let outcome = Cmd::new(&folder).args(words).run();
                assert_ne!(outcome.code, Some(70), "{}", outcome.stderr);
                nothing_obeyed(&outcome.stderr, &graph);
                nothing_obeyed(&outcome.stdout, &graph);
            }
        }
    }
}

#[test]
fn a_name_of_megabytes_is_not_printed_whole() {
    let name = "X".repeat(15 << 20);
    let folder = Folder::new();
    folder.write("graph.json", format!(r#"{{ "a": {{ "class_type": "{name}" }} }}"#));
    let outcome = Cmd::new(&folder).args(["check", "graph.json"]).run();
    outcome.exits(4).says("unknown kind `XXX");
    assert!(outcome.stderr.len() < 20_000, "{} bytes", outcome.stderr.len());
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_on_a_full_disk_is_no_success() {
    let folder = Folder::new();
    for words in [&["nodes", "--schema"][..], &["nodes", "--json"], &["plugin", "list"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("the full device");
        let done = Command::new(&built().binary).args(words).current_dir(folder.path()).stdout(full).output();
        let done = done.expect("the program starts");
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(6), "{words:?}: {said}");
        assert!(said.contains("cannot write to standard output: No space left on device"), "{said}");
    }
}

/// Faults: A8.
#[cfg(target_os = "linux")]
#[test]
fn large_lists_take_bounded_memory_and_many_links_little_time() {
    let folder = Folder::new();
    let wrap =
        |inputs: &str| format!(r#"{{ "s": {{ "class_type": "SumObjective", "inputs": {{ {inputs} }} }} }}"#);
    let program = built().binary.display().to_string();
    // The limit is 1.5 GB of address space, most of it for libraries and stacks. Twice as much was needed before.
    let check = || {
        let script = format!("ulimit -v 1500000; exec '{program}' check graph.json");
        let done = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output();
        let done = done.expect("bash starts");
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    folder
        .write("graph.json", wrap(&format!(r#""weights": {{"__value__": [{}1]}}"#, "1,".repeat(8_000_000))));
    let (code, said) = check();
    assert!(code == Some(8) && said.contains("more than 2000000 values"), "{code:?} {said}");
    folder
        .write("graph.json", wrap(&format!(r#""weights": {{"__value__": [{}1]}}"#, "1,".repeat(1_900_000))));
    let (code, said) = check();
    assert!(code == Some(3) && said.contains("a list has 1900001 items"), "{code:?} {said}");
    let links: Vec<String> = (0..160_000).map(|n| format!(r#""objectives.{n}": ["s", 0]"#)).collect();
    folder.write("graph.json", wrap(&links.join(",")));
    let (code, said) = check();
    // With quadratic time the test would time out first.
    assert!(code == Some(3) && said.contains("more than 1024 links"), "{code:?} {said}");
}
