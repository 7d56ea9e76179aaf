//! Who may import whom, and where things may be written: the rules of ARCHITECTURE.md, checked in the source.

use dreamwire_tests::{cargo, repository};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::PathBuf;

/// The crates that one of our crates may import.
struct Rule {
    name: String,
    ours: Vec<String>,
    candle: bool,
}

/// Reads the rules from the table of ARCHITECTURE.md, so that the two cannot differ.
fn rules() -> Vec<Rule> {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("the document is there");
    let (_, table) = text.split_once("| crate | of ours | candle |").expect("it has the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut rules = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [names, ours, candle] = cells[..] else { panic!("a row of another shape: {row}") };
        let ours = if ours == "nothing" { Vec::new() } else { ours.split(", ").map(package).collect() };
        for name in names.split(", ") {
            rules.push(Rule { name: package(name), ours: ours.clone(), candle: candle == "yes" });
        }
    }
    assert!(rules.len() > 15, "{} rules", rules.len());
    rules
}

/// The package of a short name in the table.
fn package(short: &str) -> String {
    match short {
        "cli" => "dreamwire".to_owned(),
        "template" => "node-template".to_owned(),
        name => format!("dreamwire-{name}"),
    }
}

/// Third-party crates that only some of ours may import.
const DOORS: &[(&str, &[&str])] = &[
    ("libloading", &["dreamwire-loader"]),
    ("cap-std", &["dreamwire-engine", "dreamwire-server"]),
    ("axum", &["dreamwire-server"]),
    ("rusqlite", &["dreamwire-server"]),
    ("ureq", &["dreamwire", "dreamwire-tests"]),
    ("tungstenite", &["dreamwire", "dreamwire-tests"]),
];

/// Every workspace member, with the names of its dependencies outside of tests.
fn members() -> Vec<(String, Vec<String>)> {
    let done =
        cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output().expect("cargo starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let metadata: Value = serde_json::from_slice(&done.stdout).expect("metadata is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let imports =
                dependencies.iter().filter(|d| d["kind"] != "dev" || package["name"] == "dreamwire-tests");
            (text(&package["name"]), imports.map(|d| text(&d["name"])).collect())
        })
        .collect()
}

#[test]
fn every_crate_imports_only_what_the_design_allows() {
    let (members, rules) = (members(), rules());
    let ours = |name: &str| members.iter().any(|(member, _)| member == name);
    for (name, imports) in &members {
        let rule = rules.iter().find(|rule| rule.name == *name);
        let rule = rule.unwrap_or_else(|| panic!("there is no rule for the new crate {name}"));
        for import in imports {
            assert!(!ours(import) || rule.ours.contains(import), "{name} must not import {import}");
            assert!(rule.candle || !import.starts_with("candle"), "{name} must not import {import}");
            let door = DOORS.iter().find(|(door, _)| door == import);
            assert!(
                door.is_none_or(|(_, owners)| owners.contains(&name.as_str())),
                "{name} must not import {import}"
            );
        }
    }
    for rule in &rules {
        assert!(ours(&rule.name), "the crate {} has a rule and does not exist", rule.name);
    }
}

/// Dependencies between folders: `nodes` and `host` may depend on `plugins`, but not on each other; but the program reads
/// files of weights, which are data, with the crate that the nodes read them with.
#[test]
fn no_arrow_runs_out_of_its_storey() {
    let folder = |name: &str| {
        let done =
            cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output().expect("cargo starts");
        let metadata: Value = serde_json::from_slice(&done.stdout).expect("metadata is JSON");
        let package = metadata["packages"].as_array().into_iter().flatten().find(|p| p["name"] == name);
        let manifest =
            package.and_then(|package| package["manifest_path"].as_str()).expect("a manifest").to_owned();
        let path = std::path::Path::new(&manifest).strip_prefix(repository()).expect("ours").to_owned();
        path.iter().next().and_then(OsStr::to_str).expect("a folder").to_owned()
    };
    let members = members();
    let folders: Vec<(&str, String)> =
        members.iter().map(|(name, _)| (name.as_str(), folder(name))).collect();
    for (name, imports) in &members {
        let of =
            |name: &str| folders.iter().find(|(other, _)| *other == name).map(|(_, folder)| folder.as_str());
        let allowed: &[&str] = match of(name) {
            Some("plugins") => &["plugins"],
            Some("nodes") => &["plugins", "nodes"],
            Some("host") => &["plugins", "host"],
            Some("benches") => &["nodes"],
            _ => continue,
        };
        let is_exception = |import: &str| name == "dreamwire" && import == "dreamwire-formats";
        let imports = imports.iter().filter(|import| !is_exception(import));
        for import in imports.filter_map(|import| of(import).map(|folder| (import, folder))) {
            assert!(allowed.contains(&import.1), "{name} must not import {}", import.0);
        }
    }
}

