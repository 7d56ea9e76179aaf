//! Files on their way to a server, and from it.

use std::collections::{HashMap, HashSet};

use dreamwire_engine::world::annotation::{self, Folder, PREVIEWS};
use dreamwire_engine::{Disk, Event, Hash, InputPath, World, WorldError};
use dreamwire_graph::{Class, Code, Diagnostic, Format, Graph, Hint, Input, InputValue, Kinds, Node};
use serde_json::Value;

use super::client::{Client, Uploaded};
use super::problems::place;
use crate::exit::Exit;
use crate::output::Refused;

/// Where uploads go, below the server's input folder: each in a folder named by its content, so that no two files have the
/// same name, and a file that is sent again is kept once.
const UPLOADS: &str = "via";

/// Sends the pictures that a graph names and that are on this machine, and names them as the server does. What is not here
/// may be there. A graph may send what it may read: files of its own folder and of the input folders.
///
/// # Errors
/// The server cannot be asked. Problems are files that are here and cannot be read, or that the server does not take.
pub(super) fn send(
    graph: &mut Graph,
    kinds: &Kinds,
    disk: &Disk,
    client: &Client,
) -> Result<Vec<Diagnostic>, Refused> {
    let (mut sent, mut problems): (HashMap<(Hash, String), String>, _) = (HashMap::new(), Vec::new());
    for node in &mut graph.nodes {
        let Some(kind) = kinds.get(&node.kind) else { continue };
        let is_file = |input: &Input| {
            kind.params.get(&input.name).is_some_and(|param| param.format == Some(Format::File))
        };
        for index in 0..node.inputs.len() {
            let input = &node.inputs[index];
            let Some(path) = path(input).filter(|_| is_file(input)) else { continue };
            let file = match disk.read(&path, u64::MAX) {
                Ok(file) => file,
                Err(error) => {
                    // It is nowhere on this machine.
                    if error.looked.iter().any(|path| path.symlink_metadata().is_ok()) {
                        problems.push(unreadable(node, &input.name, error));
                    }
                    continue;
                }
            };
            let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let known = (file.hash, name.clone());
            let there = match sent.get(&known) {
                Some(there) => there.clone(),
                None => {
                    let folder = format!("{UPLOADS}/{}", &file.hash.to_hex()[..32]);
                    let there = match client.upload(&folder, &name, &file.bytes) {
                        Ok(Uploaded(there)) => there,
                        Err(Refused { message, hint, exit: Exit::INPUT }) => {
                            let error = WorldError { hint: hint.map(Hint::from), ..failed(message) };
                            problems.push(unreadable(node, &input.name, error));
                            continue;
                        }
                        Err(refused) => return Err(refused),
                    };
                    sent.insert(known, there.clone());
                    there
                }
            };
            node.inputs[index].value = InputValue::Literal(Value::String(there));
        }
    }
    Ok(problems)
}

/// The file that an input names on this machine, if it may be one.
fn path(input: &Input) -> Option<InputPath> {
    let InputValue::Literal(Value::String(text)) = &input.value else { return None };
    let is_elsewhere = matches!(annotation::split(text), Some((_, Folder::Output | Folder::Temporary)));
    // What `--set` gives may lie anywhere.
    let anywhere = input.value_span.is_none();
    (!text.is_empty() && !is_elsewhere).then(|| InputPath { text: text.clone(), anywhere, many: false })
}

fn unreadable(node: &Node, input: &str, error: WorldError) -> Diagnostic {
    let message = format!("node `{}` ({}): {}", node.id, node.kind, error.message);
    let (span, label) = place(node, input);
    let problem = Diagnostic::error(Code::new("world::file"), Class::Input, message)
        .label(span, label)
        .about(&node.id, input);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Fetches what nodes publish, each file once.
#[derive(Default)]
pub(super) struct Fetched {
    known: HashSet<(String, String, String)>,
    /// What could not be fetched or written.
    pub(super) problems: Vec<Diagnostic>,
}

impl Fetched {
    /// Fetches the files of a node's output that are new, and gives the events of those.
    pub(super) fn fetch(
        &mut self,
        graph: &Graph,
        node: &str,
        output: &Value,
        disk: &Disk,
        client: &Client,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for file in listed(output) {
            if !self.known.insert((file.kind.clone(), file.folder.clone(), file.name.clone())) {
                continue;
            }
            match file.fetch(disk, client) {
                Ok(published) => {
                    events.push(Event::Published { node: node.to_owned(), file: published });
                }
                Err(error) => self.problems.push(unpublished(graph, node, error)),
            }
        }
        events
    }
}

fn unpublished(graph: &Graph, node: &str, error: WorldError) -> Diagnostic {
    let problem = Diagnostic::error(Code::new("run::publish"), Class::Output, error.message);
    let problem = match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem.hint("the server has it still"),
    };
    match graph.nodes.iter().find(|own| own.id == node) {
        Some(own) => problem.label(own.id_span, "this node published it").about(node, ""),
        None => problem,
    }
}

