//! The folder of graph files.

use std::path::Path;

use dreamwire_graph::{Diagnostic, Kinds, Source, parse};
use dreamwire_session::GraphFile;
use serde_json::Value;

/// Whether a file is named like a graph.
pub(crate) fn is_graph(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".json") && !name.starts_with('.') && name != "schema.json"
}

/// A graph as strict JSON in API form. `None` if it cannot be read.
pub(crate) fn api_form(source: &Source, kinds: &Kinds) -> Option<Value> {
    let (mut graph, _) = parse(source);
    graph.name_widgets(kinds);
    (!graph.damaged && !graph.nodes.is_empty()).then(|| graph.to_json(kinds))
}

/// As [`api_form`], of a file.
pub(crate) fn api_form_of(path: &Path, kinds: &Kinds) -> Option<Value> {
    let (source, problems) = GraphFile { path: path.to_owned(), ..GraphFile::default() }.read();
    if problems.iter().any(Diagnostic::is_error) { None } else { api_form(&source, kinds) }
}