/// Names of all crates linked into a crate.
fn linked(package: &str) -> Vec<String> {
    let arguments = ["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"];
    let done = cargo().args(arguments).output().expect("cargo starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let lines = String::from_utf8_lossy(&done.stdout).into_owned();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_program_links_no_candle() {
    let linked = linked("dreamwire");
    assert!(linked.iter().any(|name| name == "libloading"), "{linked:?}");
    assert!(!linked.iter().any(|name| name.contains("candle") || name == "dreamwire-nets"), "{linked:?}");
}

#[test]
fn networks_and_kernels_have_never_heard_of_plugins() {
    for package in ["dreamwire-nets", "dreamwire-kernels"] {
        let linked = linked(package);
        assert!(linked.iter().any(|name| name == "candle-core"), "{linked:?}");
        assert!(!linked.iter().any(|name| name == "dreamwire-abi" || name == "dreamwire-sdk"), "{linked:?}");
    }
}

/// Every Rust file of the repository: its path from the root, with forward slashes, and its text.
fn sources() -> Vec<(String, String)> {
    let root = repository();
    let mut pending: Vec<PathBuf> =
        ["benches", "host", "nodes", "plugins", "tests"].map(|part| root.join(part)).into();
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).expect("our folders can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root).expect("it lies in the repository");
                let text = std::fs::read_to_string(&path).expect("sources are text");
                found.push((name.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    assert!(found.len() > 100, "{} files", found.len());
    found
}

/// Places where one of the words occurs in code, as a whole word outside comments.
fn uses(words: &[String], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut places = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| !allowed(name)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_word = |word: &String| {
                code.match_indices(word.as_str()).any(|(at, _)| {
                    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
                    !code[..at].ends_with(part_of_a_word)
                        && !code[at + word.len()..].starts_with(part_of_a_word)
                })
            };
            if words.iter().any(is_word) {
                places.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    places
}

#[test]
fn raw_pointers_stay_in_six_crates() {
    let allowed = [
        "plugins/abi/",
        "plugins/socket/",
        "plugins/cuda/",
        "plugins/sdk/",
        "host/loader/",
        "nodes/kernels/",
    ];
    let word = ["un", "safe"].concat();
    let mut places = uses(&[word], |name| allowed.iter().any(|folder| name.starts_with(folder)));
    // Browsers have policies of that name.
    places.retain(|place| !place.contains("-src 'self'") && !place.contains("-src 'none'"));
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn only_the_program_prints() {
    let words = ["print", "println", "eprint", "eprintln", "dbg"].map(|name| format!("{name}{}", '!'));
    let places = uses(&words, |name| name.starts_with("host/cli/"));
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn no_file_is_longer_than_800_lines() {
    let long = sources().into_iter().map(|(name, text)| (name, text.lines().count()));
    let long: Vec<_> = long.filter(|(_, lines)| *lines > 800).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn every_graph_of_the_suite_has_its_text() {
    let suite = repository().join("tests/suite");
    let stems = |extension: &str| {
        let entries =
            std::fs::read_dir(&suite).expect("the suite is there").flatten().map(|entry| entry.path());
        let files = entries.filter(|path: &PathBuf| path.extension().is_some_and(|e| e == extension));
        let mut stems: Vec<_> = files.filter_map(|path| path.file_stem().map(OsStr::to_owned)).collect();
        stems.sort();
        stems
    };
    assert_eq!(stems("json"), stems("txt"), "(graphs, texts); BLESS=1 writes the texts");
}

/// Only the command line may name flags and exit codes: the crates below it have other front ends too.
#[test]
fn the_core_speaks_no_command_line() {
    let below = |name: &str| {
        let core =
            ["host/graph/src", "host/engine/src", "host/loader/src", "host/session/src", "host/check/src"];
        core.iter().chain(&["plugins/"]).any(|folder| name.starts_with(folder))
    };
    let flags = ["--set", "--in", "--out", "--plugins", "--device", "--threads", "--allow-nonfinite"];
    let mut places = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| below(name) && !name.ends_with("tests.rs")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if flags.iter().any(|flag| code.contains(flag)) || code.contains("exit_code") {
                places.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(places.is_empty(), "{places:#?}");
}
