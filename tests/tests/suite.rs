//! `dreamwire check` over `suite/`: the complete rendered text for each faulty graph.

use dreamwire_tests::{Cmd, built, repository, same_text};
use std::ffi::OsStr;
use std::path::Path;

/// Checks one graph and compares exit code and text with its `.txt`.
fn check(graph: &Path) {
    let folder = graph.parent().expect("a graph of the suite lies in a folder");
    // Only the file's name: paths differ from machine to machine.
    let name = graph.file_name().expect("a graph has a name");
    let outcome = Cmd::of(&built().binary, folder).args([OsStr::new("check"), name]).run();
    let code = outcome.code.unwrap_or_else(|| panic!("{} ended by a signal", graph.display()));
    assert_eq!(outcome.stdout, "", "diagnostics are talk, not data");
    let plugins = built().plugins.canonicalize().expect("the plugins were built");
    let text = without_path(&outcome.stderr, &plugins.display().to_string());
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    same_text(&graph.with_extension("txt"), &format!("exit {code}\n{}\n", lines.join("\n").trim_end()));
}

/// Replaces a path that differs from machine to machine, also where it was wrapped.
fn without_path(text: &str, path: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = wrapped(rest, path) {
            // The line may have been broken because of the path alone.
            out.truncate(out.trim_end_matches(|c: char| c.is_whitespace() || c == '│').len());
            out.push_str(" [plugins]");
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// The length of `path` at the start of `text`, including line breaks and margins.
fn wrapped(text: &str, path: &str) -> Option<usize> {
    let mut rest = text;
    for wanted in path.chars() {
        if rest.starts_with('\n') && rest.len() < text.len() {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '│');
        }
        rest = rest.strip_prefix(wanted)?;
    }
    Some(text.len() - rest.len())
}

/// Faults: A3, A9, A10, A11, A12, A13, A14, A16, A17, A21.
#[test]
fn every_faulty_graph_gets_the_text_that_was_agreed() {
    let entries = std::fs::read_dir(repository().join("tests/suite")).expect("the suite is there");
    let mut graphs: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    graphs.retain(|path| path.extension().is_some_and(|e| e == "json"));
    graphs.sort();
    assert!(graphs.len() > 20, "{graphs:?}");
    let failed: Vec<String> = graphs
        .iter()
        .filter_map(|graph| std::panic::catch_unwind(|| check(graph)).err())
        .map(|why| why.downcast_ref::<String>().cloned().unwrap_or_default())
        .collect();
    assert!(failed.is_empty(), "{} of {} differ\n\n{}", failed.len(), graphs.len(), failed.join("\n\n"));
}