/// A file of a node, as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    kind: String,
    folder: String,
    name: String,
}

/// The files of an output: pictures and others. What a node read is none of its files.
fn listed(output: &Value) -> Vec<Listed> {
    let lists = output.as_object().into_iter().flatten().filter_map(|(_, list)| list.as_array());
    let file = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().map(str::to_owned);
        let kind = text("type").unwrap_or_else(|| "output".to_owned());
        let file = Listed { kind, folder: text("subfolder").unwrap_or_default(), name: text("filename")? };
        ["output", "temp"].contains(&file.kind.as_str()).then_some(file)
    };
    lists.flatten().filter_map(file).collect()
}

impl Listed {
    /// The name below the output folder: that of the server. Previews have a folder of their own, as those of a run here.
    fn local(&self) -> Result<String, WorldError> {
        let place = (self.kind == "temp").then_some(PREVIEWS);
        let folder = Some(self.folder.as_str()).filter(|folder| !folder.is_empty());
        let parts: Vec<&str> = place.into_iter().chain(folder).chain([self.name.as_str()]).collect();
        let name = parts.join("/");
        // Such names mean something to programs, and no node gives them.
        if name.split('/').any(|part| part.starts_with('.')) {
            return Err(failed(format!("`{name}` of the server is hidden or leads elsewhere")));
        }
        Ok(name)
    }

    fn fetch(&self, disk: &Disk, client: &Client) -> Result<dreamwire_engine::Published, WorldError> {
        let name = self.local()?;
        let query = [("filename", self.name.as_str()), ("subfolder", &self.folder), ("type", &self.kind)];
        let bytes = client.file(&query).map_err(|refused| {
            failed(format!("cannot fetch `{name}` from the server: {}", refused.message))
        })?;
        disk.keep(&name, &bytes)
    }
}

fn failed(message: String) -> WorldError {
    WorldError { message, hint: None, looked: Vec::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_file_of_an_output_is_listed() {
        let output = json!({
            "images": [{ "filename": "a.png", "subfolder": "x", "type": "output" },
                { "filename": "b.png", "subfolder": "", "type": "temp" },
                { "filename": "read.png", "type": "input" }, { "no": 1 }],
            "files": [{ "filename": "c.npz" }], "text": ["words"], "animated": [false],
        });
        let names: Vec<String> = listed(&output).iter().map(|file| file.local().unwrap()).collect();
        assert_eq!(names, ["x/a.png", "preview/b.png", "c.npz"]);
        assert!(listed(&json!([])).is_empty() && listed(&Value::Null).is_empty());
    }

    /// Faults: V3.
    #[test]
    fn no_name_of_a_server_leaves_the_folder() {
        let local = |folder: &str, name: &str| {
            Listed { kind: "output".to_owned(), folder: folder.to_owned(), name: name.to_owned() }.local()
        };
        for (folder, name) in
            [("..", "a.png"), ("a/../..", "b"), ("", ".bashrc"), (".git/hooks", "x"), ("", "..")]
        {
            assert!(local(folder, name).is_err(), "{folder} {name}");
        }
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(Vec::new(), folder.path().join("out"));
        for (place, name) in
            [("/etc", "a.png"), ("a\\b", "c.png"), ("a//b", "c.png"), ("C:", "a.png"), ("", "")]
        {
            let name = local(place, name).unwrap();
            assert!(disk.keep(&name, b"x").is_err(), "{name}");
        }
        assert_eq!(disk.keep(&local("sub", "a.png").unwrap(), b"x").unwrap().name, "sub/a.png");
    }

    #[test]
    fn what_may_be_a_picture_of_this_machine() {
        let text = r#"{ "a": { "class_type": "L", "inputs": { "x": "a.png", "y": "b.png [output]", "z": "",
            "i": "c.png [input]", "n": 1 } } }"#;
        let (graph, _) = dreamwire_graph::parse(&dreamwire_graph::Source::new("g.json", text));
        let paths: Vec<String> =
            graph.nodes[0].inputs.iter().filter_map(path).map(|path| path.text).collect();
        assert_eq!(paths, ["a.png", "c.png [input]"]);
    }
}
