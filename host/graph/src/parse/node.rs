use jsonc_parser::ast::Value;

use super::literal;
use super::members::{self, Member, Of};
use crate::diagnostic::{Diagnostic, Subject};
use crate::diagnostics::{not_an_object, not_text, unknown_field};
use crate::editor;
use crate::graph::{Beside, Input, InputValue, Node};
use crate::source::Span;

/// Parses one node. Unreadable parts are reported and left out; the node itself stays, so that links to it are not
/// reported as well.
pub(super) fn read(member: &Member<'_>, beside: &mut Vec<Beside>, problems: &mut Vec<Diagnostic>) -> Node {
    let before = problems.len();
    let node = fields(member, beside, problems);
    for problem in &mut problems[before..] {
        let whole = || Box::new(Subject { node: node.id.clone(), input: String::new() });
        problem.subject.get_or_insert_with(whole);
    }
    node
}

fn fields(member: &Member<'_>, beside: &mut Vec<Beside>, problems: &mut Vec<Diagnostic>) -> Node {
    let value_span = members::span(member.value);
    let mut node = Node {
        id: member.name.to_owned(),
        id_span: member.name_span,
        span: Span::new(member.name_span.start, value_span.end),
        kind: String::new(),
        kind_span: member.name_span,
        inputs: Vec::new(),
        title: None,
        widgets: None,
    };
    let Value::Object(object) = member.value else {
        problems.push(not_an_object::node(&node.id, value_span));
        return node;
    };
    let mut has_kind = false;
    for field in members::unique(object, Of::Object, problems) {
        match field.name {
            "class_type" => {
                has_kind = true;
                node.kind_span = members::span(field.value);
                match field.value {
                    Value::StringLit(kind) => {
                        problems.extend(members::unprintable(&kind.value, node.kind_span));
                        node.kind = kind.value.to_string();
                    }
                    _ => problems.push(not_text::kind(&node.id, node.kind_span)),
                }
            }
            "inputs" => node.inputs = inputs(&node.id, field.value, problems),
            "_meta" => node.title = title(field.value, problems),
            name if name.starts_with("x-") => {}
            name if editor::is_field(name) => {
                beside.push(Beside { name: name.to_owned(), span: field.name_span });
            }
            name => {
                // `"kind": "LoadImage"` is one mistake, not two.
                has_kind |= unknown_field::stands_for(name) == Some("class_type");
                problems.push(unknown_field::new(name, field.name_span));
            }
        }
    }
    if !has_kind {
        problems.push(not_text::no_kind(&node.id, member.name_span));
    }
    node
}

fn inputs(id: &str, value: &Value<'_>, problems: &mut Vec<Diagnostic>) -> Vec<Input> {
    let Value::Object(object) = value else {
        problems.push(not_an_object::inputs(id, members::span(value)));
        return Vec::new();
    };
    let mut inputs = Vec::new();
    for member in members::unique(object, Of::Object, problems) {
        let before = problems.len();
        let mut value = literal::input(member.value, problems);
        if editor::is_input(member.name) && problems.len() > before {
            // Widgets give objects too. Only the check knows whether the kind has such an input.
            problems.truncate(before);
            value = InputValue::Unread;
        }
        for problem in &mut problems[before..] {
            let subject = Subject { node: id.to_owned(), input: member.name.to_owned() };
            problem.subject = Some(Box::new(subject));
        }
        inputs.push(Input {
            name: member.name.to_owned(),
            name_span: member.name_span,
            value,
            value_span: Some(members::span(member.value)),
        });
    }
    inputs
}

fn title(value: &Value<'_>, problems: &mut Vec<Diagnostic>) -> Option<String> {
    let Value::Object(object) = value else {
        problems.push(not_an_object::meta(members::span(value)));
        return None;
    };
    let mut title = None;
    for member in members::unique(object, Of::Object, problems) {
        if member.name == "title" {
            title = member.value.as_string_lit().map(|text| text.value.to_string());
        }
    }
    title
}
