mod envelope;
pub(crate) mod literal;
pub(crate) mod members;
mod node;
mod syntax;
mod text;
mod varying;

use jsonc_parser::ast;

use crate::diagnostic::Diagnostic;
use crate::diagnostics::{empty, newer_version, not_an_object, syntax as not_json, too_large};
use crate::graph::{Beside, Graph};
use crate::source::{MAX_BYTES, Source, Span};
use crate::ui;

/// The most nodes a graph may have.
pub(crate) const MAX_NODES: usize = 100_000;

/// The most values in all, which bounds the memory of the parser.
pub(crate) const MAX_VALUES: usize = 2_000_000;

/// The most items that a list may have.
pub(crate) const MAX_ITEMS: usize = 65_536;

/// The version of the format that this program reads.
pub(crate) const VERSION: u64 = 1;

/// Parses a graph file in either form: all syntax problems at once, and whatever could be read. For the editor's own form
/// [`Graph::name_widgets`] has the rest, which needs the kinds.
pub fn parse(source: &Source) -> (Graph, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let mut graph = Graph::default();
    match root(&source.text) {
        Ok(value) => top(&value, &mut graph, &mut problems),
        Err(problem) => problems.push(problem),
    }
    graph.damaged |= problems.iter().any(Diagnostic::is_error);
    (graph, problems)
}

/// The syntax tree, or the error that prevents one.
fn root(text: &str) -> Result<ast::Value<'_>, Diagnostic> {
    if text.len() > MAX_BYTES {
        return Err(too_large::bytes(text.len()));
    }
    text::check(text)?;
    match syntax::parse(text)? {
        Some(value) => Ok(value),
        None => Err(empty::new(Span::new(0, text.len()))),
    }
}

fn top(value: &ast::Value<'_>, graph: &mut Graph, problems: &mut Vec<Diagnostic>) {
    let ast::Value::Object(object) = value else {
        problems.push(not_an_object::graph(members::span(value)));
        return;
    };
    let object = envelope::open(object, &mut graph.beside, problems);
    if object.get_array("nodes").is_some() {
        ui::read(object, graph, problems);
        return;
    }
    for member in members::unique(object, members::Of::Graph, problems) {
        if member.name == "$dreamwire" {
            graph.version = version(member.value, problems);
        } else if member.name.starts_with('$') || member.name.starts_with("x-") {
            // Not nodes: for editors and people.
        } else if envelope::is_beside(member.name, member.value) {
            graph.beside.push(Beside { name: member.name.to_owned(), span: member.name_span });
        } else if graph.nodes.len() == MAX_NODES {
            // Refused as a whole; further problems in it do not matter.
            problems.clear();
            problems.push(too_large::nodes(member.name_span, object.properties.len()));
            return;
        } else {
            graph.nodes.push(node::read(&member, &mut graph.beside, problems));
        }
    }
}

fn version(value: &ast::Value<'_>, problems: &mut Vec<Diagnostic>) -> Option<u64> {
    let number = value.as_number_lit().and_then(|number| number.value.parse::<u64>().ok());
    match number {
        Some(version) if version > VERSION => {
            problems.push(newer_version::new(members::span(value), version))
        }
        Some(0) | None => problems.push(newer_version::not_a_version(members::span(value))),
        Some(_) => {}
    }
    number
}

/// A syntax error with its message, for the modules below.
fn fault(span: Span, message: &str, label: &str, hint: &str) -> Diagnostic {
    not_json::new(span, message, label, hint)
}
