//! What the program says about its kinds: lists, documents, and the names that the loader knows by heart.

use dreamwire_loader::KNOWN;
use dreamwire_tests::{Cmd, Folder, repository, same_text};

fn nodes(arguments: &[&str]) -> String {
    let outcome = Cmd::new(&Folder::new()).args(["nodes"]).args(arguments).run();
    outcome.exits(0);
    outcome.stdout
}

#[test]
fn the_node_reference_is_what_the_program_says() {
    same_text(&repository().join("docs/nodes.md"), &nodes(&["--markdown"]));
}

#[test]
fn the_schema_of_graph_files_is_what_the_program_says() {
    same_text(&repository().join("graphs/schema.json"), &nodes(&["--schema"]));
}

#[test]
fn every_kind_is_listed_with_its_plugin() {
    let listed = nodes(&[]);
    for (kind, library) in KNOWN {
        assert!(listed.contains(kind), "{kind} expected in:\n{listed}");
        let plugin = library.replace("dreamwire_", "org.dreamwire.");
        assert!(listed.contains(&plugin), "{plugin} expected in:\n{listed}");
    }
}

#[test]
fn one_kind_is_told_with_its_ports_and_params() {
    let told = nodes(&["Resize"]);
    for word in ["Resize", "image", "IMAGE", "width", "method", "lanczos3", "org.dreamwire.image"] {
        assert!(told.contains(word), "{word} expected in:\n{told}");
    }
}

#[test]
fn a_kind_that_does_not_exist_is_said_to_be_unknown() {
    let outcome = Cmd::new(&Folder::new()).args(["nodes", "Resise"]).run();
    outcome.exits(4).says("unknown kind `Resise`");
}

/// Kind and library stem of everything that the libraries beside the program offer.
fn offered() -> Vec<(String, String)> {
    let listed: serde_json::Value =
        serde_json::from_str(&nodes(&["--json"])).expect("`nodes --json` is JSON");
    let list = listed.as_array().or_else(|| listed["kinds"].as_array()).expect("a list of kinds");
    let mut offered: Vec<(String, String)> = list
        .iter()
        .map(|kind| {
            let text = |name: &str| kind[name].as_str().unwrap_or_else(|| panic!("`{name}` of {kind:#}"));
            let stem =
                std::path::Path::new(text("file")).file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            let stem = stem.strip_prefix(std::env::consts::DLL_PREFIX).unwrap_or(stem);
            (text("kind").to_owned(), stem.to_owned())
        })
        .collect();
    offered.sort();
    offered
}

/// The file is written here (`just bless`), so that nobody keeps the list by hand.
#[test]
fn the_list_of_known_kinds_is_what_the_libraries_offer() {
    let mut text = String::from(
        "//! Our own kinds and the libraries that give them, so that a missing plugin can be named. Written by `just bless`.\n\n\
         /// Kind id and library stem (`libdreamwire_vgg.so` without prefix and ending), by kind.\n\
         pub const KNOWN: &[(&str, &str)] = &[\n",
    );
    for (kind, stem) in offered() {
        text.push_str(&format!("    (\"{kind}\", \"{stem}\"),\n"));
    }
    text.push_str("];\n");
    same_text(&repository().join("host/loader/src/known.rs"), &text);
}
